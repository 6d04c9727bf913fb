"""The catalogue for the operator: plans to draft, look at as customers do, and publish."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin, StackedInline, TabularInline

from billing import catalogue
from billing.admin import preview
from billing.admin.acts import Data, act_on_row
from billing.admin.catalogue_forms import PriceForm
from billing.admin.plan_acts import DRAFT, MOVE, PUBLISH
from billing.models import (
    Entitlement,
    Feature,
    Meter,
    Plan,
    PlanFeature,
    PlanVersion,
    Price,
    VersionState,
)
from tenants.admin_base import Kept, Operated


def is_draft(version: PlanVersion | None) -> bool:
    return version is None or version.state == VersionState.DRAFT


class DraftTerms:
    """Terms of a version: to edit in a draft by who may edit it, to read afterwards. The database refuses the rest."""

    extra = 0
    hide_title = True

    def _editable(self, request: HttpRequest, version: Any) -> bool:
        return bool(request.user.has_perm("billing.change_planversion")) and is_draft(version)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("billing.view_planversion")) or self._editable(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._editable(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._editable(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._editable(request, obj)


class PriceInline(DraftTerms, StackedInline):  # type: ignore[misc]
    """What units cost."""

    model = Price
    form = PriceForm
    fields = [("meter", "plugin"), ("currency", "model"), ("amount", "package_size", "free_units"), "tiers"]


class EntitlementInline(DraftTerms, TabularInline):  # type: ignore[misc]
    """What the plan covers."""

    model = Entitlement


class FeatureInline(DraftTerms, TabularInline):  # type: ignore[misc]
    """What the plan has besides."""

    model = PlanFeature


@admin.register(Plan)
class PlanAdmin(Kept, ModelAdmin):  # type: ignore[misc]
    """Plans; their terms are in the versions."""

    list_display = ["slug", "name", "position", "is_trial", "is_addon"]
    list_filter = ["is_trial", "is_addon"]
    search_fields = ["slug", "name"]
    kind = "plan"

    def get_readonly_fields(self, request: HttpRequest, obj: Plan | None = None) -> list[str]:
        """What customers have agreed to under a slug stays under it, and a sold plan does not become a trial."""
        sold = obj is not None and obj.versions.exclude(state=VersionState.DRAFT).exists()
        return ["slug", "is_trial", "is_addon"] if sold else []


@admin.register(PlanVersion)
class PlanVersionAdmin(Operated, Kept, ModelAdmin):  # type: ignore[misc]
    """Draft, edit, look, publish. A published version never changes: draft the next one from it."""

    list_display = ["__str__", "state", "currency", "interval", "funding", "published_at"]
    list_filter = ["state", "plan"]
    list_select_related = ["plan"]
    fields = ["plan", "number", "state", "currency", "interval", "funding", "trial_days", "published_at"]
    inlines = [PriceInline, EntitlementInline, FeatureInline]
    actions_detail = ["publish", "draft_next", "move"]
    change_form_outer_after_template = "admin/billing/planversion_preview.html"
    kind = "plan version"

    def get_readonly_fields(self, request: HttpRequest, obj: PlanVersion | None = None) -> list[str]:
        return ["number", "state", "published_at", *(["plan"] if obj else [])]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(super().has_change_permission(request, obj)) and is_draft(obj)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> PlanVersion | None:
        """Kept from others while it is changed: nobody publishes what another one is just editing."""
        found: PlanVersion | None = super().get_object(request, object_id, from_field)
        if found is None or request.method != "POST":
            return found
        return PlanVersion.objects.select_for_update(no_key=True).get(pk=found.pk)

    def save_model(self, request: HttpRequest, obj: PlanVersion, form: forms.ModelForm[Any], change: bool) -> None:
        if not change:
            obj.number = 1 + (PlanVersion.objects.filter(plan=obj.plan_id).aggregate(last=Max("number"))["last"] or 0)
        super().save_model(request, obj, form, change)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Data | None = None
    ) -> HttpResponse:
        """With the preview below the form."""
        version = self.get_object(request, object_id)
        shown = preview_of(version, request.GET.get("quantities", "")) if version is not None else {}
        answer: HttpResponse = super().change_view(request, object_id, form_url, {**shown, **(extra_context or {})})
        return answer

    publish = act_on_row(PUBLISH, "Publish", primary=True)
    draft_next = act_on_row(DRAFT, "Draft the next version")
    move = act_on_row(MOVE, "Move subscribers")


@admin.register(Meter)
class MeterAdmin(Kept, ModelAdmin):  # type: ignore[misc]
    """What is counted. A meter that is there stays as it is: prices and use refer to it."""

    list_display = ["slug", "unit", "aggregation"]
    kind = "meter"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Feature)
class FeatureAdmin(Kept, ModelAdmin):  # type: ignore[misc]
    """What plans can have besides use."""

    list_display = ["slug", "name", "name_zh"]
    kind = "feature"

    def get_readonly_fields(self, request: HttpRequest, obj: Feature | None = None) -> list[str]:
        return ["slug"] if obj else []


def preview_of(version: PlanVersion, asked: str) -> Data:
    """What the page of a version shows below its form."""
    examples = preview.quantities(asked)
    return {
        "previewed": [*preview.tables(version, examples), *preview.sync_tables(version)],
        "faults": catalogue.plan_faults(version) if is_draft(version) else [],
        "quantities": ", ".join(f"{each:f}" for each in examples),
    }
