"""All that a builder is given: the analysis, the original study and the reading. Plain data, no database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydicom.dataset import Dataset

from inference.domain.reading import ReadFinding, Reading
from inference.outputs.source import Source

NOT_FOR_DIAGNOSIS = "AI result, not for diagnostic use; needs review by a qualified person."
"""What every object says of a result until a person has signed it."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """Which model found it, in which result, and what the model's maker says about its use."""

    result_id: UUID
    slug: str
    version: str
    title: str
    weights_sha256: str
    disclaimer: str
    notes: tuple[str, ...]
    found_at: datetime


@dataclass(frozen=True, slots=True)
class Picture:
    """A key image as PNG, the outlines and the label burned in; `instance_id` is the original that it shows."""

    instance_id: str
    png: bytes


@dataclass(frozen=True, slots=True)
class Material:
    """`predecessor` is the structured report of the revision before, where one was made."""

    analysis: Analysis
    source: Source
    reading: Reading
    language: str = ""
    pictures: tuple[Picture, ...] = ()
    document: bytes = b""
    predecessor: Dataset | None = None

    @property
    def is_signed(self) -> bool:
        return self.reading.signature is not None

    @property
    def moment(self) -> datetime:
        """When the content came to be: the last addendum, the signature, or the analysis."""
        signature, addenda = self.reading.signature, self.reading.addenda
        if signature is None:
            return self.analysis.found_at
        return max([signature.signed_at, *(one.written_at for one in addenda)])


def exportable(reading: Reading) -> Reading:
    """The reading that objects tell of: what was signed, and before that what the model found, not a draft."""
    if reading.signature is not None:
        return reading
    findings = tuple(
        ReadFinding(one.id, one.number, one.machine, machine=one.machine)
        for one in reading.findings
        if one.machine is not None
    )
    return Reading(findings, revision=reading.revision)
