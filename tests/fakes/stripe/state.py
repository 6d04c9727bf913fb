"""All that the fake remembers: objects by kind and id, the clock, and what has happened (events)."""

from __future__ import annotations

import copy
import json
import secrets
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.fakes.stripe.errors import missing

if TYPE_CHECKING:
    from tests.fakes.stripe.usage import MeterEvent

Json = dict[str, Any]
API_VERSION = "2026-10-28.endive"
SHAPES: dict[str, Json] = json.loads(Path(__file__).with_name("shapes.json").read_text())
PREFIXES = {
    "account": "acct",
    "billing.meter": "mtr",
    "billing.meter_event_summary": "mtrusg",
    "billing_portal.configuration": "bpc",
    "billing_portal.session": "bps",
    "charge": "ch",
    "checkout.session": "cs",
    "coupon": "co",
    "credit_note": "cn",
    "credit_note_line_item": "cnli",
    "customer": "cus",
    "discount": "di",
    "event": "evt",
    "invoice": "in",
    "invoice_payment": "inpay",
    "invoiceitem": "ii",
    "item": "li",
    "line_item": "il",
    "payment_intent": "pi",
    "payment_method": "pm",
    "price": "price",
    "product": "prod",
    "promotion_code": "promo",
    "refund": "re",
    "setup_intent": "seti",
    "subscription": "sub",
    "subscription_item": "si",
    "tax_rate": "txr",
    "v2.core.event": "evt",
    "v2.core.event_destination": "ed",
    "webhook_endpoint": "we",
}
NOUNS = {"invoiceitem": "invoice item", "v2.core.event": "event"}
"""What Stripe calls a kind in a message, where that is not the kind itself."""


@dataclass(frozen=True)
class Trigger:
    """The request that is being served, as events name it."""

    id: str
    key: str | None
    livemode: bool


@dataclass
class State:
    """`now` is a Unix time in seconds; it moves only when it is told to. Hold `lock` while reading or writing."""

    now: int
    url: str = ""
    trigger: Trigger = field(default_factory=lambda: Trigger("", None, False))
    objects: dict[str, dict[str, Json]] = field(default_factory=dict)
    events: list[Json] = field(default_factory=list)
    thin_events: list[Json] = field(default_factory=list)
    uncounted: list[MeterEvent] = field(default_factory=list)
    counted: dict[tuple[str, str], list[MeterEvent]] = field(default_factory=dict)
    identifiers: dict[tuple[bool, str], MeterEvent] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def new(self, kind: str, **fields: Any) -> Json:
        """A stored object of the kind: Stripe's keys, then these fields. Fields that begin with `_` stay inside."""
        made = self.unstored(kind, **fields)
        self.objects.setdefault(kind, {})[made["id"]] = made
        return made

    def unstored(self, kind: str, **fields: Any) -> Json:
        """An object that has no address of its own, for example a line."""
        made = copy.deepcopy(SHAPES.get(kind, {"object": kind, "id": ""}))
        known = {"id": self.new_id(kind), "created": self.now, "livemode": self.trigger.livemode}
        made |= {name: value for name, value in known.items() if name in made}
        if made.get("metadata", 0) is None:
            made["metadata"] = {}
        return made | fields

    def new_id(self, kind: str) -> str:
        mode = ("live_" if self.trigger.livemode else "test_") if kind == "checkout.session" else ""
        return f"{PREFIXES.get(kind, kind)}_{mode}{secrets.token_hex(12)}"

    def all(self, kind: str) -> Iterable[Json]:
        """The objects of a kind in the mode of the key, oldest first."""
        rows = list(self.objects.get(kind, {}).values())
        return [row for row in rows if row.get("livemode", self.trigger.livemode) == self.trigger.livemode]

    def get(self, kind: str, id: str, param: str = "id") -> Json:
        """The object. Raises if it is not there or is of the other mode."""
        found = self.objects.get(kind, {}).get(id)
        noun = NOUNS.get(kind, kind.rpartition(".")[2])
        if found is None:
            raise missing(noun, id, param)
        if found.get("livemode", self.trigger.livemode) != self.trigger.livemode:
            here, there = ("live", "test") if self.trigger.livemode else ("test", "live")
            raise missing(
                noun, id, param, note=f"; a similar object exists in {there} mode, but a {here} mode key was used."
            )
        return found

    def find(self, id: Any) -> Json | None:
        """The object with this id whatever its kind, or None."""
        return next((rows[id] for rows in self.objects.values() if id in rows), None) if isinstance(id, str) else None

    @contextmanager
    def undone(self, near: set[str], *errors: type[Exception]) -> Iterator[None]:
        """What happens inside is taken back: always, or with `errors` only if one of them is raised.

        Inside may change the objects with an id in `near` and those of a customer in it; others only be made.
        """
        rows, events = {kind: dict(rows) for kind, rows in self.objects.items()}, len(self.events)
        copies = self._copies(near)
        try:
            yield
        except errors:
            self._restore(rows, copies, events)
            raise
        if not errors:
            self._restore(rows, copies, events)

    def _copies(self, near: set[str]) -> list[tuple[str, Json]]:
        """Deep copies of the objects that may change; what they refer to beyond these stays the same object."""
        touched, memo = [], {}
        for kind, rows in self.objects.items():
            for row in rows.values():
                owner = row.get("subscription") if kind == "subscription_item" else row.get("customer")
                if kind in ("coupon", "promotion_code") or {row["id"], owner} & near:
                    touched.append((kind, row))
                else:
                    memo[id(row)] = row
        return copy.deepcopy(touched, memo)

    def _restore(self, rows: dict[str, dict[str, Json]], copies: list[tuple[str, Json]], events: int) -> None:
        for kind, row in copies:
            rows[kind][row["id"]] = row
        self.objects = rows
        del self.events[events:]

    def emit(self, type: str, about: Json, *, previous: Json | None = None) -> Json:
        """Records an event with the object as it is now."""
        data: Json = {"object": rendered(self, about)}
        if previous is not None:
            data["previous_attributes"] = previous
        request = {"id": self.trigger.id or None, "idempotency_key": self.trigger.key}
        event = self.new("event", type=type, data=data, request=request, api_version=API_VERSION)
        event["livemode"] = about.get("livemode", self.trigger.livemode)
        self.events.append(event)
        return event


def rendered(state: State, value: Any, expand: Iterable[str] = ()) -> Any:
    """A copy without inside fields; ids named in `expand` (dotted paths) become their objects."""
    if isinstance(value, list):
        return [rendered(state, item, expand) for item in value]
    if not isinstance(value, dict):
        return value
    shown = {name: item for name, item in value.items() if not name.startswith("_")}
    for path in expand:
        name = path.partition(".")[0]
        shown[name] = _expanded(state, value, name)
    return {name: rendered(state, item, _below(expand, name)) for name, item in shown.items()}


def _expanded(state: State, owner: Json, name: str) -> Any:
    """A field that is only shown on request, or the object of an id."""
    value = owner.get("_" + name, owner.get(name))
    if isinstance(value, list):
        return [state.find(item) or item for item in value]
    return state.find(value) or value


def _below(expand: Iterable[str], name: str) -> list[str]:
    return [path.partition(".")[2] for path in expand if path.startswith(name + ".")]


def update(target: Json, params: Json, *names: str) -> Json:
    """Sets the named fields that were sent; metadata is merged, an empty value takes away. Gives the old values."""
    before: Json = {}
    for name in names:
        if name in params:
            before[name] = copy.deepcopy(target.get(name))
            target[name] = merged(target.get(name), params[name]) if name == "metadata" else _cleared(params[name])
    return before


def merged(old: Json | None, new: Any) -> Json:
    """Metadata after an update."""
    if not new:
        return {}
    both = {**(old or {}), **new}
    return {key: value for key, value in both.items() if value != ""}


def _cleared(value: Any) -> Any:
    return None if value == "" else value
