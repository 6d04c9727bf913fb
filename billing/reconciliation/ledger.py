"""The use of a day against what the ledger has booked for it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

from django.db.models.functions import TruncDate

from billing.domain.money import ZERO
from billing.domain.reconciling import booked_verdict
from billing.fields import ExactSum
from billing.models import Account, BillingCustomer, LedgerEntry, ReconciliationItem, ReconciliationRun, UsageEvent


def items(made: ReconciliationRun, start: datetime, end: datetime, provider: str | None) -> list[ReconciliationItem]:
    """One item for each tenant, currency and UTC day whose sums differ; a single line for all that agree is enough."""
    used, booked = _used(start, end), _booked(start, end)
    chosen = None
    if provider is not None:
        chosen = set(BillingCustomer.objects.filter(provider=provider).values_list("tenant_id", flat=True))
    return [
        _item(made, key, used.get(key, ZERO), booked.get(key, ZERO))
        for key in sorted(used.keys() | booked.keys(), key=str)
        if used.get(key, ZERO) != booked.get(key, ZERO) and (chosen is None or key[0] in chosen)
    ]


Key = tuple[UUID, str, date]


def _used(start: datetime, end: datetime) -> dict[Key, Decimal]:
    events = UsageEvent.objects.filter(occurred_at__gte=start, occurred_at__lt=end)
    rows = events.annotate(day=TruncDate("occurred_at", tzinfo=UTC)).order_by().values("tenant_id", "currency", "day")
    summed = rows.annotate(exact=ExactSum("amount"))
    return {(row["tenant_id"], row["currency"], row["day"]): row["exact"] for row in summed}


def _booked(start: datetime, end: datetime) -> dict[Key, Decimal]:
    entries = LedgerEntry.objects.filter(
        account=Account.ACCRUED, transaction__source_type="usage_event", transaction__kind="accrual",
        transaction__occurred_at__gte=start, transaction__occurred_at__lt=end,
    ).annotate(day=TruncDate("transaction__occurred_at", tzinfo=UTC))  # fmt: skip
    rows = entries.order_by().values("tenant_id", "currency", "day").annotate(exact=ExactSum("amount"))
    return {(row["tenant_id"], row["currency"], row["day"]): row["exact"] for row in rows}


def _item(made: ReconciliationRun, key: Key, used: Decimal, booked: Decimal) -> ReconciliationItem:
    tenant_id, currency, day = key
    return ReconciliationItem(
        run=made, tenant_id=tenant_id, subject=f"ledger {currency}", day=day,
        verdict=booked_verdict(used, booked).value, our_amount=used, their_amount=booked,
        note="the ledger has booked another amount for this day's use",
    )  # fmt: skip
