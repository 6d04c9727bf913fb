"""Checks a value against the SDK's type annotations and turns the strings of a form into typed values."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, Literal, NotRequired, Required, Union, get_args, get_origin

from stripe import RequestOptions, StripeContext, StripeObject
from typing_extensions import get_type_hints, is_typeddict

OPTIONS = frozenset(RequestOptions.__annotations__)
"""Keys that go into headers and so are in the params types, but never in a body."""


@dataclass(frozen=True)
class Problem:
    """What is wrong with one parameter; `code` is one of Stripe's."""

    code: str
    param: str
    message: str


class Mismatch(Exception):
    """The value does not have the type."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(problems)
        self.problems = problems


def check_params(kind: Any, params: dict[str, Any], *, text: bool) -> tuple[dict[str, Any], list[Problem]]:
    """The typed parameters and the problems; with problems the parameters come back as they were."""
    try:
        return _record(kind, params, "", text), []
    except Mismatch as mismatch:
        return params, mismatch.problems


@cache
def _hints(kind: Any) -> dict[str, Any]:
    """The fields of a TypedDict; names in quotes are looked up in the module that wrote them."""
    options = vars(sys.modules[RequestOptions.__module__])
    names = {**options, "StripeContext": StripeContext, **vars(sys.modules[kind.__module__])}
    return get_type_hints(kind, names, include_extras=True)


def _record(kind: Any, value: Any, path: str, text: bool) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(path, "expected an object")
    hints = {name: hint for name, hint in _hints(kind).items() if path or name not in OPTIONS}
    problems = [Problem("parameter_unknown", _join(path, key), "unknown") for key in value if key not in hints]
    needed = [name for name in hints if name in kind.__required_keys__ and name not in value]
    problems += [Problem("parameter_missing", _join(path, name), "missing") for name in needed]
    made: dict[str, Any] = {}
    for key in value.keys() & hints.keys():
        try:
            made[key] = _typed(hints[key], value[key], _join(path, key), text)
        except Mismatch as mismatch:
            problems += mismatch.problems
    if problems:
        raise Mismatch(problems)
    return {key: made[key] for key in value}


def _typed(hint: Any, value: Any, path: str, text: bool) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (NotRequired, Required):
        return _typed(arguments[0], value, path, text)
    if origin in (Union, types.UnionType):
        return _one_of(arguments, value, path, text)
    if origin is Literal:
        return _member(arguments, value, path)
    if origin is list:
        return _list(arguments[0], value, path, text)
    if origin is dict:
        return _mapping(arguments[1], value, path, text)
    if is_typeddict(hint):
        return _record(hint, value, path, text)
    return _scalar(hint, value, path, text)


def _one_of(kinds: tuple[Any, ...], value: Any, path: str, text: bool) -> Any:
    """The first kind that fits. A list of words beside `str` is an enum that the SDK widened: hold to the words."""
    kinds = tuple(kind for kind in kinds if not _is_answer(kind))
    words = [word for kind in kinds if get_origin(kind) is Literal for word in get_args(kind)]
    if any(words):
        kinds = tuple(kind for kind in kinds if kind is not str)
    problems: list[Problem] = []
    for kind in sorted(kinds, key=lambda kind: kind is str):
        try:
            return _typed(kind, value, path, text)
        except Mismatch as mismatch:
            problems = problems if len(problems) > len(mismatch.problems) else mismatch.problems
    raise Mismatch(problems)


def _is_answer(kind: Any) -> bool:
    """Types of responses are allowed in requests by the SDK; on the wire they are the same as plain mappings."""
    origin = get_origin(kind) or kind
    return isinstance(origin, type) and issubclass(origin, StripeObject)


def _member(words: tuple[Any, ...], value: Any, path: str) -> Any:
    if value not in words:
        raise Mismatch([Problem("parameter_invalid_enum", path, f"{value!r} is none of {', '.join(map(repr, words))}")])
    return value


def _list(kind: Any, value: Any, path: str, text: bool) -> list[Any]:
    if not isinstance(value, list):
        raise _wrong(path, "expected a list")
    return [_typed(kind, item, f"{path}[{index}]", text) for index, item in enumerate(value)]


def _mapping(kind: Any, value: Any, path: str, text: bool) -> dict[str, Any]:
    if isinstance(value, list):
        value = {str(index): item for index, item in enumerate(value)}
    if not isinstance(value, dict):
        raise _wrong(path, "expected an object")
    return {key: _typed(kind, item, _join(path, key), text) for key, item in value.items()}


def _scalar(hint: Any, value: Any, path: str, text: bool) -> Any:
    if hint is Any:
        return value
    if isinstance(value, dict | list):
        raise _wrong(path, f"expected {getattr(hint, '__name__', hint)}")
    try:
        return _READERS[hint](value) if text else _plain(hint, value)
    except (KeyError, ValueError, InvalidOperation):
        raise _wrong(path, f"{value!r} is no {getattr(hint, '__name__', hint)}") from None


def _plain(hint: Any, value: Any) -> Any:
    """A value out of JSON has its type already."""
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise ValueError(value)
    return value


def _boolean(value: str) -> bool:
    return {"true": True, "false": False}[value]


_READERS: dict[Any, Callable[[str], Any]] = {int: int, bool: _boolean, str: str, float: Decimal, Decimal: Decimal}


def _join(path: str, key: str) -> str:
    return f"{path}[{key}]" if path else key


def _wrong(path: str, message: str) -> Mismatch:
    return Mismatch([Problem("parameter_invalid", path, message)])
