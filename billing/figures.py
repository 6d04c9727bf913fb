"""The operator's figures, from the tables alone: recurring revenue, use, credits, margins, debts. By currency, exact.

Months are those of UTC. Fees are the plans' own, before coupons and tax. A month that is not over counts up to now.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.conf import settings

from billing import clock, tallies
from billing.domain import figures as rules
from billing.domain.figures import Age, Movement
from billing.domain.money import ZERO, total
from billing.domain.periods import Period
from billing.models import Account, GrantKind
from billing.tallies import Row, Tallies
from tenants.context import operator_context

TREND = 12
"""Months that a row of bars shows."""
TOP = 10
YEARS = range(2000, 9999)
"""Of which there are figures."""


@dataclass(frozen=True, slots=True)
class PluginFigures:
    """A plugin's month: `revenue` exact minor units of billable work, of all funding; `compute_ms` of all of its work.

    `unmeasured` jobs have no compute time on record and are in no cost. `cost` is None where the operator has set none
    in this currency, or nothing was measured.
    """

    plugin: str
    jobs: int
    revenue: Decimal
    compute_ms: int
    unmeasured: int
    cost: int | None

    @property
    def margin(self) -> Decimal | None:
        """Exact minor units; None where the cost is not known."""
        return None if self.cost is None else total([self.revenue, Decimal(-self.cost)])


@dataclass(frozen=True, slots=True)
class CreditFigures:
    """Credits of the month, exact minor units; `deferred` is what customers still have of them at its end."""

    sold: Decimal
    given: Decimal
    burnt: Decimal
    broken: Decimal
    deferred: Decimal


@dataclass(frozen=True, slots=True)
class AgeFigures:
    """Open invoices of one age and what is due of them, minor units."""

    age: Age
    invoices: int
    due: int


@dataclass(frozen=True, slots=True)
class CustomerFigures:
    """What the ledger has earned from a customer in the month, exact minor units."""

    tenant_id: UUID
    name: str
    revenue: Decimal


@dataclass(frozen=True, slots=True)
class Figures:
    """One currency's month. `mrr` and `usage` have a value for each of the last months, this one last.

    `ageing` and the debts in it are those of the present, whatever the month.
    """

    currency: str
    period: Period
    months: list[datetime]
    movement: Movement
    mrr: list[int]
    usage: list[Decimal]
    plugins: list[PluginFigures]
    revenue: Decimal
    credits: CreditFigures
    ageing: list[AgeFigures]
    top: list[CustomerFigures]


def of_month(first: datetime, currency: str | None = None) -> list[Figures]:
    """The figures of the month that begins at `first`, of one currency or of each that is in the tables.

    The number of queries does not depend on the number of rows, nor on that of the currencies.
    """
    months = rules.months_before(first, TREND)
    period = Period(first, min(months[-1], max(first, clock.now())))
    with operator_context():
        tables = tallies.read(months[0], period)
    found = {key for rows in tables for key in rows}
    wanted = sorted(found) if currency is None else [currency]
    return [_figures(each, months[:-1], period, tables) for each in wanted]


def month_of(moment: datetime) -> datetime:
    """The first moment of its month, UTC."""
    return moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _figures(currency: str, months: list[datetime], period: Period, tables: Tallies) -> Figures:
    fees, usage = tables.fees.get(currency, []), tables.usage.get(currency, [])
    assert period.end is not None
    closings = [rules.standing(fees, end) for end in (*months[1:], period.end)]
    this_month = [row for row in usage if row["month"] == period.start]
    revenue = [row for row in tables.earned.get(currency, []) if row["account"] == Account.REVENUE]
    return Figures(
        currency=currency,
        period=period,
        months=months,
        movement=rules.movement(rules.standing(fees, period.start), closings[-1]),
        mrr=[rules.monthly(total(closing.values())) for closing in closings],
        usage=[total(row["exact"] or ZERO for row in usage if row["month"] == month) for month in months],
        plugins=sorted((_plugin(currency, row) for row in this_month), key=lambda each: (-each.revenue, each.plugin)),
        revenue=total(-row["sum"] for row in revenue),
        credits=_credits(currency, tables, this_month),
        ageing=_ageing(tables.debts.get(currency, [])),
        top=_top(revenue),
    )


def _plugin(currency: str, row: Row) -> PluginFigures:
    ms = int(row["ms"] or 0)
    per_hour = settings.ASSAY_COMPUTE_COST_PER_HOUR
    known = per_hour and currency == settings.ASSAY_COMPUTE_COST_CURRENCY and row["ms"] is not None
    cost = rules.compute_cost(ms, per_hour) if known else None
    return PluginFigures(row["plugin"], row["jobs"], row["exact"] or ZERO, ms, row["unmeasured"], cost)


def _credits(currency: str, tables: Tallies, usage: list[Row]) -> CreditFigures:
    granted = {row["kind"]: row["sum"] for row in tables.grants.get(currency, [])}
    broken = (row for row in tables.earned.get(currency, []) if row["account"] == Account.BREAKAGE)
    return CreditFigures(
        sold=granted.get(GrantKind.PURCHASED, ZERO),
        given=granted.get(GrantKind.PROMOTIONAL, ZERO),
        burnt=total(row["burnt"] or ZERO for row in usage),
        broken=total(-row["sum"] for row in broken),
        deferred=total(-row["sum"] for row in tables.balances.get(currency, [])),
    )


def _ageing(debts: list[Row]) -> list[AgeFigures]:
    found = {row["age"]: row for row in debts}
    return [AgeFigures(age, *((found[age]["invoices"], found[age]["due"]) if age in found else (0, 0))) for age in Age]


def _top(revenue: list[Row]) -> list[CustomerFigures]:
    rows = [CustomerFigures(row["tenant_id"], row["tenant__name"], -row["sum"]) for row in revenue]
    return sorted(rows, key=lambda each: (-each.revenue, each.name))[:TOP]
