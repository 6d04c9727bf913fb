"""Webhooks: what is sent of an event, how it is signed, and where it goes."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tests.fakes.stripe.resources.webhooks import wanted
from tests.fakes.stripe.state import Json, State, rendered
from tests.fakes.stripe.thin import notice

TIMEOUT_SECONDS = 10
MAX_WAIT_SECONDS = 60
TAMPERED = b'"livemode": true'


@dataclass(frozen=True)
class Delivery:
    """One attempt: `status` is that of the answer, or 0 when there was none."""

    event: str
    url: str
    status: int


@dataclass
class Destination:
    """A place that gets events; `patterns` as in `enabled_events`."""

    id: str
    url: str
    secret: str
    patterns: list[str]
    thin: bool


def payload(state: State, event: Json, *, thin: bool) -> bytes:
    """The body of a delivery."""
    return json.dumps(notice(event) if thin else rendered(state, event)).encode()


def signature(body: bytes, secrets: Iterable[str], at: int) -> str:
    """The header: one `v1` for each secret, as while a secret is being rotated."""
    signed = f"{at}.".encode() + body
    parts = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={at}", *(f"v1={part}" for part in parts)])


def tamper(body: bytes) -> bytes:
    """The body with one thing changed after signing."""
    return body.replace(b'"livemode": false', TAMPERED, 1)


class Courier:
    """Posts events to the registered addresses; what was answered with 2xx is not posted again."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.extra: list[Destination] = []
        self._done: set[tuple[str, str]] = set()
        self._tries: dict[tuple[str, str], tuple[int, float]] = {}

    def deliver(
        self, *, copies: int = 1, reverse: bool = False, tampered: bool = False, at: int | None = None
    ) -> list[Delivery]:
        """Posts all that waits, signed at `at` (Unix seconds, default now in real time)."""
        with self.state.lock:
            waiting = [(event, place) for event, place in self._waiting() if (event["id"], place.id) not in self._done]
        found = waiting[::-1] if reverse else waiting
        return [self._post(event, place, tampered, at) for event, place in found for _ in range(copies)]

    def deliver_due(self) -> None:
        """Posts what waits, but leaves failing addresses in peace for longer and longer."""
        with self.state.lock:
            waiting = [(event, place) for event, place in self._waiting() if (event["id"], place.id) not in self._done]
        for event, place in waiting:
            tries, last = self._tries.get((event["id"], place.id), (0, 0.0))
            if not tries or time.monotonic() - last >= min(2**tries, MAX_WAIT_SECONDS):
                self._post(event, place, False, None)

    def _post(self, event: Json, place: Destination, tampered: bool, at: int | None) -> Delivery:
        body = payload(self.state, event, thin=place.thin)
        headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "Stripe/1.0"}
        headers["Stripe-Signature"] = signature(body, [place.secret], int(time.time()) if at is None else at)
        status = _posted(place.url, tamper(body) if tampered else body, headers)
        name = (event["id"], place.id)
        received = 200 <= status < 300
        if received:
            self._done.add(name)
        event["pending_webhooks"] = 0 if received else 1
        self._tries[name] = (self._tries.get(name, (0, 0.0))[0] + 1, time.monotonic())
        return Delivery(event["id"], place.url, status)

    def _waiting(self) -> Iterator[tuple[Json, Destination]]:
        places = list(_destinations(self.state)) + self.extra
        for event in self.state.events:
            for place in places:
                if wanted(("v1." if place.thin else "") + event["type"], place.patterns):
                    yield event, place
        for event in self.state.thin_events:
            for place in places:
                if place.thin and wanted(event["type"], place.patterns):
                    yield event, place


def _destinations(state: State) -> Iterator[Destination]:
    """The addresses that were registered through the API."""
    for row in state.objects.get("webhook_endpoint", {}).values():
        if row["status"] == "enabled":
            yield Destination(row["id"], row["url"], row["_secret"], row["enabled_events"], False)
    for row in state.objects.get("v2.core.event_destination", {}).values():
        is_thin = row["event_payload"] == "thin"
        yield Destination(row["id"], row["_url"], row["_secret"], row["enabled_events"], is_thin)


def _posted(url: str, body: bytes, headers: dict[str, str]) -> int:
    request = urllib.request.Request(url, data=body, headers=headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def signed(
    state: State, event: Json, secrets: Sequence[str], *, thin: bool, at: int | None, tampered: bool
) -> tuple[bytes, dict[str, str]]:
    """Body and headers of one delivery, for a test that carries it itself."""
    body = payload(state, event, thin=thin or event["object"] == "v2.core.event")
    header = signature(body, secrets, int(time.time()) if at is None else at)
    shown = tamper(body) if tampered else body
    return shown, {"Stripe-Signature": header, "Content-Type": "application/json; charset=utf-8"}
