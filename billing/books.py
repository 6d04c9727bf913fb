"""Whether a tenant's books say what its invoices, credits and usage say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from billing import charges, credit_sales, ledger
from billing.domain.money import ZERO, total
from billing.errors import Unbalanced
from billing.models import Account, CreditGrant, Invoice, InvoiceKind, InvoiceState, UsageEvent
from tenants.context import operator_context
from tenants.models import Tenant

Sums = dict[str, Decimal]
"""By currency, without zeros."""


@dataclass(frozen=True, slots=True)
class Fault:
    """An account whose balance is not what the rows behind it add up to, exact minor units."""

    tenant: UUID
    account: str
    currency: str
    booked: Decimal
    counted: Decimal


def check(tenant_id: UUID) -> list[Fault]:
    """What is wrong with a tenant's books; empty when all is well. Call inside a scope.

    Receivables are what is due on open and paid invoices, bad debt what is due on those given up, credits what is left
    of grants and of purchases that are not paid yet, accrued usage what was done and neither paid nor invoiced.
    """
    try:
        balances = ledger.replay(tenant_id)
    except Unbalanced as error:
        return [Fault(tenant_id, str(error), "", ZERO, ZERO)]
    counted = {
        Account.RECEIVABLE: _due(tenant_id, InvoiceState.OPEN, InvoiceState.PAID),
        Account.BAD_DEBT: _due(tenant_id, InvoiceState.UNCOLLECTIBLE),
        Account.CREDIT: _promised(tenant_id),
        Account.ACCRUED: _accrued(tenant_id),
    }
    faults = []
    for account, sums in counted.items():
        booked = {currency: amount for (name, currency), amount in balances.items() if name == account and amount}
        for currency in sorted({*booked, *sums}):
            pair = booked.get(currency, ZERO), sums.get(currency, ZERO)
            if pair[0] != pair[1]:
                faults.append(Fault(tenant_id, account.value, currency, *pair))
    return faults


def check_all() -> list[Fault]:
    """`check` for every tenant, each in a scope of its own."""
    with operator_context():
        tenants = list(Tenant.objects.order_by("id").values_list("id", flat=True))
    faults: list[Fault] = []
    for tenant_id in tenants:
        with operator_context():
            faults += check(tenant_id)
    return faults


def _due(tenant_id: UUID, *states: InvoiceState) -> Sums:
    rows = Invoice.objects.for_tenant(tenant_id).filter(state__in=states)
    return _summed((row.currency, Decimal(row.amount_due)) for row in rows)


def _promised(tenant_id: UUID) -> Sums:
    """A liability: below zero."""
    grants = CreditGrant.objects.for_tenant(tenant_id)
    rest = [(each.currency, total([-each.available, -each.held])) for each in grants]
    waiting = Invoice.objects.for_tenant(tenant_id).filter(
        kind=InvoiceKind.CREDITS, state__in=[InvoiceState.OPEN, InvoiceState.UNCOLLECTIBLE]
    )
    return _summed([*rest, *((each.currency, -credit_sales.bought(each)) for each in waiting)])


def _accrued(tenant_id: UUID) -> Sums:
    currencies = UsageEvent.objects.for_tenant(tenant_id).order_by().values_list("currency", flat=True).distinct()
    return _summed(
        (currency, total([amount, -credited]))
        for currency in list(currencies)
        for amount, credited in charges.unbilled(tenant_id, currency).values_list("amount", "credited")
    )


def _summed(amounts: Iterable[tuple[str, Decimal]]) -> Sums:
    found: defaultdict[str, Decimal] = defaultdict(Decimal)
    for currency, amount in amounts:
        found[currency] = total([found[currency], amount])
    return {currency: amount for currency, amount in found.items() if amount}
