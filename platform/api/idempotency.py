"""`Idempotency-Key`: the same key and body give the first answer again. Refusals are not kept: a retry tries."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from inference.models import IdempotencyRecord
from tenants.context import tenant_context
from tenants.errors import UserError
from tenants.models import Tenant
from tenants.querysets import TenantQuerySet

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
KEPT_HEADERS = ("Location", "Retry-After", "Preference-Applied", "ETag")
LONGEST_KEY = 255


class KeyInProgress(UserError):
    """The first request with the key has not been answered yet."""

    code = "idempotency_in_progress"
    template = "A request with this Idempotency-Key is under way: ask again in a moment."


class KeyReused(UserError):
    """The key was used for another request."""

    code = "idempotency_key_reused"
    template = "This Idempotency-Key was used for another request: take a new key."


class KeyTooLong(UserError):
    """The key does not fit."""

    code = "idempotency_key_invalid"
    template = "An Idempotency-Key has at most %(limit)s characters."


@dataclass
class Claim:
    """The right to carry a request out, or the answer that it had. Without a key there is nothing to keep."""

    record: IdempotencyRecord | None = None
    replay: Response | None = None
    kept: bool = False

    def keep(self, response: Response) -> None:
        """Store the answer; call it in the transaction of the effect.

        Raises `KeyInProgress` when another request has taken the key over meanwhile: then this effect must not stand.
        """
        if self.record is None:
            return
        headers = {name: response[name] for name in KEPT_HEADERS if name in response}
        if not own(self.record).update(status=response.status_code, response=response.data, headers=headers):
            raise KeyInProgress(extra={"retry_after": 1})
        self.kept = True


@contextmanager
def claimed(tenant: Tenant, request: Request) -> Iterator[Claim]:
    """Claim the request's key for the block. A block that keeps no answer gives the key back.

    Raises `KeyInProgress` and `KeyReused`.
    """
    key = request.headers.get(HEADER, "")
    if len(key) > LONGEST_KEY:
        raise KeyTooLong(limit=LONGEST_KEY)
    claim = take(tenant, key, route_of(request), digest(request)) if key else Claim()
    try:
        yield claim
    except BaseException:
        # the transaction that would have kept the answer was rolled back
        claim.kept = False
        raise
    finally:
        if claim.record and not claim.kept and claim.replay is None:
            with tenant_context(tenant.id):
                own(claim.record).delete()


def own(record: IdempotencyRecord) -> TenantQuerySet[IdempotencyRecord]:
    """The row of an unanswered key, for as long as the claim that `record` shows is the last one."""
    rows: TenantQuerySet[IdempotencyRecord] = IdempotencyRecord.objects.for_tenant(record.tenant_id)
    return rows.filter(pk=record.pk, status=None, created_at=record.created_at)


def take(tenant: Tenant, key: str, route: str, body_sha256: str) -> Claim:
    """Write the key down in a transaction of its own, or find what it stands for."""
    with tenant_context(tenant.id):
        record, fresh = IdempotencyRecord.objects.get_or_create(
            tenant=tenant, key=key, route=route, defaults={"body_sha256": body_sha256}
        )
        if fresh:
            return Claim(record)
        if record.body_sha256 != body_sha256:
            raise KeyReused
        if record.status is not None:
            return Claim(record, replay(record))
        return take_over(tenant, record)


def take_over(tenant: Tenant, record: IdempotencyRecord) -> Claim:
    """A key whose process died may be claimed again, by one. Raises `KeyInProgress` for a living one."""
    now = timezone.now()
    patience = timedelta(seconds=settings.ASSAY_IDEMPOTENCY_SECONDS)
    if not own(record).filter(created_at__lt=now - patience).update(created_at=now):
        raise KeyInProgress(extra={"retry_after": 1})
    record.created_at = now
    return Claim(record)


def route_of(request: Request) -> str:
    """Method and address; of an address of any length, for a malformed id may be long."""
    return f"{request.method} {hashlib.sha256(request.path.encode()).hexdigest()}"


def replay(record: IdempotencyRecord) -> Response:
    headers: dict[str, Any] = {**record.headers, REPLAYED: "true"}
    return Response(record.response, status=record.status, headers=headers)


def digest(request: Request) -> str:
    """SHA-256 of what the request asks: the body, or of a form its fields and the bytes of its files."""
    hashed = hashlib.sha256()
    if not request.content_type.startswith("multipart/"):
        hashed.update(request._request.body)
        return hashed.hexdigest()
    for name, values in sorted(request.POST.lists()):
        hashed.update(repr((name, values)).encode())
    for name, files in sorted(request.FILES.lists()):
        for file in files:
            hashed.update(repr((name, file.name, file.size)).encode())
            for chunk in file.chunks():
                hashed.update(chunk)
            file.seek(0)
    return hashed.hexdigest()
