"""Use, reported to a provider that meters; what can not be reported exactly is charged by our invoice alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from billing import catalogue_sync, clock
from billing.delivery.attempt import Attempt
from billing.delivery.payers import external_customer
from billing.domain.matching import Arrival, arrival
from billing.domain.money import total
from billing.domain.provider_prices import countable
from billing.models import BilledUsage, OutboxMessage, OutboxState, UsageEvent
from billing.providers.base import BillingProvider, Capability, Rejected, TryAgain
from billing.providers.orders import UsageOrder
from tenants.context import operator_context

METERED, ITEM = "meter", "invoice_item"
"""How a piece of use is exported, as noted in its message: counted by the provider, or as part of our invoice."""
UNREMEMBERED = timedelta(hours=20)
"""Identifiers are remembered for a day at least: well before that a lost answer is looked up, not provoked again."""
TOO_OLD = timedelta(days=34)
"""A provider takes no report older than 35 days."""
MINUTE = timedelta(minutes=1)
METER_SECONDS = 10
"""Until it is looked again whether a meter was made."""


@dataclass(frozen=True, slots=True)
class Report:
    """A piece of use that can be reported, and the provider's meter that counts it."""

    event: UsageEvent
    event_name: str
    meter: str
    invoiced: bool


def deliver(attempt: Attempt, provider: BillingProvider) -> dict[str, Any]:
    """Report one piece of use, once. Raises `Rejected` where nothing tells whether it has arrived before."""
    report = _report(attempt.message, provider)
    if report is None:
        return {"export": ITEM}
    late = report.invoiced or clock.now() - report.event.occurred_at > TOO_OLD
    if attempt.was_ambiguous and (late or clock.now() - attempt.first_at > UNREMEMBERED):
        found = _look(report, attempt, provider)
        if found == Arrival.ARRIVED:
            return {"export": METERED}
        if found == Arrival.UNCLEAR:
            raise Rejected("some of the reports of this minute were counted: compare them by hand, then replay")
    if late:
        return {"export": ITEM}
    order = UsageOrder(
        identifier_of(report.event.id), report.event_name, external_customer(report.event.tenant_id, provider),
        int(report.event.metered), report.event.occurred_at,
    )  # fmt: skip
    outcome = provider.report_usage(order)
    return {"export": METERED, "outcome": outcome.value}


def identifier_of(event_id: UUID) -> str:
    """The same in every attempt."""
    return f"ue_{event_id.hex}"


def key_of(event_id: UUID) -> str:
    """The key of the message that reports an event."""
    return f"usage:{event_id.hex}"


def floor_minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def _report(message: OutboxMessage, provider: BillingProvider) -> Report | None:
    """None for what the provider can not count as we do: part of it paid from credits, not whole, not its price.

    Raises `TryAgain` while its meter is not there yet. Whether the subscription is there does not matter: what is due
    is brought to our total when the period is closed.
    """
    if Capability.METER_EVENTS not in provider.capabilities:
        return None
    with operator_context():
        events = UsageEvent.objects.select_related("meter", "price__meter", "price__plan_version__plan")
        event = events.get(pk=message.payload["usage_event"])
        stream = catalogue_sync.stream_of(event.price)
        meter = catalogue_sync.external_id(provider, catalogue_sync.METER, stream.stream_id) if stream else ""
        invoiced = BilledUsage.objects.filter(usage_event=event, stands=True).exists()
    charged = event.billable and not event.credited and event.metered > 0 and countable(event.metered)
    if not charged or stream is None or catalogue_sync.price_order(event.price) is None:
        return None
    if not meter:
        if invoiced:
            return None
        raise TryAgain(f"the meter {stream.event_name} is not at the provider yet", after=METER_SECONDS)
    return Report(event, stream.event_name, meter, invoiced)


def _look(report: Report, attempt: Attempt, provider: BillingProvider) -> Arrival:
    """Ask the provider for its count of the minute, and compare it with ours."""
    start = floor_minute(report.event.occurred_at)
    customer = external_customer(report.event.tenant_id, provider)
    counted = provider.usage_summary(customer, report.meter, start, start + MINUTE)
    delivered, others = _known(report, attempt, start)
    return arrival(counted, delivered, report.event.metered, others)


def _known(report: Report, attempt: Attempt, start: datetime) -> tuple[Decimal, Decimal]:
    """Units of the same minute that have arrived, and units of it whose answers were lost."""
    event = report.event
    with operator_context():
        same = UsageEvent.objects.filter(
            tenant_id=event.tenant_id, meter_id=event.meter_id, price__plugin=event.price.plugin,
            occurred_at__gte=start, occurred_at__lt=start + MINUTE,
        )  # fmt: skip
        units = {key_of(pk): metered for pk, metered in same.values_list("id", "metered")}
        rows = list(OutboxMessage.objects.filter(key__in=list(units)).exclude(pk=attempt.message.pk))
    arrived = [units[row.key] for row in rows if row.payload.get("export") == METERED]
    lost = [
        units[row.key]
        for row in rows
        if row.ambiguous and row.state != OutboxState.DELIVERED and row.payload.get("export") != METERED
    ]
    return total(arrived), total(lost)
