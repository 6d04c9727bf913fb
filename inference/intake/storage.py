"""Blobs by content hash, each tenant's apart, through Django's storage API (`STORAGES["studies"]`).

A blob is written once and never changed. On a local disk it appears whole or not at all (a file beside it, then a
rename), and what is read is held against its digest: a damaged blob is an error of ours, never an analysis.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from django.core.files import File
from django.core.files.storage import FileSystemStorage, Storage, storages

from inference.domain.errors import InternalError
from inference.domain.study import InstanceHeader
from inference.intake.pixels import OpenBlob
from inference.intake.pool import Source

ALIAS = "studies"
SHA256 = re.compile(r"[0-9a-f]{64}")
CHUNK = 1024 * 1024


def blob_key(tenant_id: UUID, sha256: str) -> str:
    """The name of a blob in the storage. Raises `ValueError` for what is no digest, so that no path gets in."""
    if not SHA256.fullmatch(sha256):
        raise ValueError("not a SHA-256 digest")
    return f"tenants/{tenant_id.hex}/{sha256[:2]}/{sha256[2:4]}/{sha256}"


def put(tenant_id: UUID, sha256: str, file: BinaryIO) -> bool:
    """Store the whole of `file`, whose digest is `sha256`, unless it is there; True if it was not."""
    key, storage = blob_key(tenant_id, sha256), _storage()
    if storage.exists(key):
        return False
    file.seek(0)
    if isinstance(storage, FileSystemStorage):
        _write_whole(Path(storage.path(key)), file)
    else:
        storage.save(key, File(file))
    return True


def put_bytes(tenant_id: UUID, content: bytes) -> str:
    """Store `content` and return its digest."""
    sha256 = hashlib.sha256(content).hexdigest()
    with tempfile.SpooledTemporaryFile(max_size=CHUNK) as file:
        file.write(content)
        put(tenant_id, sha256, file)  # type: ignore[arg-type]
    return sha256


def read(tenant_id: UUID, sha256: str) -> bytes:
    """The blob, checked against its digest. Raises `InternalError` when it is missing or damaged."""
    try:
        with _storage().open(blob_key(tenant_id, sha256)) as file:
            content: bytes = file.read()
    except FileNotFoundError:
        raise InternalError("a stored file is missing") from None
    _check(hashlib.sha256(content).hexdigest(), sha256)
    return content


def source(tenant_id: UUID, sha256: str) -> Source:
    """The blob for a child to read, checked: a path where it lies on this machine's disk, else its bytes."""
    storage = _storage()
    if not isinstance(storage, FileSystemStorage):
        return read(tenant_id, sha256)
    path = Path(storage.path(blob_key(tenant_id, sha256)))
    try:
        with path.open("rb") as file:
            _check(hashlib.file_digest(file, "sha256").hexdigest(), sha256)
    except FileNotFoundError:
        raise InternalError("a stored file is missing") from None
    return path


def blob_opener(tenant_id: UUID) -> OpenBlob:
    """What `pixels.pixel_reader` needs to read the stored instances of one tenant."""

    def open_blob(instance: InstanceHeader) -> Source:
        return source(tenant_id, instance.sha256)

    return open_blob


def exists(tenant_id: UUID, sha256: str) -> bool:
    """Whether the blob is there."""
    return _storage().exists(blob_key(tenant_id, sha256))


def delete(tenant_id: UUID, sha256: str) -> None:
    """Remove the blob; no error if it is gone. The caller makes sure that no row needs it."""
    _storage().delete(blob_key(tenant_id, sha256))


def _storage() -> Storage:
    return storages[ALIAS]


def _check(found: str, expected: str) -> None:
    if found != expected:
        raise InternalError("a stored file does not match its digest")


def _write_whole(target: Path, file: BinaryIO) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, beside = tempfile.mkstemp(dir=target.parent, prefix=".new-")
    try:
        with os.fdopen(descriptor, "wb") as written:
            while chunk := file.read(CHUNK):
                written.write(chunk)
        # two writers of the same digest write the same bytes: whoever renames last changes nothing
        Path(beside).replace(target)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
