"""How values are written: times by RFC 3339 in UTC, quantities as plain decimal text, addresses in full."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from rest_framework.request import Request

from billing.domain.money import plain

Json = dict[str, Any]


def instant(moment: datetime | None) -> str | None:
    """`2026-01-31T08:00:00.000000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z") if moment else None


def quantity(value: Decimal | None) -> str | None:
    """Without exponent and without zeros at the end: a decimal as text loses nothing."""
    return None if value is None else format(plain(value), "f")


def address(request: Request, path: str) -> str:
    """A full address; of the public base where one is set, for a proxy may hide our own."""
    return (
        f"{settings.ASSAY_PUBLIC_BASE_URL}{path}"
        if settings.ASSAY_PUBLIC_BASE_URL
        else request.build_absolute_uri(path)
    )
