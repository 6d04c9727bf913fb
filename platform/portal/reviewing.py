"""Findings and their reviews as the page of a result shows them."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from inference.domain.reading import ReadFinding, Reading, ReviewStatus
from inference.domain.reviewing import FROM, Act
from tenants.ids import encode

STATUSES = {
    "unreviewed": _("not reviewed"),
    "accepted": _("accepted"),
    "edited": _("edited"),
    "rejected": _("rejected"),
    "added": _("added by a person"),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A finding with what may be done to it now; `instance` is the public id of the image to draw on."""

    read: ReadFinding
    label: str
    actions: frozenset[Act]
    box: tuple[float, float, float, float]
    instance: str


def shown(one: ReadFinding, reading: Reading) -> Shown:
    """Nothing may be done to a finding of a signed result."""
    actions = frozenset[Act]() if reading.signature else actions_on(one.status)
    best = next(iter(sorted(one.finding.location.instances, key=lambda each: not each.best)), None)
    instance = encode("ins", UUID(best.instance_id)) if best and best.instance_id else ""
    return Shown(one, str(STATUSES[one.status]), actions, flat(one.finding.location.bbox_px), instance)


def actions_on(status: ReviewStatus) -> frozenset[Act]:
    return frozenset(act for act, starts in FROM.items() if status in starts)


def flat(box: tuple[float, ...]) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a box in two or three dimensions."""
    half = len(box) // 2
    return box[0], box[1], box[half], box[half + 1]
