"""The billable fact."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.domain.money import round_half_up
from billing.fields import AmountField, QuantityField
from billing.models.catalogue import Meter, Price
from billing.models.quota import QuotaCounter, Reservation
from billing.models.subscriptions import Subscription
from tenants.models import TenantModel


class UsageEvent(TenantModel):
    """One finished job on one meter, at the amount it was quoted. Append-only.

    `quantity` is in the plugin's `unit`; `metered` is what the meter counted. `credited` is the part of `amount` that
    was paid from credits. `occurred_at` is when the work ended; `compute_ms` is what the work took of a processor.
    """

    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="+")
    reservation = models.OneToOneField(Reservation, on_delete=models.PROTECT, related_name="+")
    counter = models.ForeignKey(QuotaCounter, on_delete=models.PROTECT, related_name="+")
    price = models.ForeignKey(Price, on_delete=models.PROTECT, related_name="+")
    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="+")
    job_id = models.UUIDField()
    plugin = models.CharField(_("plugin"), max_length=100)
    unit = models.CharField(_("unit"), max_length=32)
    quantity = QuantityField(_("quantity"))
    metered = QuantityField(_("metered"))
    amount = AmountField(_("amount"))
    credited = AmountField(_("paid from credits"), default=0)
    currency = models.CharField(_("currency"), max_length=3)
    billable = models.BooleanField(_("billable"), default=True)
    reason = models.CharField(_("reason"), max_length=100, blank=True)
    occurred_at = models.DateTimeField(_("occurred"))
    compute_ms = models.PositiveBigIntegerField(_("compute time, ms"), null=True, blank=True)
    recorded_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantModel.Meta):
        abstract = False
        ordering = ["-occurred_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "job_id", "meter"], name="usage_event_once"),
            models.CheckConstraint(condition=models.Q(metered__gte=0), name="usage_event_not_negative"),
        ]
        indexes = [models.Index(fields=["tenant", "-occurred_at", "-id"], name="usage_event_time")]

    def __str__(self) -> str:
        return f"{self.job_id} {self.amount} {self.currency}"

    @property
    def minor_units(self) -> int:
        """The amount as it is shown: whole minor units, half up."""
        return round_half_up(self.amount)
