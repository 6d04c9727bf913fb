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
    UNCOLLECTIBLE = "uncollectible", _("Uncollectible")
    VOID = "void", _("Void")


class InvoiceKind(models.TextChoices):
    """A period's invoice, or one for credits that were bought."""

    PERIOD = "period", _("Period")
    CREDITS = "credits", _("Credits")


class InvoiceSequence(models.Model):
    """The last number that an issuer has given; taken in the closing transaction, so that no number is lost."""

    issuer = models.CharField(max_length=32, primary_key=True)
    last = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.issuer} {self.last}"


class Invoice(TenantModel):
    """Amounts are whole minor units of `currency`; total = subtotal - discount + tax.

    What is owed of it is total - amount_paid - amount_credited (by credit notes). `billed_to` and `issued_by` are the
    addresses of the day it was closed. `provider` collects it.
    """

    subscription = models.ForeignKey(Subscription, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(_("kind"), max_length=16, choices=InvoiceKind.choices, default=InvoiceKind.PERIOD)
    state = models.CharField(_("state"), max_length=14, choices=InvoiceState.choices, default=InvoiceState.DRAFT)
    issuer = models.CharField(_("issuer"), max_length=32)
    sequence = models.PositiveBigIntegerField(_("sequence"), null=True)
    number = models.CharField(_("number"), max_length=48, null=True, unique=True)
    period_start = models.DateTimeField(_("period start"))
    period_end = models.DateTimeField(_("period end"))
    currency = models.CharField(_("currency"), max_length=3)
    subtotal = models.BigIntegerField(_("subtotal"), default=0)
    discount = models.BigIntegerField(_("discount"), default=0)
    tax_percent = QuantityField(_("tax rate, %"), default=0)
    tax_label = models.CharField(_("name of the tax"), max_length=32, blank=True)
    tax = models.BigIntegerField(_("tax"), default=0)
    total = models.BigIntegerField(_("total"), default=0)
    amount_paid = models.BigIntegerField(_("paid so far"), default=0)
    amount_credited = models.BigIntegerField(_("credited by credit notes"), default=0)
    billed_to = models.JSONField(_("billed to"), default=dict, blank=True)
    issued_by = models.JSONField(_("issued by"), default=dict, blank=True)
    provider = models.CharField(_("provider"), max_length=16, default="local")
    external_id = models.CharField(_("id at the provider"), max_length=100, blank=True)
    hosted_url = models.URLField(_("page to pay at"), max_length=500, blank=True)
    created_at = models.DateTimeField(editable=False)
    closed_at = models.DateTimeField(_("closed"), null=True)
    due_at = models.DateTimeField(_("due"), null=True)
    paid_at = models.DateTimeField(_("paid"), null=True)
    voided_at = models.DateTimeField(_("voided"), null=True)
    uncollectible_at = models.DateTimeField(_("given up"), null=True)

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
                condition=models.Q(total=models.F("subtotal") - models.F("discount") + models.F("tax")),
                name="invoice_total_adds_up",
            ),
            models.CheckConstraint(
                condition=models.Q(discount__gte=0, total__gte=0, amount_paid__gte=0, amount_credited__gte=0)
                & models.Q(amount_credited__lte=models.F("total")),
                name="invoice_amounts_in_range",
            ),
            models.CheckConstraint(
                condition=~models.Q(kind="period") | models.Q(subscription__isnull=False),
                name="invoice_of_a_period_has_subscription",
            ),
        ]

    def __str__(self) -> str:
        return self.number or "draft"

    @property
    def amount_due(self) -> int:
        """What is still owed, minor units; below zero when it was paid and credited afterwards."""
        return self.total - self.amount_paid - self.amount_credited


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
    """Puts a usage event on an invoice; unique while it stands, so that nothing is charged twice.

    An invoice that is voided lets its usage go: it is on the next one.
    """

    usage_event = models.ForeignKey(UsageEvent, on_delete=models.PROTECT, related_name="billed")
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="billed_usage")
    stands = models.BooleanField(default=True)

    class Meta(TenantModel.Meta):
        abstract = False
        constraints = [
            models.UniqueConstraint(
                fields=["usage_event"], condition=models.Q(stands=True), name="billed_usage_on_one_invoice"
            )
        ]

    def __str__(self) -> str:
        return f"{self.usage_event_id}"
