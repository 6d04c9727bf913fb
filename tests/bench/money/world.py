"""Customers of the bench, their work, and any number of copies of a finished job."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from uuid import UUID, uuid4

from billing import clock, quota
from billing.models import LedgerEntry, LedgerTransaction, OutboxMessage, OutboxState, Reservation, UsageEvent
from ops.tenancy import create_customer
from tenants.context import operator_context, tenant_context
from tenants.models import Tenant, User
from tests.bench.money.rows import Sql, copies, numbered

PLAN = "pay-per-use"
DAYS = timedelta(days=9)
"""The subscriptions are as old, and the copied work is spread over them."""
SPANS = 20


@dataclass(frozen=True)
class Customer:
    """A tenant whose jobs run one plugin."""

    tenant: Tenant
    owner: User
    api_key: str
    plugin: str = "digits"

    @property
    def id(self) -> UUID:
        return self.tenant.id

    def reserve(self, job_id: UUID | None = None) -> UUID:
        """A place in a transaction of its own; the job."""
        job_id = job_id or uuid4()
        with tenant_context(self.id):
            quota.reserve(self.id, job_id=job_id, plugin=self.plugin, unit="image", quantity=Decimal(1))
        return job_id

    def settle(self, job_id: UUID) -> UsageEvent:
        with tenant_context(self.id):
            return quota.settle(self.id, job_id=job_id, compute_ms=7)

    def settle_many(self, job_ids: Iterable[UUID]) -> None:
        with tenant_context(self.id):
            quota.settle_many(quota.Finished(self.id, job_id, 7) for job_id in job_ids)

    def finish(self) -> UsageEvent:
        return self.settle(self.reserve())


def customer(name: str, plan: str = PLAN) -> Customer:
    """A subscriber since `DAYS`."""
    with clock.at(clock.now() - DAYS):
        made = create_customer(name, f"owner@{name}.example", plan)
    return Customer(made.tenant, made.owner, made.api_key)


numbers = count(1)


def copy_work(event: UsageEvent, number: int, *, pending: bool = False) -> None:
    """`number` further events like this one, with their places, bookings and messages; call in the operator's scope."""
    spans = min(SPANS, number)
    for span in range(spans):
        share = number // spans + (span < number % spans)
        at = event.occurred_at - DAYS * (span + 1) / (spans + 2)
        _copy_span(event, next_numbers(share), share, at, pending=pending)


def next_numbers(size: int) -> int:
    first = next(numbers)
    for _ in range(size - 1):
        next(numbers)
    return first


def _copy_span(event: UsageEvent, first: int, share: int, at: datetime, *, pending: bool) -> None:
    reservation = Reservation.objects.get(pk=event.reservation_id)
    booked = LedgerTransaction.objects.get(source_id=str(event.id), kind="accrual")
    message = OutboxMessage.objects.get(key=f"usage:{event.id.hex}")
    job = numbered("a1")
    copies(reservation, first, share, id=numbered("b1"), job_id=job)
    copies(event, first, share, id=numbered("c1"), job_id=job, reservation=numbered("b1"), occurred_at=at)
    copies(booked, first, share, id=numbered("d1"), source_id=Sql(f"'{first}-' || n"), occurred_at=at)
    for prefix, entry in zip(("e1", "e2"), LedgerEntry.objects.filter(transaction=booked), strict=True):
        copies(entry, first, share, id=numbered(prefix), transaction=numbered("d1"))
    state = OutboxState.PENDING if pending else OutboxState.DELIVERED
    key = Sql(f"'usage:' || {numbered('c1')}")
    copies(message, first, share, id=numbered("f1"), key=key, state=state, created_at=at, next_at=at,
           delivered_at=None if pending else at)  # fmt: skip


def subscribers(number: int) -> list[Customer]:
    """Each with one finished job, from which the others are copied."""
    found = [customer(f"bench-{each:03d}") for each in range(number)]
    for each in found:
        each.finish()
    return found


def first_event(tenant_id: UUID) -> UsageEvent:
    with operator_context():
        return UsageEvent.objects.filter(tenant_id=tenant_id).order_by("recorded_at")[0]
