"""The operator's tables: which model version is in force, and which workers are alive. They belong to no tenant."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenants.ids import uuid7


class ModelState(models.TextChoices):
    """One version of a plugin is active; shadow and canary run beside it; retired ones stay for the record."""

    DRAFT = "draft", _("Draft")
    SHADOW = "shadow", _("Shadow")
    CANARY = "canary", _("Canary")
    ACTIVE = "active", _("Active")
    RETIRED = "retired", _("Retired")


class ModelVersion(models.Model):
    """One set of signed artefacts of a plugin. `directory` is empty for the artefacts that the plugin ships."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    plugin = models.SlugField(max_length=64)
    version = models.CharField(max_length=32)
    weights_sha256 = models.CharField(max_length=64)
    directory = models.CharField(max_length=500, blank=True)
    card = models.JSONField(default=dict)
    state = models.CharField(max_length=8, choices=ModelState.choices, default=ModelState.DRAFT)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["plugin", "-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["plugin", "version", "weights_sha256"], name="model_version_once"),
            models.UniqueConstraint(fields=["plugin"], condition=Q(state="active"), name="model_one_active"),
        ]

    def __str__(self) -> str:
        return f"{self.plugin} {self.version} {self.state}"


class WorkerHeartbeat(models.Model):
    """A worker process that said it is alive, and what it has loaded."""

    worker = models.CharField(primary_key=True, max_length=100)
    plugins = models.JSONField(default=list)
    started_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["worker"]

    def __str__(self) -> str:
        return self.worker
