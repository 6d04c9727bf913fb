"""Products and prices. A price's amounts never change; a new amount is a new price."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.fakes.stripe.calls import Call, matching, page, serves, serves_reads
from tests.fakes.stripe.errors import refuse
from tests.fakes.stripe.state import Json, State, update

DIGITS = 12
"""After the point of an amount in minor units."""
PRODUCT_FIELDS = (
    "active",
    "description",
    "images",
    "marketing_features",
    "metadata",
    "name",
    "shippable",
    "statement_descriptor",
    "tax_code",
    "unit_label",
    "url",
)
PRICE_FIELDS = ("active", "metadata", "nickname", "tax_behavior")
RECURRING = {"interval": "month", "interval_count": 1, "meter": None, "trial_period_days": None}

serves_reads("product", "/v1/products", "active")


@serves("POST", "/v1/products")
def create_product(state: State, call: Call) -> Json:
    wanted = {"id": call.params["id"]} if "id" in call.params else {}
    if wanted and wanted["id"] in state.objects.get("product", {}):
        raise refuse(f"Product already exists: {wanted['id']}", code="resource_already_exists", param="id")
    product = state.new("product", updated=state.now, type="service", **wanted)
    update(product, call.params, *PRODUCT_FIELDS)
    if "default_price_data" in call.params:
        made = new_price(state, {**call.params["default_price_data"], "product": product["id"]})
        product["default_price"] = made["id"]
    state.emit("product.created", product)
    return product


@serves("POST", "/v1/products/{}")
def change_product(state: State, call: Call) -> Json:
    product = state.get("product", call.id)
    before = update(product, call.params, *PRODUCT_FIELDS, "default_price")
    product["updated"] = state.now
    state.emit("product.updated", product, previous=before)
    return product


@serves("POST", "/v1/prices")
def create_price(state: State, call: Call) -> Json:
    params = dict(call.params)
    if "product_data" in params:
        product = state.new("product", updated=state.now, type="service", name=params["product_data"]["name"])
        params["product"] = product["id"]
    return new_price(state, params)


@serves("POST", "/v1/prices/{}")
def change_price(state: State, call: Call) -> Json:
    price = state.get("price", call.id)
    _take_lookup_key(state, call.params, price)
    before = update(price, call.params, *PRICE_FIELDS)
    if "currency_options" in call.params:
        price["_currency_options"] |= call.params["currency_options"] or {}
    state.emit("price.updated", price, previous=before)
    return price


@serves("GET", "/v1/prices/{}")
def read_price(state: State, call: Call) -> Json:
    return state.get("price", call.id)


@serves("GET", "/v1/prices")
def list_prices(state: State, call: Call) -> Json:
    rows = matching(state.all("price"), call.params, "active", "currency", "product", "type")
    if "lookup_keys" in call.params:
        rows = [row for row in rows if row["lookup_key"] in call.params["lookup_keys"]]
    recurring = call.params.get("recurring", {})
    return page([row for row in rows if recurring.items() <= (row["recurring"] or {}).items()], call)


def new_price(state: State, params: Json) -> Json:
    """A price of an existing product. Raises if its amounts contradict each other."""
    if "product" not in params:
        raise refuse("either product or product_data is needed", code="parameter_missing", param="product")
    state.get("product", params["product"], "product")
    tiers = [tier_of(tier) for tier in params.get("tiers", ())]
    _check(params, tiers)
    recurring = _recurring(state, params)
    price = state.new(
        "price",
        product=params["product"],
        currency=params["currency"],
        billing_scheme="tiered" if tiers else "per_unit",
        tiers_mode=params.get("tiers_mode"),
        transform_quantity=params.get("transform_quantity"),
        recurring=recurring,
        type="recurring" if recurring else "one_time",
        tax_behavior="unspecified",
        _tiers=tiers,
        _currency_options=params.get("currency_options", {}),
        **amounts("unit_amount", params),
    )
    _take_lookup_key(state, params, price)
    update(price, params, *PRICE_FIELDS)
    state.emit("price.created", price)
    return price


def tier_of(tier: Json) -> Json:
    """A tier as Stripe shows it."""
    up_to = None if tier["up_to"] == "inf" else int(tier["up_to"])
    return {"up_to": up_to, **amounts("unit_amount", tier), **amounts("flat_amount", tier)}


def amounts(name: str, params: Json) -> Json:
    """Both spellings of an amount: whole minor units (null if it is not whole) and the exact decimal as a string."""
    given = params.get(f"{name}_decimal", params.get(name))
    if given is None:
        return {name: None, f"{name}_decimal": None}
    amount = Decimal(given)
    if -int(amount.normalize().as_tuple().exponent) > DIGITS:
        raise refuse(f"an amount can have {DIGITS} decimal places", param=f"{name}_decimal")
    whole = int(amount) if amount == amount.to_integral_value() else None
    return {name: whole, f"{name}_decimal": f"{amount.normalize():f}"}


def _check(params: Json, tiers: list[Json]) -> None:
    tiered = params.get("billing_scheme") == "tiered"
    if tiered != bool(tiers) or tiered != ("tiers_mode" in params):
        raise refuse("tiered prices, and only they, have tiers and a tiers_mode", param="tiers")
    if "unit_amount" in params and "unit_amount_decimal" in params:
        raise refuse("pass unit_amount or unit_amount_decimal, not both", param="unit_amount")
    if not tiered and not {"unit_amount", "unit_amount_decimal", "custom_unit_amount"} & params.keys():
        raise refuse("an amount is needed", code="parameter_missing", param="unit_amount")
    if tiered and ("transform_quantity" in params or "unit_amount" in params):
        raise refuse("a tiered price has neither unit_amount nor transform_quantity", param="tiers")
    _check_tiers([tier["up_to"] for tier in tiers])


def _check_tiers(bounds: list[Any]) -> None:
    if bounds and (bounds[-1] is not None or None in bounds[:-1] or bounds[:-1] != sorted(set(bounds[:-1]))):
        raise refuse("tiers must rise and end with up_to=inf", param="tiers")


def _recurring(state: State, params: Json) -> Json | None:
    if "recurring" not in params:
        return None
    recurring: Json = RECURRING | {"usage_type": "licensed"} | params["recurring"]
    metered = recurring["usage_type"] == "metered"
    if metered != (recurring["meter"] is not None):
        raise refuse("a metered price, and only that, has a meter", param="recurring[meter]")
    if metered and state.get("billing.meter", recurring["meter"], "recurring[meter]")["status"] != "active":
        raise refuse("the meter is not active", code="archived_meter", param="recurring[meter]")
    return recurring


def _take_lookup_key(state: State, params: Json, price: Json) -> None:
    key = params.get("lookup_key")
    if key is None:
        return
    owners = [row for row in state.all("price") if key and row["lookup_key"] == key and row is not price]
    if owners and not params.get("transfer_lookup_key"):
        if price["lookup_key"] is None:
            state.objects["price"].pop(price["id"], None)
        raise refuse(f"a price already uses lookup_key {key!r}", code="resource_already_exists", param="lookup_key")
    for owner in owners:
        owner["lookup_key"] = None
    price["lookup_key"] = key or None
