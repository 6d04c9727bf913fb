"""Identifiers: UUIDv7 inside (time-ordered, RFC 9562), `job_01k...` outside (a prefix and 26 characters of base32)."""

from __future__ import annotations

import secrets
import time
from uuid import UUID

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
VALUES = {letter: value for value, letter in enumerate(ALPHABET)}
LENGTH = 26


class UnknownId(LookupError):
    """The text can not be an id of the wanted kind. The edge answers as if the object did not exist."""


def uuid7() -> UUID:
    """A new UUID, version 7: 48 bits of milliseconds since 1970, then 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    random = secrets.randbits(74)
    value = (
        (milliseconds & (1 << 48) - 1) << 80 | 0x7 << 76 | (random >> 62) << 64 | 0b10 << 62 | random & (1 << 62) - 1
    )
    return UUID(int=value)


def encode(prefix: str, value: UUID) -> str:
    """The public form of an id."""
    number = value.int
    letters = [ALPHABET[number >> 5 * position & 31] for position in reversed(range(LENGTH))]
    return f"{prefix}_{''.join(letters)}"


def decode(prefix: str, text: str) -> UUID:
    """The UUID behind a public id. Raises `UnknownId` for any other text, a wrong prefix included."""
    head, separator, letters = text.rpartition("_")
    if head != prefix or not separator or len(letters) != LENGTH or any(letter not in VALUES for letter in letters):
        raise UnknownId(text)
    number = 0
    for letter in letters:
        number = number << 5 | VALUES[letter]
    if number >> 128:
        raise UnknownId(text)
    return UUID(int=number)
