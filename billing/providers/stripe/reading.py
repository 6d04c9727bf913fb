"""Fetching an object and telling how it stands, in our words."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from stripe import StripeClient

from billing.providers.base import Rejected
from billing.providers.facts import (
    CheckoutFacts,
    CreditNoteFacts,
    CustomerFacts,
    DisputeFacts,
    Facts,
    InvoiceFacts,
    PaymentFacts,
    RefundFacts,
    SubscriptionFacts,
    UsageFaults,
)
from billing.providers.stripe.checkout import SESSION
from billing.providers.stripe.client import call
from billing.providers.stripe.corrections import CREDIT_NOTE, REFUND
from billing.providers.stripe.invoices import INVOICE, REST
from billing.providers.stripe.shapes import id_of, local_id, moment, plain, subscription_of_invoice
from billing.providers.stripe.subscriptions import SUBSCRIPTION
from billing.providers.stripe.webhooks import METER_ERRORS

GONE = "resource_missing"
IDENTIFIER = re.compile(r"ue_[0-9a-f]{32}")
ENDED = ("canceled", "incomplete_expired")
REFUND_STATES = {"succeeded": "succeeded", "failed": "failed", "canceled": "failed"}


def fetch(client: StripeClient, kind: str, external_id: str) -> Facts | None:
    """The object as it is now. None for a kind that changes nothing here, and for what is gone."""
    read = READERS.get(kind)
    if read is None or not external_id:
        return None
    try:
        return read(client, external_id)
    except Rejected as refusal:
        if refusal.code == GONE:
            return None
        raise


def _customer(client: StripeClient, external_id: str) -> CustomerFacts:
    wanted: Any = {"expand": ["invoice_settings.default_payment_method"]}
    row = plain(call(client.v1.customers.retrieve, external_id, wanted))
    if row.get("deleted"):
        return CustomerFacts(external_id, "", deleted=True)
    method = (row.get("invoice_settings") or {}).get("default_payment_method")
    return CustomerFacts(external_id, _shown(method) if isinstance(method, dict) else "")


def _shown(method: dict[str, Any]) -> str:
    kind = str(method.get("type") or "")
    detail = method.get(kind) or {}
    words = (detail.get("brand") or detail.get("bank_name") or kind, detail.get("last4"))
    return " ".join(str(word) for word in words if word)[:60]


def _checkout(client: StripeClient, external_id: str) -> CheckoutFacts:
    wanted: Any = {"expand": ["setup_intent", "subscription"]}
    row = plain(call(client.v1.checkout.sessions.retrieve, external_id, wanted))
    setup, subscription = row.get("setup_intent"), row.get("subscription")
    method = (setup if isinstance(setup, dict) else {}).get("payment_method") or (
        subscription if isinstance(subscription, dict) else {}
    ).get("default_payment_method")
    paid = row.get("payment_status") == "paid" and row.get("mode") == "payment"
    return CheckoutFacts(
        external_id=external_id,
        session_id=local_id(row, SESSION),
        # a payment that clears days later comes with another event
        complete=row.get("status") == "complete" and (row.get("mode") != "payment" or paid),
        expired=row.get("status") == "expired",
        amount_paid=int(row.get("amount_total") or 0) if paid else 0,
        payment=id_of(row.get("payment_intent")),
        subscription=id_of(subscription),
        payment_method=id_of(method),
        codes=_codes(client, row),
    )


def _codes(client: StripeClient, row: dict[str, Any]) -> list[str]:
    """The promotion codes that were typed in."""
    used = [id_of(each.get("promotion_code")) for each in row.get("discounts") or [] if each.get("promotion_code")]
    return [str(call(client.v1.promotion_codes.retrieve, each).code) for each in used]


def _subscription(client: StripeClient, external_id: str) -> SubscriptionFacts:
    row = plain(call(client.v1.subscriptions.retrieve, external_id))
    items = (row.get("items") or {}).get("data") or [{}]
    ends = row.get("cancel_at")
    if not ends and row.get("cancel_at_period_end"):
        ends = items[0].get("current_period_end")
    return SubscriptionFacts(
        external_id=external_id,
        subscription_id=local_id(row, SUBSCRIPTION),
        status=str(row.get("status")),
        ended=row.get("status") in ENDED,
        ends_at=moment(ends),
        # periods stand on the items
        period_start=moment(items[0].get("current_period_start")),
        period_end=moment(items[0].get("current_period_end")),
    )


def _invoice(client: StripeClient, external_id: str) -> InvoiceFacts:
    row = plain(call(client.v1.invoices.retrieve, external_id))
    paid = row.get("status") == "paid" or int(row.get("amount_paid") or 0) > 0
    return InvoiceFacts(
        external_id=external_id,
        invoice_id=local_id(row, INVOICE) or local_id(row, REST),
        subscription=subscription_of_invoice(row),
        state=str(row.get("status") or "draft"),
        total=int(row.get("total") or 0),
        payments=_payments(client, row) if paid else (),
        hosted_url=str(row.get("hosted_invoice_url") or ""),
        failed_attempts=int(row.get("attempt_count") or 0) if row.get("status") == "open" else 0,
    )


def _payments(client: StripeClient, row: dict[str, Any]) -> list[PaymentFacts]:
    """What was paid on the invoice, each with the id that a refund needs; the rest came outside of Stripe."""
    params: Any = {"invoice": row["id"], "status": "paid", "limit": 100}
    rows = [plain(each) for each in call(client.v1.invoice_payments.list, params).auto_paging_iter()]
    found = [
        PaymentFacts(_source(each), int(each["amount_paid"])) for each in rows if int(each.get("amount_paid") or 0) > 0
    ]
    outside = int(row.get("amount_paid") or 0) - sum(each.amount for each in found)
    if row.get("status") == "paid":
        outside = max(outside, _owed(row) - sum(each.amount for each in found))
    return [*found, PaymentFacts(f"{row['id']}:outside", outside, "manual")] if outside > 0 else found


def _owed(row: dict[str, Any]) -> int:
    return int(row.get("amount_due") or 0)


def _source(row: dict[str, Any]) -> str:
    payment = row.get("payment") or {}
    return id_of(payment.get("payment_intent")) or id_of(payment.get("charge")) or str(row["id"])


def _credit_note(client: StripeClient, external_id: str) -> CreditNoteFacts:
    row = plain(call(client.v1.credit_notes.retrieve, external_id))
    ours, invoice = local_id(row, CREDIT_NOTE), id_of(row.get("invoice"))
    return CreditNoteFacts(external_id, ours, invoice, int(row.get("total") or 0), row.get("status") == "void")


def _refund(client: StripeClient, external_id: str) -> RefundFacts:
    row = plain(call(client.v1.refunds.retrieve, external_id))
    return RefundFacts(
        external_id=external_id,
        refund_id=local_id(row, REFUND),
        payment=id_of(row.get("payment_intent")) or id_of(row.get("charge")),
        amount=int(row.get("amount") or 0),
        state=REFUND_STATES.get(str(row.get("status")), "pending"),
        reason=str(row.get("failure_reason") or ""),
    )


def _dispute(client: StripeClient, external_id: str) -> DisputeFacts:
    row = plain(call(client.v1.disputes.retrieve, external_id))
    payment = id_of(row.get("payment_intent")) or id_of(row.get("charge"))
    amount = int(row.get("amount") or 0)
    return DisputeFacts(external_id, payment, amount, str(row.get("status")), str(row.get("reason")))


def _meter_errors(client: StripeClient, external_id: str) -> UsageFaults:
    """The samples name the request, by its identifier or its idempotency key: both hold ours."""
    row = plain(call(client.v2.core.events.retrieve, external_id))
    reason = (row.get("data") or {}).get("reason") or {}
    faults = [
        (found.group(), f"{kind.get('code')}: {sample.get('error_message')}"[:300])
        for kind in reason.get("error_types") or []
        for sample in kind.get("sample_errors") or []
        if (found := IDENTIFIER.search(str((sample.get("request") or {}).get("identifier"))))
    ]
    return UsageFaults(faults)


READERS: dict[str, Callable[[StripeClient, str], Facts]] = {
    "customer": _customer,
    "checkout.session": _checkout,
    "subscription": _subscription,
    "invoice": _invoice,
    "credit_note": _credit_note,
    "refund": _refund,
    "dispute": _dispute,
    METER_ERRORS: _meter_errors,
}
