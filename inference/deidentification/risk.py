"""Signs that names may be burned into the pixels. Rules, not a promise: pixels are not read here."""

from __future__ import annotations

from pydicom.dataset import Dataset

from inference.deidentification.identity import text

# captured screens, ultrasound, photographs and endoscopy carry the patient's line on the picture by habit
RISKY_MODALITIES = frozenset({"SC", "OT", "US", "XC", "ES", "IVUS", "DOC", "GM", "OP"})
RISKY_TYPES = frozenset({"SECONDARY", "DERIVED"})
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
PICTURE = "picture"


def signs(header: Dataset) -> list[str]:
    """What speaks for burned-in text: `annotation`, `modality`, `capture`, `image_type`."""
    types = {part.strip().upper() for part in text(header, "ImageType").strip("[]").replace("'", "").split(",")}
    found = {
        "annotation": text(header, "BurnedInAnnotation").upper() == "YES",
        "modality": text(header, "Modality").upper() in RISKY_MODALITIES,
        "capture": text(header, "SOPClassUID").startswith(SECONDARY_CAPTURE),
        "image_type": bool(types & RISKY_TYPES),
    }
    return [name for name, is_found in found.items() if is_found]
