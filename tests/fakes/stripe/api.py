"""One request in, one answer out: authentication, contract, faults, idempotency, and then the resource's function."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from email.message import Message
from typing import Any, NamedTuple

from tests.fakes.stripe import contract, forms, resources, usage
from tests.fakes.stripe.calls import HANDLERS, Call, Params
from tests.fakes.stripe.errors import StripeFailure
from tests.fakes.stripe.faults import Dropped, Fault, Faults, failure_of
from tests.fakes.stripe.idempotency import Answer, IdempotencyKeys
from tests.fakes.stripe.state import Json, State, Trigger, rendered

assert resources.LOADED
METER_EVENTS = "/v1/billing/meter_events"
NOT_KEPT = (409, 429)
"""Statuses of answers that are not replayed: nothing was executed."""


class Recorded(NamedTuple):
    """A request as it came in; header names are found in any case, `params` are typed when the request was right."""

    method: str
    path: str
    params: Json
    headers: Message


@dataclass(frozen=True)
class Raw:
    """A request on the wire."""

    method: str
    path: str
    query: str
    body: bytes
    headers: Message

    @property
    def key(self) -> str | None:
        """Only POSTs of v1 are idempotent by key."""
        kept = self.method == "POST" and self.path.startswith("/v1/")
        return self.headers.get("Idempotency-Key") if kept else None


class Api:
    """The behaviour behind the HTTP server. `answer` is called by many threads."""

    def __init__(self, state: State, faults: Faults) -> None:
        self.state = state
        self.faults = faults
        self.violations: list[str] = []
        self.ignored: list[str] = []
        self.requests: list[Recorded] = []
        self._keys = IdempotencyKeys()
        self._open_meters: set[tuple[str, str]] = set()
        self._guard = threading.Lock()

    def answer(self, raw: Raw) -> Answer:
        """Raises `Dropped` when the connection is to be closed instead."""
        request_id = f"req_{secrets.token_hex(7)}"
        try:
            made = self._answer(raw, request_id)
        except StripeFailure as failure:
            made = _failed(failure)
        version = raw.headers.get("Stripe-Version", "")
        return Answer(made.status, made.body, {"Request-Id": request_id, "Stripe-Version": version, **made.headers})

    def _answer(self, raw: Raw, request_id: str) -> Answer:
        trigger = Trigger(request_id, raw.key, _livemode(raw.headers))
        call = self._call(raw)
        fault = self.faults.take(raw.method, raw.path)
        with self._alone_on_meter(call):
            answer = self._once(raw, call, trigger, fault)
        if fault and fault.kind == "drop_after_effect":
            raise Dropped
        return Answer(200, "<html>Bad gateway", {}) if fault and fault.kind == "garbage" else answer

    def _once(self, raw: Raw, call: Call, trigger: Trigger, fault: Fault | None) -> Answer:
        """The answer, or the earlier one of the same idempotency key."""
        earlier = self._begin(raw, trigger)
        answer = None
        try:
            if fault:
                fault.meet()
            answer = earlier or self._executed(call, trigger, fault)
            return answer
        finally:
            if raw.key and earlier is None:
                with self.state.lock:
                    kept = answer if answer and answer.status not in NOT_KEPT else None
                    self._keys.finish(raw.key, trigger.livemode, kept)

    def _begin(self, raw: Raw, trigger: Trigger) -> Answer | None:
        if raw.key is None:
            return None
        request = (raw.method, raw.path, raw.body.decode())
        with self.state.lock:
            return self._keys.begin(raw.key, trigger.livemode, request, self.state.now)

    def _executed(self, call: Call, trigger: Trigger, fault: Fault | None) -> Answer:
        kind = fault.kind if fault else ""
        if kind in ("500", "500_no_retry"):
            return _failed(failure_of(kind))
        with self.state.lock:
            self.state.trigger = trigger
            try:
                made = self._handled(call)
            except StripeFailure as failure:
                made = _failed(failure)
        return _failed(failure_of(kind)) if kind == "500_after_effect" else made

    def _handled(self, call: Call) -> Answer:
        params = Params(call.params)
        body = HANDLERS[call.method, call.template](self.state, replace(call, params=params))
        self.ignored += [f"{call.method} {call.path}: {name} has no effect here" for name in sorted(params.unseen)]
        return Answer(200, rendered(self.state, body, params.get("expand", ())), {})

    def _call(self, raw: Raw) -> Call:
        """The checked request. What is wrong with it is a violation, which fails the test, not only a 400."""
        found = contract.match(raw.method, raw.path)
        params = _decoded(raw)
        if found is None or (raw.method, found[0].template) not in HANDLERS:
            self._violation(raw, params, "no such route" if found is None else "this route is not faked")
            raise StripeFailure(404, f"Unrecognized request URL ({raw.method}: {raw.path})")
        typed, problems = contract.checked(found[0], params, text=not raw.path.startswith("/v2/") or not raw.body)
        self.requests.append(Recorded(raw.method, raw.path, typed, raw.headers))
        if problems:
            self.violations += [f"{raw.method} {raw.path}: {p.code} {p.param}: {p.message}" for p in problems]
            raise contract.failure(problems)
        return Call(raw.method, raw.path, found[1], typed, found[0].template)

    def _violation(self, raw: Raw, params: Json, text: str) -> None:
        self.requests.append(Recorded(raw.method, raw.path, params, raw.headers))
        self.violations.append(f"{raw.method} {raw.path}: {text}")

    @contextmanager
    def _alone_on_meter(self, call: Call) -> Iterator[None]:
        """Stripe serves one meter event at a time for each customer and meter, and refuses the others."""
        if call.path != METER_EVENTS:
            yield
            return
        name, payload = call.params["event_name"], call.params["payload"]
        with self.state.lock:
            meter = usage.meter_named(self.state, name)
        key = meter["customer_mapping"]["event_payload_key"] if meter else "stripe_customer_id"
        place = (payload.get(key, ""), name)
        with self._guard:
            if place in self._open_meters:
                raise StripeFailure(429, "another event of this customer and meter is open", code="lock_timeout")
            self._open_meters.add(place)
        try:
            yield
        finally:
            with self._guard:
                self._open_meters.discard(place)


def _failed(failure: StripeFailure) -> Answer:
    return Answer(failure.status, failure.body, failure.headers)


def _livemode(headers: Message) -> bool:
    """Whether the bearer is a live key. Raises 401 for anything that is no key."""
    scheme, _, key = (headers.get("Authorization") or "").partition(" ")
    parts = key.split("_", 2)
    if scheme != "Bearer" or parts[0] not in ("sk", "rk") or parts[1:2] not in (["test"], ["live"]) or len(parts) < 3:
        raise StripeFailure(401, "Invalid API Key provided")
    return parts[1] == "live"


def _decoded(raw: Raw) -> Json:
    if raw.path.startswith("/v2/") and raw.body:
        found: Any = json.loads(raw.body)
        return found if isinstance(found, dict) else {}
    return forms.decode(raw.query) | forms.decode(raw.body.decode())
