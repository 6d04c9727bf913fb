"""Faults on order, and what the SDK makes of them."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import stripe

from tests.fakes.shop import client_of
from tests.fakes.stripe import StripeServer

pytestmark = pytest.mark.database_free
PATH = "/v1/customers"


@pytest.fixture(autouse=True)
def _no_pause_between_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stripe.HTTPClient, "INITIAL_DELAY", 0)


def sent(server: StripeServer) -> int:
    return sum(request.method == "POST" for request in server.requests)


def kept(client: Any) -> int:
    return len(client.v1.customers.list().data)


@pytest.mark.parametrize(("kind", "effects"), [("drop_before_effect", 0), ("drop_after_effect", 1)])
def test_a_dropped_connection_has_its_effect_or_not(client: Any, server: StripeServer, kind: str, effects: int) -> None:
    server.fault(PATH, kind)
    with pytest.raises(stripe.APIConnectionError):
        client.v1.customers.create({})
    assert kept(client) == effects


@pytest.mark.parametrize("kind", ["drop_before_effect", "drop_after_effect", "409", "500_retry"])
def test_the_sdk_tries_again_and_there_is_one_effect(server: StripeServer, kind: str) -> None:
    retrying = client_of(server, retries=2)
    server.fault("POST " + PATH, kind)
    assert retrying.v1.customers.create({}).id
    assert sent(server) == 2
    assert kept(retrying) == 1


def test_a_500_is_replayed_to_every_retry(server: StripeServer) -> None:
    server.fault(PATH, "500")
    with pytest.raises(stripe.APIError):
        client_of(server, retries=1).v1.customers.create({})
    assert sent(server) == 2
    assert kept(client_of(server)) == 0


def test_a_500_can_hide_an_effect(client: Any, server: StripeServer) -> None:
    server.fault(PATH, "500_after_effect")
    with pytest.raises(stripe.APIError):
        client.v1.customers.create({})
    assert kept(client) == 1


@pytest.mark.parametrize(("kind", "error"), [("429", stripe.RateLimitError), ("500_no_retry", stripe.APIError)])
def test_the_sdk_does_not_try_again(server: StripeServer, kind: str, error: type[Exception]) -> None:
    server.fault(PATH, kind)
    with pytest.raises(error):
        client_of(server, retries=2).v1.customers.create({})
    assert sent(server) == 1


def test_an_answer_that_is_no_json(client: Any, server: StripeServer) -> None:
    server.fault(PATH, "garbage")
    with pytest.raises(stripe.APIError):
        client.v1.customers.create({})


def test_a_slow_answer_is_held_until_it_is_released(client: Any, server: StripeServer) -> None:
    fault = server.fault(PATH, "slow")
    held = threading.Thread(target=client.v1.customers.create, args=({},))
    held.start()
    assert fault.reached.wait(10)
    assert kept(client_of(server)) == 0
    fault.release()
    held.join()
    assert kept(client) == 1


def test_a_fault_is_for_so_many_requests_to_its_path(client: Any, server: StripeServer) -> None:
    server.fault("/v1/cust*", "429", times=2)
    client.v1.products.create({"name": "Reports"})
    for _ in range(2):
        with pytest.raises(stripe.RateLimitError):
            client.v1.customers.create({})
    client.v1.customers.create({})


def test_there_is_no_fault_of_another_name(server: StripeServer) -> None:
    with pytest.raises(ValueError, match="no fault is called"):
        server.fault(PATH, "flood")
