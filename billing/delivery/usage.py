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
from billing.providers.orders import MeterOrder, UsageOrder
from tenants.context import operator_context

TOPIC = "usage.recorded"
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
    """A piece of use that can be reported, and the provider's meter that counts it.

    `late`: what is due of it is charged by an invoice of ours, or the provider takes no report of it any more.
    """

    event: UsageEvent
    event_name: str
    meter: str
    late: bool

    def order(self, customer: str) -> UsageOrder:
        """As it is sent to the provider's `customer`, the same in every attempt."""
        event = self.event
        return UsageOrder(identifier_of(event.id), self.event_name, customer, int(event.metered), event.occurred_at)

    def in_doubt(self, attempt: Attempt) -> bool:
        """Whether it may have arrived, and nothing but the provider's count tells."""
        return attempt.was_ambiguous and (self.late or clock.now() - attempt.first_at > UNREMEMBERED)


def deliver(attempt: Attempt, provider: BillingProvider) -> dict[str, Any]:
    """Report one piece of use, once. Raises `Rejected` where nothing tells whether it has arrived before."""
    report = _read(attempt.message, provider)
    if report is None:
        return {"export": ITEM}
    if report.in_doubt(attempt):
        found = _look(report, attempt, provider)
        if found == Arrival.ARRIVED:
            return {"export": METERED}
        if found == Arrival.UNCLEAR:
            raise Rejected("some of the reports of this minute were counted: compare them by hand, then replay")
    if report.late:
        return {"export": ITEM}
    return send(report.order(external_customer(report.event.tenant_id, provider)), provider)


def send(order: UsageOrder, provider: BillingProvider) -> dict[str, Any]:
    """Ask the network, and nothing else."""
    return {"export": METERED, "outcome": provider.report_usage(order).value}


def identifier_of(event_id: UUID) -> str:
    """The same in every attempt."""
    return f"ue_{event_id.hex}"


def key_of(event_id: UUID) -> str:
    """The key of the message that reports an event."""
    return f"usage:{event_id.hex}"


def floor_minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def report_of(event: UsageEvent, stream: MeterOrder | None, meter: str, *, invoiced: bool) -> Report | None:
    """None for what the provider can not count as we do: part of it paid from credits, not whole, not its price.

    `meter` is the provider's id of the stream's meter. Raises `TryAgain` while there is none. Whether the subscription
    is there does not matter: what is due is brought to our total when the period is closed.
    """
    charged = event.billable and not event.credited and event.metered > 0 and countable(event.metered)
    if not charged or stream is None or catalogue_sync.price_order(event.price) is None:
        return None
    if not meter:
        if invoiced:
            return None
        raise TryAgain(f"the meter {stream.event_name} is not at the provider yet", after=METER_SECONDS)
    late = invoiced or clock.now() - event.occurred_at > TOO_OLD
    return Report(event, stream.event_name, meter, late)


def _read(message: OutboxMessage, provider: BillingProvider) -> Report | None:
    if Capability.METER_EVENTS not in provider.capabilities:
        return None
    with operator_context():
        events = UsageEvent.objects.select_related("meter", "price__meter", "price__plan_version__plan")
        event = events.get(pk=message.payload["usage_event"])
        stream = catalogue_sync.stream_of(event.price)
        meter = catalogue_sync.external_id(provider, catalogue_sync.METER, stream.stream_id) if stream else ""
        invoiced = BilledUsage.objects.filter(usage_event=event, stands=True).exists()
    return report_of(event, stream, meter, invoiced=invoiced)


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
