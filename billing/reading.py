"""Rows that many steps of one task look at, read from the database once.

Only inside of `shared()`: while a page is made, or while the locked subscription at hand is brought forward. Whoever
writes such rows there calls `forget()`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db.models import Model

Asked = ParamSpec("Asked")
FoundT = TypeVar("FoundT")
_kept: ContextVar[dict[tuple[Any, ...], Any] | None] = ContextVar("billing_reading", default=None)


@contextmanager
def shared() -> Iterator[None]:
    """What is read `once` in the block is kept until its end."""
    token = _kept.set({})
    try:
        yield
    finally:
        _kept.reset(token)


def once(read: Callable[Asked, FoundT]) -> Callable[Asked, FoundT]:
    """Let a function of rows and ids be asked once in a `shared()` block for the same ones."""

    @wraps(read)
    def reader(*args: Asked.args, **kwargs: Asked.kwargs) -> FoundT:
        kept = _kept.get()
        if kept is None:
            return read(*args, **kwargs)
        key = (read, *(each.pk if isinstance(each, Model) else each for each in args), *sorted(kwargs.items()))
        if key not in kept:
            kept[key] = read(*args, **kwargs)
        found: FoundT = kept[key]
        return found

    return reader


def forget() -> None:
    """What was kept has changed."""
    kept = _kept.get()
    if kept is not None:
        kept.clear()
