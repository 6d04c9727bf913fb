"""Lists: newest first, continued by a cursor that points behind the last row seen; never by an offset."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime
from rest_framework.request import Request

from api.errors import InvalidFields, entry

DEFAULT, SMALLEST, LARGEST = 20, 1, 100
PAGE_PARAMETERS = frozenset({"limit", "cursor"})
COMPARISONS = ("gte", "gt", "lte", "lt")


def created_filters(name: str = "created_at") -> frozenset[str]:
    """The parameters `created_at[gte]` and so on."""
    return frozenset(f"{name}[{comparison}]" for comparison in COMPARISONS)


def page(
    request: Request, rows: QuerySet[Any], shape: Callable[[Any], dict[str, Any]], field: str = "created_at"
) -> dict[str, Any]:
    """One page of `rows` in the form of every list. Raises `InvalidFields` for a bad limit or cursor."""
    limit = limit_of(request)
    ordered = after(request, rows, field).order_by(f"-{field}", "-id")
    found = list(ordered[: limit + 1])
    shown = found[:limit]
    more = len(found) > limit
    return {
        "object": "list",
        "data": [shape(row) for row in shown],
        "has_more": more,
        "next_cursor": cursor_behind(shown[-1], field) if more else None,
    }


def limit_of(request: Request) -> int:
    text = request.query_params.get("limit", str(DEFAULT))
    if not text.isascii() or not text.isdigit() or not SMALLEST <= int(text[:9]) <= LARGEST:
        raise InvalidFields([entry("?limit", "out_of_range", f"{SMALLEST} to {LARGEST}")])
    return int(text)


def after(request: Request, rows: QuerySet[Any], field: str) -> QuerySet[Any]:
    cursor = request.query_params.get("cursor")
    if not cursor:
        return rows
    try:
        at, identity = json.loads(base64.urlsafe_b64decode(cursor + "==="))
        moment, last = datetime.fromisoformat(at), UUID(identity)
    except (ValueError, TypeError, AttributeError) as error:
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
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise InvalidFields([entry(f"?{name}", "invalid_time", "RFC 3339, for example 2026-01-31T00:00:00Z")])
    return found
