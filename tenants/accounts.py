"""Tenants and their members: create, suspend, look up."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from tenants import audit
from tenants.context import operator_context
from tenants.errors import TenantSuspended
from tenants.models import Membership, Role, Tenant, TenantStatus, User

TENANT_IN_SESSION = "tenant"
"""Where the portal's session keeps the tenant that its user chose."""


@dataclass(frozen=True, slots=True)
class NewTenant:
    """A tenant with its owner; `owner_created` tells whether the person was new."""

    tenant: Tenant
    owner: User
    owner_created: bool


def create_tenant(name: str, owner_email: str, *, actor: str, language: str = "en") -> NewTenant:
    """Make a tenant and its owner's membership; call inside the operator's scope. A known e-mail keeps its account.

    Raises Django's `ValidationError` for a name or an e-mail that is none.
    """
    email = owner_email.strip().lower()
    owner = User.objects.filter(email=email).first()
    created = owner is None
    if owner is None:
        owner = User(email=email, language=language)
        owner.set_unusable_password()
        owner.full_clean()
        owner.save()
    tenant = Tenant(name=name.strip(), language=language)
    tenant.full_clean()
    tenant.save()
    Membership.objects.create(tenant=tenant, user=owner, role=Role.OWNER)
    audit.record("tenant.created", tenant_id=tenant.id, actor=actor, subject=str(tenant.id))
    return NewTenant(tenant, owner, created)


def memberships_of(user: User) -> list[Membership]:
    """Where the user belongs, oldest first, tenants included. Runs as the operator: no tenant is chosen yet."""
    with operator_context():
        return list(Membership.objects.select_related("tenant").filter(user=user).order_by("created_at"))


def membership(user: User, tenant_id: UUID) -> Membership | None:
    """The user's membership of one tenant, with the tenant, or None."""
    with operator_context():
        found: Membership | None = (
            Membership.objects.select_related("tenant").filter(user=user, tenant_id=tenant_id).first()
        )
        return found


def require_active(tenant: Tenant) -> None:
    """Raises `TenantSuspended` where the tenant may not submit."""
    if tenant.status != TenantStatus.ACTIVE:
        raise TenantSuspended


def set_status(tenant: Tenant, status: TenantStatus, *, actor: str) -> None:
    """Suspend or resume a tenant; call inside the operator's scope."""
    if Tenant.objects.filter(pk=tenant.pk).exclude(status=status).update(status=status):
        audit.record(f"tenant.{status}", tenant_id=tenant.pk, actor=actor, subject=str(tenant.pk))
