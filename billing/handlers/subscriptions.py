"""What was done to a subscription at the provider."""

from __future__ import annotations

from billing import changes, provider_objects
from billing.handlers.context import Context
from billing.models import Subscription, SubscriptionStatus
from billing.providers.facts import SubscriptionFacts


def apply(facts: SubscriptionFacts, context: Context) -> bool:
    """An end there is an end here; an end that was asked for there, or taken back, likewise. Periods are noted."""
    row = provider_objects.by_external(context.provider, provider_objects.SUBSCRIPTION, facts.external_id)
    if row is None:
        return False
    before = dict(row.snapshot)
    if not provider_objects.see(row, _snapshot(facts), context.seen_at):
        return True
    found = Subscription.objects.filter(pk=row.local_id).exclude(status=SubscriptionStatus.CANCELED)
    subscription: Subscription | None = found.first()
    if subscription is None:
        return True
    if facts.ended:
        changes.cancel(subscription.tenant_id, when="now", actor=context.actor)
    elif facts.ends_at and not before.get("ends_at") and subscription.cancel_at is None:
        changes.cancel(subscription.tenant_id, when="period_end", actor=context.actor)
    elif not facts.ends_at and before.get("ends_at") and subscription.cancel_at is not None:
        changes.keep(subscription.tenant_id, actor=context.actor)
    return True


def _snapshot(facts: SubscriptionFacts) -> dict[str, str]:
    times = {"ends_at": facts.ends_at, "period_start": facts.period_start, "period_end": facts.period_end}
    return {"status": facts.status, **{name: at.isoformat() if at else "" for name, at in times.items()}}
