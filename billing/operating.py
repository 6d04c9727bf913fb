"""What `manage.py billing sync` and `billing reconcile` answer."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from billing import catalogue_sync, reconciliation
from billing.models import ReconciliationItem, SyncState
from tenants.context import operator_context


def sync(**_: Any) -> dict[str, Any]:
    """How each copy of the catalogue stands."""
    rows = catalogue_sync.sync()
    shown = [
        {
            "kind": row.kind,
            "name": row.name,
            "external_id": row.external_id,
            "state": str(row.state),
            "error": row.error,
        }
        for row in rows
    ]
    return {"objects": shown, "failed": sum(row.state != SyncState.SYNCED for row in rows)}


def reconcile(since: datetime, until: datetime, **_: Any) -> dict[str, Any]:
    """The run with its totals, and every item that is not matched."""
    run = reconciliation.run(since, until)
    with operator_context():
        items = list(ReconciliationItem.objects.filter(run=run).exclude(verdict="matched").order_by("day", "subject"))
    return {
        "run": str(run.id),
        "from": run.since.isoformat(),
        "to": run.until.isoformat(),
        "agrees": reconciliation.fine(run),
        "error": run.error,
        "verdicts": run.totals["verdicts"],
        "usage": run.totals["usage"],
        "items": [_item(item) for item in items],
    }


def _item(item: ReconciliationItem) -> dict[str, Any]:
    numbers = ("ours", "delivered", "theirs", "invoiced", "our_amount", "their_amount")
    return {
        "verdict": str(item.verdict),
        "tenant": str(item.tenant_id),
        "subject": item.subject,
        "meter": item.meter,
        "day": item.day.isoformat() if item.day else None,
        **{name: _text(getattr(item, name)) for name in numbers},
        "note": item.note,
    }


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"
