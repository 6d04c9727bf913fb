"""What a result shows of labelled images, and of images that are no more."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from inference import studies
from inference.intake.receive import receive
from inference.models import Instance, Job, Result
from tenants.context import tenant_context
from tenants.ids import encode
from tests.conftest import Party
from tests.inference.work import picture, study_of, submit, work

pytestmark = pytest.mark.django_db
LABELS = [{"code": "3", "name": "three", "probability": 0.9}, {"code": "8", "name": "eight", "probability": 0.06}]


def page_of(owner: Client, job: Job, *, chinese: bool = False) -> str:
    language = "zh-Hans" if chinese else "en"
    path = reverse("portal:job", args=[encode("job", job.id)])
    return owner.get(path, headers={"Accept-Language": language}).content.decode()


def labelled(clinic: Party, images: int) -> tuple[Job, list[str]]:
    """A finished job that labels so many images and finds nothing; with the images in the order of the labels."""
    files = [(f"{number}.png", picture(number)) for number in range(images)]
    job = submit(clinic.tenant, receive(clinic.tenant, files).study)
    work()
    with tenant_context(clinic.tenant.id):
        items = [str(row.id) for row in Instance.objects.filter(study_id=job.study_id).order_by("-id")]
        result = Result.objects.get(job=job)
        result.findings.all().delete()
        result.predictions = [{"item": item, "labels": LABELS} for item in items]
        result.save()
    return job, items


def test_each_image_has_its_two_best_labels(clinic: Party, owner: Client) -> None:
    page = page_of(owner, labelled(clinic, 2)[0])
    caption = page[page.index("<figcaption") : page.index("</figcaption>")]
    assert re.sub(r"<[^>]+>|\s+", " ", caption).split() == ["#1", "3", "0.900", "8", "0.060"]


def test_images_stand_in_the_order_of_the_table(clinic: Party, owner: Client) -> None:
    job, items = labelled(clinic, 5)
    page = page_of(owner, job)
    assert re.findall(r'class="place">#(\d+)', page) == ["1", "2", "3", "4", "5"]
    with tenant_context(clinic.tenant.id):
        wanted = [encode("ins", Instance.objects.get(pk=item).pk) for item in items]
    assert re.findall(r"instances/(ins_\w+)/rendered", page) == wanted


def test_a_hundred_images_have_a_hundred_rows_but_few_pictures(clinic: Party, owner: Client) -> None:
    page = page_of(owner, labelled(clinic, 30)[0])
    assert (page.count("<tr>"), page.count("<figure")) == (31, 12)
    assert "The first 12 of 30 images" in page


def test_control_few_images_are_all_shown(clinic: Party, owner: Client) -> None:
    assert "The first" not in page_of(owner, labelled(clinic, 3)[0])


def test_labels_are_told_in_chinese(clinic: Party, owner: Client) -> None:
    assert "3 三" in page_of(owner, labelled(clinic, 1)[0], chinese=True)


def test_a_deleted_study_is_told_in_the_place_of_its_images(clinic: Party, owner: Client) -> None:
    job = submit(clinic.tenant, study_of(clinic.tenant))
    work()
    assert "were deleted" not in page_of(owner, job)
    with tenant_context(clinic.tenant.id):
        study = Job.objects.select_related("study").get(pk=job.pk).study
        assert study is not None
        studies.delete(study, actor="test")
    page = page_of(owner, job)
    assert "The images of this study were deleted." in page
    assert 'class="viewer' not in page
    report = owner.get(reverse("v1:job-report", args=[encode("job", job.id)])).content.decode()
    assert "The images of this study were deleted." in report
