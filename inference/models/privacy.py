"""Privacy: the tenant's rule, what was done by it, the sealed way back, and studies that wait for a person."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from inference.models.studies import Instance, Study
from tenants.models import TenantModel


class DeidentificationMode(models.TextChoices):
    """What is done with the patient's identity when a file comes in."""

    OFF = "off", _("Keep files as they come")
    PSEUDONYMISE = "pseudonymise", _("Pseudonymise, with a sealed way back")
    ANONYMISE = "anonymise", _("Anonymise, without a way back")


class BurnedInPolicy(models.TextChoices):
    """What is done with a file whose pixels may show a name."""

    ACCEPT = "accept", _("Accept")
    HOLD = "hold", _("Hold until a person has looked")
    REFUSE = "refuse", _("Refuse")


class PrivacyRule(TenantModel):
    """The tenant's rule. A tenant without a row has the defaults."""

    mode = models.CharField(
        _("identity"), max_length=12, choices=DeidentificationMode.choices, default=DeidentificationMode.OFF
    )
    burned_in = models.CharField(
        _("names in the pixels"), max_length=8, choices=BurnedInPolicy.choices, default=BurnedInPolicy.ACCEPT
    )
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantModel.Meta):
        abstract = False
        constraints = [models.UniqueConstraint(fields=["tenant"], name="privacy_rule_once")]

    def __str__(self) -> str:
        return f"{self.mode} {self.burned_in}"


class Deidentification(TenantModel):
    """What was done to the files of a study: counts by action and attribute, never a value."""

    study = models.OneToOneField(Study, on_delete=models.CASCADE, related_name="deidentification")
    mode = models.CharField(max_length=12, choices=DeidentificationMode.choices)
    profile = models.CharField(max_length=32)
    files = models.PositiveIntegerField(default=0)
    counts = models.JSONField(default=dict)
    private = models.PositiveIntegerField(default=0)
    unknown = models.PositiveIntegerField(default=0)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantModel.Meta):
        abstract = False

    def __str__(self) -> str:
        return f"{self.mode} {self.profile}"


class Crosswalk(TenantModel):
    """The patient module of a study, sealed under the tenant's data key `key_id`."""

    study = models.OneToOneField(Study, on_delete=models.CASCADE, related_name="crosswalk")
    key_id = models.UUIDField()
    sealed = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantModel.Meta):
        abstract = False

    def __str__(self) -> str:
        return f"crosswalk {self.id}"


class CrosswalkEntry(TenantModel):
    """The UIDs of one file, sealed as its study's crosswalk."""

    crosswalk = models.ForeignKey(Crosswalk, on_delete=models.CASCADE, related_name="entries")
    instance = models.OneToOneField(Instance, on_delete=models.CASCADE, related_name="crosswalk_entry")
    sealed = models.BinaryField()

    class Meta(TenantModel.Meta):
        abstract = False
        verbose_name_plural = "crosswalk entries"

    def __str__(self) -> str:
        return f"crosswalk entry {self.id}"


class Hold(TenantModel):
    """A study whose pixels may show a name: no job runs on it until a person has released it."""

    study = models.OneToOneField(Study, on_delete=models.CASCADE, related_name="hold")
    signs = models.JSONField(default=list)
    held_at = models.DateTimeField(default=timezone.now, editable=False)
    released_at = models.DateTimeField(null=True, editable=False)
    released_by = models.CharField(max_length=200, blank=True, editable=False)

    class Meta(TenantModel.Meta):
        abstract = False
        indexes = [models.Index(fields=["tenant", "held_at"], condition=models.Q(released_at=None), name="hold_open")]

    def __str__(self) -> str:
        return f"hold {self.id}"
