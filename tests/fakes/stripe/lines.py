"""The lines of invoices and what they add up to: discounts, taxes, totals. One rounding for each line and step."""

from __future__ import annotations

from decimal import Decimal

from tests.fakes.stripe.rating import decimal, whole
from tests.fakes.stripe.resources.discounts import coupon_of
from tests.fakes.stripe.state import Json, State

HUNDRED = Decimal(100)


def line(state: State, invoice: Json, amount: int, parent: Json, **fields: object) -> Json:
    """Adds a line; `parent` tells what it comes from. `_tax_rates` among the fields take the place of the invoice's."""
    made = state.unstored("line_item", amount=amount, subtotal=amount, currency=invoice["currency"], parent=parent)
    made |= {"invoice": invoice["id"], "quantity": 1, "discount_amounts": [], "taxes": []} | fields
    invoice["lines"]["data"].append(made)
    return made


def pricing(price: Json) -> Json:
    """Which price a line was rated by."""
    details = {"price": price["id"], "product": price["product"]}
    return {"type": "price_details", "price_details": details, "unit_amount_decimal": price["unit_amount_decimal"]}


def add_up(state: State, invoice: Json) -> None:
    """Computes the totals anew from the lines."""
    lines = invoice["lines"]["data"]
    for one in lines:
        one["discount_amounts"] = []
    discounts = [{"discount": id, "amount": discount(state, id, lines)} for id in invoice["discounts"]]
    for one in lines:
        one["taxes"] = [_tax(state, rate, _net(one)) for rate in one.get("_tax_rates") or invoice["_tax_rates"]]
    taxes = [tax for one in lines for tax in one["taxes"]]
    subtotal, off = sum(one["amount"] for one in lines), sum(one["amount"] for one in discounts)
    inclusive = sum(tax["amount"] for tax in taxes if tax["tax_behavior"] == "inclusive")
    exclusive = sum(tax["amount"] for tax in taxes) - inclusive
    total = subtotal - off + exclusive
    invoice |= {"subtotal": subtotal, "total_discount_amounts": discounts, "total_taxes": taxes, "total": total}
    invoice |= {"subtotal_excluding_tax": subtotal - inclusive, "total_excluding_tax": total - exclusive - inclusive}
    if invoice["status"] == "draft":
        settle_balance(state, invoice)


def settle_balance(state: State, invoice: Json) -> None:
    """What is due after the customer's balance: below zero is credit, above is owed."""
    customer = state.get("customer", invoice["customer"])
    both = invoice["total"] + customer["balance"]
    invoice |= {"starting_balance": customer["balance"], "amount_due": max(both, 0)}
    invoice["amount_remaining"] = invoice["amount_due"] - invoice["amount_paid"]


def _net(one: Json) -> int:
    return int(one["amount"] - sum(discount["amount"] for discount in one["discount_amounts"]))


def discount(state: State, discount_id: str, lines: list[Json]) -> int:
    """Spreads one discount over the lines, never below zero; gives the sum."""
    coupon = coupon_of(state, discount_id)
    left, total = coupon["amount_off"] or 0, 0
    for one in lines:
        if not one["discountable"] or _net(one) <= 0:
            continue
        percent = decimal(coupon["percent_off"])
        amount = whole(_net(one) * percent / HUNDRED) if percent else min(_net(one), left)
        left -= amount
        total += amount
        if amount:
            one["discount_amounts"].append({"amount": amount, "discount": discount_id})
    return total


def _tax(state: State, rate_id: str, net: int) -> Json:
    rate = state.get("tax_rate", rate_id, "tax_rates")
    percent = decimal(rate["percentage"])
    inclusive = rate["inclusive"]
    amount = whole(net * percent / ((HUNDRED + percent) if inclusive else HUNDRED))
    return {
        "amount": amount,
        "tax_behavior": "inclusive" if inclusive else "exclusive",
        "tax_rate_details": {"tax_rate": rate_id},
        "taxability_reason": "standard_rated",
        "taxable_amount": net - amount if inclusive else net,
        "type": "tax_rate_details",
    }
