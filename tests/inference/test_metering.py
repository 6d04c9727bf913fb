"""What an analysis tells billing: which study it was about, and how long the model took."""

from __future__ import annotations

import pytest

from billing.models import Reservation, UsageEvent
from inference.engine.predict import share_in_ms
from inference.models import Study
from tenants.context import tenant_context
from tests.conftest import Party
from tests.inference.work import submit, work

pytestmark = pytest.mark.django_db


def test_a_finished_job_tells_what_the_model_took_and_which_study_it_had(clinic: Party, study: Study) -> None:
    submit(clinic.tenant, study)
    assert work() == 1
    with tenant_context(clinic.tenant.id):
        event = UsageEvent.objects.get()
        assert event.compute_ms is not None
        assert event.compute_ms >= 1
        assert Reservation.objects.get().subject == str(study.pk)


@pytest.mark.parametrize(
    ("taken_ns", "samples", "of_all", "expected"),
    [(10_000_000, 1, 4, 3), (8_000_000, 1, 4, 2), (1, 1, 2, 1), (0, 1, 1, 0), (5_000_000, 0, 0, 0)],
)
def test_a_batchs_time_is_shared_by_samples_in_begun_milliseconds(
    taken_ns: int, samples: int, of_all: int, expected: int
) -> None:
    assert share_in_ms(taken_ns, samples, of_all) == expected
