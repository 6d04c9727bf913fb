"""A new customer in one step: tenant, owner, plan, API key."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.tokens import default_token_generator
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from billing import catalogue, changes, subscriptions
from billing.models import Subscription
from tenants import accounts, keys
from tenants.context import operator_context
from tenants.errors import UserError
from tenants.models import Membership, Tenant, User
from tenants.roles import SCOPES

ACTOR = "operator:command"


@dataclass(frozen=True, slots=True)
class NewCustomer:
    """What was made; `api_key` is shown once, and so is the path where a new owner chooses a password."""

    tenant: Tenant
    owner: User
    api_key: str
    plan: str
    password_path: str | None


class TenantUnknown(UserError):
    """No tenant has this id."""

    code = "unknown_tenant"
    template = "There is no tenant of this id."


class TenantExists(UserError):
    """The owner has a tenant of this name: most likely the command was given twice."""

    code = "tenant_exists"
    template = "The owner already has a tenant of this name: --again makes another one."


def create_customer(
    name: str, owner_email: str, plan: str, *, again: bool = False, currency: str | None = None
) -> NewCustomer:
    """All or nothing.

    Raises `UnknownPlan` for a plan that is not on offer, `TenantExists` unless `again`, and Django's
    `ValidationError` for a name or an e-mail that is none.
    """
    with operator_context():
        owned = Membership.objects.filter(user__email=owner_email.strip().lower(), tenant__name=name.strip())
        if not again and owned.exists():
            raise TenantExists
        new = accounts.create_tenant(name, owner_email, actor=ACTOR)
        catalogue.subscribe(new.tenant, plan, actor=ACTOR, currency=currency)
        issued = keys.issue(new.tenant, "first key", SCOPES, actor=ACTOR, created_by=new.owner)
    path = password_path(new.owner) if not new.owner.has_usable_password() else None
    return NewCustomer(new.tenant, new.owner, issued.token, plan, path)


def password_path(user: User) -> str:
    """Where the person chooses a password: once, within the days of `PASSWORD_RESET_TIMEOUT`."""
    token = default_token_generator.make_token(user)
    return reverse("portal:set-password", args=[urlsafe_base64_encode(force_bytes(user.pk)), token])


def change_plan(tenant_id: UUID, plan: str, *, when: changes.When = "now", currency: str | None = None) -> Subscription:
    """Put a tenant on another plan, now or when its period ends; without a subscription, or in another currency, anew.

    Raises `TenantUnknown` and what `billing.changes.change_plan` and `billing.catalogue.subscribe` raise.
    """
    with operator_context():
        if not Tenant.objects.filter(pk=tenant_id).exists():
            raise TenantUnknown
        current = subscriptions.subscription_of(tenant_id)
        if current is None or currency not in (None, current.currency):
            return catalogue.subscribe(tenant_id, plan, actor=ACTOR, currency=currency)
        return changes.change_plan(tenant_id, plan, when=when, actor=ACTOR)
