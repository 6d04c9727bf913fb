"""Events of Stripe: verified, and brought to what names their object. Snapshots and thin notices alike."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import stripe
from stripe import StripeClient

from billing import clock
from billing.providers.base import InvalidSignature
from billing.providers.orders import IncomingEvent
from billing.providers.stripe.client import call
from billing.providers.stripe.shapes import plain

TOLERANCE = timedelta(seconds=300)
"""On both sides of now: an old event may be a replay, one from the future is not Stripe's."""
THIN = "v2.core.event"
METER_ERRORS = "billing.meter.errors"
"""Our name for what a thin event itself tells: its data has to be fetched by the event's id."""
METER_ERROR_TYPES = ("v1.billing.meter.error_report_triggered", "v1.billing.meter.no_meter_found")


def parse(body: bytes, headers: Mapping[str, str], secrets: Sequence[str]) -> IncomingEvent:
    """Verify and read a webhook. Raises `InvalidSignature`, also for a signed body that is no event."""
    signature = next((value for name, value in headers.items() if name.lower() == "stripe-signature"), "")
    _verify(body, signature, secrets)
    try:
        return incoming(json.loads(body))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidSignature("signed, but no event") from error


def incoming(row: dict[str, Any]) -> IncomingEvent:
    """An event as Stripe writes it. Raises `KeyError` and its like for anything else."""
    if row["object"] == THIN:
        return _thin(row)
    about = row["data"]["object"]
    return IncomingEvent(
        external_id=str(row["id"]),
        type=str(row["type"]),
        livemode=bool(row["livemode"]),
        occurred_at=datetime.fromtimestamp(row["created"], UTC),
        object_kind=str(about["object"]),
        object_id=str(about.get("id") or ""),
    )


def since(client: StripeClient, moment: datetime) -> list[IncomingEvent]:
    """What happened from `moment` on, oldest first; Stripe keeps 30 days."""
    params: Any = {"created": {"gte": int(moment.timestamp())}, "limit": 100}
    rows = call(client.v1.events.list, params).auto_paging_iter()
    return list(reversed([incoming(plain(row)) for row in rows]))


def _thin(row: dict[str, Any]) -> IncomingEvent:
    about = row.get("related_object") or {}
    errors = row["type"] in METER_ERROR_TYPES
    return IncomingEvent(
        external_id=str(row["id"]),
        type=str(row["type"]),
        livemode=bool(row["livemode"]),
        occurred_at=datetime.fromisoformat(row["created"]).astimezone(UTC),
        object_kind=METER_ERRORS if errors else str(about.get("type") or ""),
        object_id=str(row["id"]) if errors else str(about.get("id") or ""),
        thin=True,
    )


def _verify(body: bytes, signature: str, secrets: Sequence[str]) -> None:
    if not any(_signed_with(secret, body, signature) for secret in secrets):
        raise InvalidSignature("no active secret fits")
    # only what was signed is believed
    signed_at = next(part[2:] for part in signature.split(",") if part.startswith("t="))
    if abs(clock.now() - datetime.fromtimestamp(int(signed_at), UTC)) > TOLERANCE:
        raise InvalidSignature(f"signed at {signed_at}, too far from now")


def _signed_with(secret: str, body: bytes, signature: str) -> bool:
    try:
        # the time is judged by us, in both directions
        return bool(stripe.WebhookSignature.verify_header(body, signature, secret, None))
    except (stripe.SignatureVerificationError, ValueError):
        return False
