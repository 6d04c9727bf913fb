"""Unpacking a zip archive in the child: its directory is checked first, and every size again while streaming."""

from __future__ import annotations

import stat
import zipfile
import zlib
from typing import Any, BinaryIO

from inference.intake.codes import refusal
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

    `options["files"]` and `options["bytes"]` are what the request has left. What a Mac adds (`__MACOSX`, `.DS_Store`)
    and directories are skipped and counted, no file of the customer's. Raises `UnreadableFile` with `archive_refused`;
    what came before is void then.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            entries = archive.infolist()
            wanted = [entry for entry in entries if not is_junk(entry)]
            check_directory(wanted, limits, int(options["files"]), int(options["bytes"]))
            for entry in wanted:
                send(archive, entry, limits, reply)
    except DAMAGE as error:
        raise refusal("archive_refused") from error
    return {"files": len(wanted), "skipped": len(entries) - len(wanted)}


def is_junk(entry: zipfile.ZipInfo) -> bool:
    """Whether the entry is a directory or a companion that a Mac writes."""
    parts = entry.filename.split("/")
    return entry.is_dir() or parts[0] == "__MACOSX" or parts[-1] == ".DS_Store"


def check_directory(entries: list[zipfile.ZipInfo], limits: Limits, files: int, total: int) -> None:
    """Everything that the archive's directory already shows."""
    if not entries:
        raise refusal("archive_refused.empty")
    if len(entries) > files:
        raise refusal("archive_refused.entries", limit=files)
    if sum(entry.file_size for entry in entries) > total:
        raise refusal("archive_refused.size", limit=total)
    if len({entry.filename for entry in entries}) < len(entries):
        raise refusal("archive_refused.name")
    for entry in entries:
        check_entry(entry, limits)


def check_entry(entry: zipfile.ZipInfo, limits: Limits) -> None:
    """Name, type, packing and sizes of one entry."""
    # `orig_filename`, for `filename` has already lost what follows a NUL
    if is_unsafe(entry.orig_filename):
        raise refusal("archive_refused.name")
    if entry.flag_bits & ENCRYPTED:
        raise refusal("archive_refused.encrypted")
    if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
        raise refusal("archive_refused.link")
    if entry.compress_type not in METHODS:
        raise refusal("archive_refused.method")
    if entry.file_size > limits.file_bytes:
        raise refusal("archive_refused.size", limit=limits.file_bytes)
    floor = max(entry.compress_size * limits.archive_ratio, limits.archive_ratio_floor)
    if entry.file_size > floor:
        raise refusal("archive_refused.ratio", limit=limits.archive_ratio)


def is_unsafe(name: str) -> bool:
    """Whether a name would leave its folder on some system, or is none."""
    parts = name.replace("\\", "/").split("/")
    return not name or "\x00" in name or ".." in parts or name[0] in "/\\" or ":" in parts[0]


def send(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limits: Limits, reply: ReplyWriter) -> None:
    """Stream one entry; never more than its directory entry says, which was held against the caps."""
    sent = 0
    with archive.open(entry) as file:
        head = file.read(HEAD_BYTES)
        if file_type(head) == "zip":
            raise refusal("archive_refused.nested")
        reply.item({"name": entry.filename[: limits.name_chars]})
        while head:
            sent += len(head)
            if sent > entry.file_size:
                raise refusal("archive_refused.size", limit=entry.file_size)
            reply.data(head)
            head = file.read(CHUNK)
