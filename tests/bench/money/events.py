"""Usage events a second, from a place to a count: with a provider that meters (a fake), with our own, in batches."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from billing import catalogue_sync, relay
from billing.models import BillingCustomer, OutboxMessage, OutboxState
from tenants.context import operator_context
from tests.bench.money.timing import Watch, watching
from tests.bench.money.world import Customer, customer
from tests.fakes.stripe import StripeServer

CUSTOMERS, EACH = 4, 10


def per_second(sizes: dict[str, Any], server: StripeServer) -> dict[str, Any]:
    """Both providers in turns, the local one job by job and in batches: some jobs, until each of them is counted."""
    names = ("stripe", "local", "batch")
    stripe, local, batch = ([customer(f"{name}-{number}") for number in range(CUSTOMERS)] for name in names)
    with operator_context():
        ours = [each.id for each in (*local, *batch)]
        BillingCustomer.objects.filter(tenant__in=ours).update(provider="local")
    catalogue_sync.sync_pending()
    deliver(server)
    found: dict[str, list[dict[str, Watch]]] = {name: [] for name in names}
    for _ in range(1 + sizes["rounds"]):
        for name, customers in (("stripe", stripe), ("local", local), ("batch", batch)):
            before = counted(server)
            found[name].append(stages(customers, server, together=name == "batch"))
            assert counted(server) - before == (CUSTOMERS * EACH if name == "stripe" else 0)
    return {name: rates(rounds[1:]) for name, rounds in found.items()}


def stages(customers: list[Customer], server: StripeServer, *, together: bool) -> dict[str, Watch]:
    """Each stage for all jobs; `together` settles each customer's jobs as one batch."""
    jobs: list[tuple[Customer, Any]] = []

    def reserve() -> None:
        jobs.extend((each, each.reserve()) for each in customers * EACH)

    def settle() -> None:
        for each, job_id in jobs:
            each.settle(job_id)

    def settle_together() -> None:
        for each in customers:
            each.settle_many([job_id for owner, job_id in jobs if owner is each])

    return {
        "reserve": watched(reserve), "settle": watched(settle_together if together else settle),
        "relay": watched(lambda: deliver(server)),
        "counted": watched(server.aggregate),
    }  # fmt: skip


def watched(stage: Callable[[], object]) -> Watch:
    with watching() as watch:
        stage()
    return watch


def deliver(server: StripeServer) -> None:
    """Until no message waits."""
    server.advance(int(time.time()))
    while relay.drain(1000).retried or waiting():
        with operator_context():
            OutboxMessage.objects.filter(state=OutboxState.PENDING).update(next_at="2000-01-01T00:00:00Z")


def waiting() -> bool:
    with operator_context():
        return OutboxMessage.objects.filter(state=OutboxState.PENDING).exists()


def counted(server: StripeServer) -> int:
    """What the provider has counted."""
    return sum(len(rows) for rows in server.state.counted.values())


def rates(rounds: list[dict[str, Watch]]) -> dict[str, Any]:
    """Medians of all rounds: events a second from end to end, and what each stage takes of one event."""
    events = CUSTOMERS * EACH
    totals = [sum(watch.seconds for watch in stages.values()) for stages in rounds]
    return {
        "events_per_second": round(events / statistics.median(totals), 1),
        **{
            name: {
                "ms_per_event": round(statistics.median(each[name].seconds for each in rounds) / events * 1000, 2),
                "statements_per_event": statistics.median(len(each[name].statements) for each in rounds) / events,
            }
            for name in rounds[0]
        },
    }
