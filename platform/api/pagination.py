"""Lists: newest first, continued by a cursor that points behind the last row seen; never by an offset."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime
from rest_framework.request import Request

from api.errors import InvalidFields, entry

DEFAULT, SMALLEST, LARGEST = 20, 1, 100
MOST_DIGITS = 9
PAGE_PARAMETERS = frozenset({"limit", "cursor"})
COMPARISONS = ("gte", "gt", "lte", "lt")


def created_filters(name: str = "created_at") -> frozenset[str]:
    """The parameters `created_at[gte]` and so on."""
    return frozenset(f"{name}[{comparison}]" for comparison in COMPARISONS)


def page(
    request: Request,
    rows: QuerySet[Any],
    shapes: Callable[[list[Any]], list[dict[str, Any]]],
    field: str = "created_at",
) -> dict[str, Any]:
    """One page of `rows` in the form of every list; `shapes` writes a page of rows, so that it can look up what they
    need together. Raises `InvalidFields` for a bad limit or cursor.
    """
    limit = limit_of(request)
    ordered = after(request, rows, field).order_by(f"-{field}", "-id")
    found = list(ordered[: limit + 1])
    shown = found[:limit]
    more = len(found) > limit
    return {
        "object": "list",
        "data": shapes(shown),
        "has_more": more,
        "next_cursor": cursor_behind(shown[-1], field) if more else None,
    }


def each(shape: Callable[[Any], dict[str, Any]]) -> Callable[[list[Any]], list[dict[str, Any]]]:
    """Rows that are written one by one."""
    return lambda rows: [shape(row) for row in rows]


def limit_of(request: Request) -> int:
    return whole_number("?limit", request.query_params.get("limit", str(DEFAULT)), SMALLEST, LARGEST)


def whole_number(pointer: str, text: str, least: int, most: int) -> int:
    """A whole number within bounds. Raises `InvalidFields`."""
    if not text.isascii() or not text.isdigit() or len(text) > MOST_DIGITS or not least <= int(text) <= most:
        raise InvalidFields([entry(pointer, "out_of_range", "%(least)s to %(most)s", least=least, most=most)])
    return int(text)


def page_of_few(request: Request, found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One page of a list that is short and made in memory; its cursor is a place in it. Raises `InvalidFields`."""
    limit = limit_of(request)
    start = whole_number("?cursor", request.query_params.get("cursor") or "0", 0, len(found))
    more = len(found) > start + limit
    return {
        "object": "list",
        "data": found[start : start + limit],
        "has_more": more,
        "next_cursor": str(start + limit) if more else None,
    }


def after(request: Request, rows: QuerySet[Any], field: str) -> QuerySet[Any]:
    cursor = request.query_params.get("cursor")
    if not cursor:
        return rows
    try:
        at, identity = json.loads(base64.urlsafe_b64decode(cursor + "==="))
        moment, last = datetime.fromisoformat(at).astimezone(UTC), UUID(identity)
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise InvalidFields([entry("?cursor", "invalid_cursor", "take next_cursor of a list")]) from error
    return rows.filter(Q(**{f"{field}__lt": moment}) | Q(**{field: moment, "id__lt": last}))


def cursor_behind(row: Any, field: str) -> str:
    text = json.dumps([getattr(row, field).isoformat(), str(row.id)])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def between(request: Request, rows: QuerySet[Any], field: str = "created_at") -> QuerySet[Any]:
    """Apply `created_at[gte]=...` and its like. Raises `InvalidFields` for what is no time."""
    for comparison in COMPARISONS:
        name = f"{field}[{comparison}]"
        text = request.query_params.get(name)
        if text is not None:
            rows = rows.filter(**{f"{field}__{comparison}": moment(name, text)})
    return rows


def moment(name: str, text: str) -> datetime:
    """A time by RFC 3339. Raises `InvalidFields`."""
    try:
        found = parse_datetime(text.replace(" ", "+"))
        if found is not None and found.tzinfo is not None:
            return found.astimezone(UTC)
    # the first and the last day of the calendar have no name in some zones
    except (ValueError, OverflowError):
        found = None
    raise InvalidFields([entry(f"?{name}", "invalid_time", "RFC 3339, for example 2026-01-31T00:00:00Z")])
