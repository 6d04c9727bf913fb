"""Writing down what happens to a subscription: its phases, its add-ons, the audit log and the outbox."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F, Q

from billing import outbox, reading
from billing.domain.course import Kind
from billing.models import Entitlement, PhaseKind, Subscription, SubscriptionAddOn, SubscriptionPhase
from tenants import audit
from tenants.ids import uuid7
from tenants.querysets import TenantQuerySet

SYSTEM = "billing"
"""The actor of what happens by itself."""
BESIDE = """
SELECT EXISTS (SELECT 1 FROM billing_subscriptionaddon WHERE subscription_id = %s),
       EXISTS (SELECT 1 FROM billing_redemption WHERE subscription_id = %s)
"""


@dataclass(frozen=True, slots=True)
class Beside:
    """Whether a subscription has, or had, add-ons and redeemed coupons."""

    add_ons: bool
    redemptions: bool


def open_phase(subscription: Subscription) -> SubscriptionPhase:
    """The phase that goes on; raises `SubscriptionPhase.DoesNotExist` for a subscription that has ended."""
    found = [phase for phase in rows(subscription) if phase.ends_at is None]
    if not found:
        raise SubscriptionPhase.DoesNotExist
    return found[0]


@reading.once
def beside(subscription: Subscription) -> Beside:
    """One look for what most have not."""
    field = Subscription._meta.pk
    assert field is not None
    key = field.get_db_prep_value(subscription.pk, connection)
    with connection.cursor() as cursor:
        cursor.execute(BESIDE, [key, key])
        add_ons, redemptions = cursor.fetchone() or (False, False)
    return Beside(bool(add_ons), bool(redemptions))


@reading.once
def rows(subscription: Subscription) -> list[SubscriptionPhase]:
    """All phases with their plans, in order."""
    found = SubscriptionPhase.objects.for_tenant(subscription.tenant_id).select_related("plan_version__plan")
    in_order = found.order_by("starts_at", F("ends_at").asc(nulls_last=True))
    return list(in_order.filter(subscription=subscription))


@reading.once
def add_ons(subscription: Subscription) -> list[SubscriptionAddOn]:
    """All add-ons with their plans, those that have ended too, in order."""
    if not beside(subscription).add_ons:
        return []
    found = SubscriptionAddOn.objects.for_tenant(subscription.tenant_id).select_related("plan_version__plan")
    return list(found.filter(subscription=subscription).order_by("starts_at", "id"))


def begin(subscription: Subscription, version: UUID, kind: Kind, at: datetime) -> SubscriptionPhase:
    """Open a phase; the one before it must have been closed."""
    phase: SubscriptionPhase = SubscriptionPhase.objects.create(
        tenant_id=subscription.tenant_id, subscription=subscription, plan_version_id=version,
        kind=PhaseKind(kind.value), starts_at=at,
    )  # fmt: skip
    reading.forget()
    return phase


def close(subscription: Subscription, at: datetime) -> None:
    """Close the phase that goes on."""
    phases = SubscriptionPhase.objects.for_tenant(subscription.tenant_id)
    phases.filter(subscription=subscription, ends_at__isnull=True).update(ends_at=at)
    reading.forget()


def end_add_ons(subscription: Subscription, at: datetime) -> None:
    """Let all add-ons end at `at`, as the subscription or its grid of periods does."""
    _going_on(subscription, at).update(ends_at=at)
    reading.forget()


def end_unfit_add_ons(subscription: Subscription, version: UUID, at: datetime) -> None:
    """Let those add-ons end at `at`, the end of a period, that widen nothing of the new version."""
    going_on = _going_on(subscription, at)
    unfit = [each.pk for each in going_on if not widens(each.plan_version_id, version)]
    going_on.filter(pk__in=unfit).update(ends_at=at)
    reading.forget()


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
