"""Files as they arrive: copied to a temporary directory under names of ours, archives unpacked, sizes bounded."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from inference.domain.errors import UserError
from inference.intake.codes import refusal, request_refusal
from inference.intake.inspection import Inspection
from inference.intake.pool import Pool, told_refusal
from inference.intake.sniff import HEAD_BYTES, file_type

CHUNK = 1024 * 1024


@dataclass
class Arrival:
    """One file of a request on its way. `name` is the customer's and is only ever shown back; `error` ends the way."""

    name: str
    path: Path
    error: UserError | None = None
    inspection: Inspection | None = None
    sha256: str = ""
    size: int = 0
    is_known: bool = False

    @property
    def is_good(self) -> bool:
        """Whether the file is still to be taken."""
        return self.error is None


def printable(text: str) -> str:
    """One line without control characters, which a terminal, a log or a database may take amiss."""
    return "".join(letter for letter in text if letter.isprintable()).strip()


class Sink:
    """A file that takes bytes up to a cap."""

    def __init__(self, path: Path, cap: int, error: UserError) -> None:
        self.file = path.open("wb")
        self.room = cap
        self.error = error

    def write(self, payload: bytes) -> None:
        """Take more bytes. Raises the error given beyond the cap."""
        self.room -= len(payload)
        if self.room < 0:
            raise self.error
        self.file.write(payload)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()


class Spool:
    """The files of one request, as a context manager: whatever happens, nothing of them stays in the directory."""

    def __init__(self, pool: Pool, directory: Path | None = None) -> None:
        self.pool = pool
        self.limits = pool.limits
        self.arrivals: list[Arrival] = []
        self._room = pool.limits.total_bytes
        self._given = 0
        self._made = 0
        self._directory = tempfile.TemporaryDirectory(prefix="intake-", dir=directory)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._directory.cleanup()

    def add(self, name: str, file: BinaryIO) -> None:
        """Take a file, or all files of an archive. Raises `UserError` (`too_many_files`) beyond the cap."""
        self._given += 1
        if self._given > self.limits.files:
            raise request_refusal("too_many_files", limit=self.limits.files)
        arrival = Arrival(printable(name)[-self.limits.name_chars :], self._new_path())
        try:
            is_archive = self._copy(file, arrival.path)
            if is_archive:
                self._unpack(arrival)
                return
        except UserError as error:
            arrival.error = error
            arrival.path.unlink(missing_ok=True)
        self.arrivals.append(arrival)

    def _new_path(self) -> Path:
        self._made += 1
        return Path(self._directory.name) / str(self._made)

    def _copy(self, file: BinaryIO, path: Path) -> bool:
        """Copy within the caps; True for an archive, which may be as large as all files together."""
        head = file.read(HEAD_BYTES)
        is_archive = file_type(head) == "zip"
        cap = self.limits.total_bytes if is_archive else self.limits.file_bytes
        with self._sink(path, cap) as sink:
            while head:
                sink.write(head)
                head = file.read(CHUNK)
        if not is_archive:
            self._room -= path.stat().st_size
        return is_archive

    def _sink(self, path: Path, cap: int) -> Sink:
        if self._room < cap:
            return Sink(path, self._room, refusal("request_too_large", limit=self.limits.total_bytes))
        return Sink(path, cap, refusal("file_too_large", limit=cap))

    def _unpack(self, archive: Arrival) -> None:
        """Replace an archive by its files. Raises `UnreadableFile` and keeps none of them when it is refused."""
        unpacked = Unpacked(self, archive)
        try:
            self.pool.run(
                "unpack",
                archive.path,
                on_item=unpacked.begin,
                on_data=unpacked.write,
                cpu_seconds=self.limits.archive_cpu_seconds,
                files=max(0, self.limits.files - self._given + 1),
                bytes=self._room,
            )
        except UserError:
            unpacked.discard()
            raise
        finally:
            unpacked.close()
        archive.path.unlink()
        self._given += len(unpacked.arrivals) - 1
        self._room -= sum(arrival.path.stat().st_size for arrival in unpacked.arrivals if arrival.is_good)
        self.arrivals += unpacked.arrivals


class Unpacked:
    """The files of one archive as a child sends them; counted and measured once more on this side."""

    def __init__(self, spool: Spool, archive: Arrival) -> None:
        self.spool = spool
        self.archive = archive
        self.arrivals: list[Arrival] = []
        self._sink: Sink | None = None

    def begin(self, item: dict[str, Any]) -> None:
        """Start the next file, or note one that the child does not take."""
        self.close()
        self._sink = None
        if len(self.arrivals) >= self.spool.limits.files:
            raise refusal("archive_refused.entries", limit=self.spool.limits.files)
        name = printable(str(item.get("name", "")))[-self.spool.limits.name_chars :]
        arrival = Arrival(f"{self.archive.name}/{name}", self.spool._new_path())
        self.arrivals.append(arrival)
        if "reason" in item:
            arrival.error = told_refusal(item)
        else:
            self._sink = self.spool._sink(arrival.path, self.spool.limits.file_bytes)

    def write(self, payload: bytes) -> None:
        """Take bytes of the file begun last."""
        if self._sink is None:
            raise refusal("archive_refused")
        self._sink.write(payload)

    def close(self) -> None:
        """End the file begun last."""
        if self._sink is not None:
            self._sink.file.close()

    def discard(self) -> None:
        """Remove every file."""
        for arrival in self.arrivals:
            arrival.path.unlink(missing_ok=True)
