"""Money that came, went back, or was forgiven; and what an operator asked a second one for."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.models.invoices import Invoice, InvoiceLine
from tenants.models import TenantModel


class Payment(TenantModel):
    """Money received for an invoice, minor units. Append-only but for `refunded`."""

    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="payments")
    amount = models.BigIntegerField(_("amount"))
    refunded = models.BigIntegerField(_("refunded"), default=0)
    currency = models.CharField(_("currency"), max_length=3)
    method = models.CharField(_("method"), max_length=32, default="manual")
    provider = models.CharField(_("provider"), max_length=16, default="local")
    external_id = models.CharField(_("id at the provider"), max_length=100, blank=True)
    reference = models.CharField(_("reference"), max_length=100, blank=True)
    received_at = models.DateTimeField(_("received"))
    recorded_by = models.CharField(_("recorded by"), max_length=200)

    class Meta(TenantModel.Meta):
        abstract = False
        ordering = ["received_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "external_id"], condition=~models.Q(external_id=""), name="payment_external_once"
            ),
            models.CheckConstraint(
                condition=models.Q(amount__gt=0, refunded__gte=0) & models.Q(refunded__lte=models.F("amount")),
                name="payment_refunds_fit",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


class CreditNote(TenantModel):
    """Takes an amount off a closed invoice, minor units; numbered without a gap, never changed. total = net + tax."""

    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="credit_notes")
    issuer = models.CharField(_("issuer"), max_length=32)
    sequence = models.PositiveBigIntegerField(_("sequence"))
    number = models.CharField(_("number"), max_length=48, unique=True)
    currency = models.CharField(_("currency"), max_length=3)
    net = models.BigIntegerField(_("net"))
    tax = models.BigIntegerField(_("tax"))
    total = models.BigIntegerField(_("total"))
    reason = models.CharField(_("reason"), max_length=300)
    issued_at = models.DateTimeField(_("issued"))
    issued_by = models.CharField(_("issued by"), max_length=200)

    class Meta(TenantModel.Meta):
        abstract = False
        ordering = ["issued_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["issuer", "sequence"], name="credit_note_sequence_once"),
            models.CheckConstraint(
                condition=models.Q(total=models.F("net") + models.F("tax"), total__gt=0), name="credit_note_adds_up"
            ),
        ]

    def __str__(self) -> str:
        return self.number


class CreditNoteLine(TenantModel):
    """What a credit note takes off one line, net."""

    credit_note = models.ForeignKey(CreditNote, on_delete=models.PROTECT, related_name="lines")
    invoice_line = models.ForeignKey(InvoiceLine, on_delete=models.PROTECT, related_name="+")
    amount = models.BigIntegerField(_("amount"))

    class Meta(TenantModel.Meta):
        abstract = False
        ordering = ["credit_note", "id"]

    def __str__(self) -> str:
        return str(self.amount)


class RefundState(models.TextChoices):
    """A provider may take days; the local one is done at once."""

    PENDING = "pending", _("Pending")
    SUCCEEDED = "succeeded", _("Succeeded")
    FAILED = "failed", _("Failed")


class Refund(TenantModel):
    """Money that goes back to the customer from one payment, minor units."""

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    credit_note = models.ForeignKey(CreditNote, null=True, blank=True, on_delete=models.PROTECT, related_name="refunds")
    amount = models.BigIntegerField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    reason = models.CharField(_("reason"), max_length=300)
    state = models.CharField(_("state"), max_length=10, choices=RefundState.choices, default=RefundState.PENDING)
    external_id = models.CharField(_("id at the provider"), max_length=100, blank=True)
    requested_at = models.DateTimeField(_("requested"))
    requested_by = models.CharField(_("requested by"), max_length=200)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta(TenantModel.Meta):
        abstract = False
        ordering = ["requested_at", "id"]
        constraints = [models.CheckConstraint(condition=models.Q(amount__gt=0), name="refund_of_something")]

    def __str__(self) -> str:
        return f"{self.amount} {self.state}"


class AdjustmentKind(models.TextChoices):
    """What an operator may do to a customer's money."""

    CREDIT = "credit", _("Grant credits")
    VOID_CREDIT = "void_credit", _("Void credits")
    CREDIT_NOTE = "credit_note", _("Credit note")
    REFUND = "refund", _("Refund")


class AdjustmentState(models.TextChoices):
    """Above the limit a second person decides."""

    PENDING = "pending", _("Waits for a second person")
    APPLIED = "applied", _("Applied")
    REJECTED = "rejected", _("Rejected")


class Adjustment(TenantModel):
    """An operator's act on money with its reason; `detail` holds what the act needs, `outcome` what it made."""

    kind = models.CharField(_("kind"), max_length=12, choices=AdjustmentKind.choices)
    amount = models.BigIntegerField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    reason = models.CharField(_("reason"), max_length=300)
    detail = models.JSONField(_("detail"), default=dict, blank=True)
    outcome = models.CharField(_("outcome"), max_length=100, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=AdjustmentState.choices, default="pending")
    requested_by = models.CharField(_("requested by"), max_length=200)
    requested_at = models.DateTimeField(_("requested"), default=timezone.now, editable=False)
    decided_by = models.CharField(_("decided by"), max_length=200, blank=True)
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)

    class Meta(TenantModel.Meta):
        abstract = False
        ordering = ["-requested_at", "-id"]
        constraints = [models.CheckConstraint(condition=models.Q(amount__gt=0), name="adjustment_of_something")]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount} {self.currency}"
