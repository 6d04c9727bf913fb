"""Meter events: what is refused at once, what is reported later, what is counted."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import stripe

from tests.fakes.shop import DAY, HOUR, Shop, client_of
from tests.fakes.stripe import StripeServer

pytestmark = pytest.mark.database_free
FIRST_HOUR: Any = {"start_time": 1_790_942_400, "end_time": 1_790_942_400 + HOUR}
REPORTED = "v1.billing.meter.error_report_triggered"


def counted(shop: Shop, **more: Any) -> list[float]:
    """The totals of the first hour."""
    params: Any = {"customer": shop.customer, **FIRST_HOUR, **more}
    return [row.aggregated_value for row in shop.client.v1.billing.meters.event_summaries.list(shop.meter, params).data]


def test_an_event_is_counted_only_after_aggregation(shop: Shop, server: StripeServer) -> None:
    shop.report("3", "e1")
    assert counted(shop) == [0.0]
    server.aggregate()
    assert counted(shop) == [3.0]


def test_an_event_is_counted_by_itself_after_a_while(shop: Shop, server: StripeServer) -> None:
    shop.report("3", "e1")
    server.advance(server.now() + 59)
    assert counted(shop) == [0.0]
    server.advance(server.now() + 1)
    assert counted(shop) == [3.0]


def test_an_identifier_is_refused_for_a_day_and_never_counts_twice(shop: Shop, server: StripeServer) -> None:
    shop.report("3", "e1")
    with pytest.raises(stripe.InvalidRequestError, match="already exists with identifier e1") as refused:
        shop.report("3", "e1")
    assert refused.value.headers is not None
    assert refused.value.headers["stripe-should-retry"] == "false"
    server.aggregate()
    assert counted(shop) == [3.0]
    server.advance(server.now() + DAY)
    shop.report("3", "e1")


@pytest.mark.parametrize(
    ("offset", "code"), [(-35 * DAY - 1, "timestamp_too_far_in_past"), (301, "timestamp_in_future")]
)
def test_a_timestamp_outside_of_the_window_is_refused(shop: Shop, server: StripeServer, offset: int, code: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.report("1", "e1", timestamp=server.now() + offset)
    assert refused.value.code == code


@pytest.mark.parametrize("offset", [-35 * DAY, 300])
def test_a_timestamp_at_the_edge_is_taken(shop: Shop, server: StripeServer, offset: int) -> None:
    assert shop.report("1", "e1", timestamp=server.now() + offset).timestamp == server.now() + offset


def test_sixteen_digits_are_too_many(shop: Shop) -> None:
    shop.report("9" * 15, "e1")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.report("9" * 16, "e2")
    assert refused.value.code == "meter_event_value_too_many_digits"


def test_text_is_no_value(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.report("many", "e1")
    assert refused.value.code == "meter_event_invalid_value"


def test_two_calls_at_once_for_one_customer_and_meter_are_refused(shop: Shop, server: StripeServer) -> None:
    fault = server.fault("/v1/billing/meter_events", "slow")
    first = threading.Thread(target=shop.report, args=("1", "e1"))
    first.start()
    assert fault.reached.wait(10)
    with pytest.raises(stripe.RateLimitError):
        shop.report("1", "e2")
    other: Any = {"stripe_customer_id": "cus_other", "value": "1"}
    shop.client.v1.billing.meter_events.create({"event_name": "images", "payload": other, "identifier": "e3"})
    fault.release()
    first.join()
    shop.report("1", "e2")


def test_an_unknown_customer_is_accepted_and_reported_later(shop: Shop, server: StripeServer) -> None:
    payload = {"stripe_customer_id": "cus_none", "value": "1"}
    made = shop.client.v1.billing.meter_events.create({"event_name": "images", "payload": payload, "identifier": "e1"})
    assert made.identifier == "e1"
    assert not server.thin_events
    server.aggregate()
    (report,) = server.thin_events
    assert report["type"] == REPORTED
    (kind,) = report["data"]["reason"]["error_types"]
    assert kind["code"] == "meter_event_customer_not_found"
    assert kind["sample_errors"][0]["request"]["identifier"] == "e1"


def test_an_unknown_meter_is_accepted_and_reported_later(shop: Shop, server: StripeServer) -> None:
    payload = {"stripe_customer_id": shop.customer, "value": "1"}
    shop.client.v1.billing.meter_events.create({"event_name": "none", "payload": payload})
    server.aggregate()
    assert [event["type"] for event in server.thin_events] == ["v1.billing.meter.no_meter_found"]


def test_an_archived_meter_counts_nothing(shop: Shop, server: StripeServer) -> None:
    shop.client.v1.billing.meters.deactivate(shop.meter)
    shop.report("1", "e1")
    server.aggregate()
    assert counted(shop) == [0.0]
    assert server.thin_events[0]["data"]["reason"]["error_types"][0]["code"] == "archived_meter"


def test_an_event_can_be_cancelled_for_a_day(shop: Shop, server: StripeServer) -> None:
    shop.report("3", "e1")
    shop.report("4", "e2")
    server.aggregate()
    cancel: Any = {"event_name": "images", "type": "cancel", "cancel": {"identifier": "e1"}}
    shop.client.v1.billing.meter_event_adjustments.create(cancel)
    assert counted(shop) == [4.0]
    server.advance(server.now() + DAY + 1)
    with pytest.raises(stripe.InvalidRequestError, match="24 hours"):
        shop.client.v1.billing.meter_event_adjustments.create({**cancel, "cancel": {"identifier": "e2"}})


def test_summaries_come_in_windows(shop: Shop, server: StripeServer) -> None:
    shop.report("1", "e1")
    server.advance(server.now() + 2 * HOUR)
    shop.report("2", "e2")
    server.aggregate()
    params: Any = {"value_grouping_window": "hour", "end_time": FIRST_HOUR["start_time"] + 4 * HOUR}
    assert counted(shop, **params) == [2.0, 1.0]


def test_summaries_need_whole_minutes(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="whole minutes"):
        counted(shop, start_time=FIRST_HOUR["start_time"] + 1)


@pytest.mark.parametrize(("formula", "total"), [("sum", 7.0), ("count", 2.0), ("last", 3.0)])
def test_a_meter_counts_by_its_formula(server: StripeServer, formula: Any, total: float) -> None:
    client = client_of(server)
    customer = client.v1.customers.create({}).id
    meter = client.v1.billing.meters.create(
        {"display_name": "m", "event_name": "m", "default_aggregation": {"formula": formula}}
    )
    for value in ("4", "3"):
        payload = {"stripe_customer_id": customer, "value": value}
        client.v1.billing.meter_events.create({"event_name": "m", "payload": payload})
    server.aggregate()
    (row,) = client.v1.billing.meters.event_summaries.list(meter.id, {"customer": customer, **FIRST_HOUR}).data
    assert row.aggregated_value == total


def test_an_event_name_belongs_to_one_meter_and_only_the_display_name_changes(shop: Shop, server: StripeServer) -> None:
    meters = shop.client.v1.billing.meters
    same: Any = {"display_name": "again", "event_name": "images", "default_aggregation": {"formula": "sum"}}
    with pytest.raises(stripe.InvalidRequestError, match="event_name"):
        meters.create(same)
    assert meters.update(shop.meter, {"display_name": "Pictures"}).display_name == "Pictures"
    wrong: Any = {"event_name": "pictures"}
    with pytest.raises(stripe.InvalidRequestError):
        meters.update(shop.meter, wrong)
    assert server.violations.pop()
