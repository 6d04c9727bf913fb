"""Every answer has the keys that Stripe publishes for its resource."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.shop import DAY, HOUR, Shop
from tests.fakes.stripe import StripeServer
from tests.fakes.stripe.state import SHAPES

pytestmark = pytest.mark.database_free


def objects(value: Any) -> Iterator[Any]:
    """All resources in an answer, at any depth."""
    if isinstance(value, dict):
        if isinstance(value.get("object"), str) and value["object"] in SHAPES:
            yield value
        for item in value.values():
            yield from objects(item)
    elif isinstance(value, list):
        for item in value:
            yield from objects(item)


def missing(value: Any) -> dict[str, set[str]]:
    """The keys that resources lack."""
    lacking = {one["object"]: SHAPES[one["object"]].keys() - one.keys() for one in objects(value)}
    return {kind: keys for kind, keys in lacking.items() if keys}


@pytest.fixture
def answers(shop: Shop, server: StripeServer) -> list[Any]:
    """Answers of all kinds, as they came over the wire."""
    v1, customer = shop.client.v1, shop.customer
    rate = v1.tax_rates.create({"display_name": "VAT", "percentage": 19, "inclusive": False})
    coupon = v1.coupons.create({"percent_off": 10, "duration": "forever"})
    code = v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon.id}})
    made = shop.subscribe(default_tax_rates=[rate.id], discounts=[{"promotion_code": code.id}])
    invoice = v1.invoices.retrieve(made.latest_invoice, {"expand": ["payments", "discounts", "charge"]})
    lines = [{"price": shop.fee, "quantity": 1}]
    urls = {"success_url": "https://shop.example"}
    session = v1.checkout.sessions.create({**urls, "mode": "subscription", "line_items": lines, "customer": customer})
    server.pay(session.id)
    setup = v1.checkout.sessions.create({**urls, "mode": "setup", "currency": "usd", "customer": customer})
    server.pay(setup.id)
    event = shop.report("3", "e1")
    server.aggregate()
    window: Any = {"customer": customer, "start_time": server.now(), "end_time": server.now() + HOUR}
    cancel: Any = {"event_name": "images", "type": "cancel", "cancel": {"identifier": "e1"}}
    credit = {"type": "custom_line_item", "description": "Sorry", "unit_amount": 5, "quantity": 1}
    note = v1.credit_notes.create({"invoice": invoice.id, "lines": [credit], "refund_amount": 5})
    item = v1.invoice_items.create({"customer": customer, "currency": "usd", "amount": 5})
    return [
        *(rate, coupon, code, made, invoice, event, note, item),
        v1.checkout.sessions.retrieve(session.id, {"expand": ["line_items", "subscription", "customer", "invoice"]}),
        v1.invoices.create_preview({"subscription": made.id}),
        v1.billing.meters.event_summaries.list(shop.meter, window),
        v1.billing.meter_event_adjustments.create(cancel),
        v1.billing_portal.sessions.create({"customer": customer}),
        v1.webhook_endpoints.create({"url": "https://shop.example/hook", "enabled_events": ["*"]}),
        v1.accounts.retrieve_current(),
        *(v1.charges.list(), v1.payment_intents.list(), v1.payment_methods.list(), v1.setup_intents.list()),
        *(v1.refunds.list(), v1.invoice_payments.list({"invoice": invoice.id}), v1.prices.list(), v1.products.list()),
        *(v1.billing.meters.list(), v1.billing_portal.configurations.list(), v1.customers.list(), v1.events.list()),
    ]


def test_no_answer_lacks_a_key(answers: list[Any]) -> None:
    assert [missing(answer.to_dict()) for answer in answers if missing(answer.to_dict())] == []


def test_every_shape_was_seen(answers: list[Any]) -> None:
    assert {one["object"] for answer in answers for one in objects(answer.to_dict())} == set(SHAPES)


def test_what_the_clock_makes_has_all_keys_too(shop: Shop, server: StripeServer) -> None:
    shop.subscribe(trial_period_days=3)
    server.advance(server.now() + 40 * DAY)
    assert [missing(event) for event in server.events if missing(event)] == []


def test_a_key_that_is_missing_would_be_seen() -> None:
    assert missing({"object": "refund", "id": "re_1"})["refund"] >= {"amount", "charge", "status"}
