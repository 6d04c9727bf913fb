"""Retention: how long a tenant's things are kept, and studies that may not be deleted."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from inference.models.studies import Study
from tenants.models import TenantModel


class RetentionKind(models.TextChoices):
    """What has a time of its own."""

    STUDIES = "studies", _("Studies with their files")
    RESULTS = "results", _("Results with their findings")
    ARTIFACTS = "artifacts", _("Pictures and exports of results")
    INPUTS = "inputs", _("Inputs sent along with a job")


class RetentionRule(TenantModel):
    """So many days after it came, or after its job ended, a thing of the kind is deleted. Without a row it is kept."""

    kind = models.CharField(_("kind"), max_length=12, choices=RetentionKind.choices)
    days = models.PositiveIntegerField(_("days"))
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantModel.Meta):
        abstract = False
        constraints = [models.UniqueConstraint(fields=["tenant", "kind"], name="retention_rule_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.days} d"


class LegalHold(TenantModel):
    """While the row is there nobody deletes the study, nor what was found on it."""

    study = models.OneToOneField(Study, on_delete=models.CASCADE, related_name="legal_hold")
    placed_at = models.DateTimeField(default=timezone.now, editable=False)
    placed_by = models.CharField(max_length=200)

    class Meta(TenantModel.Meta):
        abstract = False

    def __str__(self) -> str:
        return f"legal hold {self.id}"
