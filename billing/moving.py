"""Moving subscribers to a plan's new version: what it would mean for each of them, and doing it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from billing import changes, clock, currencies, phasing, rerating, subscriptions
from billing.changes import When
from billing.domain.money import total
from billing.domain.periods import Period
from billing.errors import CurrencyNotOffered, NoPeriodEnd, PaymentRequired, VersionNotOffered
from billing.models import PlanVersion, Subscription, SubscriptionStatus, VersionState
from tenants.context import operator_context


@dataclass(frozen=True, slots=True)
class MoveEffect:
    """What a move would mean for one subscriber; exact minor units of `currency`, before tax and discounts.

    Fees are those of a whole period. `usage_before` and `usage_after` rate the finished work of `period`, the last one
    that has ended (else the present one), by each version's price list. `lost` are plugins used in it that the new
    version does not cover; `obstacle` is why the subscriber can not be moved, a code, or "".
    """

    subscription: UUID
    tenant: UUID
    tenant_name: str
    version: int
    currency: str
    period: Period
    fee_before: Decimal
    fee_after: Decimal
    usage_before: Decimal
    usage_after: Decimal
    lost: list[str]
    obstacle: str = ""

    @property
    def difference(self) -> Decimal:
        """What the period would have cost more; below zero, less."""
        return total([self.fee_after, self.usage_after, -self.fee_before, -self.usage_before])


@dataclass(frozen=True, slots=True)
class Moved:
    """Ids of the subscriptions that were moved, and of those that were left with the code of the reason."""

    moved: list[UUID]
    left: dict[UUID, str]


def effect(version: PlanVersion) -> list[MoveEffect]:
    """What moving all subscribers of the plan's other versions to `version` would mean; a draft can be asked about."""
    with operator_context():
        return [_effect_on(subscription, version) for subscription in _subscribers(version)]


def move(version: PlanVersion, *, actor: str, when: When) -> Moved:
    """Put all subscribers of the plan's other versions on `version`, each in a transaction and with a trace of its own.

    Who is leaving the plan anyway, or pays in a currency that it has no prices in, is left where they are.
    Raises `VersionNotOffered` for a version that is not on offer.
    """
    with operator_context():
        version = PlanVersion.objects.select_related("plan").get(pk=version.pk)
        if version.state != VersionState.PUBLISHED:
            raise VersionNotOffered
        waiting = [(each.pk, each.tenant_id) for each in _subscribers(version)]
    moved: list[UUID] = []
    left: dict[UUID, str] = {}
    for subscription_id, tenant_id in waiting:
        obstacle = _move_one(tenant_id, version, actor, when)
        if obstacle:
            left[subscription_id] = obstacle
        else:
            moved.append(subscription_id)
    return Moved(moved, left)


def _move_one(tenant_id: UUID, version: PlanVersion, actor: str, when: When) -> str:
    """The code of what stood in the way, else nothing."""
    with operator_context():
        try:
            subscription = subscriptions.hold(tenant_id)
        except PaymentRequired as gone:
            return gone.code
        obstacle = _obstacle(subscription, version, when)
        if obstacle:
            return obstacle
        before = str(subscription.plan_version)
        if when == "now":
            changes.switch(subscription, version, actor=actor)
        else:
            subscription.next_plan_version = version
            subscription.save(update_fields=["next_plan_version"])
        key = phasing.new_key()
        phasing.note(subscription, "moved", key=key, actor=actor, version=str(version), before=before, when=when)
        return ""


def _obstacle(subscription: Subscription, version: PlanVersion, when: When) -> str:
    planned = subscription.next_plan_version
    leaving = subscription.cancel_at is not None or (planned is not None and planned.plan_id != version.plan_id)
    if subscription.plan_version.plan_id != version.plan_id or (leaving and when == "period_end"):
        return "leaving"
    if subscription.currency not in currencies.sold_in(version):
        return CurrencyNotOffered.code
    if when == "period_end" and subscription.current_period_end is None:
        return NoPeriodEnd.code
    return ""


def _subscribers(version: PlanVersion) -> Iterator[Subscription]:
    """Those of the plan who are on another version, by the age of the subscription."""
    rows = Subscription.objects.select_related("plan_version__plan", "next_plan_version", "tenant")
    running = rows.filter(plan_version__plan=version.plan_id).exclude(status=SubscriptionStatus.CANCELED)
    found: Iterator[Subscription] = running.exclude(plan_version=version).order_by("created_at").iterator()
    return found


def _effect_on(subscription: Subscription, version: PlanVersion) -> MoveEffect:
    period = subscriptions.last_period(subscription, clock.now())
    work = rerating.work_of(subscription, period)
    versions = (subscription.plan_version, version)
    before, after = (rerating.rate_work(work, subscription, each, period) for each in versions)
    fees = [rerating.fee_of(each, subscription.currency) for each in versions]
    return MoveEffect(
        subscription=subscription.pk, tenant=subscription.tenant_id, tenant_name=subscription.tenant.name,
        version=subscription.plan_version.number, currency=subscription.currency, period=period,
        fee_before=fees[0], fee_after=fees[1], usage_before=before.amount, usage_after=after.amount,
        lost=after.lost, obstacle=_obstacle(subscription, version, "now"),
    )  # fmt: skip
