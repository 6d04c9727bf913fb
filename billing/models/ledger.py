"""The ledger: double entry, append-only, exact.

Entries are exact decimals of minor units, not integers: usage is owed exactly and rounded once, on the invoice line;
the difference has an account of its own, so that every transaction sums to zero to the last digit.
"""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.fields import AmountField
from tenants.models import TenantModel


class Account(models.TextChoices):
    """Debits are positive, credits negative."""

    RECEIVABLE = "customer_receivable", _("Receivable: invoiced, not paid")
    ACCRUED = "accrued_usage", _("Accrued usage: done, not invoiced")
    REVENUE = "revenue", _("Revenue")
    TAX = "tax_payable", _("Tax payable")
    ROUNDING = "rounding", _("Rounding")
    CASH = "cash", _("Cash")
    CREDIT = "customer_credit", _("Credits: paid or promised, not used")
    PROMOTION = "promotion", _("Credits given away")
    BREAKAGE = "breakage", _("Credits that expired or were voided")
    BAD_DEBT = "bad_debt", _("Uncollectible invoices")


class LedgerTransaction(TenantModel):
    """Entries that belong together, booked once for each kind of each source.

    A wrong one is never changed: a further one `reverses` it, entry by entry, once.
    """

    source_type = models.CharField(_("source"), max_length=32)
    source_id = models.CharField(_("source id"), max_length=64)
    kind = models.CharField(_("kind"), max_length=32)
    occurred_at = models.DateTimeField(_("occurred"))
    recorded_at = models.DateTimeField(default=timezone.now, editable=False)
    reverses = models.OneToOneField("self", null=True, blank=True, on_delete=models.PROTECT, related_name="reversed_by")

    class Meta(TenantModel.Meta):
        abstract = False
        ordering = ["recorded_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["source_type", "source_id", "kind"], name="ledger_transaction_once")
        ]

    def __str__(self) -> str:
        return f"{self.source_type} {self.source_id} {self.kind}"


class LedgerEntry(TenantModel):
    """One account's part of a transaction."""

    transaction = models.ForeignKey(LedgerTransaction, on_delete=models.PROTECT, related_name="entries")
    account = models.CharField(_("account"), max_length=24, choices=Account.choices)
    amount = AmountField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)

    class Meta(TenantModel.Meta):
        abstract = False
        ordering = ["transaction", "id"]
        indexes = [models.Index(fields=["tenant", "account", "currency"], name="ledger_entry_account")]

    def __str__(self) -> str:
        return f"{self.account} {self.amount} {self.currency}"
