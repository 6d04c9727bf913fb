"""Messages that leave the house after the transaction that wrote them has been committed."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenants.models import TenantModel


class OutboxState(models.TextChoices):
    """A parked message waits for a person."""

    PENDING = "pending", _("Pending")
    DELIVERED = "delivered", _("Delivered")
    PARKED = "parked", _("Parked")


class OutboxMessage(TenantModel):
    """One message; `key` makes writing it twice impossible and delivering it twice harmless.

    Messages of one `serial` go out one at a time and in order. `claimed_until` is the lease of the relay that has it in
    hand. `first_attempt_at` with `ambiguous` tells that it may have arrived although no answer did.
    """

    topic = models.CharField(_("topic"), max_length=64)
    key = models.CharField(_("key"), max_length=100, unique=True)
    payload = models.JSONField(_("payload"), default=dict)
    serial = models.CharField(_("serial"), max_length=100, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=OutboxState.choices, default=OutboxState.PENDING)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    next_at = models.DateTimeField(_("next attempt"), default=timezone.now)
    claimed_until = models.DateTimeField(_("claimed until"), null=True, blank=True)
    first_attempt_at = models.DateTimeField(_("first attempt"), null=True, blank=True)
    ambiguous = models.BooleanField(_("may have arrived"), default=False)
    last_error = models.TextField(_("last error"), blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    delivered_at = models.DateTimeField(_("delivered"), null=True)

    class Meta(TenantModel.Meta):
        abstract = False
        ordering = ["created_at", "id"]
        indexes = [
            models.Index(fields=["next_at"], condition=models.Q(state="pending"), name="outbox_pending"),
            models.Index(fields=["serial", "created_at"], condition=models.Q(state="pending"), name="outbox_serial"),
            models.Index(
                fields=["serial"],
                condition=models.Q(state="pending", claimed_until__isnull=False),
                name="outbox_in_hand",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.key}"
