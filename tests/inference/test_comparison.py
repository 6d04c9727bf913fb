"""Two examinations of one patient, from the files to the comparison; and whose are never compared."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.db.models import QuerySet

from inference import comparison, studies
from inference.advice import advice_of
from inference.comparison import comparison_of
from inference.domain.advice import Advice, Change, Comparison
from inference.domain.reading import Reading
from inference.intake import patients
from inference.models import Job, Result, Study
from inference.notes import told
from inference.reading import reading_of
from tenants.context import operator_context, tenant_context
from tenants.ids import encode
from tests.conftest import Party, make_party
from tests.inference.bright import BRIGHT, Ball, Visit, analysed, bright_installed, drawn, result_of
from tests.inference.work import subscribe

pytestmark = pytest.mark.django_db
GROWING, GROWN = Ball((30, 40, 20), 8), Ball((30, 40, 20), 11)
STEADY, OTHER = Ball((95, 60, 40), 10), Ball((90, 95, 14), 14)
VANISHING, NEW = Ball((40, 90, 30), 6.5), Ball((100, 30, 20), 7)
FIRST = Visit((GROWING, STEADY, OTHER, VANISHING), "20240101")
SECOND = Visit((GROWN, STEADY, OTHER, NEW), "20240331", shift=(12.0, -8.0, 10.0))


@pytest.fixture
def clinic(db: None) -> Iterator[Party]:
    with bright_installed():
        party = make_party("clinic")
        subscribe(party.tenant)
        yield party


@pytest.fixture
def stranger(clinic: Party) -> Party:
    party = make_party("stranger")
    subscribe(party.tenant)
    return party


def compared(job: Job) -> Comparison | None:
    with tenant_context(job.tenant_id):
        result = result_of(job)
        return comparison_of(result, reading_of(result))


def prior_of(job: Job) -> str | None:
    found = compared(job)
    return found.prior_job if found else None


def advised(job: Job) -> tuple[Advice, ...]:
    with tenant_context(job.tenant_id):
        result = result_of(job)
        return advice_of(result, reading_of(result))


def name_of(job: Job) -> str:
    return encode("job", job.id)


def cells(ball: Ball) -> int:
    return int((drawn(Visit((ball,))) > BRIGHT).sum())


def by_course(found: Comparison) -> dict[str, list[Change]]:
    courses: dict[str, list[Change]] = {}
    for change in found.changes:
        courses.setdefault(change.course, []).append(change)
    return courses


def test_growth_new_and_gone_are_told_although_the_patient_lay_elsewhere(clinic: Party) -> None:
    first, second = analysed(clinic.tenant, FIRST), analysed(clinic.tenant, SECOND)
    found = compared(second)
    assert found is not None
    assert (found.prior_job, found.days_between) == (name_of(first), 90)
    assert found.prior_taken_at == datetime(2024, 1, 1, 8, tzinfo=UTC)
    courses = by_course(found)
    assert {course: len(changes) for course, changes in courses.items()} == {
        "grown": 1, "unchanged": 2, "new": 1, "gone": 1
    }  # fmt: skip
    (grown,) = courses["grown"]
    times = cells(GROWN) / cells(GROWING)
    assert grown.growth_percent == pytest.approx(100 * (times - 1), abs=0.1)
    assert grown.doubling_days == pytest.approx(90 / math.log2(times), abs=0.1)
    assert found.notes == ()
    assert compared(first) is None


def test_a_nodule_that_grew_calls_for_more_than_the_table(clinic: Party) -> None:
    first, second = analysed(clinic.tenant, FIRST), analysed(clinic.tenant, SECOND)
    assert [one.slug for one in advised(first)] == ["fleischner-2017.solid.multiple.medium-large.low",
                                                    "fleischner-2017.solid.multiple.medium-large.high"]  # fmt: skip
    assert [one.slug for one in advised(second)] == ["assay.growth.work-up"]


def test_the_order_may_name_the_risk(clinic: Party) -> None:
    job = analysed(clinic.tenant, Visit((GROWING,)), risk="low")
    (advice,) = advised(job)
    assert told(advice.because[0]) == "There is one solid nodule, number 1."
    assert advice.slug.startswith("fleischner-2017.solid.single")


def test_the_newest_of_the_earlier_studies_is_taken_and_none_of_later_ones(clinic: Party) -> None:
    latest = analysed(clinic.tenant, Visit((STEADY,), "20250101"))
    oldest = analysed(clinic.tenant, Visit((STEADY,), "20200101"))
    middle = analysed(clinic.tenant, Visit((STEADY,), "20230101"))
    assert [prior_of(job) for job in (oldest, middle, latest)] == [None, name_of(oldest), name_of(middle)]


def test_another_patient_is_never_compared(clinic: Party) -> None:
    analysed(clinic.tenant, FIRST)
    assert compared(analysed(clinic.tenant, Visit(SECOND.balls, SECOND.day, patient="P-2"))) is None


@pytest.mark.parametrize("nobody", ["", "ANONYMOUS", "000"])
def test_files_that_name_nobody_are_compared_with_none(clinic: Party, nobody: str) -> None:
    analysed(clinic.tenant, Visit((STEADY,), "20240101", patient=nobody))
    assert compared(analysed(clinic.tenant, Visit((STEADY,), "20240331", patient=nobody))) is None


def test_without_a_date_the_order_of_arrival_counts_and_that_is_said(clinic: Party) -> None:
    first = analysed(clinic.tenant, Visit((STEADY,), ""))
    second = analysed(clinic.tenant, Visit((STEADY,), "20240331"))
    found = compared(second)
    assert found is not None
    assert (found.prior_job, found.days_between, found.notes) == (name_of(first), None, (comparison.NO_DATE,))
    assert [change.doubling_days for change in found.changes] == [None]


def test_another_version_of_the_analysis_is_said(clinic: Party) -> None:
    analysed(clinic.tenant, Visit((STEADY,), "20240101"))
    with bright_installed("1.1.0"):
        found = compared(analysed(clinic.tenant, Visit((STEADY,), "20240331")))
    assert found is not None
    assert found.notes == (comparison.OTHER_MODEL,)


def test_a_rejected_finding_is_neither_new_nor_compared(clinic: Party) -> None:
    analysed(clinic.tenant, FIRST)
    second = analysed(clinic.tenant, SECOND)
    with tenant_context(clinic.tenant.id):
        result = result_of(second)
        found = comparison_of(result, Reading(()))
    assert found is not None
    assert {change.course for change in found.changes} == {"gone"}


def test_a_deleted_study_is_no_prior(clinic: Party) -> None:
    first, second = analysed(clinic.tenant, FIRST), analysed(clinic.tenant, SECOND)
    with tenant_context(clinic.tenant.id):
        studies.delete(Study.objects.get(pk=first.study_id), actor="test")
    assert compared(second) is None


def test_a_second_job_on_the_same_study_is_no_prior(clinic: Party) -> None:
    analysed(clinic.tenant, FIRST)
    assert compared(analysed(clinic.tenant, FIRST)) is None


def test_a_study_of_another_tenant_with_the_same_patient_id_is_never_used(clinic: Party, stranger: Party) -> None:
    analysed(stranger.tenant, FIRST)
    assert compared(analysed(clinic.tenant, SECOND)) is None


def test_the_pseudonyms_alone_keep_two_tenants_apart(
    clinic: Party, stranger: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    hers = analysed(clinic.tenant, SECOND)
    analysed(stranger.tenant, FIRST)
    open_doors(monkeypatch)
    assert prior_across_tenants(hers) is None


def test_the_door_alone_keeps_two_tenants_apart(
    clinic: Party, stranger: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patients, "secret_of", lambda tenant_id: b"one for all")
    analysed(stranger.tenant, FIRST)
    assert compared(analysed(clinic.tenant, SECOND)) is None


def test_with_both_walls_down_the_stranger_s_study_would_be_used(
    clinic: Party, stranger: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patients, "secret_of", lambda tenant_id: b"one for all")
    hers, his = analysed(clinic.tenant, SECOND), analysed(stranger.tenant, FIRST)
    open_doors(monkeypatch)
    found = prior_across_tenants(hers)
    assert found is not None
    assert found.job_id == his.id


def open_doors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the door's filter away: it hands out the rows of all tenants."""

    def anybody_s(manager: object, tenant: UUID) -> QuerySet[Result]:
        return Result.objects.all()

    monkeypatch.setattr(type(Result.objects), "for_tenant", anybody_s)


def prior_across_tenants(job: Job) -> Result | None:
    with operator_context():
        result = Result.objects.select_related("job__study").get(job_id=job.id)
        return comparison.prior_of(result, result.job.study)
