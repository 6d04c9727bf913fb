"""Findings made for the tests of the rules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from inference.domain.reading import ReadFinding
from inference.domain.report import Code, Finding, Location, Site, Size

LUNGS = {"R": "Right lung", "L": "Left lung"}


def size(mean: float | None = None, volume: float | None = None, source: Any = "PixelSpacing") -> Size:
    """A size of this mean diameter (mm) and volume (mm3)."""
    return Size(
        8.0, 6.0, long_axis_mm=mean, short_axis_mm=mean, mean_diameter_mm=mean, volume_mm3=volume, spacing_source=source
    )


def found(
    number: int = 1,
    slug: str = "nodule.solid",
    measured: Size | None = None,
    at: tuple[float, float, float] | None = (0.0, 0.0, 0.0),
    side: str = "",
    **changes: Any,
) -> ReadFinding:
    """One standing finding; `changes` are fields of the `Finding`."""
    site = Site("", "SCT", LUNGS[side], side) if side else None
    place = Location(site, (1.0, 2.0, 3.0), (0.0, 0.0, 0.0, 1.0, 1.0, 1.0), centroid_mm=at)
    body = Finding(f"2.25.{number}", Code("27925004", "SCT", "Nodule", slug), 0.9, place, measured or size(7.0))
    return ReadFinding(f"fnd_{number}", number, replace(body, **changes))
