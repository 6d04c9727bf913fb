"""Radiographs of one patient are compared by the place in the image, and a plugin without rules says nothing."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import asdict, replace

import pytest
from django.utils import timezone

from inference import comparison
from inference.advice import advice_of
from inference.comparison import comparison_of
from inference.domain.advice import Comparison
from inference.domain.report import Code, Finding, InstanceReference, Location, Site, Size
from inference.intake.receive import receive
from inference.models import Finding as Row
from inference.models import Instance, Job, JobState, Result
from inference.reading import reading_of
from tenants.context import tenant_context
from tests.conftest import Party
from tests.inference.intake import files

pytestmark = pytest.mark.django_db
PLUGIN = "xray-chest-nodule"
RIGHT, LEFT = Site("3341006", "SCT", "Right lung", "R"), Site("44029006", "SCT", "Left lung", "L")


def film(place: tuple[float, float], site: Site, mean: float | None = 12.0) -> Finding:
    """A nodule at a share of the width and height."""
    source = "ImagerPixelSpacing" if mean else "none"
    return Finding(
        "2.25.1", Code("27925004", "SCT", "Nodule", "opacity.nodule"), 0.9, Location(site, place, (0.0, 0.0, 1.0, 1.0)),
        Size(0.1, 0.1, mean, mean, mean, None, None, source),  # type: ignore[arg-type]
    )  # fmt: skip


def examined(party: Party, day: str, findings: Sequence[Finding], size: int, plugin: str = PLUGIN) -> Result:
    """A film of `size` pixels square with these findings, as a finished job: rows made by hand."""
    sent = files.dicom(
        Modality="DX", StudyDate=day, StudyInstanceUID=f"1.2.{day}", SeriesInstanceUID=f"1.2.{day}.1",
        SOPInstanceUID=f"1.2.{day}.1.1", Rows=size, Columns=size, PixelData=bytes(2 * size * size),
    )  # fmt: skip
    study = receive(party.tenant, [("a.dcm", io.BytesIO(sent))]).study
    with tenant_context(party.tenant.id):
        job = Job.objects.create(
            tenant=party.tenant, study=study, plugin=plugin, plugin_version="1", bucket="x", state=JobState.SUCCEEDED,
            finished_at=timezone.now(), unit="image", quantity=1, amount=0, currency="usd",
        )  # fmt: skip
        result: Result = Result.objects.create(tenant=party.tenant, job=job, status="findings")
        image = str(Instance.objects.get(study=study).id)
        for position, one in enumerate(findings):
            x, y = one.location.centroid_px
            reference = InstanceReference("", instance_id=image)
            place = replace(one.location, centroid_px=(x * size, y * size), instances=(reference,))
            Row.objects.create(
                tenant=party.tenant, result=result, position=position, tracking_uid=str(position), slug=one.type.slug,
                score=0.9, body=asdict(replace(one, location=place)),
            )  # fmt: skip
    return result


def compared(result: Result) -> Comparison | None:
    with tenant_context(result.tenant_id):
        return comparison_of(result, reading_of(result))


def test_films_of_unlike_size_are_matched_by_shares_of_the_image(alice: Party) -> None:
    examined(alice, "20240101", [film((0.3, 0.4), RIGHT), film((0.7, 0.7), LEFT)], 40)
    now = examined(alice, "20240401", [film((0.72, 0.66), LEFT), film((0.33, 0.44), RIGHT, 15.0)], 80)
    found = compared(now)
    assert found is not None
    assert [(one.now, one.before, one.course) for one in found.changes] == [(1, 2, "unchanged"), (2, 1, "grown")]
    assert (found.days_between, found.notes) == (91, (comparison.FILMS,))
    assert [one.measure for one in found.changes] == ["mean_diameter_mm"] * 2


def test_the_other_lung_is_another_lesion(alice: Party) -> None:
    examined(alice, "20240101", [film((0.5, 0.4), RIGHT)], 40)
    found = compared(examined(alice, "20240401", [film((0.5, 0.4), LEFT)], 40))
    assert found is not None
    assert [one.course for one in found.changes] == ["new", "gone"]


def test_films_without_millimetres_are_matched_but_not_measured(alice: Party) -> None:
    examined(alice, "20240101", [film((0.3, 0.4), RIGHT, None)], 40)
    found = compared(examined(alice, "20240401", [film((0.3, 0.4), RIGHT, None)], 40))
    assert found is not None
    assert [one.course for one in found.changes] == ["not_measured"]
    assert found.notes == (comparison.FILMS, comparison.UNLIKE_SCALES)


def test_where_the_images_are_gone_nothing_is_called_new(alice: Party) -> None:
    prior = examined(alice, "20240101", [film((0.3, 0.4), RIGHT)], 40)
    now = examined(alice, "20240401", [film((0.3, 0.4), RIGHT)], 40)
    with tenant_context(alice.tenant.id):
        Instance.objects.filter(study=prior.job.study).delete()
    found = compared(now)
    assert found is not None
    assert (found.changes, found.notes) == ((), (comparison.FILMS, comparison.NO_PLACE))


def test_two_analyses_are_never_compared(alice: Party) -> None:
    examined(alice, "20240101", [film((0.3, 0.4), RIGHT)], 40, "another-analysis")
    assert compared(examined(alice, "20240401", [film((0.3, 0.4), RIGHT)], 40)) is None


@pytest.mark.parametrize(
    ("plugin", "slugs"), [("xray-chest-nodule", ["assay.radiograph.ct"]), ("mri-brain-lesion", []), ("digits", [])]
)
def test_only_chest_films_and_chest_ct_have_rules(alice: Party, plugin: str, slugs: list[str]) -> None:
    result = examined(alice, "20240101", [film((0.3, 0.4), RIGHT)], 40, plugin)
    with tenant_context(alice.tenant.id):
        assert [one.slug for one in advice_of(result, reading_of(result))] == slugs
