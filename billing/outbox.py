"""Messages for the world outside, written in the transaction that causes them; a relay sends them later."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from billing.models import OutboxMessage


def enqueue(tenant_id: UUID, topic: str, *, key: str, payload: dict[str, Any], serial: str = "") -> None:
    """Write one message; `key` is unique in the house, and a second message of the same key is not written.

    `payload` is JSON without floats: numbers that count go as text. Messages of one `serial` leave one after the other;
    without one a message is a serial of its own.
    """
    message = OutboxMessage(tenant_id=tenant_id, topic=topic, key=key, payload=payload, serial=serial or key)
    OutboxMessage.objects.bulk_create([message], ignore_conflicts=True)
