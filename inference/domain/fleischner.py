"""The table of the Fleischner Society for nodules that a chest CT shows by chance, of 2017, as data.

Source: MacMahon H. et al., Guidelines for Management of Incidental Pulmonary Nodules Detected on CT Images,
Radiology 2017;284:228-243, table 1. The facts are theirs, the wording is ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from inference.domain.advice import Told

GUIDELINE = "Fleischner Society"
VERSION = "2017"
SOURCE = "MacMahon H. et al., Radiology 2017;284:228-243"

Texture = Literal["solid", "ground_glass", "part_solid", "subsolid"]
Risk = Literal["low", "high", "any"]
Band = Literal["small", "medium", "large"]

# whole millimetres of the mean diameter, and mm3: below the first small, above the second large
MILLIMETRES = (6, 8)
CUBIC_MILLIMETRES = (100.0, 250.0)
BANDS: tuple[Band, ...] = ("small", "medium", "large")


@dataclass(frozen=True, slots=True)
class Row:
    """One cell: what is said to nodules of a texture, alone or several, of these sizes, at this risk.

    `after_months` is the time of the first CT, None where there is none as a routine; `is_firm` is False where it is
    only to be considered. `subsolid` stands for several nodules of which none is solid.
    """

    texture: Texture
    several: bool
    bands: tuple[Band, ...]
    risk: Risk
    text: Told
    after_months: tuple[int, int] | None = None
    is_firm: bool = True

    @property
    def slug(self) -> str:
        """Stable name of the cell."""
        number = "multiple" if self.several else "single"
        return f"fleischner-2017.{self.texture}.{number}.{'-'.join(self.bands)}.{self.risk}"

    @property
    def urgency(self) -> tuple[int, bool]:
        """Grows with what is asked for: how soon the first step is, then how firmly."""
        soonest = self.after_months[0] if self.after_months else 1200
        return -soonest, self.is_firm


SMALL: tuple[Band, ...] = ("small",)
MEDIUM: tuple[Band, ...] = ("medium",)
LARGE: tuple[Band, ...] = ("large",)
FROM_MEDIUM: tuple[Band, ...] = ("medium", "large")

ROWS: tuple[Row, ...] = (
    Row("solid", False, SMALL, "low", Told("At low risk: no follow-up CT as a routine.")),
    Row(
        "solid", False, SMALL, "high",
        Told(
            "At high risk: a CT after 12 months can be considered, above all for a suspicious shape or a place in an "
            "upper lobe."
        ),
        (12, 12), is_firm=False,
    ),
    Row(
        "solid", False, MEDIUM, "low",
        Told("At low risk: a CT after 6 to 12 months; another one after 18 to 24 months can be considered."),
        (6, 12),
    ),
    Row(
        "solid", False, MEDIUM, "high",
        Told("At high risk: a CT after 6 to 12 months and another one after 18 to 24 months."),
        (6, 12),
    ),
    Row(
        "solid", False, LARGE, "any",
        Told("At low and at high risk: consider a CT after 3 months, a PET-CT or a tissue sample."),
        (3, 3),
    ),
    Row("solid", True, SMALL, "low", Told("At low risk: no follow-up CT as a routine.")),
    Row(
        "solid", True, SMALL, "high", Told("At high risk: a CT after 12 months can be considered."),
        (12, 12), is_firm=False,
    ),
    Row(
        "solid", True, FROM_MEDIUM, "low",
        Told("At low risk: a CT after 3 to 6 months; another one after 18 to 24 months can be considered."),
        (3, 6),
    ),
    Row(
        "solid", True, FROM_MEDIUM, "high",
        Told("At high risk: a CT after 3 to 6 months and another one after 18 to 24 months."),
        (3, 6),
    ),
    Row(
        "ground_glass", False, SMALL, "any",
        Told("No follow-up CT as a routine; where the nodule looks suspicious, a CT after 2 and 4 years."),
    ),
    Row(
        "ground_glass", False, FROM_MEDIUM, "any",
        Told("A CT after 6 to 12 months to see whether it persists; if so, one every 2 years until 5 years are over."),
        (6, 12),
    ),
    Row("part_solid", False, SMALL, "any", Told("No follow-up CT as a routine.")),
    Row(
        "part_solid", False, FROM_MEDIUM, "any",
        Told(
            "A CT after 3 to 6 months to see whether it persists. If it does not change and its solid part stays below "
            "6 mm, a CT each year for 5 years; a solid part of 6 mm or more that persists is highly suspicious."
        ),
        (3, 6),
    ),
    Row(
        "subsolid", True, SMALL, "any",
        Told("A CT after 3 to 6 months; if nothing changes, a CT after 2 and 4 years can be considered."),
        (3, 6),
    ),
    Row(
        "subsolid", True, FROM_MEDIUM, "any",
        Told("A CT after 3 to 6 months; the most suspicious of the nodules decides what follows."),
        (3, 6),
    ),
)  # fmt: skip


def whole_millimetres(mean_diameter_mm: float) -> int:
    """Rounded half up, as the guideline reads a diameter."""
    return int(Decimal(str(mean_diameter_mm)).quantize(Decimal(1), ROUND_HALF_UP))


def band_of_diameter(mean_diameter_mm: float) -> Band:
    """Below 6 mm, 6 to 8 mm, above 8 mm, after rounding to whole millimetres."""
    rounded = whole_millimetres(mean_diameter_mm)
    return "small" if rounded < MILLIMETRES[0] else "medium" if rounded <= MILLIMETRES[1] else "large"


def band_of_volume(volume_mm3: float) -> Band:
    """Below 100 mm3, 100 to 250 mm3, above 250 mm3."""
    low, high = CUBIC_MILLIMETRES
    return "small" if volume_mm3 < low else "medium" if volume_mm3 <= high else "large"


def larger(bands: Iterable[Band]) -> Band:
    """The largest of some bands."""
    return max(bands, key=BANDS.index)


def rows(texture: Texture, *, several: bool, band: Band, risk: Risk) -> tuple[Row, ...]:
    """The cells that speak of this; `any` risk, which is one that is not known, gives both branches."""
    return tuple(
        row
        for row in ROWS
        if row.texture == texture
        and row.several == several
        and band in row.bands
        and (row.risk in ("any", risk) or risk == "any")
    )
