"""Coded concepts of the outputs (DICOM PS3.16): what SNOMED CT and DCM have, and a scheme of our own for the rest."""

from __future__ import annotations

from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from inference.domain import report

CODE_MEANING = 64
SCHEME = "99ASSAY"
SCHEME_NAME = "Assay"

LATERALITY = {"R": codes.SCT.Right, "L": codes.SCT.Left, "B": codes.SCT.RightAndLeft}
PROCEDURES = {
    "CT": Code("77477000", "SCT", "Computed tomography"),
    "MR": Code("113091000", "SCT", "Magnetic resonance imaging"),
    "CR": Code("168537006", "SCT", "Plain radiography"),
    "DX": Code("168537006", "SCT", "Plain radiography"),
}
IMAGING = Code("363679005", "SCT", "Imaging")
CERTAINTY = Code("111012", "DCM", "Certainty of Finding")
PERCENT = Code("%", "UCUM", "percent")
PIXELS = Code("{pixels}", "UCUM", "pixels")

# the sizes of a finding: name of the field, concept, unit
SIZES_MM = (
    ("long_axis_mm", codes.SCT.LongAxis, codes.UCUM.Millimeter),
    ("short_axis_mm", codes.SCT.ShortAxis, codes.UCUM.Millimeter),
    ("mean_diameter_mm", codes.SCT.Diameter, codes.UCUM.Millimeter),
    ("area_mm2", codes.SCT.Area, codes.UCUM.SquareMillimeter),
    ("volume_mm3", codes.SCT.Volume, codes.UCUM.CubicMillimeter),
)
# what is no value as measured but one made of several
DERIVATIONS = {codes.SCT.Diameter: codes.SCT.Mean}
SIZES_PX = (("long_axis_px", codes.SCT.LongAxis, PIXELS), ("short_axis_px", codes.SCT.ShortAxis, PIXELS))

NO_FINDING = Code("NOFINDING", SCHEME, "Nothing above the threshold of the analysis")
REVIEW = Code("REVIEW", SCHEME, "Review by a person")
REVIEWED = {
    "accepted": Code("ACCEPTED", SCHEME, "Accepted"),
    "edited": Code("EDITED", SCHEME, "Edited"),
    "added": Code("ADDED", SCHEME, "Added"),
}
EXTENT = Code("EXTENT", SCHEME, "Extent")
CUT_OFF = Code("CUTOFF", SCHEME, "Cut off at the border of the image")


def concept(one: report.Code | report.Site) -> Code:
    """Type or site of a finding; its meaning is cut to what a code may have."""
    return Code(one.code[:16], one.scheme[:16], one.display[:CODE_MEANING])


def sizes(size: report.Size) -> list[tuple[Code, float, Code]]:
    """Concept, value and unit of each known size; in pixels only where nothing is known in mm."""
    in_mm = [(name, value, unit) for key, name, unit in SIZES_MM if (value := getattr(size, key)) is not None]
    return in_mm or [(name, getattr(size, key), unit) for key, name, unit in SIZES_PX]
