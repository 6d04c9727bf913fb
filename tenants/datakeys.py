"""A key for each tenant, wrapped by the installation's master key: dropping it erases all that was sealed with it.

A wrapped key is nonce and ciphertext of AES-256-GCM, bound to its tenant. The first of `ASSAY_MASTER_KEYS` wraps, all
of them open; after a change `rewrap` brings every tenant's key under the new one, and the old one can be forgotten.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import transaction

from tenants import audit
from tenants.context import operator_context
from tenants.errors import InternalError
from tenants.models import DataKey

KEY_BYTES = 32
NONCE_BYTES = 12
ID_LETTERS = 16
MASTER_PURPOSE = b"assay master key 1"


class MasterKeyMissing(InternalError):
    """No master key that is set opens the tenant's data key."""

    code = "master_key_missing"


@dataclass(frozen=True, slots=True)
class Secret:
    """A tenant's data key in the clear. `id` tells which it is: one that was dropped never comes back."""

    id: UUID
    key: bytes = field(repr=False)

    def derived(self, purpose: str) -> bytes:
        """32 bytes for one purpose, by HKDF (RFC 5869): what is made with them tells nothing of the others."""
        return _derived(self.key, f"assay {purpose} 1".encode())


@dataclass(frozen=True, slots=True)
class MasterKey:
    """An AES key from a secret of the settings."""

    key: bytes = field(repr=False)

    @property
    def id(self) -> str:
        digest = Hash(SHA256())
        digest.update(self.key)
        return digest.finalize().hex()[:ID_LETTERS]


def of(tenant_id: UUID) -> Secret:
    """The tenant's data key, made on first use; call it in the tenant's scope. Raises `MasterKeyMissing`."""
    row, _ = DataKey.objects.for_tenant(tenant_id).get_or_create(tenant_id=tenant_id, defaults=_fresh(tenant_id))
    return _opened(row)


def existing(tenant_id: UUID) -> Secret | None:
    """The tenant's data key if there is one. Raises `MasterKeyMissing`."""
    row: DataKey | None = DataKey.objects.for_tenant(tenant_id).first()
    return _opened(row) if row else None


def drop(tenant_id: UUID, *, actor: str) -> bool:
    """Forget the tenant's data key for good; True if there was one. What was sealed with it can not be opened again."""
    with transaction.atomic():
        dropped, _ = DataKey.objects.for_tenant(tenant_id).delete()
        if dropped:
            audit.record("data_key.dropped", tenant_id=tenant_id, actor=actor)
    return bool(dropped)


def rewrap(*, actor: str) -> int:
    """Bring every data key under the first master key; how many were not. Raises `MasterKeyMissing`."""
    current = next(_master_keys())
    with operator_context():
        old = list(DataKey.objects.exclude(master_key_id=current.id).select_for_update())
        for row in old:
            row.wrapped, row.master_key_id = _wrapped(current, row.tenant_id, _opened(row).key), current.id
            row.save(update_fields=["wrapped", "master_key_id"])
        if old:
            audit.record("data_keys.rewrapped", tenant_id=None, actor=actor, keys=len(old), master_key=current.id)
    return len(old)


def _fresh(tenant_id: UUID) -> dict[str, object]:
    current = next(_master_keys())
    wrapped = _wrapped(current, tenant_id, AESGCM.generate_key(KEY_BYTES * 8))
    return {"wrapped": wrapped, "master_key_id": current.id}


def _master_keys() -> Iterator[MasterKey]:
    for secret in settings.ASSAY_MASTER_KEYS:
        yield MasterKey(_derived(secret.encode(), MASTER_PURPOSE))


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose).derive(secret)


def _wrapped(master: MasterKey, tenant_id: UUID, key: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(master.key).encrypt(nonce, key, tenant_id.bytes)


def _opened(row: DataKey) -> Secret:
    wrapped = bytes(row.wrapped)
    for master in _master_keys():
        if master.id == row.master_key_id:
            return Secret(row.id, _unwrapped(master, row.tenant_id, wrapped))
    raise MasterKeyMissing(f"the data key of tenant {row.tenant_id} needs the master key {row.master_key_id}")


def _unwrapped(master: MasterKey, tenant_id: UUID, wrapped: bytes) -> bytes:
    try:
        return AESGCM(master.key).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], tenant_id.bytes)
    except InvalidTag:
        raise MasterKeyMissing(f"the data key of tenant {tenant_id} was altered") from None
