"""Reports of use, read for many messages at once: what is left to do for each is one call over the network.

What needs more than that is left out and goes the careful way of its topic: a report in doubt, a customer or a meter
that is not at the provider yet, a message whose event is gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from django.db.models import Exists, OuterRef

from billing import accounts, catalogue_sync
from billing.delivery.attempt import Attempt
from billing.delivery.usage import ITEM, TOPIC, Report, report_of, send
from billing.models import BilledUsage, BillingCustomer, Price, UsageEvent
from billing.providers.base import BillingProvider, Capability, TryAgain
from billing.providers.orders import MeterOrder, UsageOrder
from tenants.context import operator_context

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ready:
    """A message with all that its delivery needs; without an `order` it is part of our invoice alone."""

    provider: BillingProvider
    order: UsageOrder | None = None

    def send(self) -> dict[str, Any]:
        """Asks the network alone, so that any thread may. Raises `TryAgain` and `Rejected`."""
        return send(self.order, self.provider) if self.order else {"export": ITEM}


@dataclass(frozen=True, slots=True)
class Streams:
    """The meters behind prices, and the provider's ids of them."""

    of_price: Mapping[UUID, MeterOrder | None]
    external: Mapping[UUID, str]

    def of(self, price: UUID) -> tuple[MeterOrder | None, str]:
        stream = self.of_price[price]
        return stream, self.external.get(stream.stream_id, "") if stream else ""


def prepare(attempts: Sequence[Attempt]) -> dict[UUID, Ready]:
    """What can be sent at once, by message. Some statements in all, however many the attempts; never raises."""
    mine = [attempt for attempt in attempts if attempt.message.topic == TOPIC]
    if not mine:
        return {}
    try:
        with operator_context():
            return dict(_ready(mine))
    except Exception:
        # a fault of one must not keep the others: each then meets its own
        log.exception("billing.not_prepared")
        return {}


def _ready(attempts: list[Attempt]) -> Iterator[tuple[UUID, Ready]]:
    tenants = {attempt.message.tenant_id for attempt in attempts}
    payers = {row.tenant_id: row for row in BillingCustomer.objects.filter(tenant__in=tenants)}
    opened = _opened({row.provider for row in payers.values()})
    events = _events([attempt.message.payload["usage_event"] for attempt in attempts])
    streams = {name: _streams(provider, events.values()) for name, provider in opened.items()}
    for attempt in attempts:
        payer, event = payers.get(attempt.message.tenant_id), events.get(attempt.message.payload["usage_event"])
        if payer is None or event is None or payer.provider not in opened:
            continue
        found = _one(attempt, event, payer, opened[payer.provider], streams[payer.provider])
        if found is not None:
            yield attempt.message.id, found


def _one(
    attempt: Attempt, event: Any, payer: BillingCustomer, provider: BillingProvider, streams: Streams
) -> Ready | None:
    if Capability.METER_EVENTS not in provider.capabilities:
        return Ready(provider)
    try:
        report: Report | None = report_of(event, *streams.of(event.price_id), invoiced=event.invoiced)
    except TryAgain:
        return None
    if report is None:
        return Ready(provider)
    if report.in_doubt(attempt):
        return None
    if report.late:
        return Ready(provider)
    return Ready(provider, report.order(payer.external_id)) if payer.external_id else None


def _opened(names: Iterable[str]) -> dict[str, BillingProvider]:
    """The providers that may be used now."""
    found: dict[str, BillingProvider] = {}
    for name in names:
        try:
            found[name] = accounts.usable(name)
        except TryAgain:
            continue
    return found


def _events(ids: list[str]) -> dict[str, UsageEvent]:
    """By the id as it stands in the message, with their prices: many events have few."""
    standing = BilledUsage.objects.filter(usage_event=OuterRef("pk"), stands=True)
    rows = list(UsageEvent.objects.filter(pk__in=ids).order_by().annotate(invoiced=Exists(standing)))
    with_plan = Price.objects.select_related("meter", "plan_version__plan")
    prices = with_plan.in_bulk({row.price_id for row in rows})
    for row in rows:
        row.price = prices[row.price_id]
    return {str(row.id): row for row in rows}


def _streams(provider: BillingProvider, events: Iterable[UsageEvent]) -> Streams:
    prices = {event.price_id: event.price for event in events}
    of_price = {price_id: catalogue_sync.stream_of(price) for price_id, price in prices.items()}
    ids = {stream.stream_id for stream in of_price.values() if stream}
    return Streams(of_price, catalogue_sync.external_ids(provider, catalogue_sync.METER, ids) if ids else {})
