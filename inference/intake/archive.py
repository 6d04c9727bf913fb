"""Unpacking a zip archive in the child: its directory is checked first, and every size again while streaming."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterable
from typing import IO, Any, BinaryIO

from inference.domain.errors import UserError
from inference.intake.codes import reason_of, refusal
from inference.intake.limits import Limits
from inference.intake.sniff import HEAD_BYTES, file_type
from inference.intake.wire import ReplyWriter

ENCRYPTED = 0x1
METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
CHUNK = 256 * 1024
# what the zip module throws at bytes that are no archive, or not a whole one
DAMAGE = (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError, UnicodeDecodeError, zlib.error)


def unpack(source: BinaryIO, limits: Limits, reply: ReplyWriter, options: dict[str, Any]) -> dict[str, Any]:
    """Send each file of the archive: an item `{"name"}`, then its bytes. The result is `{"files", "skipped"}`.

    An entry that is not taken is an item `{"name", "reason", "params"}` without bytes: the CD of a hospital may hold a
    letter or a viewer beside the films, and these are not lost for it. `options["files"]` and `options["bytes"]` are
    what the request has left. What a Mac adds (`__MACOSX`, `.DS_Store`) and directories are skipped and counted, no
    file of the customer's. Raises `UnreadableFile` with `archive_refused` for what concerns the archive as a whole;
    what came before is void then.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            entries = archive.infolist()
            wanted = [entry for entry in entries if not is_junk(entry)]
            faults = faults_of(wanted, limits)
            check_directory(wanted, faults, int(options["files"]), int(options["bytes"]))
            for entry, fault in zip(wanted, faults, strict=True):
                send(archive, entry, fault, limits, reply)
    except DAMAGE as error:
        raise refusal("archive_refused") from error
    return {"files": len(wanted), "skipped": len(entries) - len(wanted)}


def is_junk(entry: zipfile.ZipInfo) -> bool:
    """Whether the entry is a directory or a companion that a Mac writes."""
    parts = entry.filename.split("/")
    return entry.is_dir() or parts[0] == "__MACOSX" or parts[-1] == ".DS_Store"


def faults_of(entries: Iterable[zipfile.ZipInfo], limits: Limits) -> list[UserError | None]:
    """What the directory already shows against each entry; of several with one name the first stands."""
    names: set[str] = set()
    faults: list[UserError | None] = []
    for entry in entries:
        is_doubled = entry.filename in names
        faults.append(refusal("archive_refused.name") if is_doubled else fault_of(entry, limits))
        names.add(entry.filename)
    return faults


def fault_of(entry: zipfile.ZipInfo, limits: Limits) -> UserError | None:
    """Name, type, packing and sizes of one entry."""
    # `orig_filename`, for `filename` has already lost what follows a NUL
    if is_unsafe(entry.orig_filename):
        return refusal("archive_refused.name")
    if entry.flag_bits & ENCRYPTED:
        return refusal("archive_refused.encrypted")
    if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
        return refusal("archive_refused.link")
    if entry.compress_type not in METHODS:
        return refusal("archive_refused.method")
    return size_fault(entry, limits)


def size_fault(entry: zipfile.ZipInfo, limits: Limits) -> UserError | None:
    """An entry that unpacks to suspiciously much, or that would be too large outside of an archive too."""
    if entry.file_size > max(entry.compress_size * limits.archive_ratio, limits.archive_ratio_floor):
        return refusal("archive_refused.ratio", limit=limits.archive_ratio)
    return refusal("file_too_large", limit=limits.file_bytes) if entry.file_size > limits.file_bytes else None


def check_directory(entries: list[zipfile.ZipInfo], faults: list[UserError | None], files: int, total: int) -> None:
    """Refuse an archive that holds nothing, or more than the request has left."""
    if not entries:
        raise refusal("archive_refused.empty")
    if len(entries) > files:
        raise refusal("archive_refused.entries", limit=files)
    if sum(entry.file_size for entry, fault in zip(entries, faults, strict=True) if fault is None) > total:
        raise refusal("archive_refused.size", limit=total)


def is_unsafe(name: str) -> bool:
    """Whether a name would leave its folder on some system, or is none."""
    parts = name.replace("\\", "/").split("/")
    return not name or "\x00" in name or ".." in parts or name[0] in "/\\" or ":" in parts[0]


def send(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, fault: UserError | None, limits: Limits, reply: ReplyWriter
) -> None:
    """Send one entry, or why it is not taken."""
    name = entry.filename[: limits.name_chars]
    if fault is not None:
        refuse(name, fault, reply)
        return
    with archive.open(entry) as file:
        head = file.read(HEAD_BYTES)
        if file_type(head) == "zip":
            refuse(name, refusal("archive_refused.nested"), reply)
            return
        reply.item({"name": name})
        stream(head, file, entry.file_size, reply)


def refuse(name: str, fault: UserError, reply: ReplyWriter) -> None:
    """Tell why an entry is not taken; its bytes are never unpacked."""
    reply.item({"name": name, "reason": reason_of(fault), "params": fault.params})


def stream(head: bytes, file: IO[bytes], size: int, reply: ReplyWriter) -> None:
    """Stream an entry; never more than its directory entry says, which was held against the caps."""
    sent = 0
    while head:
        sent += len(head)
        if sent > size:
            raise refusal("archive_refused.size", limit=size)
        reply.data(head)
        head = file.read(CHUNK)
