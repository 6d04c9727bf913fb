"""A tenant's agreement to the terms of one plan version, and how far billing has advanced."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.domain.periods import Interval, Period
from billing.models.catalogue import PlanVersion
from tenants.models import TenantModel


class SubscriptionStatus(models.TextChoices):
    """A paused, a suspended and a canceled subscription take no new work; only the last has ended."""

    TRIALING = "trialing", _("Trial")
    ACTIVE = "active", _("Active")
    PAST_DUE = "past_due", _("Past due")
    PAUSED = "paused", _("Paused")
    SUSPENDED = "suspended", _("Suspended")
    CANCELED = "canceled", _("Canceled")


class Subscription(TenantModel):
    """Periods are counted from `anchor` in `time_zone`; `billed_until` is the end of the last closed period.

    `plan_version` is the one that counts now; the phases tell which counted when. `next_plan_version` takes its place
    when the period ends. `cancel_at` is the end of the period after which the subscription ends by itself.
    """

    plan_version = models.ForeignKey(PlanVersion, on_delete=models.PROTECT, related_name="+")
    next_plan_version = models.ForeignKey(
        PlanVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    currency = models.CharField(_("currency"), max_length=3, default="usd")
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    status = models.CharField(
        _("status"), max_length=10, choices=SubscriptionStatus.choices, default=SubscriptionStatus.ACTIVE
    )
    anchor = models.DateTimeField(_("anchor"))
    current_period_start = models.DateTimeField(_("period start"))
    current_period_end = models.DateTimeField(_("period end"), null=True, blank=True)
    billed_until = models.DateTimeField(_("billed until"))
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    trial_end = models.DateTimeField(_("trial ends"), null=True, blank=True)
    cancel_at = models.DateTimeField(_("ends at"), null=True, blank=True)
    canceled_at = models.DateTimeField(_("canceled"), null=True, blank=True)
    past_due_since = models.DateTimeField(_("past due since"), null=True, blank=True)
    written = True
    """False for an object that shows what has happened by itself and was not written yet: `subscriptions.roll`."""

    class Meta(TenantModel.Meta):
        abstract = False
        ordering = ["created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant"], condition=~models.Q(status="canceled"), name="subscription_one_active"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.plan_version_id} {self.status}"

    @property
    def interval(self) -> Interval:
        return Interval(self.plan_version.interval)

    @property
    def period(self) -> Period:
        """The current period as stored; `subscriptions.roll` moves it."""
        return Period(self.current_period_start, self.current_period_end)


class PhaseKind(models.TextChoices):
    """A trial and a pause cost no fee; in a pause no work is taken."""

    TRIAL = "trial", _("Trial")
    CHARGED = "charged", _("Charged")
    PAUSED = "paused", _("Paused")


class SubscriptionPhase(TenantModel):
    """A span of a subscription under one plan version. Phases of a subscription follow each other without a gap.

    The fee of a period is the sum of its phases' shares, to the second.
    """

    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="phases")
    plan_version = models.ForeignKey(PlanVersion, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(_("kind"), max_length=8, choices=PhaseKind.choices, default=PhaseKind.CHARGED)
    starts_at = models.DateTimeField(_("starts"))
    ends_at = models.DateTimeField(_("ends"), null=True, blank=True)

    class Meta(TenantModel.Meta):
        abstract = False
        ordering = ["subscription", "starts_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["subscription"], condition=models.Q(ends_at__isnull=True), name="subscription_phase_one_open"
            ),
            models.CheckConstraint(
                condition=models.Q(ends_at__isnull=True) | models.Q(ends_at__gte=models.F("starts_at")),
                name="subscription_phase_forward",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.plan_version_id} {self.kind}"


class SubscriptionAddOn(TenantModel):
    """A version of an add-on beside the plan, for whole periods: its fee is due in full for each period it touches.

    `ends_at` is the end of the last of them, None while it goes on.
    """

    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="add_ons")
    plan_version = models.ForeignKey(PlanVersion, on_delete=models.PROTECT, related_name="+")
    quantity = models.PositiveSmallIntegerField(_("quantity"), default=1)
    starts_at = models.DateTimeField(_("starts"))
    ends_at = models.DateTimeField(_("ends"), null=True, blank=True)

    class Meta(TenantModel.Meta):
        abstract = False
        ordering = ["subscription", "starts_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["subscription", "plan_version"], condition=models.Q(ends_at__isnull=True),
                name="subscription_add_on_once",
            ),
            models.CheckConstraint(condition=models.Q(quantity__gte=1), name="subscription_add_on_some"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.quantity} x {self.plan_version_id}"


class BillingClock(models.Model):
    """One row: the furthest date that billing was advanced to. Closed periods stay closed."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    reached_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="billing_clock_only_one")]

    def __str__(self) -> str:
        return self.reached_at.isoformat()
