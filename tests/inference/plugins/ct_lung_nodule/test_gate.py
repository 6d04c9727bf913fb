"""What is no axial chest CT is refused with a sentence, by headers or by the lungs that are not there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from inference.domain.errors import UnsupportedInput
from inference.domain.study import Inputs
from inference.plugins.base import Accepted, Refused
from inference.plugins.ct_lung_nodule import plugin
from tests.inference.plugins.ct_lung_nodule.scans import inputs_of, sample_scan

pytestmark = pytest.mark.database_free
SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)


def headers_of(**changes: Any) -> Inputs:
    return inputs_of(np.zeros((30, 256, 256), np.float32), **changes)[0]


def refusal(inputs: Inputs) -> str:
    verdict = plugin.validate(inputs)
    assert isinstance(verdict, Refused)
    assert verdict.code == "unsupported_input"
    return verdict.template % verdict.params


def test_a_chest_ct_is_accepted_as_one_series() -> None:
    assert plugin.validate(headers_of()) == Accepted()
    assert plugin.quantity(headers_of()) == 1


@pytest.mark.parametrize("part", ["CHEST", "chest", "THORAX", ""])
def test_names_of_the_chest_are_taken_and_so_is_silence(part: str) -> None:
    assert plugin.validate(headers_of(body_part=part)) == Accepted()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"modality": "MR"}, "Modality MR"),
        ({"modality": ""}, "Modality none"),
        ({"body_part": "HEAD"}, "Body part HEAD"),
        ({"body_part": "", "series_description": "Abdomen 5.0"}, "Body part ABDOMEN"),
        ({"image_type": ("ORIGINAL", "PRIMARY", "LOCALIZER")}, "LOCALIZER"),
        ({"photometric": "RGB", "samples_per_pixel": 3}, "RGB"),
        ({"orientation": SAGITTAL}, "not axial"),
        ({"pixel_spacing": (4.0, 4.0)}, "4.0 mm"),
        ({"pixel_spacing": None}, "pixel spacing"),
        ({"position": None}, "where they lie"),
        ({"frames": 20}, "multi-frame"),
    ],
)
def test_headers_that_do_not_fit_are_refused_in_words(changes: dict[str, Any], words: str) -> None:
    if "position" in changes:
        given = headers_of()
        assert given.study is not None
        series = given.study.series[0]
        bare = replace(series, instances=tuple(replace(one, position=None) for one in series.instances))
        given = Inputs(study=replace(given.study, series=(bare,)))
    else:
        given = headers_of(**changes)
    assert words in refusal(given)


def test_a_job_without_images_is_refused() -> None:
    assert "no images" in refusal(Inputs())


def test_few_slices_and_missing_ones_are_refused() -> None:
    given = headers_of()
    assert given.study is not None
    series = given.study.series[0]
    few, gap = series.instances[:10], series.instances[:12] + series.instances[15:]
    for kept, words in ((few, "has 10 slices"), (gap, "about 3")):
        assert words in refusal(Inputs(study=replace(given.study, series=(replace(series, instances=kept),))))


def test_of_several_series_the_largest_that_fits_is_read() -> None:
    given = headers_of()
    assert given.study is not None
    series = given.study.series[0]
    scout = replace(series, id="scout", instances=series.instances[:1])
    both = Inputs(study=replace(given.study, series=(scout, series)))
    assert plugin.choose(both) == (Accepted(), series)


@pytest.mark.parametrize("kind", ["noise", "water", "air", "inverted"])
def test_a_volume_without_lungs_is_refused_by_its_pixels(kind: str) -> None:
    hu = sample_scan().hu[:40]
    noise = np.random.default_rng(1).normal(-300, 400, hu.shape).astype(np.float32)
    volumes = {"noise": noise, "water": noise * 0, "air": noise * 0 - 1000, "inverted": -1000 - hu}
    given, pixels = inputs_of(volumes[kind])
    assert plugin.validate(given) == Accepted()
    with pytest.raises(UnsupportedInput, match="both lungs"):
        plugin.prepare(given, pixels)
