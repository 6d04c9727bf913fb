"""Messages for the world outside, written in the transaction that causes them; a relay sends them later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from billing.models import OutboxMessage


@dataclass(frozen=True, slots=True)
class Message:
    """`key` is unique in the house. `payload` is JSON without floats: numbers that count go as text.

    Messages of one `serial` leave one after the other; without one a message is a serial of its own.
    """

    tenant_id: UUID
    topic: str
    key: str
    payload: Mapping[str, Any]
    serial: str = ""


def enqueue(tenant_id: UUID, topic: str, *, key: str, payload: Mapping[str, Any], serial: str = "") -> None:
    """Write one message, see `Message`; a second one of the same key is not written."""
    enqueue_all([Message(tenant_id, topic, key, payload, serial)])


def enqueue_all(messages: Iterable[Message]) -> None:
    """Write messages, in their order, in one statement."""
    OutboxMessage.objects.bulk_create(map(_row, messages), ignore_conflicts=True)


def _row(message: Message) -> OutboxMessage:
    return OutboxMessage(
        tenant_id=message.tenant_id, topic=message.topic, key=message.key, payload=dict(message.payload),
        serial=message.serial or message.key,
    )  # fmt: skip
