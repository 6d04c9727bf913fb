"""Keyed stand-ins: the same original gives the same one again, and nobody without the tenant's key can tell which."""

from __future__ import annotations

import hashlib
import hmac

# base32 without letters that are taken for digits
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
NAME_LETTERS = 8
LONGEST_SHIFT_DAYS = 3650


def uid_of(key: bytes, original: str) -> str:
    """A UID under the root for UUIDs (DICOM PS3.5, B.2): 128 bits of an HMAC over the original."""
    return f"2.25.{int.from_bytes(_digest(key, 'uid', original)[:16])}"


def name_of(key: bytes, patient: str) -> str:
    """A name that no person has: `ANON-7F3K-Q2MD`. 40 bits, so that two patients of a tenant do not share one."""
    number = int.from_bytes(_digest(key, "name", patient)[:8])
    letters = "".join(ALPHABET[number >> 5 * place & 31] for place in range(NAME_LETTERS))
    return f"ANON-{letters[:4]}-{letters[4:]}"


def days_of(key: bytes, patient: str) -> int:
    """By how many days the patient's dates are moved into the past, 1 to 3650; all of a patient's by the same."""
    return int.from_bytes(_digest(key, "days", patient)[:8]) % LONGEST_SHIFT_DAYS + 1


def _digest(key: bytes, kind: str, text: str) -> bytes:
    return hmac.digest(key, f"{kind}\n{text}".encode(), hashlib.sha256)
