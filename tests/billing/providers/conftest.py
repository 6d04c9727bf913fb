"""Both providers, each with its stage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from billing import clock
from tests.billing.providers.stage import SECRETS, START, Stage, StripeStage
from tests.fakes.stripe.server import StripeServer


@pytest.fixture
def server() -> Iterator[StripeServer]:
    """A fake of Stripe at the stage's beginning; every request must have been one that Stripe understands."""
    with StripeServer(now=int(START.timestamp())) as running:
        yield running
        running.assert_clean()


@pytest.fixture
def use_stripe(server: StripeServer, settings: Any, monkeypatch: pytest.MonkeyPatch) -> StripeServer:
    """This installation collects by the fake."""
    for name in ("INITIAL_DELAY", "MAX_DELAY"):
        monkeypatch.setattr(stripe.HTTPClient, name, 0.001)
    settings.STRIPE_SECRET_KEY = "sk_test_stage"
    settings.STRIPE_API_BASE = server.url
    settings.STRIPE_WEBHOOK_SECRETS = SECRETS
    settings.STRIPE_USAGE_MODE = "meter_events"
    settings.ASSAY_BILLING_PROVIDER = "stripe"
    return server


@pytest.fixture
def stripe_stage(use_stripe: StripeServer) -> Iterator[StripeStage]:
    stage = StripeStage(use_stripe)
    with clock.at(START):
        yield stage


@pytest.fixture(params=["local", "stripe meter_events", "stripe invoice_items"])
def stage(request: pytest.FixtureRequest, settings: Any) -> Iterator[Stage]:
    """Each way to collect in turn."""
    if request.param == "local":
        with clock.at(START):
            yield Stage()
        return
    server = request.getfixturevalue("use_stripe")
    settings.STRIPE_USAGE_MODE = request.param.split()[1]
    with clock.at(START):
        yield StripeStage(server)
