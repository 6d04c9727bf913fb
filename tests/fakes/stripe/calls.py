"""Which function answers which route, and what all answers share: lists and their filters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.stripe.errors import refuse
from tests.fakes.stripe.state import Json, State

COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
}


class Params(dict[str, Any]):
    """Parameters that know which of them were looked at: the rest had no effect."""

    def __init__(self, params: Json) -> None:
        super().__init__(params)
        self.seen: set[str] = {"expand"}

    def __getitem__(self, name: str) -> Any:
        self.seen.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self.seen.add(str(name))
        return super().__contains__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.seen.add(name)
        return super().get(name, default)

    def items(self) -> Any:
        self.seen |= set(self)
        return super().items()

    def __iter__(self) -> Iterator[str]:
        """Of one's own, so that copies of this go through `__getitem__`."""
        return super().__iter__()

    @property
    def unseen(self) -> set[str]:
        return set(self) - self.seen


@dataclass(frozen=True)
class Call:
    """One checked request: the ids in its path and its typed parameters."""

    method: str
    path: str
    ids: tuple[str, ...] = ()
    params: Json = field(default_factory=dict)
    template: str = ""

    @property
    def id(self) -> str:
        return self.ids[0]


Handler = Callable[[State, Call], Json]
HANDLERS: dict[tuple[str, str], Handler] = {}


def serves(method: str, template: str) -> Callable[[Handler], Handler]:
    """Registers the function for a route; `{}` stands for an id."""

    def register(handler: Handler) -> Handler:
        HANDLERS[method, template] = handler
        return handler

    return register


def serves_reads(kind: str, path: str, *filters: str) -> None:
    """Registers `GET path/{}` and `GET path`; the list can be filtered by equality of these fields."""

    def read(state: State, call: Call) -> Json:
        return state.get(kind, call.id)

    def read_all(state: State, call: Call) -> Json:
        return page(matching(state.all(kind), call.params, *filters), call)

    HANDLERS["GET", path + "/{}"] = read
    HANDLERS["GET", path] = read_all


def matching(rows: Iterable[Json], params: Json, *names: str) -> list[Json]:
    """The rows whose fields equal the parameters of the same name, where those were sent."""
    wanted = {name: params[name] for name in names if name in params}
    return [row for row in rows if all(row.get(name) == value for name, value in wanted.items())]


def page(rows: Iterable[Json], call: Call, *, newest_first: bool = True) -> Json:
    """One page of a list: `created`, `limit`, `starting_after` and `ending_before` are obeyed."""
    params = call.params
    found = [row for row in rows if created_within(row.get("created", 0), params.get("created"))]
    found = found[::-1] if newest_first else found
    limit = int(params.get("limit", 10))
    if not 1 <= limit <= 100:
        raise refuse("limit must be between 1 and 100", param="limit")
    if "ending_before" in params:
        before = found[: _position(found, params["ending_before"])]
        shown, more = before[-limit:], len(before) > limit
    else:
        after = found[_position(found, params["starting_after"]) + 1 :] if "starting_after" in params else found
        shown, more = after[:limit], len(after) > limit
    return {"object": "list", "url": call.path, "has_more": more, "data": shown}


def created_within(created: Any, wanted: Any) -> bool:
    """Whether a time passes a filter, which is a time or bounds."""
    if wanted is None:
        return True
    if not isinstance(wanted, dict):
        return bool(created == wanted)
    return all(COMPARE[name](created, bound) for name, bound in wanted.items())


def listed(rows: list[Json], url: str) -> Json:
    """A list inside another object."""
    return {"object": "list", "data": rows, "has_more": False, "url": url}


def _position(rows: list[Json], id: str) -> int:
    for index, row in enumerate(rows):
        if row["id"] == id:
            return index
    raise refuse(f"No such object: '{id}'", code="resource_missing")
