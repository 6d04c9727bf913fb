"""The crosswalk closed and opened: compressed JSON under AES-256-GCM, bound to its tenant and study."""

from __future__ import annotations

import json
import os
import zlib
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12
DOMAIN = "assay crosswalk"


class Unopenable(Exception):
    """The seal is of another key, tenant or study, or was altered."""


def seal(key: bytes, tenant: str, study_uid: str, content: dict[str, Any]) -> bytes:
    """Nonce and ciphertext. `study_uid` is the one that is stored."""
    nonce = os.urandom(NONCE_BYTES)
    plain = zlib.compress(json.dumps(content, separators=(",", ":")).encode())
    return nonce + AESGCM(key).encrypt(nonce, plain, bound_to(tenant, study_uid))


def unseal(key: bytes, tenant: str, study_uid: str, sealed: bytes) -> dict[str, Any]:
    """What was sealed. Raises `Unopenable`."""
    try:
        plain = AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to(tenant, study_uid))
    except (InvalidTag, ValueError):
        raise Unopenable from None
    content: dict[str, Any] = json.loads(zlib.decompress(plain))
    return content


def bound_to(tenant: str, study_uid: str) -> bytes:
    """A seal can not be moved to another study's row."""
    return f"{DOMAIN}\n{tenant}\n{study_uid}".encode()
