"""In which currency a customer pays: fixed with the first subscription, to one that the plan is sold in."""

from __future__ import annotations

from uuid import UUID

from billing import customers, providers
from billing.errors import CapsInAnotherCurrency, CurrencyFixed, CurrencyNotCollected, CurrencyNotOffered
from billing.models import (
    BilledUsage,
    BillingCustomer,
    CreditGrant,
    Invoice,
    InvoiceState,
    PlanVersion,
    Reservation,
    ReservationState,
    UsageEvent,
)


def sold_in(version: PlanVersion) -> list[str]:
    """The currencies in which a version has prices, its own first."""
    found = set(version.prices.values_list("currency", flat=True))
    return sorted(found, key=lambda currency: (currency != version.currency, currency))


def choose(tenant_id: UUID, version: PlanVersion, wanted: str | None) -> str:
    """The currency of a new subscription, which is the customer's from now on; there must be no other one.

    Raises `CurrencyNotOffered`, `CurrencyNotCollected`, `CurrencyFixed` where something still stands in the customer's
    present currency, and `CapsInAnotherCurrency` where caps do.
    """
    customer = customers.lock(tenant_id)
    chosen = wanted or customer.currency or version.currency
    require(version, chosen)
    if not providers.collects(customer.provider, chosen):
        raise CurrencyNotCollected(currency=chosen.upper())
    if chosen != customer.currency:
        if customer.currency:
            _refuse_leaving(customer)
        customer.currency = chosen
        customer.save(update_fields=["currency"])
    return chosen


def require(version: PlanVersion, currency: str) -> None:
    """Raises `CurrencyNotOffered` for a version that has no prices in the currency."""
    if currency not in sold_in(version):
        raise CurrencyNotOffered(plan=version.plan.slug, currency=currency)


def _refuse_leaving(customer: BillingCustomer) -> None:
    if _stands(customer.tenant_id, customer.currency):
        raise CurrencyFixed(currency=customer.currency)
    if customer.soft_cap is not None or customer.hard_cap is not None:
        raise CapsInAnotherCurrency(currency=customer.currency.upper())


def _stands(tenant_id: UUID, currency: str) -> bool:
    """Whether work, invoices or credits in the currency are still to be settled."""
    billed = BilledUsage.objects.for_tenant(tenant_id).filter(stands=True).values("usage_event")
    usage = UsageEvent.objects.for_tenant(tenant_id).filter(billable=True).exclude(pk__in=billed)
    waiting = (
        Reservation.objects.for_tenant(tenant_id).filter(state=ReservationState.HELD),
        usage,
        Invoice.objects.for_tenant(tenant_id).filter(state__in=(InvoiceState.DRAFT, InvoiceState.OPEN)),
    )
    if any(rows.filter(currency=currency).exists() for rows in waiting):
        return True
    grants = CreditGrant.objects.for_tenant(tenant_id).filter(currency=currency)
    return any(grant.available + grant.held > 0 for grant in grants)
