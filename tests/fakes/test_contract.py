"""Requests that Stripe does not know are seen, although the SDK sends them."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.fakes.shop import client_of
from tests.fakes.stripe import StripeServer, contract
from tests.fakes.stripe.calls import HANDLERS

pytestmark = pytest.mark.database_free
PLAIN: Any = {"currency": "usd", "product": "prod_1", "unit_amount": 1}
WRONG: list[tuple[str, str, Any, str]] = [
    ("post", "/v1/customers", {"bogus": 1}, "parameter_unknown"),
    ("post", "/v1/billing/meter_events", {"event_name": "images"}, "parameter_missing"),
    ("post", "/v1/billing/meter_events", {"event_name": "e", "payload": {}, "timestamp": "abc"}, "parameter_invalid"),
    (
        "post",
        "/v1/billing/meters",
        {"display_name": "m", "event_name": "e", "default_aggregation": {"formula": "max"}},
        "parameter_invalid_enum",
    ),
    (
        "post",
        "/v1/prices",
        {**PLAIN, "recurring": {"interval": "month", "aggregate_usage": "sum"}},
        "parameter_unknown",
    ),
    ("post", "/v1/prices", {**PLAIN, "unit_amount": "1.5"}, "parameter_invalid"),
    ("post", "/v1/promotion_codes", {"coupon": "half"}, "parameter_unknown"),
    ("post", "/v1/subscriptions", {"customer": "cus_1", "coupon": "half"}, "parameter_unknown"),
    ("post", "/v1/checkout/sessions", {"mode": "payment", "ui_mode": "embedded"}, "parameter_invalid_enum"),
    ("post", "/v2/core/event_destinations", {"name": "n", "type": "webhook_endpoint"}, "parameter_missing"),
]
GONE = [
    ("post", "/v1/subscription_items/si_1/usage_records", {"quantity": 3}),
    ("get", "/v1/invoices/upcoming", {}),
    ("get", "/v1/plans", {}),
]


@pytest.mark.parametrize(("method", "path", "params", "code"), WRONG)
def test_a_wrong_request_is_answered_400_and_fails_the_test(
    loose: StripeServer, method: str, path: str, params: Any, code: str
) -> None:
    assert code in _codes(loose, method, path, params)
    with pytest.raises(AssertionError, match=code):
        loose.assert_clean()


@pytest.mark.parametrize(("method", "path", "params"), GONE)
def test_a_route_that_is_gone_or_not_faked_is_answered_404_and_fails_the_test(
    loose: StripeServer, method: str, path: str, params: Any
) -> None:
    answer = client_of(loose).raw_request
    with pytest.raises(stripe.InvalidRequestError) as refused:
        answer(method, path, **params)
    assert refused.value.http_status == 404
    with pytest.raises(AssertionError, match=path):
        loose.assert_clean()


def test_a_right_request_leaves_no_trace(loose: StripeServer) -> None:
    client_of(loose).v1.customers.create({"email": "ada@example.com", "metadata": {"0": "a", "tenant": "b"}})
    loose.assert_clean()


def test_options_of_the_sdk_are_not_taken_for_parameters(loose: StripeServer) -> None:
    client_of(loose).v1.customers.create({"email": "a@example.com"}, {"idempotency_key": "k"})
    assert loose.requests[-1].params == {"email": "a@example.com"}
    assert loose.requests[-1].headers["idempotency-key"] == "k"


def test_every_route_that_is_served_is_a_route_of_the_sdk() -> None:
    known = {(route.method, route.template) for route in contract.routes()}
    assert set(HANDLERS) <= known
    assert len(known) > 600


def test_the_types_of_every_route_can_be_read() -> None:
    for route in contract.routes():
        if route.typed_dict is not None:
            contract.checked(route, {}, text=True)


@pytest.mark.parametrize("key", ["pk_test_1", "sk_test", "nonsense", "sk_other_1"])
def test_only_a_secret_key_is_let_in(loose: StripeServer, key: str) -> None:
    with pytest.raises(stripe.AuthenticationError):
        client_of(loose, key=key).v1.customers.list()


def test_the_key_decides_the_mode_and_the_modes_do_not_see_each_other(loose: StripeServer) -> None:
    live = client_of(loose, key="sk_live_1").v1.customers.create({})
    assert live.livemode
    with pytest.raises(stripe.InvalidRequestError, match="live mode"):
        client_of(loose).v1.customers.retrieve(live.id)
    assert not client_of(loose).v1.customers.list().data


def test_the_version_of_the_api_is_recorded_and_every_answer_has_a_request_id(loose: StripeServer) -> None:
    made = client_of(loose).v1.customers.create({})
    assert loose.requests[-1].headers["Stripe-Version"] == "2026-10-28.endive"
    assert made.last_response is not None
    assert made.last_response.request_id.startswith("req_")


def _codes(server: StripeServer, method: str, path: str, params: Any) -> list[str]:
    """The code of the answer and of the violations."""
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client_of(server).raw_request(method, path, **params)
    assert refused.value.http_status == 400
    return [str(refused.value.code), *(text.split()[2] for text in server.violations)]


def test_a_parameter_that_this_fake_does_nothing_with_is_told(loose: StripeServer) -> None:
    ours = {"settings": {"reconciliation_mode": "manual"}}
    client_of(loose).v1.customers.create({"email": "a@example.com", "cash_balance": ours})
    assert loose.ignored == ["POST /v1/customers: cash_balance has no effect here"]
    loose.assert_clean()
