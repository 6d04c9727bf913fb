"""Whose turn it is: with many tenants and small batches nobody waits for another one's crowd."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

import pytest

from inference.engine.claim import claim
from inference.models import Job, JobState
from tenants.context import operator_context
from tenants.models import Tenant
from tests.conftest import make_party
from tests.inference.work import study_of, submit, subscribe

pytestmark = pytest.mark.django_db


def crowd(name: str, count: int, weight: int = 1) -> Tenant:
    """A tenant with so many queued jobs."""
    tenant = make_party(name).tenant
    with operator_context():
        Tenant.objects.filter(pk=tenant.pk).update(weight=weight)
    subscribe(tenant)
    study = study_of(tenant)
    for _ in range(count):
        submit(tenant, study)
    return tenant


def served(batches: int, most: int) -> list[UUID]:
    """Whose jobs one worker takes, in order; each batch is over before the next one is claimed."""
    with operator_context():
        bucket = Job.objects.values_list("bucket", flat=True)[0]
    order: list[UUID] = []
    for _ in range(batches):
        order += [lease.tenant_id for lease in claim(bucket, most, "w")]
        with operator_context():
            Job.objects.filter(state=JobState.RUNNING).delete()
    return order


def test_a_model_that_takes_one_job_at_a_time_serves_tenants_in_turn(echo: None) -> None:
    crowd("early", 6)
    late = crowd("late", 1)
    assert late.pk in served(batches=2, most=1)


def test_with_more_tenants_than_places_in_a_batch_everybody_gets_a_turn(echo: None) -> None:
    tenants = [crowd(f"t{number}", 4) for number in range(6)]
    assert set(served(batches=2, most=4)) == {tenant.pk for tenant in tenants}


def test_a_tenant_of_double_weight_gets_double_the_turns(echo: None) -> None:
    heavy, light = crowd("heavy", 8, weight=2), crowd("light", 8)
    taken = Counter(served(batches=6, most=1))
    assert (taken[heavy.pk], taken[light.pk]) == (4, 2)


def test_a_pause_saves_up_no_turns(echo: None) -> None:
    steady = crowd("steady", 8)
    served(batches=4, most=1)
    back = crowd("back", 4)
    assert Counter(served(batches=4, most=1)) == {steady.pk: 2, back.pk: 2}
