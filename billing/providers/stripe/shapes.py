"""Reading Stripe's objects as plain data."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from stripe import StripeObject


def plain(value: StripeObject) -> dict[str, Any]:
    """The object as dictionaries and lists."""
    found: dict[str, Any] = value.to_dict()
    return found


def id_of(value: Any) -> str:
    """The id, whether the object came along or only its id."""
    if isinstance(value, dict):
        return str(value.get("id") or "")
    return str(value or "")


def local_id(row: dict[str, Any], name: str) -> UUID | None:
    """Our id in an object's metadata; None where there is none that is one."""
    text = str((row.get("metadata") or {}).get(name) or "")
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def subscription_of_invoice(row: dict[str, Any]) -> str:
    """The id of the subscription that an invoice is of, else nothing."""
    parent = row.get("parent") or {}
    return id_of((parent.get("subscription_details") or {}).get("subscription"))


def moment(seconds: Any) -> datetime | None:
    """A Unix time in UTC."""
    return datetime.fromtimestamp(int(seconds), UTC) if seconds else None
