"""Before a run: customers at the provider. After it: whether all places say the same."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.chaos.money.work import chunks
from tests.fakes.stripe import StripeServer

PATIENCE = 900.0


def prepare(server: StripeServer, tenants: int) -> None:
    """A fresh database with customers whom the provider knows and meters."""
    import django

    django.setup()
    from django.core.management import call_command

    from billing import catalogue_sync
    from ops.tenancy import create_customer

    call_command("migrate", verbosity=0)
    call_command("setup", verbosity=0)
    for number in range(tenants):
        create_customer(f"chaos-{number:03d}", f"owner{number}@chaos.example", "pay-per-use")
    catalogue_sync.sync_pending()
    await_delivery(server, lambda: _drain_here())


def _drain_here() -> None:
    from billing import relay

    relay.drain()


def await_delivery(server: StripeServer, push: Callable[[], object]) -> float:
    """Until no message waits; when that was. A message that waits for its next attempt is hurried."""
    from django.db import Error, connection

    from billing.models import OutboxMessage, OutboxState
    from tenants.context import operator_context

    ends_at = time.monotonic() + PATIENCE
    while time.monotonic() < ends_at:
        push()
        server.advance(int(time.time()))
        try:
            with operator_context():
                waiting = OutboxMessage.objects.filter(state=OutboxState.PENDING)
                if not waiting.exists():
                    return time.monotonic()
                waiting.filter(next_at__gt=datetime.now(UTC)).update(next_at=datetime.now(UTC))
                # whoever had claimed it is dead: all were told to end, or were killed
        except Error:
            connection.close()
        time.sleep(0.2)
    return time.monotonic()


def compare(server: StripeServer, seed: int, events: int, tenants: int) -> dict[str, Any]:
    """The sums of each place, and in words where two of them differ."""
    server.aggregate()
    expected = [each for chunk in chunks(seed, events, tenants, 1000) for each in chunk if not each.fails]
    sums = {"expected_events": len(expected), "expected_units": str(sum(each.quantity for each in expected))}
    sums |= _used() | _delivered(server)
    violations = [*_differences(sums), *_books()]
    violations += _reconciled()
    sums |= _invoiced()
    if Decimal(sums["invoiced"]) != Decimal(sums["accrued"]):
        violations.append(f"invoiced {sums['invoiced']}, accrued {sums['accrued']}")
    if sums["events_on_invoices"] != sums["events"]:
        violations.append(f"{sums['events_on_invoices']} of {sums['events']} events are on an invoice")
    return {**sums, "violations": [*violations, *_books(), *server.violations][:20]}


def _used() -> dict[str, Any]:
    from django.db.models import Count, Sum

    from billing.fields import ExactSum
    from billing.models import Account, LedgerEntry, UsageEvent
    from tenants.context import operator_context

    with operator_context():
        used = UsageEvent.objects.aggregate(
            events=Count("id"), jobs=Count("job_id", distinct=True), units=Sum("quantity"), amount=ExactSum("amount")
        )
        booked = LedgerEntry.objects.filter(account=Account.ACCRUED).aggregate(sum=ExactSum("amount"))["sum"]
    return {
        "events": used["events"], "jobs": used["jobs"], "units": str(used["units"]), "amount": str(used["amount"]),
        "accrued": str(booked),
    }  # fmt: skip


def _delivered(server: StripeServer) -> dict[str, Any]:
    """What the provider has counted."""
    counted = [event for rows in server.state.counted.values() for event in rows]  # type: ignore[attr-defined]
    return {
        "delivered_events": len(counted),
        "delivered_units": str(sum(Decimal(event.payload["value"]) for event in counted)),
    }


def _differences(sums: dict[str, Any]) -> list[str]:
    pairs = [
        ("expected_events", "events"), ("events", "jobs"), ("events", "delivered_events"),
        ("expected_units", "units"), ("units", "delivered_units"), ("amount", "accrued"),
    ]  # fmt: skip
    return [
        f"{one} {sums[one]}, {other} {sums[other]}"
        for one, other in pairs
        if Decimal(sums[one]) != Decimal(sums[other])
    ]


def _books() -> list[str]:
    from billing import books, ledger

    return [str(each) for each in [*books.check_all(), *ledger.unbalanced()]]


def _reconciled() -> list[str]:
    from billing import clock, reconciliation

    tomorrow = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    with clock.at(tomorrow + timedelta(hours=3)):
        run = reconciliation.run(tomorrow - timedelta(days=2), tomorrow)
    return [] if reconciliation.fine(run) else [f"not reconciled: {run.totals} {run.error}"]


def _invoiced() -> dict[str, Any]:
    """Close all periods; what the lines of usage charge, exactly, with what was quoted too much taken back."""
    from billing import cycle
    from billing.fields import ExactSum
    from billing.models import BilledUsage, InvoiceLine
    from tenants.context import operator_context

    cycle.advance(datetime.now(UTC) + timedelta(days=40))
    with operator_context():
        quoted = InvoiceLine.objects.filter(counter__isnull=False).exclude(code="usage.credit")
        return {
            "invoiced": str(quoted.aggregate(sum=ExactSum("exact"))["sum"]),
            "events_on_invoices": BilledUsage.objects.filter(stands=True).count(),
        }
