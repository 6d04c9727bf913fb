from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages

from inference.domain.errors import InternalError
from inference.intake import storage
from tenants.ids import uuid7

CONTENT = b"a study's bytes" * 1000
DIGEST = hashlib.sha256(CONTENT).hexdigest()
DISK = "django.core.files.storage.FileSystemStorage"
ELSEWHERE = "django.core.files.storage.InMemoryStorage"


@pytest.fixture(params=[DISK, ELSEWHERE])
def place(request: Any, settings: Any, tmp_path: Path) -> Path:
    """The studies' storage, on this disk and elsewhere (as an object store is)."""
    options = {"location": str(tmp_path)} if request.param == DISK else {}
    settings.STORAGES = {**settings.STORAGES, "studies": {"BACKEND": request.param, "OPTIONS": options}}
    return tmp_path


@pytest.mark.usefixtures("place")
def test_a_blob_is_written_once_and_read_back() -> None:
    tenant = uuid7()
    assert storage.put(tenant, DIGEST, io.BytesIO(CONTENT)) is True
    assert storage.put(tenant, DIGEST, io.BytesIO(b"never looked at")) is False
    assert storage.read(tenant, DIGEST) == CONTENT
    source = storage.source(tenant, DIGEST)
    assert (source.read_bytes() if isinstance(source, Path) else source) == CONTENT
    storage.delete(tenant, DIGEST)
    assert not storage.exists(tenant, DIGEST)


@pytest.mark.usefixtures("place")
def test_the_key_is_the_tenant_s_and_the_content_s() -> None:
    tenant, other = uuid7(), uuid7()
    storage.put_bytes(tenant, CONTENT)
    assert storages["studies"].exists(f"tenants/{tenant.hex}/{DIGEST[:2]}/{DIGEST[2:4]}/{DIGEST}")
    assert storage.exists(tenant, DIGEST)
    assert not storage.exists(other, DIGEST)


@pytest.mark.usefixtures("place")
def test_a_damaged_or_missing_blob_is_an_error_of_ours_and_never_read() -> None:
    tenant = uuid7()
    storage.put(tenant, DIGEST, io.BytesIO(CONTENT + b"flipped"))
    for read in (storage.read, storage.source):
        with pytest.raises(InternalError, match="digest"):
            read(tenant, DIGEST)
        with pytest.raises(InternalError, match="missing"):
            read(tenant, "0" * 64)


@pytest.mark.parametrize("digest", ["", "../" * 21 + "a", "0" * 63, "0" * 65, "G" * 64, "0" * 64 + "\n"])
def test_only_a_digest_makes_a_key(digest: str) -> None:
    with pytest.raises(ValueError, match="digest"):
        storage.blob_key(uuid7(), digest)


def test_a_write_that_fails_half_way_leaves_nothing(settings: Any, tmp_path: Path) -> None:
    settings.STORAGES = {**settings.STORAGES, "studies": {"BACKEND": DISK, "OPTIONS": {"location": str(tmp_path)}}}

    class Breaking(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() >= storage.CHUNK:
                raise OSError("the disk is full")
            return super().read(size)

    with pytest.raises(OSError, match="full"):
        storage.put(uuid7(), DIGEST, Breaking(bytes(2 * storage.CHUNK)))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
