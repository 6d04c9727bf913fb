"""What became of each file of a request, as the customer is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from inference.domain.errors import UserError
from inference.intake.spool import Arrival


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """One file. `error` says why a rejected one was not taken: translate its template, then fill in its parameters."""

    name: str
    status: Literal["stored", "duplicate", "rejected"]
    sha256: str = ""
    error: UserError | None = None

    @property
    def code(self) -> str:
        """The stable code of a rejected file, else empty."""
        return self.error.code if self.error else ""


class NothingTaken(UserError):
    """No file of the request could be taken, and nothing is kept. `files` says why, one by one.

    The code is that of the files where they share one.
    """

    code = "unreadable_file"
    template = "None of the files can be taken."

    def __init__(self, files: tuple[FileOutcome, ...]) -> None:
        codes = {outcome.code for outcome in files}
        super().__init__(code=codes.pop() if len(codes) == 1 else None)
        self.files = files


def outcomes(arrivals: Sequence[Arrival]) -> tuple[FileOutcome, ...]:
    """What became of the files, in the order in which they came; archives count as their files."""
    return tuple(outcome(arrival) for arrival in arrivals)


def outcome(arrival: Arrival) -> FileOutcome:
    """What became of one file."""
    if arrival.error is not None:
        return FileOutcome(arrival.name, "rejected", error=arrival.error)
    return FileOutcome(arrival.name, "duplicate" if arrival.is_known else "stored", arrival.sha256)
