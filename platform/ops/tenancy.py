"""A new customer in one step: tenant, owner, plan, API key."""

from __future__ import annotations

from dataclasses import dataclass

from billing import catalogue
from tenants import accounts, keys
from tenants.context import operator_context
from tenants.models import Tenant, User
from tenants.roles import SCOPES

ACTOR = "operator:command"


@dataclass(frozen=True, slots=True)
class NewCustomer:
    """What was made; `api_key` is shown once."""

    tenant: Tenant
    owner: User
    api_key: str
    plan: str


def create_customer(name: str, owner_email: str, plan: str) -> NewCustomer:
    """All or nothing. Raises `billing.errors.UnknownPlan` for a plan that is not on offer."""
    with operator_context():
        new = accounts.create_tenant(name, owner_email, actor=ACTOR)
        catalogue.subscribe(new.tenant, plan, actor=ACTOR)
        issued = keys.issue(new.tenant, "first key", SCOPES, actor=ACTOR, created_by=new.owner)
    return NewCustomer(new.tenant, new.owner, issued.token, plan)
