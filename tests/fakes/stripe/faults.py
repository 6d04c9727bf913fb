"""Faults on order: the next requests to a path go wrong in the way that was asked for."""

from __future__ import annotations

import fnmatch
import threading
from dataclasses import dataclass, field

from tests.fakes.stripe.errors import StripeFailure

KINDS = (
    "drop_before_effect",
    "drop_after_effect",
    "429",
    "409",
    "500",
    "500_no_retry",
    "500_retry",
    "500_after_effect",
    "slow",
    "garbage",
)
BEFORE = {"drop_before_effect", "429", "409", "500_retry"}
"""Kinds that execute nothing: no result is kept under the idempotency key."""
PATIENCE = 30
"""Seconds after which a held request goes on by itself, so that a broken test ends."""


class Dropped(Exception):
    """Close the connection without an answer."""


@dataclass
class Fault:
    """`reached` is set once a request has met the fault; a `slow` one waits there until `release()`."""

    pattern: str
    kind: str
    times: int
    reached: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def release(self) -> None:
        """Lets the held requests go on."""
        self.released.set()

    def meet(self) -> None:
        """Waits if the fault is slowness, raises if it happens before anything is executed."""
        self.reached.set()
        if self.kind == "slow":
            self.released.wait(PATIENCE)
        if self.kind == "drop_before_effect":
            raise Dropped
        if self.kind in ("429", "409", "500_retry"):
            raise failure_of(self.kind)


def failure_of(kind: str) -> StripeFailure:
    """The error answer of a kind of fault."""
    if kind == "429":
        return StripeFailure(429, "Too many requests", code="rate_limit")
    if kind == "409":
        return StripeFailure(409, "another request is changing this object", code="lock_timeout")
    retry = {"500_no_retry": {"stripe-should-retry": "false"}, "500_retry": {"stripe-should-retry": "true"}}
    return StripeFailure(500, "An unknown error occurred", headers=retry.get(kind, {}))


class Faults:
    """The faults that wait for their requests."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, pattern: str, kind: str, times: int) -> Fault:
        """`pattern` is a path with `*`, or a method and such a path. Raises `ValueError` for an unknown kind."""
        if kind not in KINDS:
            raise ValueError(f"no fault is called {kind!r}; there are {', '.join(KINDS)}")
        fault = Fault(pattern, kind, times)
        with self._lock:
            self._waiting.append(fault)
        return fault

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The first fault that waits for this request."""
        with self._lock:
            for fault in self._waiting:
                if fault.times > 0 and _fits(fault.pattern, method, path):
                    fault.times -= 1
                    return fault
        return None

    def release_all(self) -> None:
        for fault in self._waiting:
            fault.release()


def _fits(pattern: str, method: str, path: str) -> bool:
    wanted, space, rest = pattern.partition(" ")
    return fnmatch.fnmatch(path, rest) and wanted == method if space else fnmatch.fnmatch(path, pattern)
