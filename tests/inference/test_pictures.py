"""Which pictures of a long series stand beside its findings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from inference.pictures import MOST_PICTURES, drawn_of
from inference.reading import reading_of
from tenants.context import tenant_context
from tests.conftest import Party
from tests.inference.bright import Ball, Visit, analysed, bright_installed, result_of
from tests.inference.work import subscribe

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _installed(db: None) -> Iterator[None]:
    with bright_installed():
        yield


def test_each_finding_is_seen_best_before_the_neighbours_of_one_are_shown(alice: Party) -> None:
    subscribe(alice.tenant)
    long, short = Ball((40.0, 64.0, 20.0), 32.0), Ball((90.0, 64.0, 52.0), 8.0)
    job = analysed(alice.tenant, Visit((long, short)))
    with tenant_context(alice.tenant.id):
        result = result_of(job)
        reading = reading_of(result)
        pictures = drawn_of(result, reading)
    best = [next(one.instance_id for one in each.finding.location.instances if one.best) for each in reading.findings]
    assert len(best) == 2
    assert len(pictures) == MOST_PICTURES
    assert [str(picture.instance.id) for picture in pictures[:2]] == best
