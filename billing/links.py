"""Where a refusal sends the customer, and how it writes a moment."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

UPGRADE_PATH, CREDITS_PATH, CAPS_PATH = "/plans", "/credits", "/billing"


def upgrade_url() -> str:
    """The page on which a plan is chosen."""
    return f"{settings.ASSAY_PUBLIC_BASE_URL}{UPGRADE_PATH}"


def credits_url() -> str:
    """The page on which credits are bought."""
    return f"{settings.ASSAY_PUBLIC_BASE_URL}{CREDITS_PATH}"


def caps_url() -> str:
    """The page on which spending caps are set."""
    return f"{settings.ASSAY_PUBLIC_BASE_URL}{CAPS_PATH}"


def instant(moment: datetime | None) -> str | None:
    """RFC 3339 in UTC, None for never."""
    return moment.isoformat().replace("+00:00", "Z") if moment else None
