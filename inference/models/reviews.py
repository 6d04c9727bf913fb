"""What people did to a result: acts, signature, addenda; and what a tenant lets the operator learn from."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from inference.models.results import Finding, Result
from tenants.models import TenantModel, User


class ReviewAct(models.TextChoices):
    """What an act does; the first five to a finding (see `inference.domain.reviewing`), the last to the result."""

    ACCEPTED = "accepted", _("Accepted")
    EDITED = "edited", _("Edited")
    REJECTED = "rejected", _("Rejected")
    ADDED = "added", _("Added")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    CONCLUDED = "concluded", _("Concluded")


class Review(TenantModel):
    """One act before the signature. Append-only; `sequence` counts them per result, without gaps.

    `body` is the finding after the act, where the act changed it. `text` is the reason, or the conclusion.
    """

    result = models.ForeignKey(Result, on_delete=models.CASCADE, related_name="reviews")
    finding = models.ForeignKey(Finding, null=True, on_delete=models.CASCADE, related_name="reviews")
    sequence = models.PositiveIntegerField()
    act = models.CharField(max_length=12, choices=ReviewAct.choices)
    body = models.JSONField(null=True)
    text = models.TextField(blank=True)
    reviewer = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    actor = models.CharField(max_length=200)
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantModel.Meta):
        abstract = False
        ordering = ["sequence"]
        indexes = [models.Index(fields=["finding", "-sequence"], name="review_latest")]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "result", "sequence"], name="review_sequence_once"),
            models.CheckConstraint(
                condition=models.Q(act="concluded", finding__isnull=True)
                | (~models.Q(act="concluded") & models.Q(finding__isnull=False)),
                name="review_of_a_finding",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sequence} {self.act}"


class Signature(TenantModel):
    """Who stands for a result: one for each, never changed. `signed_sha256` is over the reading that was signed."""

    result = models.OneToOneField(Result, on_delete=models.CASCADE, related_name="signature")
    signer = models.CharField(max_length=150)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    sequence = models.PositiveIntegerField()
    signed_sha256 = models.CharField(max_length=64)
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantModel.Meta):
        abstract = False

    def __str__(self) -> str:
        return f"signature {self.id}"


class Addendum(TenantModel):
    """Words after the signature; `number` counts from 1."""

    result = models.ForeignKey(Result, on_delete=models.CASCADE, related_name="addenda")
    number = models.PositiveIntegerField()
    text = models.TextField()
    author = models.CharField(max_length=254)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantModel.Meta):
        abstract = False
        ordering = ["number"]
        verbose_name_plural = "addenda"
        constraints = [models.UniqueConstraint(fields=["tenant", "result", "number"], name="addendum_number_once")]

    def __str__(self) -> str:
        return f"addendum {self.number}"


class LearningConsent(TenantModel):
    """Whether signed findings may be kept for training. No row is no."""

    given = models.BooleanField(_("given"), default=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantModel.Meta):
        abstract = False
        constraints = [models.UniqueConstraint(fields=["tenant"], name="learning_consent_once")]

    def __str__(self) -> str:
        return "given" if self.given else "not given"


class LabelledExample(TenantModel):
    """A signed finding as training material: what the model said, what stands, and on which images, by digest.

    Written at the signature, and only where the tenant consented then. `before` is null for an added finding, `after`
    for a rejected one. No reason, no name, no text.
    """

    result = models.ForeignKey(Result, on_delete=models.CASCADE, related_name="+")
    finding = models.ForeignKey(Finding, on_delete=models.CASCADE, related_name="+")
    plugin = models.SlugField(max_length=64)
    version = models.CharField(max_length=32)
    weights_sha256 = models.CharField(max_length=64, blank=True)
    verdict = models.CharField(max_length=12, choices=ReviewAct.choices)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    instances_sha256 = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantModel.Meta):
        abstract = False
        indexes = [models.Index(fields=["plugin", "version"], name="example_of_model")]
        constraints = [models.UniqueConstraint(fields=["tenant", "finding"], name="example_once")]

    def __str__(self) -> str:
        return f"{self.plugin} {self.verdict}"
