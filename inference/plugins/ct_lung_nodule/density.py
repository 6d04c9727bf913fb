"""What a nodule is made of, by the density inside its outline: a rule that can be read, no network.

Ground glass veils the lung without hiding it and stays far below water; calcium lies far above soft tissue.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inference.domain.report import Code

# HU; cells above the first are soft tissue and not ground glass, above the second calcium
SOLID_FROM, CALCIUM_FROM = -200.0, 200.0
# shares of the cells inside the outline; in a small nodule most cells are rim, which is half lung
CALCIFIED_SHARE, SOLID_SHARE, SMALL_SOLID_SHARE, PART_SOLID_SHARE = 0.12, 0.5, 0.27, 0.1
SMALL_MM = 6.0
# Fleischner Society glossary (2008): more than 3 cm is a mass
MASS_FROM_MM = 30.0
NAMES = {
    "nodule.solid": "Solid",
    "nodule.part_solid": "Part-solid",
    "nodule.ground_glass": "Ground-glass",
    "nodule.calcified": "Calcified",
}


def density_class(values: NDArray[np.float32], cell_mm3: float) -> str:
    """The slug of the type, from the densities (n,) in HU of the cells inside an outline."""
    solid, calcium = float((values > SOLID_FROM).mean()), float((values > CALCIUM_FROM).mean())
    diameter = (6 * len(values) * cell_mm3 / np.pi) ** (1 / 3)
    if calcium >= CALCIFIED_SHARE:
        return "nodule.calcified"
    if solid >= (SMALL_SOLID_SHARE if diameter < SMALL_MM else SOLID_SHARE):
        return "nodule.solid"
    return "nodule.part_solid" if solid >= PART_SOLID_SHARE else "nodule.ground_glass"


def code_of(slug: str, mean_diameter_mm: float | None) -> Code:
    """SNOMED CT tells nodule from mass here; the density stands in slug and display."""
    is_mass = mean_diameter_mm is not None and mean_diameter_mm > MASS_FROM_MM
    code, noun = ("4147007", "mass") if is_mass else ("27925004", "nodule")
    return Code(code, "SCT", f"{NAMES[slug]} {noun}", slug)
