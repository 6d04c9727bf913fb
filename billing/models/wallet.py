"""Credits, what is held of them, what a period has cost so far, and the alerts about all of it."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.domain.money import total
from billing.fields import AmountField
from billing.models.invoices import Invoice
from billing.models.quota import Reservation
from billing.models.subscriptions import Subscription
from tenants.models import TenantModel


class GrantKind(models.TextChoices):
    """Bought, given away, or given back by a correction."""

    PURCHASED = "purchased", _("Purchased")
    PROMOTIONAL = "promotional", _("Promotional")
    RETURNED = "returned", _("Returned")


class CreditGrant(TenantModel):
    """Credits of one origin, exact minor units: amount = held + consumed + expired + voided + what is available.

    Burned by priority (lower first), then expiry (sooner first, none last), then id.
    """

    kind = models.CharField(_("kind"), max_length=12, choices=GrantKind.choices)
    amount = AmountField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    priority = models.PositiveSmallIntegerField(_("priority"), default=50)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    held = AmountField(_("held"), default=0)
    consumed = AmountField(_("consumed"), default=0)
    expired = AmountField(_("expired"), default=0)
    voided = AmountField(_("voided"), default=0)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    invoice = models.ForeignKey(Invoice, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    granted_by = models.CharField(_("granted by"), max_length=200)
    key = models.CharField(_("key"), max_length=100, null=True, blank=True, unique=True)
    """Makes a grant with a cause happen once, as `invoice:<id>`."""
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantModel.Meta):
        abstract = False
        ordering = ["priority", models.F("expires_at").asc(nulls_last=True), "id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount} {self.currency}"

    @property
    def available(self) -> Decimal:
        """What can be held now, whether or not its time is over."""
        return total([self.amount, -self.held, -self.consumed, -self.expired, -self.voided])


class HoldState(models.TextChoices):
    """Ends with its reservation."""

    HELD = "held", _("Held")
    CONSUMED = "consumed", _("Consumed")
    RELEASED = "released", _("Released")


class CreditHold(TenantModel):
    """The part of a grant that one job's place holds, exact minor units."""

    reservation = models.ForeignKey(Reservation, on_delete=models.PROTECT, related_name="credit_holds")
    grant = models.ForeignKey(CreditGrant, on_delete=models.PROTECT, related_name="holds")
    amount = AmountField(_("amount"))
    state = models.CharField(_("state"), max_length=8, choices=HoldState.choices, default=HoldState.HELD)

    class Meta(TenantModel.Meta):
        abstract = False
        ordering = ["reservation", "id"]
        constraints = [models.UniqueConstraint(fields=["reservation", "grant"], name="credit_hold_once")]

    def __str__(self) -> str:
        return f"{self.amount} {self.state}"


class SpendingCounter(TenantModel):
    """What a period's use has cost beyond credits, exact minor units: `spent` for finished, `held` for begun work."""

    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="+")
    period_start = models.DateTimeField(_("period start"))
    period_end = models.DateTimeField(_("period end"), null=True)
    spent = AmountField(_("spent"), default=0)
    held = AmountField(_("held"), default=0)

    class Meta(TenantModel.Meta):
        abstract = False
        ordering = ["period_start"]
        constraints = [models.UniqueConstraint(fields=["subscription", "period_start"], name="spending_counter_once")]

    def __str__(self) -> str:
        return f"{self.spent} + {self.held}"


class AlertKind(models.TextChoices):
    """What is running out."""

    QUOTA = "quota", _("Quota")
    SPENDING = "spending", _("Spending cap")
    CREDITS = "credits", _("Credits")


class Alert(TenantModel):
    """A threshold, in percent, that was reached; raised once for each subject and period."""

    kind = models.CharField(_("kind"), max_length=10, choices=AlertKind.choices)
    subject = models.CharField(_("subject"), max_length=100)
    threshold = models.PositiveSmallIntegerField(_("threshold, %"))
    period_start = models.DateTimeField(_("period start"))
    detail = models.JSONField(_("detail"), default=dict)
    raised_at = models.DateTimeField(_("raised"))
    seen_at = models.DateTimeField(_("seen"), null=True, blank=True)

    class Meta(TenantModel.Meta):
        abstract = False
        ordering = ["-raised_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "kind", "subject", "threshold", "period_start"], name="alert_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.threshold} %"
