"""Which object of a provider is which of ours. Call inside the operator's or the tenant's scope."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from billing.models import ProviderObject
from billing.providers.base import BillingProvider
from tenants.context import operator_context

SUBSCRIPTION, INVOICE, LINE = "subscription", "invoice", "invoice_line"
CREDIT_NOTE, REFUND, CHECKOUT = "credit_note", "refund", "checkout.session"


def external_id(provider: BillingProvider, kind: str, local_id: UUID | None) -> str:
    """The provider's id of our object; nothing where it has none."""
    rows = ProviderObject.objects.filter(provider=provider.name, livemode=provider.livemode, kind=kind)
    found: str | None = rows.filter(local_id=local_id).values_list("external_id", flat=True).first()
    return found or ""


def by_external(provider: BillingProvider, kind: str, external: str) -> ProviderObject | None:
    """Our note of a provider's object."""
    found: ProviderObject | None = ProviderObject.objects.filter(
        provider=provider.name, kind=kind, external_id=external
    ).first()
    return found


def link(
    tenant_id: UUID,
    provider: BillingProvider,
    kind: str,
    local_id: UUID,
    external: str,
    snapshot: dict[str, Any] | None = None,
) -> None:
    """Note that the two belong together. Whoever comes second, relay or webhook, writes the same."""
    ProviderObject.objects.bulk_create(
        [
            ProviderObject(
                tenant_id=tenant_id, provider=provider.name, livemode=provider.livemode, kind=kind, local_id=local_id,
                external_id=external, snapshot=snapshot or {},
            )
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    rows = ProviderObject.objects.filter(
        provider=provider.name, livemode=provider.livemode, kind=kind, local_id=local_id
    )
    rows.exclude(external_id=external).update(external_id=external)
    if snapshot is not None:
        rows.update(snapshot=snapshot)


def see(row: ProviderObject, snapshot: dict[str, Any], seen_at: datetime) -> bool:
    """Keep how the object stands, unless something newer was seen: False then. Locks the row."""
    locked = ProviderObject.objects.select_for_update(no_key=True).get(pk=row.pk)
    if locked.snapshot and locked.seen_at > seen_at:
        return False
    ProviderObject.objects.filter(pk=row.pk).update(snapshot={**locked.snapshot, **snapshot}, seen_at=seen_at)
    return True


def look_up(provider: BillingProvider, kind: str, local_id: UUID | None) -> str:
    """`external_id` in a transaction of its own."""
    with operator_context():
        return external_id(provider, kind, local_id)


def unlink(provider: BillingProvider, kind: str, local_id: UUID) -> None:
    """Forget the provider's object: another one takes its place."""
    ProviderObject.objects.filter(
        provider=provider.name, livemode=provider.livemode, kind=kind, local_id=local_id
    ).delete()
