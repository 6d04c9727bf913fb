"""Places in a period's allowance: the counter that decides, and what each job holds of it."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.domain.money import round_half_up
from billing.fields import AmountField, QuantityField
from billing.models.catalogue import EVERY_PLUGIN, Meter, Price
from billing.models.subscriptions import Subscription, SubscriptionPhase
from tenants.models import TenantModel


class QuotaCounter(TenantModel):
    """What one pool (a meter under one entitlement) has used and reserved in one phase of one period.

    `base` is what earlier phases of the period take of the same pool: a change of plan gives no second allowance.
    `included` are the units of add-ons, which come before the price's ladder and widen the limit (it is part of
    `limit`). `overage` is what had to be accepted beyond a hard limit: work that finished after its
    reservation had expired, or that an earlier plan had allowed.
    """

    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="+")
    phase = models.ForeignKey(SubscriptionPhase, on_delete=models.PROTECT, related_name="+")
    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="+")
    plugin = models.CharField(_("plugin"), max_length=100, default=EVERY_PLUGIN)
    period_start = models.DateTimeField(_("period start"))
    period_end = models.DateTimeField(_("period end"), null=True)
    limit = QuantityField(_("limit"), null=True)
    hard = models.BooleanField(_("stop at the limit"), default=False)
    base = QuantityField(_("taken in earlier phases"), default=0)
    included = QuantityField(_("included by add-ons"), default=0)
    used = QuantityField(_("used"), default=0)
    reserved = QuantityField(_("reserved"), default=0)
    overage = QuantityField(_("overage"), default=0)

    class Meta(TenantModel.Meta):
        abstract = False
        ordering = ["period_start", "meter", "plugin"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "phase", "meter", "plugin", "period_start"], name="quota_counter_once"
            ),
            models.CheckConstraint(
                condition=Q(base__gte=0) & Q(included__gte=0) & Q(used__gte=0) & Q(reserved__gte=0) & Q(overage__gte=0),
                name="quota_counter_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(hard=False)
                | Q(limit__isnull=True)
                | Q(limit__gte=F("base") + F("used") + F("reserved") - F("overage")),
                name="quota_counter_within_limit",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.base} + {self.used} + {self.reserved} of {self.limit}"


class ReservationState(models.TextChoices):
    """`held` until the job ends; work that ends late turns `expired` into `settled`."""

    HELD = "held", _("Held")
    SETTLED = "settled", _("Settled")
    RELEASED = "released", _("Released")
    EXPIRED = "expired", _("Expired")


class Reservation(TenantModel):
    """The place and the binding quote of one job.

    `quantity` is what the plugin measured in its `unit`; `metered` is what the counter's meter makes of it. `subject`
    is what a meter of unique subjects tells apart. `credited` is the part of `amount` that credits are held for; the
    rest is charged on an invoice.
    """

    job_id = models.UUIDField()
    counter = models.ForeignKey(QuotaCounter, on_delete=models.PROTECT, related_name="+")
    price = models.ForeignKey(Price, on_delete=models.PROTECT, related_name="+")
    plugin = models.CharField(_("plugin"), max_length=100)
    unit = models.CharField(_("unit"), max_length=32)
    quantity = QuantityField(_("quantity"))
    metered = QuantityField(_("metered"))
    subject = models.CharField(_("subject"), max_length=64, blank=True)
    amount = AmountField(_("amount"))
    credited = AmountField(_("paid from credits"), default=0)
    currency = models.CharField(_("currency"), max_length=3)
    state = models.CharField(_("state"), max_length=10, choices=ReservationState.choices, default=ReservationState.HELD)
    expires_at = models.DateTimeField(_("expires"))
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    ended_at = models.DateTimeField(_("ended"), null=True)
    reason = models.CharField(_("reason"), max_length=100, blank=True)

    class Meta(TenantModel.Meta):
        abstract = False
        ordering = ["created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "job_id"], condition=Q(state="held"), name="reservation_one_held"
            ),
            models.CheckConstraint(condition=Q(metered__gte=0), name="reservation_not_negative"),
        ]
        indexes = [
            models.Index(fields=["tenant", "job_id"], name="reservation_job"),
            models.Index(fields=["expires_at"], condition=Q(state="held"), name="reservation_held_expiry"),
            models.Index(fields=["tenant", "counter"], condition=Q(state="held"), name="reservation_held_counter"),
        ]

    def __str__(self) -> str:
        return f"{self.job_id} {self.state}"

    @property
    def minor_units(self) -> int:
        """The amount as it is shown: whole minor units, half up."""
        return round_half_up(self.amount)


class CountedSubject(TenantModel):
    """A subject that a meter of unique subjects has counted in a pool; `reservation` is the place that counted it."""

    counter = models.ForeignKey(QuotaCounter, on_delete=models.PROTECT, related_name="+")
    subject = models.CharField(max_length=64)
    reservation = models.ForeignKey(Reservation, on_delete=models.PROTECT, related_name="+")

    class Meta(TenantModel.Meta):
        abstract = False
        constraints = [models.UniqueConstraint(fields=["counter", "subject"], name="counted_subject_once")]

    def __str__(self) -> str:
        return self.subject
