"""Subscriptions: which one a tenant has, where it stands, its periods and phases, its beginning."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_noop

from billing import clock, phasing, reading, standing, versions
from billing.domain import course
from billing.domain.course import Kind, Part, Run
from billing.domain.periods import Interval, Period, days_after, period_at
from billing.errors import PaymentRequired
from billing.links import upgrade_url
from billing.models import PlanVersion, Subscription, SubscriptionPhase, SubscriptionStatus
from tenants.models import Tenant

REFUSALS = {
    SubscriptionStatus.PAUSED: gettext_noop("The subscription is paused: resume it to submit new work."),
    SubscriptionStatus.SUSPENDED: gettext_noop("The subscription is suspended: pay the invoices that are overdue."),
}
"""The states that take no new work."""
INSTANT = timedelta(microseconds=1)


@reading.once
def subscription_of(tenant_id: UUID) -> Subscription | None:
    """The tenant's subscription with its plan, as it stands now; None where there is none or it has ended.

    What has happened by itself since it was last written is applied to the object only: `roll` writes it.
    """
    found: Subscription | None = (
        Subscription.objects.for_tenant(tenant_id)
        .select_related("plan_version__plan", "next_plan_version__plan")
        .exclude(status=SubscriptionStatus.CANCELED)
        .first()
    )
    return _at_present(found)


def _brought_up(subscription: Subscription) -> Subscription:
    """The object as it stands now, unwritten."""
    stored = standing.shown(subscription)
    present = course.at_moment(stored, clock.now())
    if present != stored:
        standing.show(subscription, stored, present)
        subscription.written = False
    return subscription


def existing(tenant_id: UUID) -> Subscription:
    """Like `subscription_of`, whatever its state; raises `PaymentRequired` instead of None."""
    return _existing(subscription_of(tenant_id))


def last(tenant_id: UUID) -> Subscription:
    """The one that goes on, else the one that ended last. Raises `PaymentRequired` for who never had any."""
    own = Subscription.objects.for_tenant(tenant_id).select_related("plan_version__plan", "next_plan_version__plan")
    found: Subscription | None = own.order_by(F("canceled_at").desc(nulls_first=True)).first()
    if found is None:
        raise PaymentRequired(extra={"upgrade_url": upgrade_url()})
    return _brought_up(found)


def required(tenant_id: UUID) -> Subscription:
    """A subscription that takes new work. Raises `PaymentRequired`, which names the state, where there is none."""
    return _taking_work(subscription_of(tenant_id))


def keep_still(tenant_id: UUID) -> Subscription:
    """`required`, locked: neither its plan nor its phase or period changes until the transaction ends. One statement.

    Raises `PaymentRequired`.
    """
    rows = Subscription.objects.for_tenant(tenant_id).exclude(status=SubscriptionStatus.CANCELED)
    locked = rows.select_for_update(no_key=True)
    # asked twice: it may have ended, and another one begun, while it was waited for
    found: Subscription | None = locked.first() or locked.all().first()
    if found is not None:
        found.plan_version = versions.fixed(found.plan_version_id)
        if found.next_plan_version_id is not None:
            found.next_plan_version = versions.fixed(found.next_plan_version_id)
    return _taking_work(_at_present(found))


def has_tried(tenant_id: UUID) -> bool:
    """Whether the tenant has, or had, a trial."""
    return bool(SubscriptionPhase.objects.for_tenant(tenant_id).filter(kind=Kind.TRIAL.value).exists())


def period_of(subscription: Subscription, now: datetime) -> Period:
    """The period that counts at `now`, without writing: the stored one until it has ended, never an earlier one."""
    stored = subscription.period
    if stored.end is None or now < stored.end:
        return stored
    return course.at_moment(standing.shown(subscription), now).period


def roll(subscription: Subscription, now: datetime) -> Period:
    """Write what has happened by itself until `now`; the period that counts then.

    Trials end, planned changes and cancellations take place, each at its own moment, however late it is written. Two
    that roll at once write it once: the row is locked and read again. Nothing is moved back.
    """
    due = course.due_at(standing.shown(subscription))
    if subscription.written and (due is None or due > now):
        return subscription.period
    with transaction.atomic():
        lock(subscription)
        standing.catch_up(subscription, now)
    return subscription.period


def hold(tenant_id: UUID) -> Subscription:
    """The tenant's subscription, locked until the transaction ends, with all written that has happened by itself.

    Raises `PaymentRequired` where there is none, or it has ended.
    """
    rows = Subscription.objects.for_tenant(tenant_id).exclude(status=SubscriptionStatus.CANCELED)
    found: Subscription | None = rows.first()
    if found is not None:
        lock(found)
        standing.catch_up(found, clock.now())
    if found is None or found.canceled_at is not None:
        raise PaymentRequired(extra={"upgrade_url": upgrade_url()})
    return found


def lock(subscription: Subscription) -> None:
    """Lock the row until the transaction ends and read it again."""
    known = _known_versions(subscription)
    own = Subscription.objects.for_tenant(subscription.tenant_id)
    # without its plan: one that waited for the lock would not find a row whose plan was changed meanwhile
    subscription.refresh_from_db(from_queryset=own.select_for_update(no_key=True))
    subscription.written = True
    if subscription.plan_version_id in known:
        subscription.plan_version = known[subscription.plan_version_id]
    if subscription.next_plan_version_id in known:
        subscription.next_plan_version = known[subscription.next_plan_version_id]


def _known_versions(subscription: Subscription) -> dict[UUID | None, PlanVersion]:
    """The plan versions that were read with a subscription: their terms never change."""
    cached = (subscription._state.fields_cache.get(name) for name in ("plan_version", "next_plan_version"))
    return {version.pk: version for version in cached if isinstance(version, PlanVersion)}


def moment_of(subscription: Subscription) -> datetime:
    """The present, but not before what was written last: billing may have been advanced ahead of the calendar."""
    begun = [phasing.open_phase(subscription).starts_at] if subscription.canceled_at is None else []
    return max([clock.now(), subscription.current_period_start, subscription.billed_until, *begun])


def phase_of(subscription: Subscription) -> SubscriptionPhase:
    """The phase that is open; raises `SubscriptionPhase.DoesNotExist` for a subscription that has ended."""
    return phasing.open_phase(subscription)


def phases(subscription: Subscription, period: Period) -> list[SubscriptionPhase]:
    """The phases that lie in a period, or reach into it, oldest first; those that took no time are left out."""
    return [
        phase
        for phase in phasing.rows(subscription)
        if (phase.ends_at is None or phase.ends_at > max(period.start, phase.starts_at))
        and (period.end is None or phase.starts_at < period.end)
    ]


def grid(subscription: Subscription) -> list[Run]:
    """The runs of periods that the subscription has had, oldest first: a change of interval begins a new one."""
    return course.runs(
        (Interval(phase.plan_version.interval), phase.starts_at, phase.ends_at) for phase in phasing.rows(subscription)
    )


def part_at(subscription: Subscription, moment: datetime) -> Part:
    """The whole period of the grid that contains a moment, and the part of it that the subscription lasted."""
    run = next(run for run in reversed(grid(subscription)) if run.anchor <= moment and run.end != run.anchor)
    return course.part_at(run, subscription.time_zone, moment)


def last_period(subscription: Subscription, now: datetime) -> Period:
    """The last period, or cut part of one, that has ended at `now`; the present one where none has."""
    present = period_of(subscription, now)
    first = grid(subscription)[0].anchor
    return present if present.start <= first else part_at(subscription, present.start - INSTANT).part


def start(tenant_id: UUID, version: PlanVersion, *, actor: str, currency: str) -> Subscription:
    """Begin a subscription to a plan version now; call inside the tenant's or the operator's scope.

    Periods are counted in the tenant's time zone as it is now. `currencies.choose` tells the currency.
    """
    with transaction.atomic():
        now = clock.now()
        zone = Tenant.objects.only("time_zone").get(pk=tenant_id).time_zone
        kind, trial_end = _trial(tenant_id, version, now, zone)
        period = period_at(now, Interval(version.interval), now, zone)
        subscription: Subscription = Subscription.objects.create(
            tenant_id=tenant_id, plan_version=version, currency=currency, time_zone=zone, anchor=now, billed_until=now,
            status=standing.OWN_STATUS.get(kind, SubscriptionStatus.ACTIVE), trial_end=trial_end,
            current_period_start=period.start, current_period_end=period.end,
        )  # fmt: skip
        phasing.begin(subscription, version.id, kind, now)
        phasing.note(subscription, "started", key=subscription.id, actor=actor, plan=str(version), currency=currency)
        return subscription


def _at_present(found: Subscription | None) -> Subscription | None:
    """As it stands now; None where it has ended by itself meanwhile."""
    if found is None:
        return None
    present = _brought_up(found)
    return present if present.canceled_at is None else None


def _existing(subscription: Subscription | None) -> Subscription:
    if subscription is None:
        raise PaymentRequired(extra={"upgrade_url": upgrade_url()})
    return subscription


def _taking_work(found: Subscription | None) -> Subscription:
    subscription = _existing(found)
    refusal = REFUSALS.get(SubscriptionStatus(subscription.status))
    if refusal is not None:
        raise PaymentRequired(refusal, extra={"subscription_status": subscription.status, "upgrade_url": upgrade_url()})
    return subscription


def _trial(tenant_id: UUID, version: PlanVersion, now: datetime, zone: str) -> tuple[Kind, datetime | None]:
    """A trial plan is one all the time; another plan begins with its trial days, once for each customer."""
    if version.plan.is_trial:
        return Kind.TRIAL, None
    if not version.trial_days or has_tried(tenant_id):
        return Kind.CHARGED, None
    return Kind.TRIAL, days_after(now, version.trial_days, zone)
