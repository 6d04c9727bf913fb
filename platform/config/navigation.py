"""The menu of the operator's admin: what is looked at most stands first, and nothing that is registered is left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse

from billing.admin.figures import PERMISSION
from billing.models import Adjustment, AdjustmentState
from inference.admin_agreement import PERMISSION as AGREEMENT
from tenants.context import operator_context

GROUPS = {
    "Customers": ["tenants.tenant", "billing.billingcustomer", "billing.subscription", "billing.alert", "tenants.user"],
    "Money": [
        "billing.invoice", "billing.payment", "billing.creditnote", "billing.refund", "billing.adjustment",
        "billing.creditgrant",
    ],
    "Catalogue": ["billing.plan", "billing.planversion", "billing.coupon", "billing.meter", "billing.feature"],
    "Work": ["inference.job", "inference.study", "inference.result", "inference.modelversion"],
}  # fmt: skip
REST = "More"
Item = dict[str, Any]


def menu(request: HttpRequest) -> list[dict[str, Any]]:
    """Groups with those pages that the person may see."""
    pages = {model._meta.label_lower: model for model in admin.site._registry}
    named = {label for labels in GROUPS.values() for label in labels}
    groups = {title: [pages[label] for label in labels if label in pages] for title, labels in GROUPS.items()}
    groups[REST] = [model for label, model in sorted(pages.items()) if label not in named]
    business = {"title": "Business", "items": [_page("Revenue", PERMISSION), _page("Agreement", AGREEMENT)]}
    return [business, *(_group(title, models) for title, models in groups.items())]


def _page(title: str, permission: str) -> Item:
    """A page that belongs to no model; its address is named like its title."""
    return {
        "title": title,
        "link": reverse(f"admin:{title.lower()}"),
        "permission": lambda request: request.user.has_perm(permission),
    }


def _group(title: str, models: list[type[Model]]) -> dict[str, Any]:
    return {"title": title, "collapsible": title == REST, "items": [_item(model) for model in models]}


def _item(model: type[Model]) -> Item:
    meta = model._meta
    item = {
        "title": str(meta.verbose_name_plural).capitalize(),
        "link": reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist"),
        "permission": _may_view(model),
    }
    number = waiting() if model is Adjustment else 0
    return {**item, "badge": str(number)} if number else item


def _may_view(model: type[Model]) -> Callable[[HttpRequest], bool]:
    page = admin.site._registry[model]
    return lambda request: bool(page.has_view_permission(request))


def waiting() -> int:
    """How many adjustments wait for a second person."""
    with operator_context():
        found: int = Adjustment.objects.filter(state=AdjustmentState.PENDING).count()
        return found
