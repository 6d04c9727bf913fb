"""What a child tells of its work, checked on arrival: a child that was taken over must not write what it likes."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydicom.datadict import tag_for_keyword

from inference.intake.codes import refusal

ACTIONS = ("removed", "emptied", "replaced", "shifted", "remapped", "cleaned")
SIGN = re.compile(r"[a-z_]{1,20}")
LARGEST_SEAL = 512 * 1024


@dataclass(frozen=True, slots=True)
class Deidentified:
    """What was done to one file: counts by action and keyword, private and unknown attributes, and the sealed way back.

    The seals are empty where the tenant keeps no way back.
    """

    counts: Mapping[str, Mapping[str, int]]
    private: int
    unknown: int
    sealed_study: bytes = b""
    sealed_file: bytes = b""


def told_deidentification(told: Any) -> Deidentified:
    """The work in a reply. Raises `UnreadableFile` where the reply is not of our making."""
    if not isinstance(told, dict):
        raise refusal("unreadable_file.decoder")
    counts = {action: told_counts(told.get(action, {})) for action in ACTIONS}
    private, unknown = told_number(told.get("private")), told_number(told.get("unknown"))
    return Deidentified(counts, private, unknown, told_seal(told, "sealed_study"), told_seal(told, "sealed_file"))


def told_counts(told: Any) -> dict[str, int]:
    """Counts by keyword; a keyword that the standard does not have could be a name."""
    if not isinstance(told, dict) or not all(tag_for_keyword(str(keyword)) for keyword in told):
        raise refusal("unreadable_file.decoder")
    return {str(keyword): told_number(count) for keyword, count in told.items()}


def told_number(told: Any) -> int:
    """A count."""
    if not isinstance(told, int) or not 0 <= told < 2**31:
        raise refusal("unreadable_file.decoder")
    return told


def told_seal(told: Mapping[str, Any], name: str) -> bytes:
    """A sealed part, empty where there is none."""
    try:
        sealed = base64.b64decode(str(told.get(name, "")), validate=True)
    except (ValueError, binascii.Error):
        raise refusal("unreadable_file.decoder") from None
    if len(sealed) > LARGEST_SEAL:
        raise refusal("unreadable_file.decoder")
    return sealed


def told_signs(told: Any) -> tuple[str, ...]:
    """The signs of burned-in text."""
    if not isinstance(told, list) or not all(isinstance(one, str) and SIGN.fullmatch(one) for one in told[:10]):
        raise refusal("unreadable_file.decoder")
    return tuple(told[:10])
