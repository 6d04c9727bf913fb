"""A tenant's agreement to the terms of one plan version, and how far billing has advanced."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.domain.periods import Interval, Period
from billing.models.catalogue import PlanVersion
from tenants.models import TenantModel


class SubscriptionStatus(models.TextChoices):
    """Only a canceled subscription takes no new work."""

    TRIALING = "trialing", _("Trial")
    ACTIVE = "active", _("Active")
    PAST_DUE = "past_due", _("Past due")
    CANCELED = "canceled", _("Canceled")


class Subscription(TenantModel):
    """Periods are counted from `anchor`; `billed_until` is the end of the last period that has been closed."""

    plan_version = models.ForeignKey(PlanVersion, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(
        _("status"), max_length=10, choices=SubscriptionStatus.choices, default=SubscriptionStatus.ACTIVE
    )
    anchor = models.DateTimeField(_("anchor"))
    current_period_start = models.DateTimeField(_("period start"))
    current_period_end = models.DateTimeField(_("period end"), null=True, blank=True)
    billed_until = models.DateTimeField(_("billed until"))
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    canceled_at = models.DateTimeField(_("canceled"), null=True, blank=True)

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


class BillingClock(models.Model):
    """One row: the furthest date that billing was advanced to. Closed periods stay closed."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    reached_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="billing_clock_only_one")]

    def __str__(self) -> str:
        return self.reached_at.isoformat()
