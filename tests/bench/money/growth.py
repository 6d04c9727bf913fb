"""The same steps over ten and a hundred times the rows: of one customer, and of many."""

from __future__ import annotations

from typing import Any

from billing import claims, invoices, relay, usage
from billing.delivery.attempt import unsent
from tenants.context import operator_context, tenant_context
from tests.bench.money import world
from tests.bench.money.rows import settle_down
from tests.bench.money.submit import allowed, reading
from tests.bench.money.timing import Step, Watch, in_turns, median, plans, told
from tests.bench.money.world import Customer

GROWN = 1.5
"""From how many times the time on the plans are told."""


def grow(sizes: dict[str, Any], tenants: int) -> dict[str, Any]:
    """One customer of `tenants` is measured; the rows are everybody's, and their messages wait to be sent."""
    customers = world.subscribers(tenants)
    found: dict[int, dict[str, list[Watch]]] = {}
    with allowed():
        for level in sizes["levels"]:
            fill(customers, level)
            found[level] = in_turns(sizes["rounds"], **steps(customers[0]))
    first, last = found[sizes["levels"][0]], found[sizes["levels"][-1]]
    grown = {name: round(median(last[name]) / median(first[name]), 2) for name in first}
    return {
        "by_rows": {str(level): {name: told(each) for name, each in at.items()} for level, at in found.items()},
        "last_over_first": grown,
        "plans": {name: explained(name, last[name][-1], customers[0]) for name in first if grown[name] > GROWN},
    }  # fmt: skip


def fill(customers: list[Customer], level: int) -> None:
    """Up to `level` events in all."""
    for each in customers:
        with operator_context():
            have = world.UsageEvent.objects.filter(tenant=each.id).count()
            missing = level // len(customers) - have
            if missing > 0:
                world.copy_work(world.first_event(each.id), missing, pending=True)
    settle_down()


def steps(who: Customer) -> dict[str, Step]:
    jobs: list[Any] = []

    def preview() -> None:
        with tenant_context(who.id):
            invoices.preview(who.id)

    def summary() -> None:
        with tenant_context(who.id):
            usage.summary(who.id)

    return {
        "reserve": lambda: jobs.append(who.reserve()), "settle": lambda: who.settle(jobs.pop()),
        "usage_page": reading(who)["usage_page"], "preview": preview, "summary": summary, "claim": claim,
    }  # fmt: skip


def claim() -> None:
    """Take what is due and put it back."""
    runs = relay.claim(relay.WIDTH)
    assert runs
    claims.write((attempt, unsent(attempt)) for run in runs for attempt in run)


def explained(name: str, watch: Watch, who: Customer) -> list[dict[str, Any]]:
    scope = operator_context() if name == "claim" else tenant_context(who.id)
    with scope:
        return plans(watch)
