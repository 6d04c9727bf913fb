"""What must hold of the settings before anybody is charged."""

from __future__ import annotations

from importlib import metadata
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

from billing import accounts, providers
from billing.models import ProviderAccount

SDK_MAJOR = "16"
LIVE = ("sk_live_", "rk_live_")


@register(Tags.security)
def provider_settings_are_safe(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Real money with the insides of errors on show, webhooks that nobody can verify, an SDK of other shapes."""
    if not settings.STRIPE_SECRET_KEY:
        return _without_key()
    installed = metadata.version("stripe")
    faults = [
        (
            settings.DEBUG and settings.STRIPE_SECRET_KEY.startswith(LIVE),
            "STRIPE_SECRET_KEY is live and DEBUG is on.",
            "Turn ASSAY_DEBUG off, or take a test key.",
        ),
        (
            not settings.STRIPE_WEBHOOK_SECRETS,
            "STRIPE_WEBHOOK_SECRETS is empty: no webhook can be verified.",
            "Set it to the signing secret of the endpoint /webhooks/stripe/.",
        ),
        (
            installed.split(".")[0] != SDK_MAJOR,
            f"stripe {installed} is installed, which this code does not know.",
            f"Install stripe {SDK_MAJOR}.",
        ),
    ]
    return [
        Error(text, hint=hint, id=f"billing.E{number:03d}")
        for number, (broken, text, hint) in enumerate(faults, 1)
        if broken
    ]


def _without_key() -> list[CheckMessage]:
    if settings.ASSAY_BILLING_PROVIDER != providers.STRIPE:
        return []
    return [Error("ASSAY_BILLING_PROVIDER is stripe and STRIPE_SECRET_KEY is empty.", id="billing.E005")]


@register(Tags.database)
def key_is_of_the_books_mode(databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """A test key over live books, or the reverse, would charge the wrong people."""
    if not databases or not settings.STRIPE_SECRET_KEY or not _is_migrated():
        return []
    wrong = accounts.fault(providers.by_name(providers.STRIPE))
    if not wrong:
        return []
    return [Error(f"{wrong[0].upper()}{wrong[1:]}.", hint="Take the key of that mode.", id="billing.E004")]


def _is_migrated() -> bool:
    return ProviderAccount._meta.db_table in connections["default"].introspection.table_names()
