"""The pages that a person sees at Stripe: checkout, portal, hosted invoice. Each carries a TEST banner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from html import escape
from urllib.parse import parse_qs

from tests.fakes.stripe import invoicing, paying
from tests.fakes.stripe.api import Raw
from tests.fakes.stripe.errors import StripeFailure
from tests.fakes.stripe.idempotency import Answer
from tests.fakes.stripe.resources import checkout, portal
from tests.fakes.stripe.state import Json, State

CARDS = {"pay": "pm_card_visa", "decline": "pm_card_chargeDeclined"}
KINDS = {"pay": "checkout.session", "portal": "billing_portal.session", "invoice": "invoice"}
FRAME = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body{{font:16px/1.5 sans-serif;max-width:36rem;margin:0 auto;padding:0 1rem}}
.test{{background:#b45309;color:#fff;padding:.5rem 1rem;margin:0 -1rem 1rem;font-weight:bold}}
button{{font:inherit;padding:.5rem 1rem;margin:.25rem}}</style>
<p class="test" role="status">TEST: this is not Stripe, and no money moves</p>
<h1>{title}</h1>{body}</html>"""
Act = Callable[[State, Json, dict[str, str]], str]


def answer(state: State, raw: Raw) -> Answer:
    """`GET` shows the page of an object, `POST` with `action` does what the button says and redirects."""
    _, area, id = [*raw.path.split("/"), "", ""][:3]
    with state.lock:
        about = state.objects.get(KINDS.get(area, ""), {}).get(id)
        if about is None:
            return _html("Not found", "", 404)
        state.trigger = replace(state.trigger, id="", key=None, livemode=about["livemode"])
        if raw.method == "GET":
            return SHOWN[area](state, about)
        form = {name: values[0] for name, values in parse_qs(raw.body.decode()).items()}
        try:
            return Answer(303, "", {"Location": ACTS[area](state, about, form)})
        except StripeFailure as failure:
            back = f'<p role="alert">{escape(str(failure))}</p><a href="{escape(raw.path)}">Back</a>'
            return _html("That did not work", back, failure.status)


def _show_checkout(state: State, session: Json) -> Answer:
    if session["status"] != "open":
        return _html("Checkout", f"<p>This session is {session['status']}.</p>")
    rows = "".join(_row(row["description"], row["amount_total"], row["currency"]) for row in _items(session))
    buttons = _button("pay", "Pay") + _button("decline", "Pay with a card that declines") + _button("cancel", "Cancel")
    return _html("Checkout", f"<ul>{rows}</ul><form method='post'>{buttons}</form>")


def _act_checkout(state: State, session: Json, form: dict[str, str]) -> str:
    if form.get("action") == "cancel":
        return str(session["cancel_url"] or session["success_url"])
    done = checkout.complete(state, session["id"], CARDS.get(form.get("action", ""), CARDS["pay"]))
    return str(done["success_url"]).replace("{CHECKOUT_SESSION_ID}", done["id"])


def _show_portal(state: State, session: Json) -> Answer:
    mine = [s for s in state.all("subscription") if s["customer"] == session["customer"] and s["status"] != "canceled"]
    rows = "".join(_subscription(row) for row in mine)
    card = f"<form method='post'>{_button('card', 'Change payment method')}</form>"
    back = f'<a href="{escape(session["return_url"])}">Return</a>' if session["return_url"] else ""
    return _html("Your subscriptions", rows + card + back)


def _act_portal(state: State, session: Json, form: dict[str, str]) -> str:
    if form.get("action") == "cancel":
        portal.cancel(state, session, form.get("subscription", ""))
    else:
        portal.change_card(state, session)
    return str(session["return_url"] or session["url"])


def _show_invoice(state: State, invoice: Json) -> Answer:
    rows = "".join(_row(row["description"] or "", row["amount"], row["currency"]) for row in invoice["lines"]["data"])
    pay = f"<form method='post'>{_button('pay', 'Pay')}</form>" if invoice["status"] == "open" else ""
    return _html(f"Invoice {invoice['number']}", f"<p>{invoice['status']}</p><ul>{rows}</ul>{pay}")


def _act_invoice(state: State, invoice: Json, form: dict[str, str]) -> str:
    invoicing.pay(state, invoice, paying.method_named(state, CARDS.get(form.get("action", ""), CARDS["pay"])))
    return str(invoice["hosted_invoice_url"])


SHOWN = {"pay": _show_checkout, "portal": _show_portal, "invoice": _show_invoice}
ACTS: dict[str, Act] = {"pay": _act_checkout, "portal": _act_portal, "invoice": _act_invoice}


def _items(session: Json) -> list[Json]:
    found: list[Json] = session["_line_items"]["data"]
    return found


def _subscription(row: Json) -> str:
    state = "ends with the period" if row["cancel_at_period_end"] else row["status"]
    hidden = f'<input type="hidden" name="subscription" value="{row["id"]}">'
    return f"<form method='post'>{row['id']} ({state}) {hidden}{_button('cancel', 'Cancel subscription')}</form>"


def _row(text: str, amount: int, currency: str) -> str:
    return f"<li>{escape(text)}: {amount} {currency.upper()} (minor units)</li>"


def _button(action: str, label: str) -> str:
    return f'<button name="action" value="{action}">{label}</button>'


def _html(title: str, body: str, status: int = 200) -> Answer:
    return Answer(status, FRAME.format(title=escape(title), body=body), {})
