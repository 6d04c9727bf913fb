from __future__ import annotations

import io
import stat
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest

from inference.domain.errors import UnreadableFile
from inference.intake.limits import Limits
from inference.intake.pool import Pool
from inference.intake.spool import Arrival, Spool, Unpacked
from inference.intake.wire import BrokenReply
from tests.inference.intake import files
from tests.inference.intake.test_pool import pool_of

MIB = 1024 * 1024


def unpacked(pool: Pool, content: bytes, room_files: int = 100, room_bytes: int = 100 * MIB) -> dict[str, bytes]:
    """The files of an archive by name, those that are not taken left out."""
    return {item["name"]: sent for item, sent in items(pool, content, room_files, room_bytes) if "reason" not in item}


def items(
    pool: Pool, content: bytes, room_files: int = 100, room_bytes: int = 100 * MIB
) -> list[tuple[dict[str, Any], bytes]]:
    """All that a child tells of an archive, in its order."""
    found: list[tuple[dict[str, Any], bytearray]] = []
    pool.run(
        "unpack",
        content,
        on_item=lambda item: found.append((item, bytearray())),
        on_data=lambda payload: found[-1][1].extend(payload),
        files=room_files,
        bytes=room_bytes,
    )
    return [(item, bytes(sent)) for item, sent in found]


def reason(pool: Pool, content: bytes, **room: Any) -> str:
    """The sentence with which an archive is refused; its code is always the same."""
    with pytest.raises(UnreadableFile) as caught:
        unpacked(pool, content, **room)
    assert caught.value.code == "archive_refused"
    return caught.value.template


def left_out(pool: Pool, content: bytes) -> list[str]:
    """The reasons for which entries are not taken; nothing of them is sent."""
    told = [(item["reason"], sent) for item, sent in items(pool, content) if "reason" in item]
    assert all(sent == b"" for _, sent in told)
    return [reason for reason, _ in told]


def entry(name: str, mode: int = 0) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    made.external_attr = mode << 16
    made.compress_type = zipfile.ZIP_DEFLATED
    return made


def test_files_come_out_as_they_went_in(pool: Pool) -> None:
    large = bytes(range(256)) * 10_000
    content = files.archive(("a.dcm", b"first"), ("folder/b.dcm", large), ("folder/empty", b""))
    assert unpacked(pool, content) == {"a.dcm": b"first", "folder/b.dcm": large, "folder/empty": b""}


def test_what_a_mac_adds_and_folders_are_skipped(pool: Pool) -> None:
    content = files.archive(("__MACOSX/._a.dcm", b"x"), ("study/.DS_Store", b"x"), ("study/", b""), ("study/a", b"a"))
    assert unpacked(pool, content) == {"study/a": b"a"}


@pytest.mark.parametrize(
    "name", ["../a", "a/../../b", "/etc/passwd", "\\\\server\\share", "C:\\windows\\a", "a\\..\\b", ".."]
)
def test_names_that_leave_the_folder_are_left_out_alone(pool: Pool, name: str) -> None:
    content = files.archive(("good", b"x"), (name, b"x"), ("good, too", b"y"))
    assert left_out(pool, content) == ["archive_refused.name"]
    assert unpacked(pool, content) == {"good": b"x", "good, too": b"y"}


def test_a_name_with_nul_is_left_out(pool: Pool) -> None:
    content = files.archive(("aXb.dcm", b"x")).replace(b"aXb.dcm", b"a\x00b.dcm")
    assert left_out(pool, content) == ["archive_refused.name"]


def test_of_two_entries_of_one_name_the_first_stands(pool: Pool) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        content = files.archive(("a", b"first"), ("a", b"second"), ("b", b"third"))
    assert left_out(pool, content) == ["archive_refused.name"]
    assert unpacked(pool, content) == {"a": b"first", "b": b"third"}


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_special_files_are_left_out_alone(pool: Pool, kind: int) -> None:
    content = files.archive((entry("a", kind | 0o777), b"/etc/passwd"), (entry("b", stat.S_IFREG | 0o600), b"film"))
    assert left_out(pool, content) == ["archive_refused.link"]
    assert unpacked(pool, content) == {"b": b"film"}


def test_an_archive_within_an_archive_is_left_out_whatever_its_name(pool: Pool) -> None:
    inner = files.archive(("a", b"x"))
    content = files.archive(("README.docx", inner), ("image.dcm", inner), ("film", b"film"))
    assert left_out(pool, content) == ["archive_refused.nested"] * 2
    assert unpacked(pool, content) == {"film": b"film"}


def test_an_encrypted_entry_is_left_out_alone(pool: Pool) -> None:
    content = bytearray(files.archive(("a", b"x"), ("b", b"film")))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    assert left_out(pool, bytes(content)) == ["archive_refused.encrypted"]
    assert unpacked(pool, bytes(content)) == {"b": b"film"}


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_packing_methods_are_left_out(pool: Pool, method: int) -> None:
    assert left_out(pool, files.archive(("a", b"x" * 100), method=method)) == ["archive_refused.method"]


def test_an_entry_over_the_cap_of_a_file_is_left_out_alone() -> None:
    content = files.archive(("a", bytes(range(256)) * 20), ("b", b"film"))
    with pool_of(Limits(children=1, file_bytes=5_000)) as small:
        assert left_out(small, content) == ["file_too_large"]
        assert unpacked(small, content) == {"b": b"film"}
    with pool_of(Limits(children=1, file_bytes=6_000)) as larger:
        assert left_out(larger, content) == []


def test_what_is_left_out_takes_no_room(pool: Pool) -> None:
    content = files.archive(("../a", b"x" * 90), ("b", b"y" * 90))
    assert unpacked(pool, content, room_bytes=100) == {"b": b"y" * 90}


def test_a_zip_bomb_is_left_out_by_the_directory(pool: Pool) -> None:
    bomb = files.archive(("a", bytes(64 * MIB)))
    assert len(bomb) < 100_000
    assert left_out(pool, bomb) == ["archive_refused.ratio"]
    with pool_of(Limits(children=1, archive_ratio=10_000)) as uncapped:
        assert len(unpacked(uncapped, bomb)["a"]) == 64 * MIB


def test_a_small_blank_file_is_no_bomb(pool: Pool) -> None:
    assert unpacked(pool, files.archive(("a", bytes(MIB)))) == {"a": bytes(MIB)}


def test_an_archive_with_more_files_than_the_request_has_left_is_refused(pool: Pool) -> None:
    content = files.archive(*((f"{number}", b"x") for number in range(5)))
    assert "more than %(limit)s files" in reason(pool, content, room_files=4)
    assert len(unpacked(pool, content, room_files=5)) == 5


def test_an_archive_of_more_bytes_than_the_request_has_left_is_refused(pool: Pool) -> None:
    content = files.archive(("a", b"x" * 60), ("b", b"y" * 60))
    assert "unpacks to more" in reason(pool, content, room_bytes=100)


def test_a_directory_that_understates_a_size_does_not_help(pool: Pool) -> None:
    """Two megabytes that claim to be ten bytes: the stream is cut at what the directory said, so the sum is wrong."""
    content = bytearray(files.archive(("a", bytes(2 * MIB))))
    directory = content.index(b"PK\x01\x02")
    content[directory + 24 : directory + 28] = struct.pack("<I", 10)
    assert "damaged" in reason(pool, bytes(content))


def test_a_damaged_or_empty_archive_is_refused(pool: Pool) -> None:
    content = files.archive(("a", b"x" * 1000))
    assert "damaged" in reason(pool, content[:-30])
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        flipped = bytearray(files.archive(("a", bytes(range(256)) * 10), method=method))
        flipped[100:110] = bytes(10)
        assert "damaged" in reason(pool, bytes(flipped))
    empty = io.BytesIO()
    zipfile.ZipFile(empty, "w").close()
    assert "holds no file" in reason(pool, empty.getvalue())


def test_what_a_child_says_of_an_entry_is_held_against_the_table(pool: Pool, tmp_path: Path) -> None:
    with Spool(pool, tmp_path) as spool:
        archive = Unpacked(spool, Arrival("a.zip", tmp_path / "a.zip"))
        archive.begin({"name": "letter.docx", "reason": "archive_refused.nested", "params": {}})
        assert [arrival.is_good for arrival in archive.arrivals] == [False]
        with pytest.raises(UnreadableFile):
            archive.write(b"bytes of what is not taken")
        with pytest.raises(BrokenReply):
            archive.begin({"name": "b", "reason": "<script>", "params": {}})
