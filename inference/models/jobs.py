"""Jobs: the queue itself. A row is the truth; a Celery message only says that there is work."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from inference.models.studies import Study
from tenants.models import TenantModel


class JobState(models.TextChoices):
    """See `inference.domain.states` for the moves between them."""

    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    SUCCEEDED = "succeeded", _("Succeeded")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")
    EXPIRED = "expired", _("Expired")


class Priority(models.IntegerChoices):
    """Order within one tenant; it never lets a tenant overtake another one's turn."""

    LOW = 0, _("Low")
    NORMAL = 1, _("Normal")
    HIGH = 2, _("High")


class Job(TenantModel):
    """One analysis of one study. `attempt` is the fencing token: only the holder of the newest may write."""

    study = models.ForeignKey(Study, null=True, on_delete=models.SET_NULL, related_name="jobs")
    inline = models.JSONField(null=True)
    plugin = models.SlugField(max_length=64)
    plugin_version = models.CharField(max_length=32)
    bucket = models.CharField(max_length=160)
    params = models.JSONField(default=dict)
    metadata = models.JSONField(default=dict)
    priority = models.SmallIntegerField(choices=Priority.choices, default=Priority.NORMAL)

    state = models.CharField(max_length=10, choices=JobState.choices, default=JobState.QUEUED)
    version = models.PositiveIntegerField(default=0)
    attempt = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=3)
    alone = models.BooleanField(default=False)
    available_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True)
    deadline_seconds = models.PositiveIntegerField(default=120)
    worker = models.CharField(max_length=100, blank=True)
    cancel_requested = models.BooleanField(default=False)
    progress_fraction = models.FloatField(default=0)
    progress_stage = models.CharField(max_length=32, default="queued")

    unit = models.CharField(max_length=32)
    quantity = models.DecimalField(max_digits=18, decimal_places=6)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    error = models.JSONField(null=True)

    created_at = models.DateTimeField(default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta(TenantModel.Meta):
        abstract = False
        indexes = [
            models.Index(fields=["tenant", "-created_at", "-id"], name="job_newest"),
            models.Index(fields=["tenant", "study"], name="job_study"),
            models.Index(
                fields=["bucket", "tenant", "-priority", "created_at"], condition=Q(state="queued"), name="job_queued"
            ),
            models.Index(fields=["lease_until"], condition=Q(state="running"), name="job_leased"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="running", lease_until__isnull=False) | ~Q(state="running"), name="job_running_leased"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running"], finished_at__isnull=True)
                | Q(state__in=["succeeded", "failed", "cancelled", "expired"], finished_at__isnull=False),
                name="job_finished_when_ended",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.plugin} {self.state} {self.id}"
