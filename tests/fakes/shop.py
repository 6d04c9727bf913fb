"""A shop at the fake: what most tests need before they can begin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import stripe

from tests.fakes.stripe import StripeServer

KEY = "sk_test_shop"
DAY, HOUR = 24 * 3600, 3600
NOON = 1_790_942_400
"""2026-10-02 12:00 UTC, when every test begins."""


def client_of(server: StripeServer, *, key: str = KEY, retries: int = 0) -> Any:
    """The real SDK, led to the fake; untyped, because tests send what its types forbid."""
    bases: Any = dict.fromkeys(("api", "connect", "files", "meter_events"), server.url)
    return stripe.StripeClient(key, base_addresses=bases, max_network_retries=retries)


@dataclass(frozen=True)
class Shop:
    """One customer with a card, a monthly fee and a metered price whose first ten units are free."""

    client: Any
    customer: str
    product: str
    meter: str
    fee: str
    usage: str

    def subscribe(self, **more: Any) -> Any:
        """A subscription to the fee and the use."""
        items = [{"price": self.fee}, {"price": self.usage}]
        params: Any = {"customer": self.customer, "items": items, **more}
        return self.client.v1.subscriptions.create(params)

    def report(self, value: str, identifier: str, **more: Any) -> Any:
        """Sends a meter event."""
        payload = {"stripe_customer_id": self.customer, "value": value}
        params: Any = {"event_name": "images", "payload": payload, "identifier": identifier, **more}
        return self.client.v1.billing.meter_events.create(params)

    def invoices(self) -> Any:
        """The customer's invoices, newest first."""
        return self.client.v1.invoices.list({"customer": self.customer, "limit": 100}).data


def items(subscription: Any) -> Any:
    """`items` is a method of mappings, so the field is asked for by name."""
    return subscription["items"].data


def period_end(subscription: Any) -> int:
    """Unix seconds."""
    return int(items(subscription)[0].current_period_end)


def open_shop(client: Any) -> Shop:
    customer = client.v1.customers.create({"email": "ada@example.com", "name": "Ada"})
    save_card(client, customer.id)
    product = client.v1.products.create({"name": "Reports"})
    sums: Any = {"display_name": "Images", "event_name": "images", "default_aggregation": {"formula": "sum"}}
    meter = client.v1.billing.meters.create(sums)
    monthly: Any = {"product": product.id, "currency": "usd", "recurring": {"interval": "month"}}
    fee = client.v1.prices.create({**monthly, "unit_amount": 2000})
    metered: Any = {"interval": "month", "usage_type": "metered", "meter": meter.id}
    tiers: Any = [{"up_to": 10, "unit_amount": 0}, {"up_to": "inf", "unit_amount_decimal": "1.5"}]
    usage = client.v1.prices.create(
        {**monthly, "recurring": metered, "billing_scheme": "tiered", "tiers_mode": "graduated", "tiers": tiers}
    )
    return Shop(client, customer.id, product.id, meter.id, fee.id, usage.id)


def save_card(client: Any, customer: str, card: str = "pm_card_visa") -> str:
    """Makes a card the customer's default; its id."""
    method = client.v1.payment_methods.attach(card, {"customer": customer})
    client.v1.customers.update(customer, {"invoice_settings": {"default_payment_method": method.id}})
    return str(method.id)
