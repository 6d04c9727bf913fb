"""Invoices, their lines and payments, and invoice items."""

from __future__ import annotations

from typing import Any

from tests.fakes.stripe import invoicing, lines, paying, rating
from tests.fakes.stripe.calls import Call, matching, page, serves, serves_reads
from tests.fakes.stripe.errors import refuse
from tests.fakes.stripe.resources.catalogue import amounts
from tests.fakes.stripe.resources.customers import live
from tests.fakes.stripe.resources.discounts import redeemed
from tests.fakes.stripe.state import Json, State, update

FIELDS = ("auto_advance", "collection_method", "custom_fields", "default_payment_method", "description", "due_date")
MORE_FIELDS = ("footer", "metadata", "statement_descriptor")

serves_reads("invoice_payment", "/v1/invoice_payments", "invoice", "status")


@serves("POST", "/v1/invoices")
def create(state: State, call: Call) -> Json:
    params = call.params
    customer = live(state, params.get("customer", ""), "customer")
    parent = None
    if "subscription" in params:
        subscription = state.get("subscription", params["subscription"], "subscription")
        details = {"subscription": subscription["id"], "metadata": dict(subscription["metadata"])}
        parent = {"type": "subscription_details", "subscription_details": details, "quote_details": None}
    invoice = invoicing.draft(
        state,
        customer,
        str(params.get("currency") or customer["currency"] or "usd"),
        "manual",
        parent=parent,
        auto_advance=params.get("auto_advance", False),
        discounts=[redeemed(state, one, customer=customer["id"]) for one in params.get("discounts") or ()],
        _tax_rates=params.get("default_tax_rates") or [],
        _days_until_due=params.get("days_until_due"),
    )
    update(invoice, params, *FIELDS, *MORE_FIELDS)
    if params.get("pending_invoice_items_behavior") == "include":
        invoicing.take_pending(state, invoice)
    return invoicing.announce(state, invoice)


@serves("POST", "/v1/invoices/{}")
def change(state: State, call: Call) -> Json:
    invoice = state.get("invoice", call.id)
    open_fields = {"auto_advance", "metadata", "expand", "description", "default_payment_method"}
    if invoice["status"] != "draft" and call.params.keys() - open_fields:
        raise refuse("Finalized invoices can't be updated in this way", code="invoice_not_editable")
    before = update(invoice, call.params, *FIELDS, *MORE_FIELDS)
    if "default_tax_rates" in call.params:
        invoice["_tax_rates"] = call.params["default_tax_rates"] or []
        invoice["default_tax_rates"] = [state.get("tax_rate", id) for id in invoice["_tax_rates"]]
    if invoice["status"] == "draft":
        advances = invoice["auto_advance"]
        invoice["automatically_finalizes_at"] = state.now + invoicing.DRAFT_SECONDS if advances else None
        lines.add_up(state, invoice)
    state.emit("invoice.updated", invoice, previous=before)
    return invoice


@serves("DELETE", "/v1/invoices/{}")
def delete(state: State, call: Call) -> Json:
    invoice = drafted(state, call.id)
    for item in state.all("invoiceitem"):
        if item["invoice"] == invoice["id"]:
            item["invoice"] = None
    del state.objects["invoice"][call.id]
    state.emit("invoice.deleted", invoice)
    return {"id": call.id, "object": "invoice", "deleted": True}


@serves("POST", "/v1/invoices/{}/finalize")
def finalize(state: State, call: Call) -> Json:
    invoice = state.get("invoice", call.id)
    if "auto_advance" in call.params:
        invoice["auto_advance"] = call.params["auto_advance"]
    invoicing.finalize(state, invoice)
    if invoice["status"] == "open" and invoice["auto_advance"] and invoice["collection_method"] != "send_invoice":
        invoicing.collect(state, invoice)
    return invoice


@serves("POST", "/v1/invoices/{}/pay")
def pay(state: State, call: Call) -> Json:
    invoice = state.get("invoice", call.id)
    if invoice["status"] == "draft":
        invoicing.finalize(state, invoice)
        if invoice["status"] == "paid":
            return invoice
    if call.params.get("paid_out_of_band") and invoice["status"] in ("open", "uncollectible"):
        invoicing.settle(state, invoice)
        return invoice
    name = call.params.get("payment_method")
    subscription = state.find(invoicing.subscription_of(invoice)) or {}
    default = paying.default_method(state, invoice["customer"], invoice, subscription)
    return invoicing.pay(state, invoice, paying.method_named(state, name) if name else default)


@serves("POST", "/v1/invoices/{}/void")
def void(state: State, call: Call) -> Json:
    return invoicing.void(state, state.get("invoice", call.id))


@serves("POST", "/v1/invoices/{}/mark_uncollectible")
def mark_uncollectible(state: State, call: Call) -> Json:
    return invoicing.mark_uncollectible(state, state.get("invoice", call.id))


@serves("POST", "/v1/invoices/{}/send")
def send(state: State, call: Call) -> Json:
    invoice = state.get("invoice", call.id)
    if invoice["status"] == "draft":
        invoicing.finalize(state, invoice)
    state.emit("invoice.sent", invoice)
    return invoice


@serves("GET", "/v1/invoices/{}")
def read(state: State, call: Call) -> Json:
    return state.get("invoice", call.id)


@serves("GET", "/v1/invoices")
def read_all(state: State, call: Call) -> Json:
    rows = matching(state.all("invoice"), call.params, "customer", "status", "collection_method")
    if "subscription" in call.params:
        rows = [row for row in rows if invoicing.subscription_of(row) == call.params["subscription"]]
    return page(rows, call)


@serves("GET", "/v1/invoices/{}/lines")
def read_lines(state: State, call: Call) -> Json:
    return page(state.get("invoice", call.id)["lines"]["data"], call, newest_first=False)


@serves("POST", "/v1/invoiceitems")
def create_item(state: State, call: Call) -> Json:
    """An item of a draft, or one that waits for the customer's next invoice."""
    params = call.params
    customer = live(state, params.get("customer", ""), "customer")
    invoice = drafted(state, params["invoice"], "invoice") if "invoice" in params else None
    priced = _priced(state, params, invoice)
    if invoice and priced["currency"] != invoice["currency"]:
        raise refuse("the currency is not that of the invoice", param="currency")
    item = state.new("invoiceitem", customer=customer["id"], date=state.now, discounts=[], proration=False, **priced)
    item |= {"period": params.get("period", {"start": state.now, "end": state.now}), "net_amount": item["amount"]}
    item |= {"_tax_rates": params.get("tax_rates") or [], "tax_rates": []}
    if "subscription" in params:
        details = {"subscription": state.get("subscription", params["subscription"], "subscription")["id"]}
        item["parent"] = {"type": "subscription_details", "subscription_details": details}
    update(item, params, "description", "discountable", "metadata")
    if invoice:
        invoicing.add_item(state, invoice, item)
        lines.add_up(state, invoice)
    state.emit("invoiceitem.created", item)
    return item


@serves("POST", "/v1/invoiceitems/{}")
def change_item(state: State, call: Call) -> Json:
    item = _free_item(state, call.id)
    update(item, call.params, "description", "discountable", "metadata", "period")
    if {"amount", "quantity", "unit_amount_decimal", "pricing"} & call.params.keys():
        item |= _priced(state, {"currency": item["currency"], **call.params}, None)
    _redraw(state, item, keep=True)
    return item


@serves("DELETE", "/v1/invoiceitems/{}")
def delete_item(state: State, call: Call) -> Json:
    item = _free_item(state, call.id)
    del state.objects["invoiceitem"][call.id]
    _redraw(state, item, keep=False)
    state.emit("invoiceitem.deleted", item)
    return {"id": call.id, "object": "invoiceitem", "deleted": True}


@serves("GET", "/v1/invoiceitems/{}")
def read_item(state: State, call: Call) -> Json:
    return state.get("invoiceitem", call.id)


@serves("GET", "/v1/invoiceitems")
def read_items(state: State, call: Call) -> Json:
    rows = matching(state.all("invoiceitem"), call.params, "customer", "invoice")
    if "pending" in call.params:
        rows = [row for row in rows if (row["invoice"] is None) == call.params["pending"]]
    return page(rows, call)


def drafted(state: State, id: str, param: str = "id") -> Json:
    """The invoice. Raises unless it is a draft."""
    invoice = state.get("invoice", id, param)
    if invoice["status"] != "draft":
        raise refuse("This invoice is no longer editable", code="invoice_not_editable", param=param)
    return invoice


def _priced(state: State, params: Json, invoice: Json | None) -> Json:
    """Amount, quantity and currency of an item; either a whole amount, a unit amount, or a price."""
    quantity = params.get("quantity", 1)
    currency = params.get("currency") or (invoice or {}).get("currency")
    shown: dict[str, Any] = {"quantity": quantity, "quantity_decimal": str(quantity)}
    price_id = params.get("pricing", {}).get("price")
    if price_id:
        price = state.get("price", price_id, "pricing[price]")
        currency = currency or price["currency"]
        amount = rating.amount_of(price, rating.decimal(quantity), currency)
        return shown | {"amount": amount, "currency": currency, "pricing": lines.pricing(price)}
    if currency is None:
        raise refuse("currency is needed", code="parameter_missing", param="currency")
    given = params.get("unit_amount_decimal", params.get("amount"))
    if given is None:
        raise refuse("an amount is needed", code="parameter_missing", param="amount")
    unit = amounts("unit_amount", {"unit_amount_decimal": given})["unit_amount_decimal"]
    total = rating.whole(rating.decimal(given) * quantity) if "unit_amount_decimal" in params else params["amount"]
    pricing = {"type": "price_details", "price_details": None, "unit_amount_decimal": unit}
    return shown | {"amount": total, "currency": currency, "pricing": pricing}


def _free_item(state: State, id: str) -> Json:
    item = state.get("invoiceitem", id)
    if item["invoice"]:
        drafted(state, item["invoice"])
    return item


def _redraw(state: State, item: Json, *, keep: bool) -> None:
    """Writes a changed item into its draft anew."""
    invoice = state.find(item["invoice"])
    if invoice is None:
        return
    rows = invoice["lines"]["data"]
    rows[:] = [row for row in rows if row.get("_item") != item["id"]]
    if keep:
        invoicing.add_item(state, invoice, item)
    lines.add_up(state, invoice)
