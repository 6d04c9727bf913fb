"""Studies as customers send them: Study, Series, Instance."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenants.models import TenantModel


class StudyKind(models.TextChoices):
    """A DICOM study, or loose PNG and JPEG images."""

    DICOM = "dicom", _("DICOM")
    IMAGE = "image", _("Images")


class Study(TenantModel):
    """One examination. `study_uid` is empty for images; the same UID may exist in two tenants.

    `patient_key` says which studies of the tenant are of one patient and nothing else (`inference.intake.patients`); it
    is empty where the files name none, and no page, answer or log shows it. `taken_at` is null where they give no date.
    """

    kind = models.CharField(max_length=8, choices=StudyKind.choices)
    study_uid = models.CharField(max_length=64, blank=True)
    modality = models.CharField(max_length=16, blank=True)
    body_part = models.CharField(max_length=16, blank=True)
    description = models.CharField(max_length=200, blank=True)
    patient_key = models.CharField(max_length=64, blank=True, editable=False)
    taken_at = models.DateTimeField(null=True, editable=False)
    metadata = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantModel.Meta):
        abstract = False
        indexes = [
            models.Index(fields=["tenant", "-created_at", "-id"], name="study_newest"),
            models.Index(
                fields=["tenant", "patient_key", "-taken_at"],
                condition=~models.Q(patient_key=""),
                name="study_patient",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "study_uid"], condition=~models.Q(study_uid=""), name="study_uid_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.modality} {self.id}"


class Series(TenantModel):
    """The instances of one acquisition; loose images form one series with an empty `series_uid`."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="series")
    series_uid = models.CharField(max_length=64, blank=True)
    modality = models.CharField(max_length=16, blank=True)
    description = models.CharField(max_length=64, blank=True)

    class Meta(TenantModel.Meta):
        abstract = False
        verbose_name_plural = "series"
        constraints = [models.UniqueConstraint(fields=["tenant", "study", "series_uid"], name="series_uid_once")]

    def __str__(self) -> str:
        return f"{self.modality} {self.id}"


class Instance(TenantModel):
    """One image file: its bytes lie under `sha256` in the study storage, `header` is what a plugin may know of it."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="instances")
    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="instances")
    sop_instance_uid = models.CharField(max_length=64, blank=True)
    instance_number = models.IntegerField(null=True)
    media_type = models.CharField(max_length=32)
    sha256 = models.CharField(max_length=64)
    size_bytes = models.PositiveBigIntegerField()
    header = models.JSONField(default=dict)

    class Meta(TenantModel.Meta):
        abstract = False
        constraints = [
            models.UniqueConstraint(fields=["tenant", "study", "sha256"], name="instance_bytes_once"),
            models.UniqueConstraint(
                fields=["tenant", "sop_instance_uid"],
                condition=~models.Q(sop_instance_uid=""),
                name="instance_uid_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.media_type} {self.id}"
