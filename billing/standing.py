"""Where a subscription stands, as the pure rules see it, and writing down where it goes from there."""

from __future__ import annotations

from datetime import datetime

from billing import phasing, reading
from billing.domain import course
from billing.domain.course import Agreement, Course, Kind
from billing.domain.periods import Interval
from billing.models import PlanVersion, Subscription, SubscriptionStatus

WRITTEN = [
    "plan_version", "next_plan_version", "anchor", "current_period_start", "current_period_end", "status",
    "cancel_at", "canceled_at",
]  # fmt: skip
KINDS = {SubscriptionStatus.TRIALING: Kind.TRIAL, SubscriptionStatus.PAUSED: Kind.PAUSED}
OWN_STATUS = {Kind.TRIAL: SubscriptionStatus.TRIALING, Kind.PAUSED: SubscriptionStatus.PAUSED}


def course_of(subscription: Subscription) -> Course:
    """Where a locked subscription stands. The kind is that of the phase: being overdue hides it in the status."""
    kind = Kind.CHARGED if subscription.canceled_at else Kind(phasing.open_phase(subscription).kind)
    return _course(subscription, kind)


def shown(subscription: Subscription) -> Course:
    """Where it stands by the status alone, without asking the database for the phase."""
    return _course(subscription, KINDS.get(SubscriptionStatus(subscription.status), Kind.CHARGED))


def apply(
    subscription: Subscription, before: Course, later: Course, at: datetime, *,
    what: str = "changed", actor: str = phasing.SYSTEM,
) -> None:  # fmt: skip
    """Write that a locked subscription stands as `later` from `at` on: row, phases, add-ons, audit and outbox."""
    show(subscription, before, later)
    subscription.save(update_fields=WRITTEN)
    reading.forget()
    if later.ended_at is not None:
        phasing.close(subscription, at)
        phasing.end_add_ons(subscription, at)
        phasing.note(subscription, "canceled", key=subscription.id, actor=actor)
    elif (later.agreement, later.kind) != (before.agreement, before.kind):
        phasing.close(subscription, at)
        phase = phasing.begin(subscription, later.agreement.version, later.kind, at)
        _end_add_ons(subscription, before, later, at)
        plan = str(subscription.plan_version)
        phasing.note(subscription, what, key=phase.id, actor=actor, plan=plan, kind=later.kind.value)


def catch_up(subscription: Subscription, now: datetime) -> None:
    """Write all that has happened by itself to a locked subscription until `now`."""
    before = course_of(subscription)
    for at, later in course.steps(before, now):
        apply(subscription, before, later, at)
        before = later


def show(subscription: Subscription, before: Course, later: Course) -> None:
    """Let the object stand as `later`, unwritten."""
    if later.agreement != before.agreement:
        planned = subscription.next_plan_version
        if planned is not None and planned.id == later.agreement.version:
            subscription.plan_version = planned
        else:
            subscription.plan_version = PlanVersion.objects.select_related("plan").get(pk=later.agreement.version)
    if later.planned is None:
        subscription.next_plan_version = None
    subscription.anchor = later.anchor
    subscription.current_period_start, subscription.current_period_end = later.period.start, later.period.end
    subscription.cancel_at, subscription.canceled_at = later.cancel_at, later.ended_at
    subscription.status = _status(subscription, before, later)


def _end_add_ons(subscription: Subscription, before: Course, later: Course, at: datetime) -> None:
    """Add-ons end with a period: all where it is cut, those that the new plan has no use for where it goes on."""
    if later.agreement.interval != before.agreement.interval:
        phasing.end_add_ons(subscription, at)
    elif later.agreement != before.agreement:
        ends_at = at if before.period.end == at else later.period.end
        if ends_at is not None:
            phasing.end_unfit_add_ons(subscription, later.agreement.version, ends_at)


def _status(subscription: Subscription, before: Course, later: Course) -> SubscriptionStatus:
    """Being overdue and suspended stay through what does not concern them."""
    if later.ended_at is not None:
        return SubscriptionStatus.CANCELED
    if later.kind == before.kind:
        return SubscriptionStatus(subscription.status)
    overdue = subscription.past_due_since is not None
    return OWN_STATUS.get(later.kind, SubscriptionStatus.PAST_DUE if overdue else SubscriptionStatus.ACTIVE)


def _course(subscription: Subscription, kind: Kind) -> Course:
    return Course(
        agreement=Agreement(subscription.plan_version_id, subscription.interval), kind=kind,
        anchor=subscription.anchor, zone=subscription.time_zone, period=subscription.period,
        planned=_planned(subscription), trial_end=subscription.trial_end,
        cancel_at=subscription.cancel_at, ended_at=subscription.canceled_at,
    )  # fmt: skip


def _planned(subscription: Subscription) -> Agreement | None:
    version = subscription.next_plan_version
    return None if version is None else Agreement(version.id, Interval(version.interval))
