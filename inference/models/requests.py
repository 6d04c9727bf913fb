"""Idempotency: the first answer to a POST with a key, kept in the transaction of its effect."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from tenants.models import TenantModel


class IdempotencyRecord(TenantModel):
    """`status` is null while the first request is still being carried out."""

    key = models.CharField(max_length=255)
    route = models.CharField(max_length=255)
    body_sha256 = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    response = models.JSONField(null=True)
    headers = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(TenantModel.Meta):
        abstract = False
        constraints = [models.UniqueConstraint(fields=["tenant", "key", "route"], name="idempotency_key_once")]

    def __str__(self) -> str:
        return f"{self.route} {self.status}"
