"""Sending a customer to a page to pay, to subscribe, or to leave a payment method.

Call outside of transactions: the page is made by the customer's provider.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext

from billing import accounts, catalogue, catalogue_sync, clock, customers, providers, subscriptions
from billing.checkout_errors import PaymentPagePending, ProviderUnavailable
from billing.delivery.payers import external_customer
from billing.delivery.subscriptions import DAYS_UNTIL_DUE
from billing.domain.periods import Interval, period_at
from billing.domain.tax import tax_on
from billing.errors import InvoiceNotOpen
from billing.models import CheckoutPurpose, CheckoutSession, CheckoutState, Invoice, InvoiceState, PlanVersion, Price
from billing.providers.base import BillingProvider, Capability, Rejected, TryAgain
from billing.providers.orders import CheckoutOrder, PriceRef, SubscriptionOrder
from tenants import audit
from tenants.context import tenant_context
from tenants.ids import encode

CURRENCY = "usd"


def subscribe(tenant_id: UUID, plan_slug: str, *, actor: str, return_url: str = "") -> CheckoutSession:
    """A page to agree to a plan, and to leave what it is paid with. Raises `UnknownPlan`, `ProviderUnavailable`."""
    with tenant_context(tenant_id):
        version = catalogue.published(plan_slug)
        currency = customers.of(tenant_id).currency or version.currency
        session = _begin(tenant_id, CheckoutPurpose.SUBSCRIPTION, actor, currency, plan_version=version)
    return _open(session, return_url, version=version)


def buy_credits(tenant_id: UUID, amount: int, *, actor: str, return_url: str = "") -> CheckoutSession:
    """A page to pay credits of `amount` minor units, and the tax on them. Raises `ProviderUnavailable`."""
    if amount <= 0:
        raise ValueError("credits must be above zero")
    with tenant_context(tenant_id):
        customer, current = customers.of(tenant_id), subscriptions.subscription_of(tenant_id)
        currency = customer.currency or (current.currency if current else CURRENCY)
        session = _begin(tenant_id, CheckoutPurpose.CREDITS, actor, currency, amount=amount)
        tax = tax_on(amount, customer.tax_percent)
        lines = [(gettext("Credits"), amount), *([(customer.tax_label or gettext("Tax"), tax)] if tax else [])]
    return _open(session, return_url, lines=lines)


def set_up_payment(tenant_id: UUID, *, actor: str, return_url: str = "") -> CheckoutSession:
    """A page to leave a payment method. Raises `ProviderUnavailable`."""
    with tenant_context(tenant_id):
        currency = customers.of(tenant_id).currency or CURRENCY
        session = _begin(tenant_id, CheckoutPurpose.SETUP, actor, currency)
    return _open(session, return_url)


def pay_invoice(invoice: Invoice, *, actor: str, return_url: str = "") -> CheckoutSession:
    """A page to pay what is due of an invoice: the provider's page of it where there is one.

    Raises `InvoiceNotOpen`, `PaymentPagePending` and `ProviderUnavailable`.
    """
    with tenant_context(invoice.tenant_id):
        invoice.refresh_from_db()
        if invoice.state not in (InvoiceState.OPEN, InvoiceState.UNCOLLECTIBLE) or invoice.amount_due <= 0:
            raise InvoiceNotOpen(number=invoice.number or "", state=invoice.state)
        session = _begin(
            invoice.tenant_id, CheckoutPurpose.INVOICE, actor, invoice.currency, amount=invoice.amount_due,
            invoice=invoice,
        )  # fmt: skip
        if session.provider != providers.LOCAL:
            return _at_provider(session, invoice)
    return _open(session, return_url, lines=[(str(invoice.number), invoice.amount_due)])


def portal_url(tenant_id: UUID, return_url: str) -> str | None:
    """The provider's page for payment methods; None where it has none. Raises `ProviderUnavailable`."""
    with tenant_context(tenant_id):
        provider = _provider(customers.of(tenant_id).provider)
    if Capability.PORTAL not in provider.capabilities:
        return None
    try:
        return provider.portal_url(external_customer(tenant_id, provider), return_url)
    except (TryAgain, Rejected) as failure:
        raise ProviderUnavailable from failure


def _begin(tenant_id: UUID, purpose: CheckoutPurpose, actor: str, currency: str, **values: Any) -> CheckoutSession:
    session: CheckoutSession = CheckoutSession.objects.create(
        tenant_id=tenant_id, purpose=purpose, provider=customers.of(tenant_id).provider, currency=currency,
        created_at=clock.now(), **values,
    )  # fmt: skip
    audit.record("checkout.begun", tenant_id=tenant_id, actor=actor, subject=str(session.id), purpose=str(purpose))
    return session


def _open(
    session: CheckoutSession,
    return_url: str,
    *,
    lines: Sequence[tuple[str, int]] = (),
    version: PlanVersion | None = None,
) -> CheckoutSession:
    provider = _provider(session.provider)
    back = return_url or f"{settings.ASSAY_PUBLIC_BASE_URL}/invoices"
    try:
        customer = external_customer(session.tenant_id, provider)
        wanted = _subscription(session, provider, customer, version) if version else None
        order = CheckoutOrder(session.id, session.purpose, customer, session.currency, back, back, lines, wanted)
        made = provider.create_checkout(order)
    except (TryAgain, Rejected) as failure:
        raise ProviderUnavailable from failure
    session.external_id, session.url = made.external_id, made.url
    with tenant_context(session.tenant_id):
        session.save(update_fields=["external_id", "url"])
    return session


def _subscription(
    session: CheckoutSession, provider: BillingProvider, customer: str, version: PlanVersion
) -> SubscriptionOrder:
    """Its first period ends where ours will."""
    end: datetime | None = period_at(clock.now(), Interval(version.interval), clock.now()).end
    prices: list[PriceRef] = []
    if Capability.METER_EVENTS in provider.capabilities:
        catalogue_sync.ensure(version, provider)
        prices = _prices(provider, version, session.currency)
    return SubscriptionOrder(
        None, customer, session.currency, prices, end, version.interval, by_transfer=False,
        days_until_due=DAYS_UNTIL_DUE,
    )  # fmt: skip


def _prices(provider: BillingProvider, version: PlanVersion, currency: str) -> list[PriceRef]:
    """What is not copied yet is charged by our invoice alone until the items are brought to the plan."""
    rows = Price.objects.select_related("meter", "plan_version__plan").filter(plan_version=version, currency=currency)
    found = [(catalogue_sync.external_id(provider, catalogue_sync.PRICE, row.id), row) for row in rows]
    return [PriceRef(external, row.meter_id is not None) for external, row in found if external]


def _at_provider(session: CheckoutSession, invoice: Invoice) -> CheckoutSession:
    if not invoice.hosted_url:
        raise PaymentPagePending
    session.url = invoice.hosted_url
    session.state = CheckoutState.COMPLETE
    session.save(update_fields=["url", "state"])
    return session


def _provider(name: str) -> BillingProvider:
    try:
        return accounts.usable(name)
    except TryAgain as failure:
        raise ProviderUnavailable from failure


def public_id(session: CheckoutSession) -> str:
    """As it stands in the address of our own page."""
    return encode("pay", session.id)


def due_of(session: CheckoutSession) -> int:
    """What a visit to our own page has to pay, minor units, the tax on credits included."""
    if session.purpose == CheckoutPurpose.CREDITS:
        return session.amount + tax_on(session.amount, customers.of(session.tenant_id).tax_percent)
    return session.amount if session.purpose == CheckoutPurpose.INVOICE else 0
