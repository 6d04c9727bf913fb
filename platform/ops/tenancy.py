"""A new customer in one step: tenant, owner, plan, API key."""

from __future__ import annotations

from dataclasses import dataclass

from billing import catalogue
from tenants import accounts, keys
from tenants.context import operator_context
from tenants.errors import UserError
from tenants.models import Membership, Tenant, User
from tenants.roles import SCOPES

ACTOR = "operator:command"


@dataclass(frozen=True, slots=True)
class NewCustomer:
    """What was made; `api_key` is shown once."""

    tenant: Tenant
    owner: User
    api_key: str
    plan: str


class TenantExists(UserError):
    """The owner has a tenant of this name: most likely the command was given twice."""

    code = "tenant_exists"
    template = "The owner already has a tenant of this name: --again makes another one."


def create_customer(name: str, owner_email: str, plan: str, *, again: bool = False) -> NewCustomer:
    """All or nothing.

    Raises `UnknownPlan` for a plan that is not on offer, `TenantExists` unless `again`, and Django's
    `ValidationError` for a name or an e-mail that is none.
    """
    with operator_context():
        owned = Membership.objects.filter(user__email=owner_email.strip().lower(), tenant__name=name.strip())
        if not again and owned.exists():
            raise TenantExists
        new = accounts.create_tenant(name, owner_email, actor=ACTOR)
        catalogue.subscribe(new.tenant, plan, actor=ACTOR)
        issued = keys.issue(new.tenant, "first key", SCOPES, actor=ACTOR, created_by=new.owner)
    return NewCustomer(new.tenant, new.owner, issued.token, plan)
