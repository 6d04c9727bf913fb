"""What happens to subscriptions: items, first invoice, proration, renewal, end."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.fakes.stripe import invoicing, lines, rating
from tests.fakes.stripe.errors import refuse
from tests.fakes.stripe.periods import period_end
from tests.fakes.stripe.resources.catalogue import new_price
from tests.fakes.stripe.resources.discounts import coupon_of
from tests.fakes.stripe.state import Json, State

ENDED = ("canceled", "incomplete_expired")


def items_of(subscription: Json) -> list[Json]:
    found: list[Json] = subscription["items"]["data"]
    return found


def is_metered(item: Json) -> bool:
    return bool(item["price"]["recurring"]["usage_type"] == "metered")


def price_named(state: State, params: Json) -> Json:
    """The price of an item: an existing one or one made for it. Raises unless it recurs."""
    if "price_data" in params:
        return new_price(state, params["price_data"])
    price = state.get("price", params.get("price", ""), "items[price]")
    if not price["recurring"] or not price["active"]:
        raise refuse("the price must be active and recurring", param="items[price]")
    return price


def add_item(state: State, subscription: Json, params: Json) -> Json:
    """Adds an item with the period of the subscription. Raises for a second item of the same price."""
    price = price_named(state, params)
    if any(item["price"]["id"] == price["id"] for item in items_of(subscription)):
        raise refuse("the subscription already has an item with this price", param="items[price]")
    metered = price["recurring"]["usage_type"] == "metered"
    if metered and "quantity" in params:
        raise refuse("a metered item has no quantity", param="items[quantity]")
    item = state.new("subscription_item", price=price, subscription=subscription["id"], discounts=[], plan=None)
    item |= {"metadata": params.get("metadata") or {}, "_tax_rates": params.get("tax_rates") or [], "tax_rates": []}
    item["quantity"] = None if metered else params.get("quantity", 1)
    start, end = current_period(subscription)
    item |= {"current_period_start": start, "current_period_end": end}
    items_of(subscription).append(item)
    return item


def current_period(subscription: Json) -> tuple[int, int]:
    """Start and end in Unix seconds; every item of the subscription has the same."""
    start, end = subscription["_period"]
    return start, end


def set_period(subscription: Json, start: int, end: int) -> None:
    subscription["_period"] = (start, end)
    for item in items_of(subscription):
        item |= {"current_period_start": start, "current_period_end": end}


def next_end(subscription: Json, start: int) -> int:
    """Where the period that begins at `start` ends."""
    return period_end(subscription["billing_cycle_anchor"], start, items_of(subscription)[0]["price"]["recurring"])


def open_invoice(state: State, subscription: Json, reason: str, **fields: Any) -> Json:
    """A draft for the subscription, without lines yet."""
    drop_old_discounts(state, subscription)
    details = {"subscription": subscription["id"], "metadata": dict(subscription["metadata"])}
    invoice = invoicing.draft(
        state,
        state.get("customer", subscription["customer"]),
        subscription["currency"],
        reason,
        parent={"type": "subscription_details", "subscription_details": details, "quote_details": None},
        collection_method=subscription["collection_method"],
        discounts=list(subscription["discounts"]),
        _tax_rates=list(subscription["_tax_rates"]),
        _days_until_due=subscription["days_until_due"],
        **fields,
    )
    subscription["latest_invoice"] = invoice["id"]
    return invoice


def add_licensed(state: State, invoice: Json, item: Json, start: int, end: int) -> None:
    """The line of a flat or per-seat item, in advance."""
    amount = rating.amount_of(item["price"], Decimal(item["quantity"]), invoice["currency"])
    fields = {"quantity": item["quantity"], "quantity_decimal": str(item["quantity"])}
    _item_line(state, invoice, item, amount, start, end, **fields)


def add_metered(state: State, invoice: Json, item: Json, start: int, end: int) -> None:
    """The line of a metered item, in arrears; its amount follows the use until the invoice is finalised."""
    _item_line(state, invoice, item, 0, start, end, quantity=0, _metered=item["price"])


def _item_line(state: State, invoice: Json, item: Json, amount: int, start: int, end: int, **fields: Any) -> None:
    product = state.get("product", item["price"]["product"])
    details = {"subscription": item["subscription"], "subscription_item": item["id"], "proration": False}
    details |= {"invoice_item": None, "proration_details": {"credited_items": None}}
    parent = {"type": "subscription_item_details", "subscription_item_details": details, "invoice_item_details": None}
    shared = {
        "description": product["name"],
        "metadata": dict(item["metadata"]),
        "pricing": lines.pricing(item["price"]),
    }
    period = {"start": start, "end": end}
    lines.line(state, invoice, amount, parent, period=period, _tax_rates=item["_tax_rates"], **shared, **fields)


def bill_start(state: State, subscription: Json) -> Json:
    """The first invoice: licensed items of the first period. In a trial it is zero."""
    invoice = open_invoice(state, subscription, "subscription_create")
    start, end = current_period(subscription)
    trial = subscription["status"] == "trialing"
    for item in items_of(subscription):
        if not is_metered(item) and not trial:
            add_licensed(state, invoice, item, start, end)
    invoicing.take_pending(state, invoice)
    spend_discounts(state, subscription)
    return invoicing.announce(state, invoice)


def bill_cycle(state: State, subscription: Json, ended: tuple[int, int], *, final: bool = False) -> Json:
    """The invoice between two periods: metered use of the one that ended, licensed items of the one that begins."""
    reason = "subscription_cycle" if not final else "subscription_update"
    invoice = open_invoice(state, subscription, reason)
    invoice |= {"period_start": ended[0], "period_end": ended[1]}
    for item in items_of(subscription):
        if is_metered(item):
            add_metered(state, invoice, item, *ended)
        elif not final:
            add_licensed(state, invoice, item, *current_period(subscription))
    invoicing.take_pending(state, invoice)
    invoicing.rate_metered(state, invoice)
    spend_discounts(state, subscription)
    return invoicing.announce(state, invoice)


def spend_discounts(state: State, subscription: Json) -> None:
    """Takes away the discounts that were for one invoice."""
    kept = [id for id in subscription["discounts"] if coupon_of(state, id)["duration"] != "once"]
    subscription["discounts"] = kept


def drop_old_discounts(state: State, subscription: Json) -> None:
    """Takes away the discounts that have run out."""
    ends = {id: state.get("discount", id)["end"] for id in subscription["discounts"]}
    subscription["discounts"] = [id for id, end in ends.items() if end is None or end > state.now]


def prorate(state: State, subscription: Json, before: Json | None, after: Json | None, at: int) -> None:
    """Pending items for the rest of the period: credit for the item as it was, charge for what it is now."""
    start, end = current_period(subscription)
    share = Decimal(end - at) / Decimal(end - start)
    for item, sign, text in ((before, -1, "Unused time on"), (after, 1, "Remaining time on")):
        if item is None or is_metered(item):
            continue
        full = rating.exact_amount(item["price"], Decimal(item["quantity"]), subscription["currency"])
        name = state.get("product", item["price"]["product"])["name"]
        details = {"subscription": subscription["id"], "subscription_item": item["id"]}
        made = state.new(
            "invoiceitem",
            amount=sign * rating.whole(full * share),
            currency=subscription["currency"],
            customer=subscription["customer"],
            date=state.now,
            description=f"{text} {item['quantity']} x {name}",
            discountable=False,
            discounts=[],
            parent={"type": "subscription_details", "subscription_details": details},
            period={"start": at, "end": end},
            pricing=lines.pricing(item["price"]),
            proration=True,
            quantity=item["quantity"],
            quantity_decimal=str(item["quantity"]),
            tax_rates=[],
            _tax_rates=item["_tax_rates"],
        )
        made["net_amount"] = made["amount"]
        state.emit("invoiceitem.created", made)


def end(state: State, subscription: Json, at: int) -> None:
    """The subscription is over."""
    subscription |= {"status": "canceled", "ended_at": at, "canceled_at": subscription["canceled_at"] or at}
    state.emit("customer.subscription.deleted", subscription)
