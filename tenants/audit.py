"""The audit log: one hash chain a tenant, and one for the operator."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from django.db import connection
from django.utils import timezone

from tenants.context import operator_context
from tenants.models import AuditEvent, Tenant

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class BrokenLink:
    """The first event of a chain that does not follow from the one before it."""

    tenant_id: UUID | None
    sequence: int
    reason: str


def record(action: str, *, tenant_id: UUID | None, actor: str, subject: str = "", **detail: Any) -> AuditEvent:
    """Append one event to the tenant's chain (the operator's where `tenant_id` is None), in the caller's transaction.

    1. Lock the chain, so that two writers do not both follow the same event.
    2. Read its last event.
    3. Write the new one with the hash of the last.
    """
    _lock_chain(tenant_id)
    last = AuditEvent.objects.filter(tenant_id=tenant_id).order_by("-sequence").first()
    event = AuditEvent(
        tenant_id=tenant_id,
        sequence=last.sequence + 1 if last else 1,
        action=action,
        actor=actor,
        subject=subject,
        detail=detail,
        request_id=str(structlog.contextvars.get_contextvars().get("request_id", "")),
        at=timezone.now(),
        previous_hash=last.hash if last else GENESIS,
    )
    event.hash = digest(event)
    event.save(force_insert=True)
    return event


def digest(event: AuditEvent) -> str:
    """SHA-256 over the event and the hash before it."""
    fields = [
        str(event.tenant_id or ""), event.sequence, event.action, event.actor, event.subject,
        event.detail, event.request_id, event.at.isoformat(), event.previous_hash,
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def verify() -> list[BrokenLink]:
    """Walk every chain; the broken ones, each at its first fault. Empty when the log is whole."""
    with operator_context():
        chains = [None, *Tenant.objects.values_list("id", flat=True)]
        faults = (_first_fault(tenant_id) for tenant_id in chains)
        return [fault for fault in faults if fault]


def _first_fault(tenant_id: UUID | None) -> BrokenLink | None:
    events: Iterable[AuditEvent] = AuditEvent.objects.filter(tenant_id=tenant_id).order_by("sequence").iterator()
    previous, expected = GENESIS, 1
    for event in events:
        if event.sequence != expected:
            return BrokenLink(tenant_id, expected, "missing")
        if event.previous_hash != previous:
            return BrokenLink(tenant_id, event.sequence, "not linked to the one before")
        if event.hash != digest(event):
            return BrokenLink(tenant_id, event.sequence, "altered")
        previous, expected = event.hash, expected + 1
    return None


def _lock_chain(tenant_id: UUID | None) -> None:
    """On SQLite the transaction already holds the only write lock there is."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 20))", [f"audit:{tenant_id}"])
