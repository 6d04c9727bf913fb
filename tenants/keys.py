"""API keys: issue, find, revoke."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from tenants import audit
from tenants.context import operator_context
from tenants.errors import InvalidCredential
from tenants.models import ApiKey, Tenant, User
from tenants.roles import SCOPES

LAST_USED_STEP = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A fresh key with its token `<prefix>.<secret>`: the only moment at which the secret exists in clear."""

    key: ApiKey
    token: str


def issue(
    tenant: Tenant,
    name: str,
    scopes: Iterable[str],
    *,
    actor: str,
    created_by: User | None = None,
    expires_at: datetime | None = None,
) -> IssuedKey:
    """Make a key; call inside the tenant's scope. Raises `ValueError` for a scope that does not exist."""
    wanted = sorted(set(scopes))
    if not set(wanted) <= set(SCOPES):
        raise ValueError(f"unknown scope in {wanted}")
    prefix, secret = f"ak_{secrets.token_hex(8)}", secrets.token_urlsafe(32)
    key = ApiKey.objects.create(
        tenant=tenant, prefix=prefix, secret_sha256=_digest(secret), name=name, scopes=wanted,
        created_by=created_by, expires_at=expires_at,
    )  # fmt: skip
    audit.record("api_key.issued", tenant_id=tenant.id, actor=actor, subject=prefix, scopes=wanted)
    return IssuedKey(key, f"{prefix}.{secret}")


def authenticate(token: str) -> ApiKey:
    """The live key behind a token, with its tenant. Raises `InvalidCredential` for anything else.

    The tenant is not known before the key is, so this one look-up runs as the operator.
    """
    prefix, _, secret = token.partition(".")
    with operator_context():
        key: ApiKey | None = ApiKey.objects.select_related("tenant").filter(prefix=prefix).first()
        stored = key.secret_sha256 if key else "0" * 64
        matches = hmac.compare_digest(stored, _digest(secret))
        if key is None or not matches or not is_live(key):
            raise InvalidCredential
        _note_use(key)
    return key


def is_live(key: ApiKey) -> bool:
    return key.revoked_at is None and (key.expires_at is None or key.expires_at > timezone.now())


def revoke(key: ApiKey, *, actor: str) -> None:
    """End a key now; it stays in the list for the record."""
    if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()):
        audit.record("api_key.revoked", tenant_id=key.tenant_id, actor=actor, subject=key.prefix)


def _note_use(key: ApiKey) -> None:
    """Written at most once a minute: a poll must not cost a write."""
    now = timezone.now()
    if key.last_used_at is None or now - key.last_used_at > LAST_USED_STEP:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)


def _digest(secret: str) -> str:
    # 256 random bits need no slow hash
    return hashlib.sha256(secret.encode()).hexdigest()
