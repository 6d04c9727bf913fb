"""The tenant as the one who pays: made on first use, changed with a trace, told to whoever collects."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings

from billing import clock, outbox, spending
from billing.errors import CapsReversed, InvalidCap
from billing.models import BillingCustomer
from tenants import audit
from tenants.querysets import TenantQuerySet

DETAILS = frozenset({
    "name", "email", "line1", "line2", "city", "postal_code", "country", "tax_id", "tax_percent", "tax_label",
})  # fmt: skip
"""What `update_details` changes. Who may change the tax is for the edge to decide."""


def of(tenant_id: UUID) -> BillingCustomer:
    """The tenant's row, made on first use; two that make it at once get the same."""
    found: BillingCustomer | None = _rows(tenant_id).first()
    if found is None:
        fresh = BillingCustomer(tenant_id=tenant_id, provider=default_provider(), created_at=clock.now())
        BillingCustomer.objects.bulk_create([fresh], ignore_conflicts=True)
        found = _rows(tenant_id).get()
    return found


def lock(tenant_id: UUID) -> BillingCustomer:
    """Like `of`, and kept from others until the transaction ends. Comes after the subscription's lock."""
    rows = _rows(tenant_id).select_related("tenant").select_for_update(no_key=True, of=("self",))
    found: BillingCustomer | None = rows.first()
    if found is None:
        of(tenant_id)
        found = rows.get()
    return found


def default_provider() -> str:
    """Who collects from customers that are new: the one that is set, else Stripe where there is a key for it."""
    chosen = getattr(settings, "ASSAY_BILLING_PROVIDER", "")
    return str(chosen or ("stripe" if getattr(settings, "STRIPE_SECRET_KEY", "") else "local"))


def update_details(tenant_id: UUID, *, actor: str, **fields: object) -> BillingCustomer:
    """Change name, address and tax. Raises Django's `ValidationError`, and `TypeError` for a field not in `DETAILS`."""
    if unknown := fields.keys() - DETAILS:
        raise TypeError(f"not a detail of a customer: {', '.join(sorted(unknown))}")
    customer = lock(tenant_id)
    for name, value in fields.items():
        setattr(customer, name, value)
    customer.clean_fields(exclude={field.name for field in BillingCustomer._meta.fields} - fields.keys())
    customer.save(update_fields=sorted(fields))
    _tell(customer, "customer.updated", actor, fields=sorted(fields))
    return customer


def set_caps(tenant_id: UUID, *, soft: int | None, hard: int | None, actor: str) -> BillingCustomer:
    """Set both spending caps, minor units a period; None: none. What is spent already may be above them.

    Raises `InvalidCap` below zero, and `CapsReversed` for a soft one above the hard one.
    """
    if min(soft or 0, hard or 0) < 0:
        raise InvalidCap
    if soft is not None and hard is not None and soft > hard:
        raise CapsReversed
    customer = lock(tenant_id)
    customer.soft_cap, customer.hard_cap = soft, hard
    customer.save(update_fields=["soft_cap", "hard_cap"])
    spending.note_caps(tenant_id, soft, hard)
    _tell(customer, "customer.caps_set", actor, soft=soft, hard=hard)
    return customer


def _tell(customer: BillingCustomer, action: str, actor: str, **detail: object) -> None:
    """The trace, and the message for whoever collects."""
    event = audit.record(
        action, tenant_id=customer.tenant_id, actor=actor, subject=str(customer.id), **detail
    )  # fmt: skip
    outbox.enqueue(
        customer.tenant_id, "customer.changed", key=f"customer.changed:{event.id}",
        payload={"customer": str(customer.id)}, serial=f"customer:{customer.tenant_id}",
    )  # fmt: skip


def _rows(tenant_id: UUID) -> TenantQuerySet[BillingCustomer]:
    rows: TenantQuerySet[BillingCustomer] = BillingCustomer.objects.for_tenant(tenant_id)
    return rows
