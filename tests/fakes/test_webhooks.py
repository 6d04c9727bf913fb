"""Webhooks: signed, thin, posted, repeated, reordered, tampered with; and events that are read back."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import stripe

from tests.fakes.shop import DAY, Shop
from tests.fakes.stripe import StripeServer

pytestmark = pytest.mark.database_free
OLD, NEW = "whsec_old", "whsec_new"
ALL: Any = ["*"]
REPORT = "v1.billing.meter.error_report_triggered"


@contextmanager
def receiving(statuses: list[int]) -> Iterator[tuple[str, list[tuple[bytes, str]]]]:
    """A web server of the product's side: its address, and what it got. It answers with `statuses`, then 200."""
    got: list[tuple[bytes, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((body, self.headers["Stripe-Signature"]))
            self.send_response(statuses.pop(0) if statuses else 200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/hook", got
    server.shutdown()
    server.server_close()


def types(got: list[tuple[bytes, str]]) -> list[str]:
    return [json.loads(body)["type"] for body, _ in got]


@pytest.fixture
def event(client: Any, server: StripeServer) -> Any:
    client.v1.customers.create({"email": "ada@example.com"})
    return server.events[-1]


def test_a_delivery_is_verified_with_each_of_its_secrets(client: Any, server: StripeServer, event: Any) -> None:
    body, headers = server.delivery(event, [OLD, NEW])
    for secret in (OLD, NEW):
        found = client.construct_event(body, headers["Stripe-Signature"], secret)
        assert (found.type, found.data.object.email) == ("customer.created", "ada@example.com")
    with pytest.raises(stripe.SignatureVerificationError):
        client.construct_event(body, headers["Stripe-Signature"], "whsec_other")


def test_an_old_delivery_is_refused(client: Any, server: StripeServer, event: Any) -> None:
    body, headers = server.delivery(event, [OLD], at=int(time.time()) - 301)
    with pytest.raises(stripe.SignatureVerificationError, match="tolerance"):
        client.construct_event(body, headers["Stripe-Signature"], OLD)


def test_a_delivery_that_was_tampered_with_is_refused(client: Any, server: StripeServer, event: Any) -> None:
    body, headers = server.delivery(event, [OLD], tampered=True)
    assert body != server.delivery(event, [OLD])[0]
    with pytest.raises(stripe.SignatureVerificationError):
        client.construct_event(body, headers["Stripe-Signature"], OLD)


def test_a_report_of_a_lost_meter_event_arrives_thin_and_is_fetched(shop: Shop, server: StripeServer) -> None:
    payload = {"stripe_customer_id": "cus_none", "value": "1"}
    shop.client.v1.billing.meter_events.create({"event_name": "images", "payload": payload, "identifier": "e1"})
    server.aggregate()
    body, headers = server.delivery(server.thin_events[-1], [NEW], thin=True)
    assert "data" not in json.loads(body)
    notice = shop.client.parse_event_notification(body, headers["Stripe-Signature"], NEW)
    assert (notice.type, notice.related_object.id) == (REPORT, shop.meter)
    whole = notice.fetch_event()
    assert whole.data.reason.error_types[0].code == "meter_event_customer_not_found"
    assert notice.fetch_related_object().event_name == "images"


def test_an_event_of_v1_can_be_thin_too(client: Any, server: StripeServer, event: Any) -> None:
    body, headers = server.delivery(event, [NEW], thin=True)
    notice = client.parse_event_notification(body, headers["Stripe-Signature"], NEW)
    assert (notice.type, notice.related_object.id) == ("v1.customer.created", event["data"]["object"]["id"])
    assert notice.fetch_related_object().email == "ada@example.com"
    assert notice.fetch_event().snapshot_event == event["id"]


def test_the_two_kinds_are_not_taken_for_each_other(client: Any, server: StripeServer, event: Any) -> None:
    thin, signed = server.delivery(event, [NEW], thin=True)
    with pytest.raises(ValueError, match="thin"):
        client.construct_event(thin, signed["Stripe-Signature"], NEW)
    whole, signed = server.delivery(event, [NEW])
    with pytest.raises(ValueError, match="thin"):
        client.parse_event_notification(whole, signed["Stripe-Signature"], NEW)


def test_registered_addresses_get_what_they_asked_for_until_they_answer_2xx(client: Any, server: StripeServer) -> None:
    with receiving([500]) as (url, got):
        made = client.v1.webhook_endpoints.create({"url": url, "enabled_events": ["customer.created"]})
        assert made.secret.startswith("whsec_")
        assert "secret" not in client.v1.webhook_endpoints.retrieve(made.id).to_dict()
        client.v1.customers.create({})
        client.v1.products.create({"name": "Reports"})
        answers = [[one.status for one in server.deliver_webhooks()]]
        failed = [row.type for row in client.v1.events.list({"delivery_success": False}).data]
        answers += [[one.status for one in server.deliver_webhooks()] for _ in range(2)]
    assert answers == [[500], [200], []]
    assert failed == ["customer.created"]
    assert not client.v1.events.list({"delivery_success": False}).data
    assert types(got) == ["customer.created"] * 2
    assert client.construct_event(*got[0], made.secret).type == "customer.created"


def test_deliveries_are_repeated_and_reordered_on_order(client: Any, server: StripeServer) -> None:
    with receiving([]) as (url, got):
        server.webhook(url, NEW)
        client.v1.customers.create({})
        client.v1.products.create({"name": "Reports"})
        server.deliver_webhooks(copies=2, reverse=True)
    assert types(got) == ["product.created"] * 2 + ["customer.created"] * 2


def test_a_destination_of_v2_gets_thin_events(shop: Shop, server: StripeServer) -> None:
    with receiving([]) as (url, got):
        made = shop.client.v2.core.event_destinations.create(
            {
                "name": "reports",
                "type": "webhook_endpoint",
                "event_payload": "thin",
                "enabled_events": [REPORT],
                "webhook_endpoint": {"url": url},
                "include": ["webhook_endpoint.signing_secret"],
            }
        )
        payload = {"stripe_customer_id": "cus_none", "value": "1"}
        shop.client.v1.billing.meter_events.create({"event_name": "images", "payload": payload})
        server.aggregate()
        server.deliver_webhooks()
    notice = shop.client.parse_event_notification(*got[0], made.webhook_endpoint.signing_secret)
    assert notice.type == REPORT
    assert [row.id for row in shop.client.v2.core.event_destinations.list().data] == [made.id]


def test_an_address_that_nobody_listens_at(client: Any, server: StripeServer) -> None:
    server.webhook("http://127.0.0.1:9/hook", NEW)
    client.v1.customers.create({})
    assert [one.status for one in server.deliver_webhooks()] == [0]


def test_events_are_read_back_by_time_and_type_for_thirty_days(client: Any, server: StripeServer) -> None:
    start = server.now()
    first = client.v1.customers.create({})
    server.advance(start + DAY)
    client.v1.customers.create({})
    client.v1.products.create({"name": "Reports"})
    events = client.v1.events
    assert [row.type for row in events.list({"created": {"gt": start}}).data] == ["product.created", "customer.created"]
    assert len(events.list({"types": ["customer.created"], "created": {"gte": start}}).data) == 2
    assert len(events.list({"type": "customer.*"}).data) == 2
    old = events.list({"type": "customer.*"}).data[-1]
    assert events.retrieve(old.id).data.object.id == first.id
    server.advance(start + 30 * DAY + 1)
    with pytest.raises(stripe.InvalidRequestError):
        events.retrieve(old.id)


def test_an_event_names_its_request_and_holds_the_object_as_it_was(client: Any, server: StripeServer) -> None:
    made = client.v1.customers.create({"name": "Ada"}, {"idempotency_key": "k1"})
    client.v1.customers.update(made.id, {"name": "Bo"})
    created, updated = server.events
    assert created["request"]["idempotency_key"] == "k1"
    assert created["data"]["object"]["name"] == "Ada"
    assert updated["data"]["previous_attributes"] == {"name": "Ada"}


def test_addresses_are_changed_disabled_and_deleted(client: Any, server: StripeServer) -> None:
    with receiving([]) as (url, got):
        made = client.v1.webhook_endpoints.create({"url": url, "enabled_events": ["invoice.paid"]})
        client.v1.webhook_endpoints.update(made.id, {"enabled_events": ALL, "disabled": True})
        client.v1.customers.create({})
        assert server.deliver_webhooks() == []
        client.v1.webhook_endpoints.update(made.id, {"disabled": False})
        server.deliver_webhooks()
        client.v1.webhook_endpoints.delete(made.id)
        client.v1.customers.create({})
        assert server.deliver_webhooks() == []
    assert types(got) == ["customer.created"]


def test_destinations_hide_their_secret_and_are_deleted(client: Any) -> None:
    params: Any = {"name": "n", "type": "webhook_endpoint", "event_payload": "thin", "enabled_events": [REPORT]}
    destinations = client.v2.core.event_destinations
    made = destinations.create({**params, "webhook_endpoint": {"url": "https://shop.example/thin"}})
    assert made.webhook_endpoint.signing_secret is None
    assert destinations.retrieve(made.id).status == "enabled"
    destinations.delete(made.id)
    assert destinations.list().data == []


def test_thin_events_are_listed_by_object(shop: Shop, server: StripeServer) -> None:
    for number, customer in enumerate(("cus_none", "cus_none")):
        payload = {"stripe_customer_id": customer, "value": "1"}
        params: Any = {"event_name": "images", "payload": payload, "identifier": f"e{number}"}
        shop.client.v1.billing.meter_events.create(params)
        server.aggregate()
    found = shop.client.v2.core.events.list({"object_id": shop.meter}).data
    assert [row.id for row in found] == [event["id"] for event in reversed(server.thin_events)]
