"""Jobs to retry and cancel, results to look at, models to activate, workers to watch."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from inference import jobs, learning, registry, studies
from inference.deidentification import rules
from inference.models import (
    BurnedInPolicy,
    Deidentification,
    DeidentificationMode,
    Finding,
    Hold,
    Job,
    LearningConsent,
    LegalHold,
    ModelVersion,
    PrivacyRule,
    Result,
    RetentionRule,
    Review,
    Signature,
    Study,
    WorkerHeartbeat,
)
from inference.retention import legal_holds
from tenants.admin_base import Kept, Operated, ShownAdmin, ShownInline, operator
from tenants.errors import UserError


@admin.register(Job)
class JobAdmin(ShownAdmin):
    """The queue and its past."""

    list_display = ["id", "tenant", "plugin", "state", "attempt", "worker", "created_at", "finished_at"]
    list_filter = ["state", "plugin"]
    search_fields = ["=id", "tenant__name"]
    date_hierarchy = "created_at"
    actions = ["cancel", "retry"]

    @admin.action(permissions=["operate"], description="Cancel")
    def cancel(self, request: HttpRequest, chosen: QuerySet[Job]) -> None:
        self._each(request, chosen, jobs.cancel)

    @admin.action(permissions=["operate"], description="Try again")
    def retry(self, request: HttpRequest, chosen: QuerySet[Job]) -> None:
        self._each(request, chosen, jobs.retry)

    def _each(self, request: HttpRequest, chosen: QuerySet[Job], verb: Any) -> None:
        for job in chosen:
            try:
                verb(job, actor=operator(request))
            except UserError as error:
                messages.error(request, f"{job.id}: {error.detail}")


class FindingInline(ShownInline):
    """What was found."""

    model = Finding
    fields = ["position", "slug", "score", "by_person"]


class ReviewInline(ShownInline):
    """What people did; their words are the tenant's and are not shown here."""

    model = Review
    fields = ["sequence", "act", "finding", "actor", "at"]


class SignatureInline(ShownInline):
    """When the result was signed."""

    model = Signature
    fields = ["sequence", "signed_sha256", "at"]


@admin.register(Result)
class ResultAdmin(ShownAdmin):
    """Outcomes."""

    list_display = ["id", "tenant", "status", "created_at"]
    list_filter = ["status"]
    inlines = [FindingInline, ReviewInline, SignatureInline]


@admin.register(Study)
class StudyAdmin(ShownAdmin):
    """What came in; the files themselves are not shown here."""

    list_display = ["id", "tenant", "kind", "modality", "body_part", "created_at"]
    list_filter = ["kind", "modality"]
    search_fields = ["=id", "=study_uid", "tenant__name"]
    actions = ["erase", "place_hold", "lift_hold"]

    @admin.action(permissions=["operate"], description="Erase, with a certificate")
    def erase(self, request: HttpRequest, chosen: QuerySet[Study]) -> None:
        self._each(request, chosen, studies.delete)

    @admin.action(permissions=["operate"], description="Place a legal hold: nobody can delete the study")
    def place_hold(self, request: HttpRequest, chosen: QuerySet[Study]) -> None:
        self._each(request, chosen, legal_holds.place)

    @admin.action(permissions=["operate"], description="Lift the legal hold")
    def lift_hold(self, request: HttpRequest, chosen: QuerySet[Study]) -> None:
        self._each(request, chosen, legal_holds.lift)

    def _each(self, request: HttpRequest, chosen: QuerySet[Study], verb: Any) -> None:
        for study in chosen:
            try:
                verb(study, actor=operator(request))
            except UserError as error:
                messages.error(request, f"{study.id}: {error.detail}")


@admin.register(ModelVersion)
class ModelVersionAdmin(ShownAdmin):
    """Which signed model each plugin runs."""

    list_display = ["plugin", "version", "state", "weights_sha256", "directory", "created_at"]
    list_filter = ["plugin", "state"]
    actions = ["activate"]

    @admin.action(permissions=["operate"], description="Put in force; the one before is retired")
    def activate(self, request: HttpRequest, chosen: QuerySet[ModelVersion]) -> None:
        if chosen.count() != 1:
            messages.error(request, "Choose one version.")
            return
        registry.activate(chosen[0], actor=operator(request))


@admin.register(WorkerHeartbeat)
class WorkerAdmin(ShownAdmin):
    """Workers that said they live."""

    list_display = ["worker", "plugins", "started_at", "seen_at"]


@admin.register(PrivacyRule)
class PrivacyRuleAdmin(Operated, ModelAdmin):  # type: ignore[misc]
    """What is done with the patient's identity when a tenant's files come in."""

    list_display = ["tenant", "mode", "burned_in", "updated_at"]
    list_filter = ["mode", "burned_in"]
    search_fields = ["tenant__name"]

    def get_readonly_fields(self, request: HttpRequest, obj: PrivacyRule | None = None) -> list[str]:
        return ["tenant", "updated_at"] if obj else ["updated_at"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: PrivacyRule, form: Any, change: bool) -> None:
        mode, burned_in = DeidentificationMode(obj.mode), BurnedInPolicy(obj.burned_in)
        saved = rules.change(obj.tenant_id, mode=mode, burned_in=burned_in, actor=operator(request))
        obj.pk = saved.pk


@admin.register(Deidentification)
class DeidentificationAdmin(ShownAdmin):
    """What was done to studies by their tenants' rules; no value of any attribute."""

    list_display = ["study", "tenant", "mode", "profile", "files", "private", "updated_at"]
    list_filter = ["mode"]


@admin.register(Hold)
class HoldAdmin(ShownAdmin):
    """Studies that waited, or wait, for a person of the tenant."""

    list_display = ["study", "tenant", "signs", "held_at", "released_at", "released_by"]


@admin.register(RetentionRule)
class RetentionRuleAdmin(ShownAdmin):
    """How long tenants keep what; they set it themselves."""

    list_display = ["tenant", "kind", "days", "updated_at"]
    list_filter = ["kind"]
    search_fields = ["tenant__name"]


@admin.register(LegalHold)
class LegalHoldAdmin(ShownAdmin):
    """Studies that may not be deleted."""

    list_display = ["study", "tenant", "placed_at", "placed_by"]


@admin.register(LearningConsent)
class LearningConsentAdmin(Kept, ModelAdmin):  # type: ignore[misc]
    """Who lets us learn from signed findings; a customer's owner says so at the portal, or here by word of mouth."""

    list_display = ["tenant", "given", "changed_at"]
    list_filter = ["given"]
    search_fields = ["tenant__name"]

    def get_readonly_fields(self, request: HttpRequest, obj: LearningConsent | None = None) -> list[str]:
        return ["tenant"] if obj else []

    def save_model(self, request: HttpRequest, obj: LearningConsent, form: Any, change: bool) -> None:
        """With a trace in the tenant's audit, as at the portal."""
        learning.store(obj, actor=operator(request))
