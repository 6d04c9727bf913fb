"""Coupons, and who has redeemed them."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.fields import QuantityField
from billing.models.catalogue import Plan
from billing.models.subscriptions import Subscription
from tenants.ids import uuid7
from tenants.models import TenantModel


class CouponKind(models.TextChoices):
    """A share of the subtotal, or an amount off it."""

    PERCENT = "percent", _("Percent")
    AMOUNT = "amount", _("Amount")


class CouponDuration(models.TextChoices):
    """For how many invoices it counts."""

    ONCE = "once", _("One invoice")
    REPEATING = "repeating", _("A number of invoices")
    FOREVER = "forever", _("Every invoice")


class Coupon(models.Model):
    """The operator's. `amount` is minor units of `currency`; `periods` counts for a repeating one."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.CharField(_("code"), max_length=40, unique=True)
    kind = models.CharField(_("kind"), max_length=8, choices=CouponKind.choices, default=CouponKind.PERCENT)
    percent = QuantityField(_("percent"), default=0)
    amount = models.BigIntegerField(_("amount"), default=0)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    duration = models.CharField(_("duration"), max_length=10, choices=CouponDuration.choices, default="once")
    periods = models.PositiveSmallIntegerField(_("number of invoices"), null=True, blank=True)
    plan = models.ForeignKey(Plan, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    max_redemptions = models.PositiveIntegerField(_("at most"), null=True, blank=True)
    redeemed = models.PositiveIntegerField(_("redeemed"), default=0, editable=False)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind="percent", percent__gt=0, percent__lte=100, amount=0)
                | models.Q(kind="amount", amount__gt=0, percent=0) & ~models.Q(currency=""),
                name="coupon_takes_something",
            ),
            models.CheckConstraint(
                condition=models.Q(duration="repeating", periods__gte=1)
                | ~models.Q(duration="repeating") & models.Q(periods__isnull=True),
                name="coupon_periods_where_repeating",
            ),
            models.CheckConstraint(
                condition=models.Q(max_redemptions__isnull=True) | models.Q(redeemed__lte=models.F("max_redemptions")),
                name="coupon_not_too_often",
            ),
        ]

    def __str__(self) -> str:
        return self.code


class Redemption(TenantModel):
    """A coupon that counts on a subscription's invoices; `periods_left` is None where it counts for ever."""

    coupon = models.ForeignKey(Coupon, on_delete=models.PROTECT, related_name="redemptions")
    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="redemptions")
    periods_left = models.PositiveSmallIntegerField(_("invoices left"), null=True)
    redeemed_at = models.DateTimeField(_("redeemed"))

    class Meta(TenantModel.Meta):
        abstract = False
        ordering = ["redeemed_at", "id"]
        constraints = [models.UniqueConstraint(fields=["tenant", "coupon"], name="redemption_once")]

    def __str__(self) -> str:
        return f"{self.coupon_id} {self.periods_left}"
