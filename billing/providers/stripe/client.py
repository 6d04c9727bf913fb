"""The one way to Stripe: a client with its version pinned, and Stripe's errors in our words."""

from __future__ import annotations

import hashlib
import json
import logging
import random
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import stripe
from django.conf import settings

from billing.providers.base import Rejected, TryAgain

ResultT = TypeVar("ResultT")

SDK_MAJOR = 16
NETWORK_RETRIES = 2
TIMEOUT_SECONDS = 20
PATIENCE = (0.2, 0.6)
"""How long a call waits by itself when there are too many of them, seconds; then it is for the caller to come back."""
CLOSED_DOOR_SECONDS = 300
"""After so long a refused key is tried again: an operator has to mend it, no message is at fault."""
CONFLICT = 409


# a line for each request is for who looks for a fault in the SDK
logging.getLogger("stripe").setLevel(logging.WARNING)


def sdk_major() -> int:
    """Of the SDK that is installed."""
    return int(stripe.VERSION.split(".")[0])


def make_client() -> stripe.StripeClient:
    """A client by the settings."""
    base = settings.STRIPE_API_BASE
    addresses: Any = {"api": base, "connect": base, "files": base, "meter_events": base} if base else None
    return stripe.StripeClient(
        settings.STRIPE_SECRET_KEY,
        stripe_version=settings.STRIPE_API_VERSION,
        base_addresses=addresses,
        max_network_retries=NETWORK_RETRIES,
        http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
    )


def is_live(key: str) -> bool:
    """Whether a secret or restricted key moves real money."""
    return key.startswith(("sk_live_", "rk_live_"))


def call(act: Callable[..., ResultT], *arguments: Any, patience: Sequence[float] = PATIENCE) -> ResultT:
    """Call Stripe; wait a little, with jitter, where it has too many calls. Raises `TryAgain` and `Rejected`."""
    for pause in (*patience, None):
        try:
            return act(*arguments)
        except stripe.RateLimitError as error:
            after = retry_after(error)
            if pause is None or (after or 0) > pause:
                raise TryAgain("too many calls", after=after) from error
            time.sleep(random.uniform(pause / 2, pause))  # noqa: S311 jitter
        except stripe.StripeError as error:
            raise translated(error) from error
    raise AssertionError("the last round returns or raises")


def translated(error: stripe.StripeError) -> TryAgain | Rejected:
    """What an error means for the one who sent the request."""
    text = str(error.user_message or error)[:300]
    if isinstance(error, (stripe.APIConnectionError, stripe.APIError)) or error.http_status == CONFLICT:
        return TryAgain(text, after=retry_after(error), ambiguous=True)
    if isinstance(error, (stripe.AuthenticationError, stripe.PermissionError)):
        return TryAgain(text, after=CLOSED_DOOR_SECONDS)
    return Rejected(text, code=error.code or "")


def retry_after(error: stripe.StripeError) -> float | None:
    """What the answer asks to wait, seconds."""
    asked = (error.headers or {}).get("retry-after", "") if error.headers else ""
    return float(asked) if asked and asked.replace(".", "", 1).isdigit() else None


def was_replayed(error: BaseException | None) -> bool:
    """Whether the answer is the stored one of an earlier request with the same key."""
    headers = getattr(error, "headers", None) or {}
    return str(headers.get("idempotent-replayed", "")).lower() == "true"


def options(key: str) -> Any:
    """The request's options: its idempotency key."""
    return {"idempotency_key": key}


def digest(params: Any) -> str:
    """Eight letters that tell other parameters under the same name apart."""
    return hashlib.sha256(json.dumps(params, sort_keys=True, default=str).encode()).hexdigest()[:8]
