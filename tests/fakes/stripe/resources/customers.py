"""Customers."""

from __future__ import annotations

import re

from tests.fakes.stripe.calls import Call, matching, page, serves
from tests.fakes.stripe.errors import refuse
from tests.fakes.stripe.state import Json, State, update

FIELDS = (
    "address",
    "balance",
    "description",
    "email",
    "metadata",
    "name",
    "phone",
    "preferred_locales",
    "shipping",
    "tax_exempt",
)
CLAUSE = re.compile(
    r"""metadata\[['"](?P<key>[^'"]+)['"]\]\s*:\s*['"](?P<meta>[^'"]*)['"]|(?P<field>\w+)\s*:\s*['"](?P<value>[^'"]*)['"]"""
)
SETTINGS = {"custom_fields": None, "default_payment_method": None, "footer": None, "rendering_options": None}


@serves("POST", "/v1/customers")
def create(state: State, call: Call) -> Json:
    settings = SETTINGS | call.params.get("invoice_settings", {})
    extra = {"invoice_settings": settings, "balance": 0, "delinquent": False, "tax_exempt": "none"}
    made = state.new("customer", next_invoice_sequence=1, preferred_locales=[], **extra)
    made["invoice_prefix"] = made["id"][-8:].upper()
    update(made, call.params, *FIELDS)
    state.emit("customer.created", made)
    return made


@serves("POST", "/v1/customers/{}")
def change(state: State, call: Call) -> Json:
    customer = live(state, call.id)
    before = update(customer, call.params, *FIELDS)
    if "invoice_settings" in call.params:
        method = call.params["invoice_settings"].get("default_payment_method")
        if method:
            state.get("payment_method", method, "invoice_settings[default_payment_method]")
        customer["invoice_settings"] |= call.params["invoice_settings"]
    state.emit("customer.updated", customer, previous=before)
    return customer


@serves("GET", "/v1/customers/{}")
def read(state: State, call: Call) -> Json:
    customer = state.get("customer", call.id)
    return _tombstone(customer) if customer.get("_deleted") else customer


@serves("DELETE", "/v1/customers/{}")
def delete(state: State, call: Call) -> Json:
    customer = live(state, call.id)
    customer["_deleted"] = True
    state.emit("customer.deleted", customer)
    return _tombstone(customer)


@serves("GET", "/v1/customers")
def read_all(state: State, call: Call) -> Json:
    return page(matching(_living(state), call.params, "email"), call)


@serves("GET", "/v1/customers/search")
def search(state: State, call: Call) -> Json:
    """Clauses `email:'a'` and `metadata['k']:'v'`, joined by AND. Unlike Stripe's, this index is never behind."""
    clauses = list(CLAUSE.finditer(call.params["query"]))
    if not clauses:
        raise refuse("the query can not be read", param="query")
    found = [row for row in _living(state) if all(_passes(row, clause) for clause in clauses)]
    limit = call.params.get("limit", 10)
    shown = {"object": "search_result", "data": found[:limit], "has_more": len(found) > limit}
    return shown | {"next_page": None, "url": call.path}


def live(state: State, id: str, param: str = "id") -> Json:
    """The customer. Raises if it is not there or was deleted."""
    customer = state.get("customer", id, param)
    if customer.get("_deleted"):
        raise refuse(f"No such customer: '{id}'", code="resource_missing", param=param)
    return customer


def _living(state: State) -> list[Json]:
    return [row for row in state.all("customer") if not row.get("_deleted")]


def _passes(row: Json, clause: re.Match[str]) -> bool:
    if clause["key"]:
        return bool((row["metadata"] or {}).get(clause["key"]) == clause["meta"])
    return bool(row.get(clause["field"]) == clause["value"])


def _tombstone(customer: Json) -> Json:
    return {"id": customer["id"], "object": "customer", "deleted": True}
