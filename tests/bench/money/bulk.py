"""What the house does by itself, over many rows: reconciling a day's events, closing everybody's period."""

from __future__ import annotations

import resource
from datetime import timedelta
from typing import Any

from django.db import connection

from billing import clock, cycle, reconciliation
from billing.models import BillingCustomer, Subscription, SubscriptionPhase
from tenants.context import operator_context
from tenants.models import Tenant
from tests.bench.money import world
from tests.bench.money.rows import copies, numbered, settle_down
from tests.bench.money.timing import in_turns, plans, told, watching
from tests.billing.work import make_plan

TENANTS = 50


def reconcile(sizes: dict[str, Any]) -> dict[str, Any]:
    """All events of some customers over ten days."""
    for each in world.subscribers(TENANTS):
        with operator_context():
            world.copy_work(world.first_event(each.id), sizes["events"] // TENANTS - 1)
    settle_down()
    now, before = clock.now(), most_megabytes()

    def run() -> None:
        made = reconciliation.run(now - timedelta(days=12), now + timedelta(days=1))
        assert reconciliation.fine(made), made.totals

    found = in_turns(max(3, sizes["rounds"] // 2), run=run)["run"]
    with operator_context():
        how = plans(found[-1])
    seconds = told(found)["ms"] / 1000
    return {
        "events": sizes["events"],
        **told(found),
        "megabytes_more": round(most_megabytes() - before, 1),
        "events_per_second": round(sizes["events"] / seconds),
        "slow": how,
    }


def most_megabytes() -> float:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def close(sizes: dict[str, Any]) -> dict[str, Any]:
    """The period of every subscription at once; each has a fee and one piece of work or none."""
    number = sizes["subscriptions"]
    make_plan("bench-fee", fee="1000")
    with operator_context():
        copy_subscribers(world.customer("closed", "bench-fee").id, world.next_numbers(number), number)
    settle_down()
    at = clock.now() + timedelta(days=32)
    with clock.at(at), watching() as watch:
        made = cycle.close_due(at)
    return {
        "subscriptions": number + 1, "invoices": len(made), "seconds": round(watch.seconds, 2),
        "per_second": round((number + 1) / watch.seconds, 1),
        "statements_each": round(len(watch.statements) / (number + 1), 1),
        "ms_each_without_database": round(
            (watch.seconds - sum(seconds for _, _, seconds in watch.statements)) / (number + 1) * 1000, 2
        ),
        "slow": slowest(watch.statements),
    }  # fmt: skip


def slowest(statements: list[tuple[str, Any, float]], count: int = 6) -> list[dict[str, Any]]:
    """The kinds of statement that took most of the time, all in all."""
    kinds: dict[str, list[float]] = {}
    for sql, _, seconds in statements:
        kinds.setdefault(sql[:40] + " .. " + sql[-160:], []).append(seconds)
    worst = sorted(kinds.items(), key=lambda each: -sum(each[1]))[:count]
    return [{"sql": sql, "times": len(times), "seconds": round(sum(times), 2)} for sql, times in worst]


def copy_subscribers(tenant_id: Any, first: int, number: int) -> None:
    """Further tenants, subscribed as this one is."""
    tenant, subscription = numbered("71"), numbered("72")
    copies(Tenant.objects.get(pk=tenant_id), first, number, id=tenant)
    copies(Subscription.objects.get(tenant=tenant_id), first, number, id=subscription, tenant=tenant)
    phase = SubscriptionPhase.objects.get(tenant=tenant_id)
    copies(phase, first, number, id=numbered("73"), tenant=tenant, subscription=subscription)
    payer = BillingCustomer.objects.get(tenant=tenant_id)
    copies(payer, first, number, id=numbered("74"), tenant=tenant)
    assert connection.in_atomic_block
