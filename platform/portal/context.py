"""What every page of the portal is told."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

TEST_KEYS = ("sk_test_", "rk_test_")


def test_payments(request: HttpRequest) -> dict[str, bool]:
    """Whether cards are not charged: the key of the provider that collects is one of test mode."""
    return {"test_payments": settings.STRIPE_SECRET_KEY.startswith(TEST_KEYS)}
