"""Jobs to retry and cancel, results to look at, models to activate, workers to watch."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from inference import jobs, learning, registry
from inference.models import (
    Finding,
    Job,
    LearningConsent,
    ModelVersion,
    Result,
    Review,
    Signature,
    Study,
    WorkerHeartbeat,
)
from tenants.admin_base import Kept, ShownAdmin, ShownInline, operator
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
