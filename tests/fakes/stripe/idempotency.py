"""Idempotency keys of v1 POSTs: the first result is kept for a day and replayed, whatever it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.fakes.stripe.errors import StripeFailure

KEPT_SECONDS = 24 * 3600
MAX_LENGTH = 255


@dataclass(frozen=True)
class Answer:
    """What goes out: status, JSON body, more headers."""

    status: int
    body: Any
    headers: dict[str, str]


@dataclass
class _First:
    request: tuple[str, str, str]
    at: int
    answer: Answer | None = None


class IdempotencyKeys:
    """The keys seen; `request` is method, path and body. Not thread-safe: call it under the state's lock."""

    def __init__(self) -> None:
        self._seen: dict[tuple[bool, str], _First] = {}

    def begin(self, key: str, livemode: bool, request: tuple[str, str, str], now: int) -> Answer | None:
        """The earlier answer, or None when this request is the first. Raises for another request or an open one."""
        if len(key) > MAX_LENGTH:
            raise StripeFailure(
                400, f"Idempotency-Key is longer than {MAX_LENGTH} characters", type="idempotency_error"
            )
        first = self._seen.get((livemode, key))
        if first is None or (first.answer is not None and now - first.at >= KEPT_SECONDS):
            self._seen[livemode, key] = _First(request, now)
            return None
        if first.request != request:
            raise StripeFailure(
                400, f"Idempotency-Key {key!r} was first used with another request", type="idempotency_error"
            )
        if first.answer is None:
            raise StripeFailure(
                409, f"a request with Idempotency-Key {key!r} is still open", code="idempotency_key_in_use"
            )
        return Answer(first.answer.status, first.answer.body, {**first.answer.headers, "Idempotent-Replayed": "true"})

    def finish(self, key: str, livemode: bool, answer: Answer | None) -> None:
        """Keeps the answer, or forgets the key when nothing was executed."""
        if answer is None:
            self._seen.pop((livemode, key), None)
        else:
            self._seen[livemode, key].answer = answer
