"""How fees, use, credits and discounts become an invoice. Pure; amounts are minor units.

The quote of a job binds, and is priced by the place that the job took in its period. Work that fails gives its place
back, so that the quotes of what did succeed may add up to more than the same quantity costs in one go. Nobody pays
that difference: it is shown as a line of its own, a credit.

What credits have paid of the use is a line below the use. Where they have paid more than is charged in the end, the
rest is returned: the invoice gives it back as new credits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from billing.domain.coupons import Discount, discounts_on
from billing.domain.money import ZERO, exact_arithmetic, round_half_up, total
from billing.domain.quoting import rate_beyond
from billing.domain.rating import PriceRule
from billing.domain.tax import tax_on

ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class UsageGroup:
    """Finished work of one pool (`counter`) at one price, not yet invoiced.

    `plugin` is "*" where several plugins share the price's ladder. `base` and `included` are the pool's: units that
    earlier phases of the period have taken, and units that come free before the ladder. `billed_quantity` and `billed`
    (exact) are what earlier invoices have charged; `prior` tells that the pool belongs to an earlier period.
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
    base: Decimal = ZERO
    included: Decimal = ZERO


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


@dataclass(frozen=True, slots=True)
class Fee:
    """What a plan's fee (exact) comes to for one phase; `params` name the plan, and the part where it is one."""

    code: str
    params: dict[str, Any]
    exact: Decimal
    quantity: Decimal = ONE
    unit_amount: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Bill:
    """The lines and the sums of an invoice: total = subtotal - discount + tax; `returned` (exact) is given back."""

    lines: list[Line]
    subtotal: int
    discounts: list[int]
    tax: int
    returned: Decimal

    @property
    def discount(self) -> int:
        return sum(self.discounts)

    @property
    def total(self) -> int:
        return self.subtotal - self.discount + self.tax


def bill(
    fees: Sequence[Fee],
    groups: Sequence[UsageGroup],
    credited: Decimal,
    discounts: Sequence[Discount],
    tax_percent: Decimal,
) -> Bill:
    """The whole invoice; `credited` (exact) is what credits have paid of the work in `groups`."""
    usage = [line for group in groups for line in usage_lines(group)]
    paid = min(credited, total(line.exact for line in usage))
    lines = [*fee_lines(fees), *usage, *credits_lines(usage, paid)]
    subtotal = sum(line.amount for line in lines)
    taken = discounts_on(subtotal, discounts)
    tax = tax_on(subtotal - sum(taken), tax_percent)
    return Bill(lines, subtotal, taken, tax, total([credited, -paid]))


def fee_lines(fees: Sequence[Fee]) -> list[Line]:
    """A line for each fee. Together they are rounded as one sum: parts of a fee come to the same as the whole."""
    lines: list[Line] = []
    exact, shown = ZERO, 0
    for fee in fees:
        exact = total([exact, fee.exact])
        amount = round_half_up(exact) - shown
        lines.append(Line(fee.code, fee.params, fee.quantity, fee.unit_amount, fee.exact, amount))
        shown += amount
    return lines


def usage_lines(group: UsageGroup) -> list[Line]:
    """The quotes of a group, and the credit that keeps it at or below the price of its whole quantity.

    charged = min(sum of quotes, price of all finished units of the pool - what earlier invoices charged for the pool)
    """
    with exact_arithmetic():
        charged = min(group.quoted, max(ZERO, _ceiling(group)))
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


def credits_lines(usage: Sequence[Line], paid: Decimal) -> list[Line]:
    """What credits have paid of the usage lines. Together with them it is rounded as one sum, never above nothing."""
    if not paid:
        return []
    shown = sum(line.amount for line in usage)
    left = round_half_up(total([*(line.exact for line in usage), -paid]))
    return [Line("credits", {}, ZERO, None, -paid, min(0, left - shown))]


def _ceiling(group: UsageGroup) -> Decimal:
    """What the pool's units may still cost, by the ladder, from where its phase began."""
    with exact_arithmetic():
        finished = group.base + group.billed_quantity + group.quantity
        whole = rate_beyond(group.rule, finished, group.included)
        return whole - rate_beyond(group.rule, group.base, group.included) - group.billed


def _usage_code(group: UsageGroup) -> str:
    what = "analyses" if group.counts_analyses else "units"
    return f"usage.{what}" if group.plugin != "*" else f"usage.all_{what}"
