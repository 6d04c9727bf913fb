"""Coupons, promotion codes and the discounts that come of them; tax rates."""

from __future__ import annotations

import secrets

from tests.fakes.stripe.calls import Call, matching, page, serves, serves_reads
from tests.fakes.stripe.errors import refuse
from tests.fakes.stripe.periods import boundary
from tests.fakes.stripe.state import Json, State, update

COUPON_FIELDS = ("amount_off", "currency", "duration", "duration_in_months", "max_redemptions", "metadata", "name")
CODE_FIELDS = ("active", "code", "customer", "expires_at", "max_redemptions", "metadata")
RATE_FIELDS = ("active", "country", "description", "display_name", "inclusive", "jurisdiction", "metadata")

serves_reads("coupon", "/v1/coupons")
serves_reads("tax_rate", "/v1/tax_rates", "active", "inclusive")


@serves("POST", "/v1/coupons")
def create_coupon(state: State, call: Call) -> Json:
    params = {"duration": "once"} | call.params
    if ("percent_off" in params) == ("amount_off" in params):
        raise refuse("either percent_off or amount_off is needed", code="parameter_missing", param="percent_off")
    if ("amount_off" in params) != ("currency" in params):
        raise refuse("amount_off and currency go together", code="parameter_missing", param="currency")
    if (params["duration"] == "repeating") != ("duration_in_months" in params):
        raise refuse("duration_in_months is for repeating coupons", param="duration_in_months")
    wanted = {"id": params["id"]} if "id" in params else {}
    if wanted and wanted["id"] in state.objects.get("coupon", {}):
        raise refuse(f"Coupon already exists: {wanted['id']}", code="resource_already_exists", param="id")
    coupon = state.new("coupon", **wanted)
    update(coupon, params, *COUPON_FIELDS, "percent_off", "redeem_by")
    state.emit("coupon.created", coupon)
    return coupon


@serves("POST", "/v1/coupons/{}")
def change_coupon(state: State, call: Call) -> Json:
    coupon = state.get("coupon", call.id)
    state.emit("coupon.updated", coupon, previous=update(coupon, call.params, "metadata", "name"))
    return coupon


@serves("DELETE", "/v1/coupons/{}")
def delete_coupon(state: State, call: Call) -> Json:
    coupon = state.get("coupon", call.id)
    del state.objects["coupon"][call.id]
    state.emit("coupon.deleted", coupon)
    return {"id": call.id, "object": "coupon", "deleted": True}


@serves("POST", "/v1/promotion_codes")
def create_code(state: State, call: Call) -> Json:
    promotion = call.params["promotion"]
    state.get("coupon", promotion.get("coupon", ""), "promotion[coupon]")
    code = call.params.get("code", secrets.token_hex(4)).upper()
    if any(row["active"] and row["code"].upper() == code for row in state.all("promotion_code")):
        raise refuse("An active promotion code with this code already exists", param="code")
    made = state.new("promotion_code", promotion=promotion, active=True)
    made["restrictions"] |= call.params.get("restrictions", {})
    update(made, {**call.params, "code": call.params.get("code", code)}, *CODE_FIELDS)
    state.emit("promotion_code.created", made)
    return made


@serves("POST", "/v1/promotion_codes/{}")
def change_code(state: State, call: Call) -> Json:
    made = state.get("promotion_code", call.id)
    state.emit("promotion_code.updated", made, previous=update(made, call.params, "active", "metadata"))
    return made


@serves("GET", "/v1/promotion_codes/{}")
def read_code(state: State, call: Call) -> Json:
    return state.get("promotion_code", call.id)


@serves("GET", "/v1/promotion_codes")
def list_codes(state: State, call: Call) -> Json:
    rows = matching(state.all("promotion_code"), call.params, "active", "customer")
    if "code" in call.params:
        rows = [row for row in rows if row["code"].upper() == call.params["code"].upper()]
    if "coupon" in call.params:
        rows = [row for row in rows if row["promotion"]["coupon"] == call.params["coupon"]]
    return page(rows, call)


@serves("POST", "/v1/tax_rates")
def create_rate(state: State, call: Call) -> Json:
    rate = state.new("tax_rate", percentage=call.params["percentage"], rate_type="percentage")
    update(rate, call.params, *RATE_FIELDS, "state", "tax_type")
    return rate


@serves("POST", "/v1/tax_rates/{}")
def change_rate(state: State, call: Call) -> Json:
    rate = state.get("tax_rate", call.id)
    update(rate, call.params, *RATE_FIELDS, "state", "tax_type")
    return rate


def redeemed(state: State, wanted: Json, **owner: str | None) -> str:
    """The id of a new discount from `{coupon}` or `{promotion_code}`. Raises if that is used up or out of date."""
    code = None
    if "promotion_code" in wanted:
        code = state.get("promotion_code", wanted["promotion_code"], "discounts[promotion_code]")
        _check(state, code, code["active"], code["expires_at"])
        code["times_redeemed"] += 1
    coupon = state.get("coupon", code["promotion"]["coupon"] if code else wanted.get("coupon", ""), "discounts[coupon]")
    _check(state, coupon, coupon["valid"], coupon["redeem_by"])
    coupon["times_redeemed"] += 1
    coupon["valid"] = coupon["max_redemptions"] is None or coupon["times_redeemed"] < coupon["max_redemptions"]
    months = coupon["duration_in_months"] if coupon["duration"] == "repeating" else None
    end = boundary(state.now, months, {"interval": "month", "interval_count": 1}) if months else None
    source = {"type": "coupon", "coupon": coupon["id"]}
    made = state.new("discount", start=state.now, end=end, source=source, **owner)
    made["promotion_code"] = code["id"] if code else None
    return str(made["id"])


def coupon_of(state: State, discount_id: str) -> Json:
    """The coupon behind a discount."""
    return state.get("coupon", state.get("discount", discount_id)["source"]["coupon"])


def _check(state: State, row: Json, usable: bool, last: int | None) -> None:
    spent = row["max_redemptions"] is not None and row["times_redeemed"] >= row["max_redemptions"]
    if not usable or spent or (last is not None and last < state.now):
        raise refuse(
            "This coupon or promotion code can no longer be redeemed", code="coupon_expired", param="discounts"
        )
