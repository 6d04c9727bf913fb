"""Every arrived file inspected in the pool, several at a time, and brought to the form in which it is stored."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from inference.deidentification.instruction import Instruction
from inference.domain.errors import UserError
from inference.intake.codes import refusal
from inference.intake.inspection import inspect_file
from inference.intake.pool import Pool
from inference.intake.sniff import PREAMBLE, has_preamble
from inference.intake.spool import Arrival, Sink


def examine_all(pool: Pool, arrivals: Sequence[Arrival], instruction: Instruction | None = None) -> None:
    """Fill in `inspection`, `sha256` and `size` of the good files, `error` of the others.

    With an `instruction` the children de-identify what they read, and the files hold that from here on.
    """
    good = [arrival for arrival in arrivals if arrival.is_good]
    with ThreadPoolExecutor(max_workers=pool.limits.children, thread_name_prefix="intake") as threads:
        for _ in threads.map(lambda arrival: examine(pool, arrival, instruction), good):
            pass


def examine(pool: Pool, arrival: Arrival, instruction: Instruction | None = None) -> None:
    """Inspect one file."""
    stripped = arrival.path.with_suffix(".stripped")
    cap = pool.limits.file_bytes
    try:
        with Sink(stripped, cap, refusal("file_too_large", limit=cap)) as sink:
            arrival.inspection = inspect_file(pool, arrival.path, sink.write, instruction)
    except UserError as error:
        arrival.error = error
        stripped.unlink()
        return
    if arrival.inspection.kind == "image" or arrival.inspection.deidentified:
        stripped.replace(arrival.path)
    else:
        stripped.unlink()
        blank_preamble(arrival)
    measure(arrival)


def blank_preamble(arrival: Arrival) -> None:
    """Zero the 128 bytes before a DICOM file: nothing reads them as DICOM, and they can make it a program too."""
    with arrival.path.open("r+b") as file:
        if has_preamble(file):
            file.seek(0)
            file.write(PREAMBLE)


def measure(arrival: Arrival) -> None:
    """Digest and size of the bytes that are stored."""
    with arrival.path.open("rb") as file:
        arrival.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        arrival.size = file.tell()
