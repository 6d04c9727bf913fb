"""Against Stripe itself, in test mode, with test clocks. Needs STRIPE_LIVE_TEST_KEY (sk_test_...); skipped without.

This suite is written by Stripe's documentation and has never been run: no account was at hand.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import stripe

from billing.providers.base import UsageOutcome
from billing.providers.orders import (
    CustomerOrder,
    InvoiceOrder,
    LineOrder,
    MeterOrder,
    PriceOrder,
    PriceRef,
    SubscriptionOrder,
    UsageOrder,
)
from billing.providers.stripe.provider import StripeProvider

KEY = os.environ.get("STRIPE_LIVE_TEST_KEY", "")
pytestmark = [
    pytest.mark.stripe_live,
    pytest.mark.skipif(not KEY.startswith("sk_test_"), reason="STRIPE_LIVE_TEST_KEY has no key of test mode"),
]
PATIENCE_SECONDS = 120


@pytest.fixture
def provider(settings: Any) -> StripeProvider:
    settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE = KEY, ""
    settings.STRIPE_USAGE_MODE = "meter_events"
    return StripeProvider()


@pytest.fixture
def test_clock(provider: StripeProvider) -> Iterator[Any]:
    """A time of Stripe's own for the customers of one test; all of them go with it."""
    made = provider.client.v1.test_helpers.test_clocks.create({"frozen_time": int(time.time())})
    yield made
    provider.client.v1.test_helpers.test_clocks.delete(made.id)


@pytest.fixture
def customer(provider: StripeProvider, test_clock: Any) -> str:
    """With a card that is charged by itself."""
    made = provider.client.v1.customers.create(
        {"test_clock": test_clock.id, "payment_method": "pm_card_visa", "metadata": {"assay_tenant": str(uuid4())}}
    )
    order = CustomerOrder(uuid4(), made.id, "Live test", "", {})
    assert provider.ensure_customer(order, key=f"live:{uuid4().hex}") == made.id
    (method,) = provider.client.v1.customers.payment_methods.list(made.id).data
    provider.set_payment_method(made.id, method.id, key=f"live:{uuid4().hex}")
    return str(made.id)


def price_order() -> PriceOrder:
    mark = uuid4().hex[:12]
    meter = MeterOrder(uuid4(), f"assay_live_{mark}", f"live {mark}", "sum")
    terms = {"billing_scheme": "per_unit", "unit_amount_decimal": "12.5"}
    return PriceOrder(uuid4(), f"assay_live_{mark}", "live", "Live test", uuid4(), "usd", "month", terms, meter)


def eventually(holds: Callable[[], bool]) -> None:
    """Stripe counts and advances by itself; some seconds."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < until, "Stripe did not come to it in time"
        time.sleep(3)


def test_a_price_is_made_once(provider: StripeProvider) -> None:
    order = price_order()
    assert provider.sync_price(order) == provider.sync_price(order)


def test_use_is_counted_once_and_a_repeated_identifier_is_known(provider: StripeProvider, customer: str) -> None:
    order = price_order()
    assert order.meter is not None
    provider.sync_price(order)
    meter = provider.sync_meter(order.meter)
    now = datetime.now(UTC).replace(microsecond=0)
    report = UsageOrder(f"ue_{uuid4().hex}", order.meter.event_name, customer, 7, now)
    other = UsageOrder(report.identifier, order.meter.event_name, customer, 8, now)
    assert provider.report_usage(report) == UsageOutcome.ACCEPTED
    assert provider.report_usage(other) == UsageOutcome.DUPLICATE
    start = now.replace(second=0) - timedelta(minutes=1)
    eventually(lambda: provider.usage_summary(customer, meter, start, start + timedelta(minutes=5)) == 7)


def test_a_rated_invoice_has_our_total_and_is_paid(provider: StripeProvider, customer: str) -> None:
    lines = [LineOrder(f"line:{uuid4().hex}", "use", 1010), LineOrder(f"line:{uuid4().hex}", "Discount", -101)]
    order = InvoiceOrder(uuid4(), "LIVE-1", customer, "usd", 909, lines, datetime.now(UTC), False, 14)
    made = provider.push_invoice(order)
    assert (made.total, provider.push_invoice(order).external_id) == (909, made.external_id)
    provider.client.v1.invoices.pay(made.external_id)
    facts: Any = provider.fetch("invoice", made.external_id, {})
    assert (facts.state, [each.amount for each in facts.payments]) == ("paid", [909])


def test_the_draft_of_a_period_becomes_our_invoice(provider: StripeProvider, customer: str, test_clock: Any) -> None:
    order = price_order()
    price = provider.sync_price(order)
    begun = datetime.fromtimestamp(test_clock.frozen_time, UTC)
    anchor = begun + timedelta(days=20)
    wanted = SubscriptionOrder(uuid4(), customer, "usd", [PriceRef(price, True)], anchor, "month", False, 14)
    subscription = provider.create_subscription(wanted, key=f"live:{uuid4().hex}")
    advance(provider, test_clock.id, anchor + timedelta(minutes=10))
    invoice = InvoiceOrder(
        uuid4(), "LIVE-2", customer, "usd", 500, [], anchor, False, 14, cycle_of=subscription
    )  # fmt: skip
    assert provider.push_invoice(invoice).total == 500


def test_the_key_opens_an_account(provider: StripeProvider) -> None:
    assert provider.account().startswith("acct_")
    assert not provider.livemode


def advance(provider: StripeProvider, clock_id: str, to: datetime) -> None:
    clocks: Any = provider.client.v1.test_helpers.test_clocks
    clocks.advance(clock_id, {"frozen_time": int(to.timestamp())})
    eventually(lambda: clocks.retrieve(clock_id).status == "ready")


def test_the_sdk_is_the_one_that_is_meant() -> None:
    assert stripe.VERSION.startswith("16.")
