"""The page of the business's figures, and the same as a CSV file."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from billing import clock, figures, figures_told
from billing.admin.acts import Table
from billing.admin.shown import money
from billing.domain.figures import monthly, months_before, percent
from billing.domain.money import round_half_up
from billing.figures import Figures, PluginFigures

PERMISSION = "billing.view_ledgertransaction"
"""The figures are for those who may read the books."""
CHOICE = 24
UNKNOWN = "not known"
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Card:
    """One figure to see at a glance."""

    title: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """A month of a row of bars; `height` in percent of the highest."""

    x: int
    y: int
    height: int
    label: str
    value: str


def revenue_view(request: HttpRequest) -> HttpResponse:
    """The month in `?month=2026-11`, of all currencies; `?format=csv` as a file."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    month = _month(request.GET.get("month", ""))
    found = figures.of_month(month)
    if request.GET.get("format") == "csv":
        return _csv(found, month)
    now = figures.month_of(clock.now())
    context = {
        **admin.site.each_context(request), "title": "Revenue", "month": month,
        "months": list(reversed(months_before(now, CHOICE)[:-1])), "boards": [board(each) for each in found],
    }  # fmt: skip
    request.current_app = admin.site.name
    return TemplateResponse(request, "admin/billing/revenue.html", context)


def board(found: Figures) -> dict[str, Any]:
    """One currency's cards, bars and tables."""
    return {
        "currency": found.currency,
        "cards": list(_cards(found)),
        "charts": [
            ("Recurring revenue by month", _bars(found, [Decimal(each) for each in found.mrr])),
            ("Use by month", _bars(found, found.usage)),
        ],
        "tables": list(_tables(found)),
    }


def _cards(found: Figures) -> Iterator[Card]:
    currency, moved, credits = found.currency, found.movement, found.credits
    churn = percent(moved.customers_churned, moved.customers_opening)
    lost = f"{moved.customers_churned} of {moved.customers_opening} customers"
    yield Card("MRR", money(monthly(moved.closing), currency), "fees a month, before discounts and tax")
    yield Card("ARR", money(moved.closing, currency), "the same a year")
    yield Card("Earned in the month", _rounded(found.revenue, currency), "by the ledger")
    yield Card("Use in the month", _rounded(found.usage[-1], currency), "all plugins")
    yield Card("Customer churn", UNKNOWN if churn is None else f"{churn} %", lost)
    yield Card("Customers", str(moved.customers_closing), f"{moved.customers_new} new")
    yield Card("Credits not used yet", _rounded(credits.deferred, currency), "deferred revenue")
    yield Card("Due on open invoices", money(sum(each.due for each in found.ageing), currency), "today")


def _tables(found: Figures) -> Iterator[Table]:
    currency = found.currency
    steps = [
        [name.capitalize(), money(monthly(getattr(found.movement, name)), currency)] for name in figures_told.STEPS
    ]
    yield Table("Recurring revenue over the month", ("", "A month"), steps)
    header = ("Plugin", "Jobs", "Use", "Compute hours", "Not measured", "Compute cost", "Gross margin", "Margin")
    yield Table("Use and margin by plugin", header, [_plugin(each, currency) for each in found.plugins])
    names = {"sold": "Sold", "given": "Given away", "burnt": "Used", "broken": "Expired or voided"}
    amounts = [[name, _rounded(getattr(found.credits, key), currency)] for key, name in names.items()]
    yield Table("Credits in the month", ("", "Amount"), amounts)
    due = [[each.age.value.capitalize(), str(each.invoices), money(each.due, currency)] for each in found.ageing]
    yield Table("Open invoices by days past due, today", ("Days", "Invoices", "Due"), due)
    top = [[each.name, _rounded(each.revenue, currency)] for each in found.top]
    yield Table("Customers with the highest revenue in the month", ("Customer", "Earned"), top)


def _plugin(each: PluginFigures, currency: str) -> list[str]:
    hours = f"{Decimal(each.compute_ms) / 3_600_000:,.2f}"
    margin = UNKNOWN if each.margin is None else _rounded(each.margin, currency)
    share = None if each.margin is None else percent(each.margin, each.revenue)
    cost = UNKNOWN if each.cost is None else money(each.cost, currency)
    shown = "–" if share is None else f"{share} %"
    return [
        each.plugin, str(each.jobs), _rounded(each.revenue, currency), hours, str(each.unmeasured), cost, margin, shown
    ]  # fmt: skip


def _rounded(exact: Decimal, currency: str) -> str:
    return money(round_half_up(exact), currency)


def _bars(found: Figures, values: list[Decimal]) -> list[Bar]:
    highest = max(values, default=Decimal(0))
    heights = [int(100 * value / highest) if highest > 0 and value > 0 else 0 for value in values]
    return [
        Bar(50 * place, 100 - height, height, f"{month:%b}", _rounded(value, found.currency))
        for place, (month, value, height) in enumerate(zip(found.months, values, heights, strict=True))
    ]


def _month(text: str) -> datetime:
    """The present one for what is no month."""
    try:
        found = datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        return figures.month_of(clock.now())
    return found if found.year in figures.YEARS else figures.month_of(clock.now())


def _csv(found: list[Figures], month: datetime) -> HttpResponse:
    body = StringIO()
    rows = csv.writer(body)
    rows.writerow(figures_told.HEADER)
    for each in found:
        rows.writerows([_safe(cell) for cell in row] for row in figures_told.as_rows(each))
    answer = HttpResponse(body.getvalue(), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="figures-{month:%Y-%m}.csv"'
    return answer


def _safe(cell: str | int) -> str | int:
    """A name that a spreadsheet would take for a formula is told to be text; numbers stay what they are."""
    formula = isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") and not NUMBER.fullmatch(cell)
    return f"'{cell}" if formula else cell
