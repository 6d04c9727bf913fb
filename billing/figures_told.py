"""The operator's figures as JSON and as rows of a table: whole minor units, exact ones as text beside them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from billing.domain.figures import Movement, monthly, percent
from billing.domain.money import plain, round_half_up
from billing.figures import CreditFigures, Figures, PluginFigures

STEPS = ("opening", "new", "expansion", "contraction", "churned", "closing")
HEADER = ("currency", "month", "figure", "of", "amount", "exact")


def as_json(found: Figures) -> dict[str, Any]:
    """Amounts are whole minor units, half up; with `exact` beside them where they can have parts of one."""
    return {
        "currency": found.currency,
        "month": f"{found.period.start:%Y-%m}",
        "mrr": monthly(found.movement.closing),
        "arr": round_half_up(found.movement.closing),
        "mrr_movement": {name: monthly(getattr(found.movement, name)) for name in STEPS},
        "annual_exact": {name: _text(getattr(found.movement, name)) for name in STEPS},
        "customers": _customers(found.movement),
        "revenue": _amount(found.revenue),
        "usage": [_plugin(each) for each in found.plugins],
        "usage_revenue": _amount(found.usage[-1]),
        "credits": {name: _amount(amount) for name, amount in asdict(found.credits).items()},
        "ageing": [{"age": each.age.value, "invoices": each.invoices, "due": each.due} for each in found.ageing],
        "top_customers": [
            {"tenant": str(each.tenant_id), "name": each.name, "revenue": _amount(each.revenue)} for each in found.top
        ],
        "trend": [
            {"month": f"{month:%Y-%m}", "mrr": mrr, "usage_revenue": _amount(usage)}
            for month, mrr, usage in zip(found.months, found.mrr, found.usage, strict=True)
        ],
    }


def as_rows(found: Figures) -> Iterator[tuple[str | int, ...]]:
    """Lines of a CSV file below `HEADER`; amounts in minor units, percents and counts in the column of amounts."""
    month = f"{found.period.start:%Y-%m}"
    for figure, of, value in _values(found):
        exact = isinstance(value, Decimal)
        amount: int | str = round_half_up(value) if isinstance(value, Decimal) else value
        yield (found.currency, month, figure, of, amount, _text(Decimal(value)) if exact else "")


def _values(found: Figures) -> Iterator[tuple[str, str, Decimal | int | str]]:
    yield "mrr", "", monthly(found.movement.closing)
    yield "arr", "", found.movement.closing
    for name in STEPS:
        yield f"mrr {name}", "", monthly(getattr(found.movement, name))
    for name, value in _customers(found.movement).items():
        yield f"customers {name}", "", "" if value is None else value
    yield "revenue", "", found.revenue
    for plugin in found.plugins:
        yield from _plugin_values(plugin)
    for name, amount in _credit_amounts(found.credits).items():
        yield f"credits {name}", "", amount
    for age in found.ageing:
        yield "due", age.age.value, age.due
    for customer in found.top:
        yield "revenue of customer", customer.name, customer.revenue
    for month, mrr, usage in zip(found.months, found.mrr, found.usage, strict=True):
        yield "mrr of month", f"{month:%Y-%m}", mrr
        yield "usage revenue of month", f"{month:%Y-%m}", usage


def _plugin_values(plugin: PluginFigures) -> Iterator[tuple[str, str, Decimal | int | str]]:
    yield "usage revenue", plugin.plugin, plugin.revenue
    yield "jobs", plugin.plugin, plugin.jobs
    yield "compute ms", plugin.plugin, plugin.compute_ms
    yield "compute cost", plugin.plugin, "unknown" if plugin.cost is None else plugin.cost
    yield "gross margin", plugin.plugin, "unknown" if plugin.margin is None else plugin.margin


def _credit_amounts(found: CreditFigures) -> dict[str, Decimal]:
    return asdict(found)


def _customers(moved: Movement) -> dict[str, Any]:
    rate = percent(moved.customers_churned, moved.customers_opening)
    return {
        "opening": moved.customers_opening,
        "new": moved.customers_new,
        "churned": moved.customers_churned,
        "closing": moved.customers_closing,
        "churn_percent": None if rate is None else str(rate),
    }


def _plugin(each: PluginFigures) -> dict[str, Any]:
    return {
        "plugin": each.plugin,
        "jobs": each.jobs,
        "revenue": _amount(each.revenue),
        "compute_ms": each.compute_ms,
        "unmeasured": each.unmeasured,
        "compute_cost": each.cost,
        "gross_margin": None if each.margin is None else _amount(each.margin),
        "margin_percent": _share(each),
    }


def _share(each: PluginFigures) -> str | None:
    found = None if each.margin is None else percent(each.margin, each.revenue)
    return None if found is None else str(found)


def _amount(exact: Decimal) -> dict[str, Any]:
    return {"amount": round_half_up(exact), "exact": _text(exact)}


def _text(exact: Decimal) -> str:
    return f"{plain(exact):f}"
