"""Tables for spreadsheets: CSV in UTF-8 with a mark at the beginning, sent row by row, safe to open.

No transaction is held while a slow client reads: the rows come in batches, each read in a transaction of its own.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.http import StreamingHttpResponse
from django.utils import timezone, translation

from billing.domain.money import MINOR_DIGITS, exact_arithmetic, in_major_units, plain
from tenants.context import tenant_context
from tenants.querysets import TenantQuerySet

MARK = "\ufeff"
"""Without it some spreadsheets take UTF-8 for an encoding of their own."""
RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""A cell that begins so is run as a formula."""
BATCH = 500
Cell = str | Decimal | int | datetime | None
Row = Sequence[Cell]


class Line:
    """What `csv` writes to: it gives the written line back."""

    def write(self, text: str) -> str:
        return text


def download(name: str, heads: Sequence[str], rows: Iterable[Row]) -> StreamingHttpResponse:
    """A table as a file `name`.csv."""
    response = StreamingHttpResponse(lines(heads, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    response["Cache-Control"] = "no-store"
    return response


def lines(heads: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    """The file, line by line."""
    writer = csv.writer(Line())
    yield MARK + writer.writerow([written(head) for head in heads])
    for row in rows:
        yield writer.writerow([written(cell) for cell in row])


def written(cell: Cell) -> str:
    """A cell as it is written: numbers with a point, times by ISO 8601, texts so that none is run as a formula."""
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.isoformat(timespec="seconds")
    if isinstance(cell, str):
        return f"'{cell}" if cell.lstrip(" ").startswith(RISKY) else cell
    return format(plain(cell), "f") if isinstance(cell, Decimal) else str(cell)


def major(amount: int, currency: str) -> Decimal:
    """Whole minor units as the number of a cell, in major ones."""
    return in_major_units(amount, currency)


def exact_major(amount: Decimal, currency: str) -> Decimal:
    """Exact minor units in major ones, to the last digit."""
    with exact_arithmetic():
        return amount.scaleb(-MINOR_DIGITS.get(currency.lower(), 2))


def in_batches(
    tenant_id: UUID, rows: Callable[[], TenantQuerySet[Any]], write: Callable[[Any], Row], field: str | None
) -> Iterator[Row]:
    """The rows by the time in `field` and id, oldest first; by id alone, which grows with time, where it is None.

    Each batch is read in a transaction of its own. `rows` builds the query inside the tenant's scope. Language and time
    zone are those of the request that asked.
    """
    return _batches(tenant_id, rows, write, field, translation.get_language(), timezone.get_current_timezone())


def _batches(
    tenant_id: UUID, rows: Callable[[], TenantQuerySet[Any]], write: Callable[[Any], Row], field: str | None,
    language: str | None, zone: tzinfo,
) -> Iterator[Row]:  # fmt: skip
    after = Q()
    while True:
        with tenant_context(tenant_id), translation.override(language), timezone.override(zone):
            found = list(rows().filter(after).order_by(*([field] if field else []), "id")[:BATCH])
            batch = [write(row) for row in found]
        yield from batch
        if len(found) < BATCH:
            return
        after = _behind(found[-1], field)


def _behind(row: Any, field: str | None) -> Q:
    if field is None:
        return Q(id__gt=row.id)
    moment = getattr(row, field)
    return Q(**{f"{field}__gt": moment}) | Q(**{field: moment, "id__gt": row.id})
