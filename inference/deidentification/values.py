"""What may stay of a value, by its representation: the check behind the table, for attributes that it does not name.

An attribute can hold a name though it is made for a number. So nothing stays because of its tag alone: text must be
of the vocabulary, numbers must be numbers, UIDs are registered or mapped, binary values are tables of pixels.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from pydicom._uid_dict import UID_dictionary
from pydicom.dataelem import DataElement
from pydicom.multival import MultiValue

from inference.deidentification.dates import moved
from inference.deidentification.vocabulary import is_plain

UID_FORM = re.compile(r"[0-9.]{1,64}")
AGE = re.compile(r"\d{3}[DWMY]")
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
CODE_VALUE = re.compile(r"[A-Z]{0,2}-?[0-9A-F]{2,10}")
CODING_SCHEMES = frozenset({"DCM", "SCT", "SRT", "SNM3", "UCUM", "LN", "FMA", "RADLEX"})
PLAIN_VRS = frozenset({"CS", "LO", "SH", "ST", "LT", "UT", "UC"})
BINARY_NUMBERS = frozenset({"AT", "FD", "FL", "SL", "SS", "SV", "UL", "US", "UV", "US or SS"})
# what the pixels are read by; every other binary value may be a document
PIXEL_TABLES = re.compile(
    r"(Red|Green|Blue|Alpha|Segmented(Red|Green|Blue|Alpha))PaletteColorLookupTable(Data|Descriptor)"
    r"|LUTDescriptor|LUTData|SmallestImagePixelValue|LargestImagePixelValue|PixelPaddingValue|PixelPaddingRangeLimit"
)

MapUid = Callable[[str], str]


def kept(element: DataElement, vr: str, days: int, map_uid: MapUid) -> Any:
    """The value that stays of an element, its dates moved and its UIDs mapped; None where nothing may stay.

    `vr` is what the standard gives for the attribute: "US or OW" may be bytes, whatever the file says.
    """
    if vr.startswith("O") or " or O" in vr:
        return element.value if PIXEL_TABLES.fullmatch(element.keyword) else None
    if vr in BINARY_NUMBERS:
        return element.value if is_numeric(element.value) or PIXEL_TABLES.fullmatch(element.keyword) else None
    parts = [part_kept(str(part), element.keyword, vr, days, map_uid) for part in several(element.value)]
    if vr == "CS" and len(parts) > 1:
        # the places of an image type have meanings: one strange word empties its own place only
        return [part or "" for part in parts]
    if any(part is None for part in parts):
        return None
    return parts[0] if len(parts) == 1 else parts


def part_kept(text: str, keyword: str, vr: str, days: int, map_uid: MapUid) -> str | None:
    """One of several values of an element."""
    if vr in ("DA", "DT", "TM"):
        return moved(text, vr, days) if text else text
    if vr == "UI":
        return uid_kept(text, map_uid)
    if keyword == "CodeValue":
        return text if CODE_VALUE.fullmatch(text.strip()) else None
    if keyword == "CodingSchemeDesignator":
        return text if text.strip() in CODING_SCHEMES else None
    return text if is_harmless(text.strip(), vr) else None


def uid_kept(text: str, map_uid: MapUid) -> str | None:
    """A registered UID as it is, any other one mapped."""
    stripped = text.strip()
    if not stripped or stripped in UID_dictionary:
        return stripped
    return map_uid(stripped) if UID_FORM.fullmatch(stripped) else None


def is_harmless(text: str, vr: str) -> bool:
    """Whether a value tells nothing of a person."""
    if not text:
        return True
    if vr in PLAIN_VRS:
        return is_plain(text)
    if vr == "AS":
        return bool(AGE.fullmatch(text))
    return vr in ("DS", "IS") and bool(NUMBER.fullmatch(text))


def is_numeric(value: Any) -> bool:
    """Whether a binary number was read as one: bytes that could not be are something else."""
    return all(isinstance(part, (int, float)) for part in several(value))


def several(value: Any) -> list[Any]:
    """The values of an element, whether it has one or more."""
    return list(value) if isinstance(value, (MultiValue, list, tuple)) else [value]
