"""How use becomes invoice lines. Pure; amounts are minor units.

The quote of a job binds, and is priced by the place that the job took in its period. Work that fails gives its place
back, so that the quotes of what did succeed may add up to more than the same quantity costs in one go. Nobody pays
that difference: it is shown as a line of its own, a credit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from billing.domain.money import ZERO, exact_arithmetic, round_half_up
from billing.domain.rating import PriceRule, rate


@dataclass(frozen=True, slots=True)
class UsageGroup:
    """Finished work of one pool (`counter`) at one price, not yet invoiced.

    `plugin` is "*" where several plugins share the price's ladder. `billed_quantity` and `billed` (exact) are what
    earlier invoices have charged for the same pool; `prior` tells that the pool belongs to an earlier period.
    """

    counter: UUID
    price: UUID
    plugin: str
    meter: str
    counts_analyses: bool
    rule: PriceRule
    quantity: Decimal
    quoted: Decimal
    billed_quantity: Decimal = ZERO
    billed: Decimal = ZERO
    prior: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One line: `exact` and what it is rounded to, once, half up. The text is `code` with `params`."""

    code: str
    params: dict[str, Any]
    quantity: Decimal
    unit_amount: Decimal | None
    exact: Decimal
    amount: int
    group: UsageGroup | None = field(default=None)


def fee_line(plan: str, amount: Decimal) -> Line:
    """The fee of one period, charged in full once the period has begun."""
    return Line("fee", {"plan": plan}, Decimal(1), amount, amount, round_half_up(amount))


def usage_lines(group: UsageGroup) -> list[Line]:
    """The quotes of a group, and the credit that keeps it at or below the price of its whole quantity.

    charged = min(sum of quotes, rate(all finished units of the pool) - what earlier invoices charged for the pool)
    """
    with exact_arithmetic():
        ceiling = max(ZERO, rate(group.rule, group.billed_quantity + group.quantity) - group.billed)
        charged = min(group.quoted, ceiling)
        surplus = charged - group.quoted
    params = {"plugin": group.plugin, "unit": group.meter, "prior": group.prior}
    unit_amount = None if group.rule.depends_on_position else group.rule.amount
    quoted = round_half_up(group.quoted)
    lines = [Line(_usage_code(group), params, group.quantity, unit_amount, group.quoted, quoted, group)]
    if surplus:
        # the two lines together are rounded as one sum
        credit = round_half_up(charged) - quoted
        lines.append(Line("usage.credit", params, ZERO, None, surplus, credit, group))
    return lines


def _usage_code(group: UsageGroup) -> str:
    what = "analyses" if group.counts_analyses else "units"
    return f"usage.{what}" if group.plugin != "*" else f"usage.all_{what}"
