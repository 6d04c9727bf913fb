"""Late payment: open, past due, suspended, and back when it is paid."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Q

from billing import clock, subscriptions
from billing.models import Invoice, InvoiceKind, InvoiceState, Subscription, SubscriptionStatus
from tenants import audit
from tenants.context import operator_context

AGEING = (SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE, SubscriptionStatus.SUSPENDED)
"""A trial, a pause and an end are not touched by late payment."""


def age(now: datetime) -> int:
    """Bring the state of all tenants' subscriptions to what their open invoices say at `now`; how many changed.

    Each in a transaction of its own.
    """
    with operator_context():
        late = Invoice.objects.filter(_late(now)).values("tenant_id")
        marked = Q(status__in=[SubscriptionStatus.PAST_DUE, SubscriptionStatus.SUSPENDED])
        waiting = Subscription.objects.filter(marked | Q(status=SubscriptionStatus.ACTIVE, tenant_id__in=late))
        tenants = sorted(set(waiting.values_list("tenant_id", flat=True)))
    changed = 0
    for tenant_id in tenants:
        with operator_context():
            changed += refresh(tenant_id, now)
    return changed


def refresh(tenant_id: UUID, now: datetime | None = None) -> bool:
    """Set the state of the tenant's subscription by its late invoices; whether it changed."""
    found = subscriptions.subscription_of(tenant_id)
    if found is None:
        return False
    rows = Subscription.objects.for_tenant(tenant_id).select_for_update(no_key=True)
    subscription: Subscription = rows.get(pk=found.pk)
    if subscription.status not in AGEING:
        return False
    late = Invoice.objects.for_tenant(tenant_id).filter(_late(now or clock.now()))
    since = late.order_by("due_at").values_list("due_at", flat=True).first()
    before = subscription.status
    subscription.past_due_since = since
    subscription.status = state_at(since, now or clock.now())
    subscription.save(update_fields=["status", "past_due_since"])
    if subscription.status != before:
        name, subject = f"subscription.{subscription.status}", str(subscription.id)
        audit.record(name, tenant_id=tenant_id, actor="billing", subject=subject)
    return bool(subscription.status != before)


def state_at(past_due_since: datetime | None, now: datetime) -> SubscriptionStatus:
    """Active while nothing is late, then past due, and suspended once the days of grace are over."""
    if past_due_since is None:
        return SubscriptionStatus.ACTIVE
    over = now >= past_due_since + timedelta(days=settings.ASSAY_GRACE_DAYS)
    return SubscriptionStatus.SUSPENDED if over else SubscriptionStatus.PAST_DUE


def _late(now: datetime) -> Q:
    # credits that were ordered and not paid hurt nobody: they are not there; what was given up was not paid either
    unpaid = (InvoiceState.OPEN, InvoiceState.UNCOLLECTIBLE)
    return Q(state__in=unpaid, kind=InvoiceKind.PERIOD, due_at__lte=now)
