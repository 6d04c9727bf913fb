"""A stage on which billing and a provider play together: one clock for both, and nothing that runs by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import stripe

from billing import catalogue_sync, checkouts, clock, cycle, inbox, inbox_store, ledger, providers, relay
from billing.models import Account, CheckoutSession, Invoice, OutboxMessage, ProviderEvent
from billing.providers.local import LocalProvider
from billing.providers.orders import IncomingEvent
from billing.providers.stripe.webhooks import incoming
from tenants.context import operator_context, tenant_context
from tests.billing.work import Customer
from tests.fakes.stripe.server import StripeServer

START = datetime(2027, 1, 10, 9, 30, tzinfo=UTC)
SECRETS = ["whsec_new", "whsec_old"]
MINUTE = timedelta(minutes=1)


class Stage:
    """Whoever collects, seen from the customer's side. `seen` counts the provider's events that were brought over."""

    name = providers.LOCAL

    def __init__(self) -> None:
        self.now = START

    def go(self, to: datetime) -> None:
        """Let time pass, with all that falls due by itself."""
        self.now = to

    def pay(self, session: CheckoutSession) -> None:
        """What the customer does on the page."""
        provider = providers.by_name(self.name)
        assert isinstance(provider, LocalProvider)
        provider.complete(session, paid=due_of(session))

    def settle_invoice(self, invoice: Invoice) -> None:
        """The customer pays an open invoice at the page that it has."""
        session = checkouts.pay_invoice(invoice, actor="test")
        self.pay(session)

    def forget_payment_method(self, customer: Customer) -> None:
        """At the provider."""

    def bring_events(self) -> None:
        """Webhooks come in."""

    def turn(self) -> None:
        """Everything that waits is done, to the end."""
        for _ in range(12):
            with clock.at(self.now):
                catalogue_sync.sync_pending()
                sent = relay.drain()
                self.bring_events()
                processed = inbox.process()
            if not any((sent.local, sent.delivered, sent.parked, sent.retried, processed.processed, processed.retried)):
                return


class StripeStage(Stage):
    """With the fake of Stripe."""

    name = providers.STRIPE

    def __init__(self, server: StripeServer) -> None:
        super().__init__()
        self.server, self.brought = server, 0

    def go(self, to: datetime) -> None:
        self.server.advance(to)
        self.server.aggregate()
        super().go(to)

    def pay(self, session: CheckoutSession) -> None:
        self.server.pay(session.external_id)

    def settle_invoice(self, invoice: Invoice) -> None:
        client = stripe.StripeClient("sk_test_stage", base_addresses={"api": self.server.url})
        client.v1.invoices.pay(invoice.external_id, {"payment_method": "pm_card_visa"})

    def forget_payment_method(self, customer: Customer) -> None:
        for name in ("customer", "subscription"):
            for row in self.server.state.objects.get(name, {}).values():
                row.get("invoice_settings", {})["default_payment_method"] = None
                row["default_payment_method"] = None

    def bring_events(self) -> None:
        self.server.aggregate()
        events = self.server.events[self.brought :]
        self.brought += len(events)
        inbox_store.store(providers.by_name(self.name), [incoming(event) for event in events])


def due_of(session: CheckoutSession) -> int:
    """What the local page plays as a payment."""
    with tenant_context(session.tenant_id):
        return checkouts.due_of(session)


def invoices_of(customer: Customer) -> list[Invoice]:
    with tenant_context(customer.id):
        return list(Invoice.objects.for_tenant(customer.id).order_by("number"))


def balances(customer: Customer, currency: str = "usd") -> dict[str, Decimal]:
    with tenant_context(customer.id):
        found = {account.value: ledger.balance(customer.id, account, currency) for account in Account}
    return {account: amount for account, amount in found.items() if amount}


def outbox_states() -> dict[str, int]:
    """How many messages are in each state."""
    with operator_context():
        states = list(OutboxMessage.objects.values_list("state", flat=True))
    return {state: states.count(state) for state in sorted(set(states))}


def troubles() -> list[str]:
    """What is parked or was tried again, with the reason."""
    with operator_context():
        rows = [*OutboxMessage.objects.exclude(last_error=""), *ProviderEvent.objects.exclude(last_error="")]
    return [f"{row} {row.state}: {row.last_error}" for row in rows]


def close(stage: Stage, at: datetime) -> None:
    """Bring both sides to a moment, and close what ends until then."""
    stage.go(at)
    with clock.at(at):
        cycle.close_due(at)
    stage.turn()


def event_row(event: dict[str, Any]) -> IncomingEvent:
    return incoming(event)
