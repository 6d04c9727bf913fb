"""Credit notes: an open invoice is lowered, a paid one is refunded, credited to the balance, or settled outside."""

from __future__ import annotations

from tests.fakes.stripe import invoicing
from tests.fakes.stripe.calls import Call, page, serves, serves_reads
from tests.fakes.stripe.errors import refuse
from tests.fakes.stripe.resources.payments import refunded
from tests.fakes.stripe.state import Json, State, update

serves_reads("credit_note", "/v1/credit_notes", "customer", "invoice")


@serves("POST", "/v1/credit_notes")
def create(state: State, call: Call) -> Json:
    note = draft(state, call.params)
    invoice = state.get("invoice", note["invoice"])
    if note["type"] == "pre_payment":
        _lower(state, invoice, note["amount"])
    else:
        _give_back(state, invoice, note, call.params)
    state.emit("credit_note.created", note)
    return note


@serves("POST", "/v1/credit_notes/{}")
def change(state: State, call: Call) -> Json:
    note = state.get("credit_note", call.id)
    state.emit("credit_note.updated", note, previous=update(note, call.params, "memo", "metadata"))
    return note


@serves("POST", "/v1/credit_notes/{}/void")
def void(state: State, call: Call) -> Json:
    note = state.get("credit_note", call.id)
    invoice = state.get("invoice", note["invoice"])
    if note["status"] == "void" or note["type"] != "pre_payment" or invoice["status"] != "open":
        raise refuse("only a credit note of an open invoice can be voided")
    note |= {"status": "void", "voided_at": state.now}
    _lower(state, invoice, -note["amount"])
    state.emit("credit_note.voided", note)
    return note


@serves("GET", "/v1/credit_notes/{}/lines")
def read_lines(state: State, call: Call) -> Json:
    return page(state.get("credit_note", call.id)["lines"]["data"], call, newest_first=False)


def draft(state: State, params: Json) -> Json:
    """The note with its lines. Raises if it is more than the invoice has left."""
    invoice = state.get("invoice", params["invoice"], "invoice")
    if invoice["status"] not in ("open", "paid"):
        raise refuse(f"the invoice is {invoice['status']}", param="invoice")
    rows = [_line(state, invoice, one) for one in params.get("lines", ())]
    amount = sum(row["amount"] for row in rows) if rows else params.get("amount", 0)
    credited = invoice["pre_payment_credit_notes_amount"] + invoice["post_payment_credit_notes_amount"]
    left = invoice["amount_remaining"] if invoice["status"] == "open" else invoice["total"] - credited
    if not 0 < amount <= left:
        raise refuse(f"The credit note amount {amount} is more than the {left} that can be credited", param="amount")
    number = f"{invoice['number']}-CN-{sum(n['invoice'] == invoice['id'] for n in state.all('credit_note')) + 1:02d}"
    kind = "pre_payment" if invoice["status"] == "open" else "post_payment"
    shown = {"amount": amount, "subtotal": amount, "total": amount, "currency": invoice["currency"], "number": number}
    note = state.new("credit_note", customer=invoice["customer"], invoice=invoice["id"], type=kind, **shown)
    note |= {"total_taxes": [], "total_excluding_tax": amount, "subtotal_excluding_tax": amount}
    note |= {f"{kind}_amount": amount, "effective_at": state.now, "pdf": f"{state.url}/credit_note/{note['id']}/pdf"}
    note["lines"] |= {"data": rows, "url": f"/v1/credit_notes/{note['id']}/lines"}
    update(note, params, "memo", "metadata", "reason")
    return note


def _line(state: State, invoice: Json, wanted: Json) -> Json:
    if wanted["type"] == "invoice_line_item":
        of = next((row for row in invoice["lines"]["data"] if row["id"] == wanted.get("invoice_line_item")), None)
        if of is None:
            raise refuse("the line is not of this invoice", code="resource_missing", param="lines[invoice_line_item]")
        amount, text = wanted.get("amount", of["amount"]), of["description"]
    else:
        amount, text = wanted.get("amount", wanted.get("unit_amount", 0) * wanted.get("quantity", 1)), None
    named = {"invoice_line_item": wanted.get("invoice_line_item"), "type": wanted["type"]}
    shown = {"description": wanted.get("description", text), "quantity": wanted.get("quantity", 1), "taxes": []}
    return state.unstored("credit_note_line_item", amount=amount, **named, **shown)


def _lower(state: State, invoice: Json, amount: int) -> None:
    invoice["pre_payment_credit_notes_amount"] += amount
    invoice["amount_due"] -= amount
    invoice["amount_remaining"] -= amount
    if invoice["amount_remaining"] == 0:
        invoicing.settle(state, invoice)


def _give_back(state: State, invoice: Json, note: Json, params: Json) -> None:
    """What was paid comes back in the ways that were named; they must add up to the note."""
    refund, balance = params.get("refund_amount", 0), params.get("credit_amount", 0)
    outside = params.get("out_of_band_amount", 0)
    linked = [(one["refund"], one.get("amount_refunded", 0)) for one in params.get("refunds", ()) if "refund" in one]
    if refund + balance + outside + sum(amount for _, amount in linked) != note["amount"]:
        raise refuse("refund, credit and out of band amounts must add up to the credit note", param="amount")
    if refund:
        payment = next(iter(invoice["_payments"]["data"]), None)
        if payment is None:
            raise refuse("the invoice has no payment to refund", param="refund_amount")
        made = refunded(state, {"payment_intent": payment["payment"]["payment_intent"], "amount": refund})
        linked.append((made["id"], refund))
    note["refunds"] = [{"amount_refunded": amount, "refund": id, "type": "refund"} for id, amount in linked]
    note["out_of_band_amount"] = outside or None
    if balance:
        state.get("customer", invoice["customer"])["balance"] -= balance
    invoice["post_payment_credit_notes_amount"] += note["amount"]
