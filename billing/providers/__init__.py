"""The providers by name. Each is loaded when it is first asked for: the SDK of one that is not in use stays away."""

from __future__ import annotations

from functools import lru_cache
from typing import cast

from django.conf import settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from billing.providers.base import BillingProvider

LOCAL, STRIPE = "local", "stripe"
CLASSES = {
    LOCAL: "billing.providers.local.LocalProvider",
    STRIPE: "billing.providers.stripe.provider.StripeProvider",
}

COUNTED_OTHERWISE = {
    STRIPE: frozenset({"bhd", "isk", "jod", "kwd", "mga", "omr", "tnd", "ugx"}),
}
"""Currencies whose amounts a provider takes in other units than the currency's own, or only in multiples of ten.

Source: Stripe's documentation of currencies: ISK and UGX have two digits there and none in ISO 4217, MGA none and two;
of currencies of three digits the last one must be zero.
"""


class NoSuchProvider(LookupError):
    """A customer's provider is not set up in this installation."""


def default_name() -> str:
    """Who collects from new customers."""
    return str(settings.ASSAY_BILLING_PROVIDER)


def configured() -> list[str]:
    """The providers that can be asked now."""
    return [LOCAL, STRIPE] if settings.STRIPE_SECRET_KEY else [LOCAL]


def collects(name: str, currency: str) -> bool:
    """Whether a provider can collect exactly what our invoices in a currency say."""
    return currency.lower() not in COUNTED_OTHERWISE.get(name, frozenset())


def by_name(name: str) -> BillingProvider:
    """The provider. Raises `NoSuchProvider`."""
    if name not in configured():
        raise NoSuchProvider(name)
    return _made(name)


@lru_cache(maxsize=len(CLASSES))
def _made(name: str) -> BillingProvider:
    return cast(BillingProvider, import_string(CLASSES[name])())


def forget(**_: object) -> None:
    """Read the settings again at the next call; tests change them."""
    _made.cache_clear()


setting_changed.connect(forget, dispatch_uid="billing.providers.forget")
