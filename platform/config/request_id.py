"""Every request has an id: taken from the caller when it is harmless, else made here; in every answer and log line."""

from __future__ import annotations

import re
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

from tenants.ids import encode, uuid7

HARMLESS = re.compile(r"[A-Za-z0-9_-]{8,64}")


class RequestIdMiddleware:
    """Binds `request_id` for the logs and answers with `X-Request-Id`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-Id", "")
        request_id = given if HARMLESS.fullmatch(given) else encode("req", uuid7())
        request.request_id = request_id  # type: ignore[attr-defined]
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self.get_response(request)
        response["X-Request-Id"] = request_id
        return response
