"""Results: what a job found, one row a finding, and the files that go with it."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from inference.models.jobs import Job
from tenants.models import TenantModel


class Result(TenantModel):
    """The outcome of a succeeded job: exactly one."""

    job = models.OneToOneField(Job, on_delete=models.CASCADE, related_name="result")
    status = models.CharField(max_length=12)
    predictions = models.JSONField(null=True)
    notes = models.JSONField(default=list)
    measures = models.JSONField(default=dict)
    model = models.JSONField(default=dict)
    disclaimer = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantModel.Meta):
        abstract = False

    def __str__(self) -> str:
        return f"{self.status} {self.id}"


class Finding(TenantModel):
    """One finding. `body` holds the rest of the domain object as JSON (see `inference.domain.report.Finding`).

    The row is what the model said, or what a person added (`by_person`), and never changes: what people did to it
    stands in its reviews, and `inference.reading` tells how it stands.
    """

    result = models.ForeignKey(Result, on_delete=models.CASCADE, related_name="findings")
    position = models.PositiveIntegerField()
    tracking_uid = models.CharField(max_length=64)
    slug = models.CharField(max_length=64)
    score = models.FloatField()
    body = models.JSONField()
    by_person = models.BooleanField(default=False)

    class Meta(TenantModel.Meta):
        abstract = False
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["tenant", "result", "position"], name="finding_position_once")]

    def __str__(self) -> str:
        return f"{self.slug} {self.score:.2f}"


class Artifact(TenantModel):
    """A file of a result, stored by its digest. Made once: of a revision, a kind and a language there is one."""

    result = models.ForeignKey(Result, on_delete=models.CASCADE, related_name="artifacts")
    kind = models.CharField(max_length=32)
    revision = models.PositiveIntegerField(default=0)
    language = models.CharField(max_length=8, blank=True, default="")
    media_type = models.CharField(max_length=64)
    sha256 = models.CharField(max_length=64)
    size_bytes = models.PositiveBigIntegerField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantModel.Meta):
        abstract = False
        constraints = [
            models.UniqueConstraint(fields=["tenant", "result", "kind", "revision", "language"], name="artifact_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"
