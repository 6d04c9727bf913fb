"""What collects: its account, its copies of our objects, what it told us, and whether its figures agree with ours."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing.fields import AmountField, QuantityField
from billing.models.catalogue import PlanVersion
from billing.models.invoices import Invoice
from tenants.ids import uuid7
from tenants.models import TenantModel


class ProviderAccount(models.Model):
    """The account that a provider's key opened first: a key of the other mode is refused."""

    provider = models.CharField(max_length=16, primary_key=True)
    account = models.CharField(_("account"), max_length=100, blank=True)
    livemode = models.BooleanField(_("real money"))
    events_until = models.DateTimeField(_("events fetched until"), null=True, blank=True)
    first_seen_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return f"{self.provider} {'live' if self.livemode else 'test'}"


class SyncState(models.TextChoices):
    """How far a provider's copy is. A refused one is not tried again before a person has looked."""

    PENDING = "pending", _("Pending")
    SYNCED = "synced", _("Synced")
    FAILED = "failed", _("Failed")
    REFUSED = "refused", _("Refused")


class CatalogueObject(models.Model):
    """A provider's copy of a product, a price, a meter or a coupon."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    provider = models.CharField(_("provider"), max_length=16)
    livemode = models.BooleanField(_("real money"), default=False)
    kind = models.CharField(_("kind"), max_length=16)
    local_id = models.UUIDField(_("our id"))
    external_id = models.CharField(_("id at the provider"), max_length=100, blank=True)
    state = models.CharField(_("state"), max_length=8, choices=SyncState.choices, default=SyncState.PENDING)
    error = models.CharField(_("error"), max_length=300, blank=True)
    synced_at = models.DateTimeField(_("synced"), null=True, blank=True)

    class Meta:
        ordering = ["provider", "kind", "local_id"]
        constraints = [
            models.UniqueConstraint(fields=["provider", "livemode", "kind", "local_id"], name="catalogue_object_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.external_id}"


class ProviderObject(TenantModel):
    """A provider's copy of something of a tenant: subscription, item, invoice, line, payment, refund, credit note.

    `version` grows with what was seen of it: an older state never replaces a newer one.
    """

    provider = models.CharField(_("provider"), max_length=16)
    livemode = models.BooleanField(_("real money"), default=False)
    kind = models.CharField(_("kind"), max_length=20)
    local_id = models.UUIDField(_("our id"))
    external_id = models.CharField(_("id at the provider"), max_length=100)
    snapshot = models.JSONField(_("as last seen"), default=dict, blank=True)
    seen_at = models.DateTimeField(_("seen"), default=timezone.now)

    class Meta(TenantModel.Meta):
        abstract = False
        ordering = ["provider", "kind", "id"]
        constraints = [
            models.UniqueConstraint(fields=["provider", "livemode", "kind", "local_id"], name="provider_object_once"),
            models.UniqueConstraint(fields=["provider", "kind", "external_id"], name="provider_object_external_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.external_id}"


class InboxState(models.TextChoices):
    """A parked event waits for a person; an ignored one is of a kind that changes nothing here."""

    PENDING = "pending", _("Pending")
    PROCESSED = "processed", _("Processed")
    IGNORED = "ignored", _("Ignored")
    PARKED = "parked", _("Parked")


class ProviderEvent(models.Model):
    """Something a provider told us, stored once by its id before anything is done about it.

    Of the body only what names the object is kept: the object itself is fetched again.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    provider = models.CharField(_("provider"), max_length=16)
    external_id = models.CharField(_("id at the provider"), max_length=100)
    type = models.CharField(_("type"), max_length=100)
    thin = models.BooleanField(_("thin"), default=False)
    livemode = models.BooleanField(_("real money"), default=False)
    object_kind = models.CharField(_("object"), max_length=64, blank=True)
    object_id = models.CharField(_("id of the object"), max_length=100, blank=True)
    detail = models.JSONField(_("detail"), default=dict, blank=True)
    occurred_at = models.DateTimeField(_("occurred"))
    received_at = models.DateTimeField(_("received"), default=timezone.now)
    state = models.CharField(_("state"), max_length=10, choices=InboxState.choices, default=InboxState.PENDING)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    next_at = models.DateTimeField(_("next attempt"), default=timezone.now)
    last_error = models.TextField(_("last error"), blank=True)
    processed_at = models.DateTimeField(_("processed"), null=True, blank=True)

    class Meta:
        ordering = ["-received_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["provider", "external_id"], name="provider_event_once")]
        indexes = [models.Index(fields=["next_at"], condition=models.Q(state="pending"), name="provider_event_pending")]

    def __str__(self) -> str:
        return f"{self.type} {self.external_id}"


class CheckoutPurpose(models.TextChoices):
    """What the customer is sent to a checkout page for."""

    SUBSCRIPTION = "subscription", _("Subscription")
    CREDITS = "credits", _("Credits")
    SETUP = "setup", _("Payment method")
    INVOICE = "invoice", _("Invoice")


class CheckoutState(models.TextChoices):
    """What became of it."""

    OPEN = "open", _("Open")
    COMPLETE = "complete", _("Complete")
    EXPIRED = "expired", _("Expired")


class CheckoutSession(TenantModel):
    """A visit to a page where the customer pays or leaves a payment method. `amount` is minor units."""

    purpose = models.CharField(_("purpose"), max_length=12, choices=CheckoutPurpose.choices)
    provider = models.CharField(_("provider"), max_length=16)
    external_id = models.CharField(_("id at the provider"), max_length=100, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=CheckoutState.choices, default=CheckoutState.OPEN)
    plan_version = models.ForeignKey(PlanVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    invoice = models.ForeignKey(Invoice, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    amount = models.BigIntegerField(_("amount"), default=0)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    url = models.URLField(_("page"), max_length=1000, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    completed_at = models.DateTimeField(_("completed"), null=True, blank=True)

    class Meta(TenantModel.Meta):
        abstract = False
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "external_id"], condition=~models.Q(external_id=""), name="checkout_external_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.state}"


class ReconciliationRun(models.Model):
    """One comparison of ledger, outbox, provider and invoices over [since, until)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    provider = models.CharField(_("provider"), max_length=16)
    since = models.DateTimeField(_("since"))
    until = models.DateTimeField(_("until"))
    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    totals = models.JSONField(_("totals"), default=dict)
    error = models.CharField(_("error"), max_length=300, blank=True)

    class Meta:
        ordering = ["-started_at"]

    def __str__(self) -> str:
        return f"{self.since:%Y-%m-%d} to {self.until:%Y-%m-%d}"


class Verdict(models.TextChoices):
    """Whether a stream of use agrees in all places."""

    MATCHED = "matched", _("Matched")
    PENDING = "pending", _("Pending")
    MISSING = "missing", _("Missing")
    EXCESS = "excess", _("Excess")
    AMOUNT_MISMATCH = "amount_mismatch", _("Amount differs")


class ReconciliationItem(TenantModel):
    """One tenant's use of one meter on one day (UTC), or one invoice, as each place has it."""

    run = models.ForeignKey(ReconciliationRun, on_delete=models.CASCADE, related_name="items")
    subject = models.CharField(_("subject"), max_length=120)
    meter = models.CharField(_("meter"), max_length=64, blank=True)
    day = models.DateField(_("day"), null=True, blank=True)
    verdict = models.CharField(_("verdict"), max_length=16, choices=Verdict.choices)
    ours = QuantityField(_("in our usage"), default=0)
    delivered = QuantityField(_("delivered"), default=0)
    theirs = QuantityField(_("at the provider"), null=True, blank=True)
    invoiced = QuantityField(_("on invoices"), null=True, blank=True)
    our_amount = AmountField(_("our amount"), default=0)
    their_amount = AmountField(_("the other amount"), null=True, blank=True)
    note = models.CharField(_("note"), max_length=300, blank=True)

    class Meta(TenantModel.Meta):
        abstract = False
        ordering = ["run", "subject", "id"]
        indexes = [models.Index(fields=["run", "verdict"], name="reconciliation_verdict")]

    def __str__(self) -> str:
        return f"{self.subject} {self.verdict}"
