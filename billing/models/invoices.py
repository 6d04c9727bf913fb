"""Invoices, their lines, and which usage stands on which line."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from billing.fields import AmountField, QuantityField
from billing.models.catalogue import Meter, Price
from billing.models.quota import QuotaCounter
from billing.models.subscriptions import Subscription
from billing.models.usage import UsageEvent
from tenants.models import TenantModel


class InvoiceState(models.TextChoices):
    """A draft has no number; whatever is open or later never changes but for its state."""

    DRAFT = "draft", _("Draft")
    OPEN = "open", _("Open")
    PAID = "paid", _("Paid")
    VOID = "void", _("Void")


class InvoiceSequence(models.Model):
    """The last number that an issuer has given; taken in the closing transaction, so that no number is lost."""

    issuer = models.CharField(max_length=32, primary_key=True)
    last = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.issuer} {self.last}"


class Invoice(TenantModel):
    """Amounts are whole minor units of `currency`."""

    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(_("kind"), max_length=16, default="period")
    state = models.CharField(_("state"), max_length=14, choices=InvoiceState.choices, default=InvoiceState.DRAFT)
    issuer = models.CharField(_("issuer"), max_length=32)
    sequence = models.PositiveBigIntegerField(_("sequence"), null=True)
    number = models.CharField(_("number"), max_length=48, null=True, unique=True)
    period_start = models.DateTimeField(_("period start"))
    period_end = models.DateTimeField(_("period end"))
    currency = models.CharField(_("currency"), max_length=3)
    subtotal = models.BigIntegerField(_("subtotal"), default=0)
    tax = models.BigIntegerField(_("tax"), default=0)
    total = models.BigIntegerField(_("total"), default=0)
    created_at = models.DateTimeField(editable=False)
    closed_at = models.DateTimeField(_("closed"), null=True)
    paid_at = models.DateTimeField(_("paid"), null=True)
    voided_at = models.DateTimeField(_("voided"), null=True)

    class Meta(TenantModel.Meta):
        abstract = False
        ordering = ["-period_end", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["issuer", "sequence"], name="invoice_sequence_once"),
            models.UniqueConstraint(
                fields=["subscription", "period_start", "kind"],
                condition=~models.Q(state="void"),
                name="invoice_once_for_a_period",
            ),
            models.CheckConstraint(
                condition=models.Q(state="draft") | models.Q(number__isnull=False, sequence__isnull=False),
                name="invoice_closed_has_number",
            ),
            models.CheckConstraint(
                condition=models.Q(total=models.F("subtotal") + models.F("tax")), name="invoice_total_adds_up"
            ),
        ]

    def __str__(self) -> str:
        return self.number or "draft"


class InvoiceLine(TenantModel):
    """One line: `exact` is rounded once, half up, to `amount`.

    The text is `code` with `params`, translated where it is shown; `description` is the English of the day.
    """

    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="lines")
    position = models.PositiveIntegerField()
    code = models.CharField(max_length=32)
    params = models.JSONField(default=dict)
    description = models.CharField(_("description"), max_length=300)
    counter = models.ForeignKey(QuotaCounter, null=True, on_delete=models.PROTECT, related_name="+")
    price = models.ForeignKey(Price, null=True, on_delete=models.PROTECT, related_name="+")
    meter = models.ForeignKey(Meter, null=True, on_delete=models.PROTECT, related_name="+")
    plugin = models.CharField(_("plugin"), max_length=100, blank=True)
    quantity = QuantityField(_("quantity"))
    unit_amount = AmountField(_("unit amount"), null=True)
    exact = AmountField(_("exact amount"))
    amount = models.BigIntegerField(_("amount"))

    class Meta(TenantModel.Meta):
        abstract = False
        ordering = ["invoice", "position"]
        constraints = [models.UniqueConstraint(fields=["invoice", "position"], name="invoice_line_position_once")]

    def __str__(self) -> str:
        return self.description


class BilledUsage(TenantModel):
    """Puts a usage event on an invoice; unique, so that nothing is charged twice."""

    usage_event = models.OneToOneField(UsageEvent, on_delete=models.PROTECT, related_name="billed")
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="billed_usage")

    class Meta(TenantModel.Meta):
        abstract = False

    def __str__(self) -> str:
        return f"{self.usage_event_id}"
