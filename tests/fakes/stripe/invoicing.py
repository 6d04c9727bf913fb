"""The life of an invoice: draft, open, then paid, void or uncollectible. A draft that advances waits one hour."""

from __future__ import annotations

from typing import Any

from tests.fakes.stripe import lines, paying, rating, usage
from tests.fakes.stripe.calls import listed
from tests.fakes.stripe.errors import StripeFailure, refuse
from tests.fakes.stripe.state import Json, State

DAY = 24 * 3600
DRAFT_SECONDS = 3600
RETRY_DAYS = (3, 5, 7)
"""After so many days each failed payment is tried again."""


def draft(state: State, customer: Json, currency: str, reason: str, **fields: Any) -> Json:
    """A new invoice without lines. `discounts` are ids; `_tax_rates` are ids and hold for lines without their own."""
    known = {"billing_reason": reason, "currency": currency, "customer": customer["id"], "status": "draft"}
    person = {f"customer_{name}": customer[name] for name in ("address", "email", "name", "phone", "shipping")}
    customer["currency"] = customer["currency"] or currency
    made = state.new("invoice", **known, **person, period_start=state.now, period_end=state.now, auto_advance=True)
    made |= {"customer_tax_exempt": customer["tax_exempt"], "_tax_rates": [], "discounts": [], "customer_tax_ids": []}
    made |= {"_payments": listed([], f"/v1/invoice_payments?invoice={made['id']}")} | fields
    made["lines"]["url"] = f"/v1/invoices/{made['id']}/lines"
    made["default_tax_rates"] = [state.get("tax_rate", id, "default_tax_rates") for id in made["_tax_rates"]]
    if made["auto_advance"]:
        made["automatically_finalizes_at"] = state.now + DRAFT_SECONDS
    return made


def announce(state: State, invoice: Json) -> Json:
    """The draft is whole: adds it up and says so."""
    lines.add_up(state, invoice)
    state.emit("invoice.created", invoice)
    return invoice


def take_pending(state: State, invoice: Json) -> None:
    """Moves the customer's pending items onto the draft; those of another subscription stay."""
    for item in list(state.all("invoiceitem")):
        same = item["customer"] == invoice["customer"] and item["currency"] == invoice["currency"]
        owner = ((item["parent"] or {}).get("subscription_details") or {}).get("subscription")
        if same and item["invoice"] is None and owner in (None, subscription_of(invoice)):
            add_item(state, invoice, item)


def add_item(state: State, invoice: Json, item: Json) -> None:
    """Puts an invoice item on a draft as a line."""
    item["invoice"] = invoice["id"]
    owner = ((item["parent"] or {}).get("subscription_details") or {}).get("subscription")
    details = {"invoice_item": item["id"], "proration": item["proration"], "subscription": owner}
    parent = {"type": "invoice_item_details", "invoice_item_details": details, "subscription_item_details": None}
    names = ("description", "discountable", "metadata", "period", "pricing", "quantity", "quantity_decimal")
    shared = {name: item[name] for name in names}
    lines.line(state, invoice, item["amount"], parent, _tax_rates=item["_tax_rates"], _item=item["id"], **shared)


def finalize(state: State, invoice: Json) -> Json:
    """Draft to open, and to paid if nothing is due. Metered lines are rated a last time: the draft still took use."""
    if invoice["status"] != "draft":
        raise refuse("This invoice is already finalized, it can't be finalized again.", code="invoice_not_editable")
    rate_metered(state, invoice)
    lines.add_up(state, invoice)
    customer = state.get("customer", invoice["customer"])
    customer["balance"] = min(customer["balance"] + invoice["total"], 0)
    number = f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04d}"
    customer["next_invoice_sequence"] += 1
    days = invoice.get("_days_until_due")
    invoice |= {"status": "open", "number": number, "effective_at": state.now, "ending_balance": customer["balance"]}
    invoice |= {"due_date": state.now + days * DAY if days is not None else invoice["due_date"]}
    page = f"{state.url}/invoice/{invoice['id']}"
    invoice |= {"hosted_invoice_url": page, "invoice_pdf": page + "/pdf", "automatically_finalizes_at": None}
    invoice["status_transitions"]["finalized_at"] = state.now
    state.emit("invoice.finalized", invoice)
    if invoice["amount_due"] == 0:
        settle(state, invoice)
    return invoice


def rate_metered(state: State, invoice: Json) -> None:
    """Sets the quantity and amount of metered lines from the use that is counted now."""
    for one in invoice["lines"]["data"]:
        price = one.get("_metered")
        if price is not None:
            meter = state.get("billing.meter", price["recurring"]["meter"])
            used = usage.total(state, meter, invoice["customer"], one["period"]["start"], one["period"]["end"])
            amount = rating.amount_of(price, used, invoice["currency"])
            one |= {"quantity": int(used), "quantity_decimal": f"{used:f}", "amount": amount, "subtotal": amount}


def pay(state: State, invoice: Json, method: Json | None) -> Json:
    """Charges what is due. Raises 402 on a decline, after the failure was recorded."""
    if invoice["status"] not in ("open", "uncollectible"):
        raise refuse(f"Invoice is {invoice['status']}", code="invoice_not_open")
    invoice |= {"attempted": True, "attempt_count": invoice["attempt_count"] + 1}
    intent = paying.new_intent(state, invoice["amount_remaining"], invoice["currency"], invoice["customer"])
    intent["description"] = f"Payment for invoice {invoice['number']}"
    try:
        paying.confirm(state, intent, method)
    except StripeFailure:
        _failed(state, invoice)
        raise
    settle(state, invoice, intent)
    return invoice


def collect(state: State, invoice: Json) -> None:
    """Tries to charge an open invoice by itself; a failure is only recorded."""
    subscription = state.find(subscription_of(invoice)) or {}
    method = paying.default_method(state, invoice["customer"], invoice, subscription)
    try:
        pay(state, invoice, method)
    except StripeFailure:
        return


def settle(state: State, invoice: Json, intent: Json | None = None) -> None:
    """The invoice is paid: by an intent, or with none outside of Stripe or because nothing was due."""
    paid = invoice["amount_remaining"]
    if intent is not None:
        _record_payment(state, invoice, intent)
    invoice |= {"status": "paid", "amount_paid": invoice["amount_paid"] + paid, "amount_remaining": 0}
    invoice |= {"attempted": True, "next_payment_attempt": None}
    invoice["status_transitions"]["paid_at"] = state.now
    state.emit("invoice.paid", invoice)
    state.emit("invoice.payment_succeeded", invoice)
    _set_subscription(state, invoice, ("incomplete", "past_due", "unpaid"), "active")


def void(state: State, invoice: Json) -> Json:
    """Open or uncollectible to void."""
    if invoice["status"] not in ("open", "uncollectible"):
        raise refuse(f"You can only void open invoices, this one is {invoice['status']}", code="invoice_not_open")
    invoice |= {"status": "void", "amount_remaining": 0, "auto_advance": False, "next_payment_attempt": None}
    invoice["status_transitions"]["voided_at"] = state.now
    state.emit("invoice.voided", invoice)
    return invoice


def mark_uncollectible(state: State, invoice: Json) -> Json:
    """Open to uncollectible."""
    if invoice["status"] != "open":
        raise refuse(f"Invoice is {invoice['status']}, not open", code="invoice_not_open")
    invoice |= {"status": "uncollectible", "auto_advance": False, "next_payment_attempt": None}
    invoice["status_transitions"]["marked_uncollectible_at"] = state.now
    state.emit("invoice.marked_uncollectible", invoice)
    return invoice


def subscription_of(invoice: Json) -> str | None:
    """The id of the subscription that the invoice is for."""
    found = ((invoice["parent"] or {}).get("subscription_details") or {}).get("subscription")
    return str(found) if found else None


def _record_payment(state: State, invoice: Json, intent: Json) -> None:
    row = state.new(
        "invoice_payment",
        invoice=invoice["id"],
        amount_requested=intent["amount"],
        amount_paid=intent["amount"],
        currency=intent["currency"],
        is_default=True,
        status="paid",
        payment={"type": "payment_intent", "payment_intent": intent["id"]},
    )
    row["status_transitions"] = {"canceled_at": None, "paid_at": state.now}
    invoice["_payments"]["data"].append(row)
    state.emit("invoice_payment.paid", row)


def _failed(state: State, invoice: Json) -> None:
    tries = invoice["attempt_count"] - 1
    more = invoice["auto_advance"] and tries < len(RETRY_DAYS)
    invoice["next_payment_attempt"] = state.now + RETRY_DAYS[tries] * DAY if more else None
    state.emit("invoice.payment_failed", invoice)
    _set_subscription(state, invoice, ("active", "trialing"), "past_due")


def _set_subscription(state: State, invoice: Json, from_: tuple[str, ...], to: str) -> None:
    subscription = state.find(subscription_of(invoice))
    if subscription and subscription["status"] in from_ and subscription["latest_invoice"] == invoice["id"]:
        before = {"status": subscription["status"]}
        subscription["status"] = to
        state.emit("customer.subscription.updated", subscription, previous=before)
