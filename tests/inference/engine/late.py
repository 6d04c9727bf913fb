"""Leases whose time is over."""

from __future__ import annotations

from datetime import timedelta

from django.db.models.functions import Now

from inference.models import Job
from tenants.context import operator_context


def expire(job: Job) -> None:
    """Let the job's lease have run out a second ago."""
    with operator_context():
        Job.objects.filter(pk=job.pk).update(lease_until=Now() - timedelta(seconds=1))
