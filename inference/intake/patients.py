"""Which studies of a tenant are of one patient, without keeping who that is.

The pseudonym is HMAC-SHA256 under a secret of the tenant's own, derived by HKDF (RFC 5869) from `SECRET_KEY`: without
the key nobody can try ids against it, and the same patient has unlike pseudonyms in two tenants. After a change of
`SECRET_KEY` new studies match no old ones: a comparison is left out, none is wrong.
"""

from __future__ import annotations

import hmac
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

PURPOSE = b"assay patient key 1"
KEY_BYTES = 32


def patient_key(tenant_id: UUID, digest: str) -> str:
    """The tenant's pseudonym (64 hex digits) of the patient whose digest a child reports; empty for an empty one."""
    return hmac.digest(secret_of(tenant_id), digest.encode(), "sha256").hex() if digest else ""


def secret_of(tenant_id: UUID) -> bytes:
    """The tenant's secret; the same in every process."""
    derivation = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=tenant_id.bytes, info=PURPOSE)
    return derivation.derive(settings.SECRET_KEY.encode())
