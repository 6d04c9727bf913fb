"""The one error of the fake: what Stripe would answer instead of a result."""

from __future__ import annotations

from typing import Any

STATUS_TYPES = {401: "invalid_request_error", 402: "card_error", 429: "invalid_request_error", 500: "api_error"}


class StripeFailure(Exception):
    """An answer with an error body. `headers` go out with it, for example `stripe-should-retry`."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        type: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.code = code
        named = {"code": code, "param": param, "message": message}
        kind = type or STATUS_TYPES.get(status, "invalid_request_error")
        self.body: dict[str, Any] = {"error": {"type": kind, **{k: v for k, v in named.items() if v is not None}}}


def refuse(message: str, *, code: str | None = None, param: str | None = None) -> StripeFailure:
    """A 400 for a request that is well formed but not allowed."""
    return StripeFailure(400, message, code=code, param=param)


def missing(kind: str, id: str, param: str = "id", *, note: str = "") -> StripeFailure:
    """For an object that is not there: 404 when the path names it, 400 when a parameter does."""
    status = 404 if param == "id" else 400
    return StripeFailure(status, f"No such {kind}: '{id}'{note}", code="resource_missing", param=param)
