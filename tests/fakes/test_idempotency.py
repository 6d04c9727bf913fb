"""Idempotency keys: the first result is the result, for a day."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import stripe

from tests.fakes.shop import DAY, client_of
from tests.fakes.stripe import StripeServer

pytestmark = pytest.mark.database_free
KEY: Any = {"idempotency_key": "customer:7"}
ADA: Any = {"email": "ada@example.com"}


def test_the_first_result_is_replayed_and_nothing_is_done_twice(client: Any) -> None:
    first, second = (client.v1.customers.create(ADA, KEY) for _ in range(2))
    assert first.id == second.id
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert second.last_response.headers["Idempotent-Replayed"] == "true"
    assert len(client.v1.customers.list().data) == 1


def test_without_a_key_it_is_done_twice(client: Any) -> None:
    for _ in range(2):
        client.v1.customers.create(ADA, {"idempotency_key": ""})
    assert len(client.v1.customers.list().data) == 2


@pytest.mark.parametrize("path", ["customers", "products"])
def test_a_key_is_for_one_request(client: Any, path: str) -> None:
    client.v1.customers.create(ADA, KEY)
    with pytest.raises(stripe.IdempotencyError):
        getattr(client.v1, path).create({"name": "other"}, KEY)


def test_a_key_of_an_open_request_is_refused(client: Any, server: StripeServer) -> None:
    fault = server.fault("POST /v1/customers", "slow")
    first = threading.Thread(target=client.v1.customers.create, args=(ADA, KEY))
    first.start()
    assert fault.reached.wait(10)
    with pytest.raises(stripe.APIError) as refused:
        client.v1.customers.create(ADA, KEY)
    assert refused.value.http_status == 409
    assert "still open" in str(refused.value)
    fault.release()
    first.join()
    assert client.v1.customers.create(ADA, KEY).last_response.headers["Idempotent-Replayed"] == "true"


def test_a_key_is_forgotten_after_a_day(client: Any, server: StripeServer) -> None:
    first = client.v1.customers.create(ADA, KEY)
    server.advance(server.now() + DAY - 1)
    assert client.v1.customers.create(ADA, KEY).id == first.id
    server.advance(server.now() + 1)
    assert client.v1.customers.create(ADA, KEY).id != first.id


def test_an_error_is_replayed_too(client: Any, server: StripeServer) -> None:
    server.fault("/v1/customers", "500_no_retry")
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            client.v1.customers.create(ADA, KEY)
    assert not client.v1.customers.list().data


def test_a_request_that_was_not_understood_uses_up_no_key(loose: StripeServer) -> None:
    client = client_of(loose)
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.customers.create({"bogus": 1}, KEY)
    assert client.v1.customers.create(ADA, KEY).id


def test_a_refused_rate_uses_up_no_key(client: Any, server: StripeServer) -> None:
    server.fault("/v1/customers", "429")
    with pytest.raises(stripe.RateLimitError):
        client.v1.customers.create(ADA, KEY)
    assert client.v1.customers.create(ADA, KEY).id


def test_live_and_test_keys_do_not_meet(client: Any, server: StripeServer) -> None:
    live = client_of(server, key="sk_live_1").v1.customers.create(ADA, KEY)
    assert client.v1.customers.create(ADA, KEY).id != live.id
