"""A result as it stands after people have looked at it: what the page, the report and every exported object tell of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from inference.domain.report import Code, Contour, Finding, InstanceReference, Location, Site, Size

ReviewStatus = Literal["unreviewed", "accepted", "edited", "rejected", "added"]


@dataclass(frozen=True, slots=True)
class ReadFinding:
    """A finding as it stands, edits applied. `number` counts from 1 in every output; `id` is `fnd_...`.

    `machine` is what the model said, None for a finding that a person added; `reason` is why one was rejected.
    `reviewer` is who judged it last, empty where nobody did.
    """

    id: str
    number: int
    finding: Finding
    status: ReviewStatus = "unreviewed"
    reason: str = ""
    machine: Finding | None = None
    reviewer: str = ""
    reviewed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Signature:
    """Who stands for a result, and since when. `signer` is the name that the person gave for signing."""

    signer: str
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class Addendum:
    """Words added after the signature."""

    author: str
    text: str
    written_at: datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """All findings, the rejected ones too, with the physician's conclusion, signature and addenda.

    `revision` is 0 until the result is signed, and grows by one with the signature and with each addendum: what was
    exported of one revision never changes. `version` counts every act, those before the signature too.
    """

    findings: tuple[ReadFinding, ...]
    conclusion: str = ""
    signature: Signature | None = None
    addenda: tuple[Addendum, ...] = ()
    revision: int = 0
    version: int = 0

    @property
    def standing(self) -> tuple[ReadFinding, ...]:
        """The findings that were not rejected."""
        return tuple(one for one in self.findings if one.status != "rejected")


def finding_from_json(body: Mapping[str, Any]) -> Finding:
    """The domain object of a stored body, which is `dataclasses.asdict` of a `Finding` gone through JSON."""
    location, site = body["location"], body["location"]["site"]
    return Finding(
        tracking_uid=body["tracking_uid"],
        type=Code(**body["type"]),
        score=body["score"],
        location=Location(
            site=Site(**site) if site else None,
            centroid_px=tuple(location["centroid_px"]),
            bbox_px=tuple(location["bbox_px"]),
            centroid_mm=_triple(location["centroid_mm"]),
            bbox_mm=tuple(location["bbox_mm"]) if location["bbox_mm"] else None,
            instances=tuple(InstanceReference(**one) for one in location["instances"]),
        ),
        size=Size(**body["size"]),
        truncated=body["truncated"],
        contours=tuple(
            Contour(one["instance_id"], one["frame"], tuple((x, y) for x, y in one["points"]))
            for one in body.get("contours", ())
        ),
    )


def _triple(values: list[float] | None) -> tuple[float, float, float] | None:
    return (values[0], values[1], values[2]) if values else None
