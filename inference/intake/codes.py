"""Why a file is not taken: one table of stable codes and English templates.

A reason is a key of `TEMPLATES`; the code that clients see is the part before the dot, so that one code can carry
several sentences. The edge translates the template and then fills in the parameters.
"""

from __future__ import annotations

from typing import Any

from inference.domain.errors import UnreadableFile, UserError


def gettext_noop(text: str) -> str:
    """Mark `text` for translation; a name that `makemessages` knows, without Django, which a child must not import."""
    return text


TEMPLATES: dict[str, str] = {
    "empty_file": gettext_noop("The file is empty."),
    "unreadable_file.type": gettext_noop("The file is neither DICOM nor PNG, JPEG or a zip archive."),
    "unsupported_syntax": gettext_noop("The DICOM transfer syntax %(syntax)s is not supported."),
    "unreadable_file": gettext_noop("The file is damaged or not complete."),
    "unreadable_file.truncated": gettext_noop("The file ends before its pixel data does."),
    "unreadable_file.pixels": gettext_noop("The header can be read, but the pixel data can not be decoded."),
    "unreadable_file.decoder": gettext_noop("Reading the file broke the decoder."),
    "unreadable_file.slow": gettext_noop("Reading the file takes longer than %(seconds)s seconds."),
    "unreadable_file.uid": gettext_noop("The DICOM header has no valid %(attribute)s."),
    "file_too_large": gettext_noop("The file is larger than %(limit)s bytes."),
    "request_too_large": gettext_noop("The files of one request together are larger than %(limit)s bytes."),
    "image_too_large": gettext_noop("The image has %(rows)s x %(columns)s pixels; the limit is %(limit)s pixels."),
    "image_too_large.frames": gettext_noop("The image has %(frames)s frames; the limit is %(limit)s."),
    "image_too_large.decoded": gettext_noop("The decoded image takes more than %(limit)s bytes."),
    "image_too_large.inflated": gettext_noop("The inflated data set takes more than %(limit)s bytes."),
    "image_too_large.memory": gettext_noop("The image needs more memory than reading one file may take."),
    "not_an_image": gettext_noop("The DICOM object holds no image that can be analysed."),
    "not_an_image.dicomdir": gettext_noop("DICOMDIR is not taken; send the image files themselves."),
    "not_an_image.animated": gettext_noop("Animated images are not taken; send single frames."),
    "archive_refused": gettext_noop("The zip archive is damaged."),
    "archive_refused.encrypted": gettext_noop("The file inside the zip archive is encrypted."),
    "archive_refused.nested": gettext_noop(
        "The file inside the zip archive is an archive itself (zip, docx, jar), which is not opened."
    ),
    "archive_refused.name": gettext_noop("The file inside the zip archive has an unsafe or doubled name."),
    "archive_refused.link": gettext_noop("The file inside the zip archive is a symbolic link or a special file."),
    "archive_refused.entries": gettext_noop("The zip archive holds more than %(limit)s files."),
    "archive_refused.size": gettext_noop("The zip archive unpacks to more than %(limit)s bytes."),
    "archive_refused.ratio": gettext_noop("The file inside the zip archive is packed more than %(limit)s times."),
    "archive_refused.method": gettext_noop(
        "The file inside the zip archive uses a packing method other than stored or deflated."
    ),
    "archive_refused.empty": gettext_noop("The zip archive holds no file."),
    "too_many_files": gettext_noop("A request takes at most %(limit)s files, those inside archives counted."),
    "no_files": gettext_noop("The request holds no file."),
    "other_study": gettext_noop("The file belongs to another study; send each study in a request of its own."),
    "mixed_kinds": gettext_noop("PNG and JPEG images can not join a DICOM study; send them in a request of their own."),
    "burned_in_text": gettext_noop(
        "The image may show the patient's name in its pixels, and such images are refused by your organisation's rule."
    ),
    "uid_conflict": gettext_noop("Another file with the same SOP Instance UID is already stored."),
}


def refusal(reason: str, **params: Any) -> UnreadableFile:
    """The error for `reason`, a key of `TEMPLATES`."""
    return UnreadableFile(TEMPLATES[reason], code=code_of(reason), **params)


def request_refusal(reason: str, **params: Any) -> UserError:
    """The error for a whole request that is not taken, whatever its files hold."""
    return UserError(TEMPLATES[reason], code=code_of(reason), **params)


def code_of(reason: str) -> str:
    """The code that clients see."""
    return reason.partition(".")[0]


def reason_of(error: UserError) -> str:
    """The key of the table for an error that `refusal` made."""
    found = (key for key, template in TEMPLATES.items() if template == error.template and code_of(key) == error.code)
    return next(found, "unreadable_file")
