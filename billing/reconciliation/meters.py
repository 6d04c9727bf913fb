"""What the providers' meters say, by tenant, meter and UTC day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from billing import catalogue_sync, providers
from billing.models import BillingCustomer, Price, SubscriptionPhase
from billing.providers.base import BillingProvider, Capability
from tenants.context import operator_context


@dataclass(frozen=True, slots=True)
class Counted:
    """Units of one of the provider's meters on one day."""

    tenant: UUID
    meter: str
    day: date
    units: Decimal


def counted(start: datetime, end: datetime, only: str | None) -> Iterator[Counted]:
    """Ask for every meter that a customer's plans have had. Raises `TryAgain`. Call outside of transactions."""
    for name in providers.configured():
        provider = providers.by_name(name)
        if Capability.METER_EVENTS in provider.capabilities and only in (None, name):
            for customer, streams in _streams(provider):
                yield from _of_customer(provider, customer, streams, start, end)


def _of_customer(
    provider: BillingProvider, customer: BillingCustomer, streams: dict[str, str], start: datetime, end: datetime
) -> Iterator[Counted]:
    for external, meter in streams.items():
        for at, units in provider.usage_by_day(customer.external_id, external, start, end).items():
            yield Counted(customer.tenant_id, meter, at.date(), units)


def _streams(provider: BillingProvider) -> list[tuple[BillingCustomer, dict[str, str]]]:
    """Each customer with the provider's meters that can count use of theirs, and the slug of ours."""
    with operator_context():
        found = []
        rows = BillingCustomer.objects.filter(provider=provider.name).exclude(external_id="").order_by("id")
        of_version: dict[UUID, dict[str, str]] = {}
        for customer in rows:
            versions = SubscriptionPhase.objects.filter(tenant=customer.tenant_id).values_list(
                "plan_version", flat=True
            )
            streams: dict[str, str] = {}
            for version in versions.distinct().order_by():
                if version not in of_version:
                    of_version[version] = _meters(provider, version)
                streams |= of_version[version]
            found.append((customer, streams))
        return found


def _meters(provider: BillingProvider, version: UUID) -> dict[str, str]:
    found: dict[str, str] = {}
    for price in Price.objects.select_related("meter").filter(plan_version=version, meter__isnull=False):
        stream = catalogue_sync.stream_of(price)
        external = catalogue_sync.external_id(provider, catalogue_sync.METER, stream.stream_id) if stream else ""
        if external and price.meter is not None:
            found[external] = price.meter.slug
    return found
