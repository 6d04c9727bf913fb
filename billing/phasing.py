"""Writing down what happens to a subscription: its phases, its add-ons, the audit log and the outbox."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q

from billing import outbox
from billing.domain.course import Kind
from billing.models import Entitlement, PhaseKind, Subscription, SubscriptionAddOn, SubscriptionPhase
from tenants import audit
from tenants.ids import uuid7
from tenants.querysets import TenantQuerySet

SYSTEM = "billing"
"""The actor of what happens by itself."""


def open_phase(subscription: Subscription) -> SubscriptionPhase:
    """The phase that goes on; raises `SubscriptionPhase.DoesNotExist` for a subscription that has ended."""
    phases = SubscriptionPhase.objects.for_tenant(subscription.tenant_id)
    found: SubscriptionPhase = phases.get(subscription=subscription, ends_at__isnull=True)
    return found


def begin(subscription: Subscription, version: UUID, kind: Kind, at: datetime) -> SubscriptionPhase:
    """Open a phase; the one before it must have been closed."""
    phase: SubscriptionPhase = SubscriptionPhase.objects.create(
        tenant_id=subscription.tenant_id, subscription=subscription, plan_version_id=version,
        kind=PhaseKind(kind.value), starts_at=at,
    )  # fmt: skip
    return phase


def close(subscription: Subscription, at: datetime) -> None:
    """Close the phase that goes on."""
    phases = SubscriptionPhase.objects.for_tenant(subscription.tenant_id)
    phases.filter(subscription=subscription, ends_at__isnull=True).update(ends_at=at)


def end_add_ons(subscription: Subscription, at: datetime) -> None:
    """Let all add-ons end at `at`, as the subscription or its grid of periods does."""
    _going_on(subscription, at).update(ends_at=at)


def end_unfit_add_ons(subscription: Subscription, version: UUID, at: datetime) -> None:
    """Let those add-ons end at `at`, the end of a period, that widen nothing of the new version."""
    going_on = _going_on(subscription, at)
    unfit = [each.pk for each in going_on if not widens(each.plan_version_id, version)]
    going_on.filter(pk__in=unfit).update(ends_at=at)


def widens(add_on: UUID, version: UUID) -> bool:
    """Whether an add-on's version adds to a limit that a plan's version has."""
    limits = Entitlement.objects.filter(limit__isnull=False, meter__isnull=False)
    pools = [set(limits.filter(plan_version=each).values_list("plugin", "meter")) for each in (add_on, version)]
    return not pools[0].isdisjoint(pools[1])


def new_key() -> UUID:
    """For a note about what has no row of its own."""
    return uuid7()


def note(subscription: Subscription, what: str, *, key: UUID, actor: str = SYSTEM, **detail: Any) -> None:
    """Record and announce `subscription.<what>`; `key` tells one such message from the next."""
    tenant_id, subject = subscription.tenant_id, str(subscription.id)
    topic = f"subscription.{what}"
    outbox.enqueue(
        tenant_id, topic, key=f"{topic}:{key.hex}", payload={"subscription": subject}, serial=f"customer:{tenant_id}"
    )
    audit.record(topic, tenant_id=tenant_id, actor=actor, subject=subject, **detail)


def _going_on(subscription: Subscription, at: datetime) -> TenantQuerySet[SubscriptionAddOn]:
    """The add-ons that would go on beyond `at`."""
    own: TenantQuerySet[SubscriptionAddOn] = SubscriptionAddOn.objects.for_tenant(subscription.tenant_id)
    return own.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=at), subscription=subscription)
