"""What is no T1 series of a head is refused with a sentence, by headers or by the brain that is not there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from inference.domain.errors import UnsupportedInput
from inference.domain.study import Inputs
from inference.plugins.base import Accepted, Refused
from inference.plugins.contract import loaded
from inference.plugins.mri_brain_lesion import plugin
from inference.plugins.mri_brain_lesion.evaluate import inverted, strange_volumes
from inference.plugins.mri_brain_lesion.generate import PLANES
from tests.inference.plugins.mri_brain_lesion.scans import inputs_of, sample_scan

pytestmark = pytest.mark.database_free


def headers_of(plane: int = 0, **changes: Any) -> Inputs:
    return inputs_of(np.zeros((30, 256, 256), np.float32), plane, **changes)[0]


def refusal(inputs: Inputs) -> str:
    verdict = plugin.validate(inputs)
    assert isinstance(verdict, Refused)
    assert verdict.code == "unsupported_input"
    return verdict.template % verdict.params


@pytest.mark.parametrize("plane", range(len(PLANES)))
def test_a_head_mr_is_accepted_as_one_series_in_every_plane(plane: int) -> None:
    assert plugin.validate(headers_of(plane)) == Accepted()
    assert plugin.quantity(headers_of(plane)) == 1


@pytest.mark.parametrize("part", ["HEAD", "brain", "Head_Neck", ""])
def test_names_of_the_head_are_taken_and_so_is_silence(part: str) -> None:
    assert plugin.validate(headers_of(body_part=part)) == Accepted()


@pytest.mark.parametrize(
    "name", ["T1 SE ax", "t1_mprage_sag", "3D BRAVO", "Ax T1 post Gd", "t1 flair", "head routine", ""]
)
def test_names_of_t1_are_taken_and_so_is_silence(name: str) -> None:
    assert plugin.validate(headers_of(series_description=name)) == Accepted()


@pytest.mark.parametrize("name", ["T2 TSE ax", "t2_flair_tra", "ep2d_diff ADC", "SWI", "FLAIR", "TOF 3D", "DWI b1000"])
def test_other_weightings_are_refused_by_name(name: str) -> None:
    assert "reads T1" in refusal(headers_of(series_description=name))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"modality": "CT"}, "Modality CT"),
        ({"modality": ""}, "Modality none"),
        ({"body_part": "KNEE"}, "Body part KNEE"),
        ({"body_part": "", "series_description": "T1 lumbar"}, "Body part LUMBAR"),
        ({"image_type": ("ORIGINAL", "PRIMARY", "LOCALIZER")}, "LOCALIZER"),
        ({"photometric": "RGB", "samples_per_pixel": 3}, "RGB"),
        ({"pixel_spacing": (4.0, 4.0)}, "4.0 mm"),
        ({"pixel_spacing": None}, "pixel spacing"),
        ({"frames": 20}, "multi-frame"),
    ],
)
def test_headers_that_do_not_fit_are_refused_in_words(changes: dict[str, Any], words: str) -> None:
    assert words in refusal(headers_of(**changes))


def test_a_job_without_images_is_refused() -> None:
    assert "no images" in refusal(Inputs())


def test_few_slices_missing_ones_and_mixed_directions_are_refused() -> None:
    given = headers_of()
    assert given.study is not None
    series = given.study.series[0]
    few, gap = series.instances[:10], series.instances[:12] + series.instances[15:]
    mixed = (*series.instances[:-1], replace(series.instances[-1], orientation=PLANES[1]))
    for kept, words in ((few, "has 10 slices"), (gap, "about 3"), (mixed, "different directions")):
        assert words in refusal(Inputs(study=replace(given.study, series=(replace(series, instances=kept),))))


def test_of_several_series_the_largest_t1_is_read() -> None:
    given = headers_of()
    assert given.study is not None
    series = given.study.series[0]
    t2 = replace(series, id="t2", instances=tuple(replace(h, series_description="T2") for h in series.instances))
    both = Inputs(study=replace(given.study, series=(t2, series)))
    assert plugin.choose(both) == (Accepted(), series)


def test_a_volume_without_a_brain_is_refused_by_its_pixels() -> None:
    for values in (np.zeros((30, 160, 160), np.float32), np.full((30, 160, 160), 700, np.float32)):
        given, pixels = inputs_of(values)
        assert plugin.validate(given) == Accepted()
        with pytest.raises(UnsupportedInput):
            plugin.postprocess(given, *both_steps(given, pixels))


def both_steps(given: Inputs, pixels: Any) -> tuple[Any, Any]:
    samples = loaded(plugin).prepare(given, pixels)
    return samples, plugin.predict(samples)


@pytest.mark.parametrize("number", range(4))
def test_what_is_no_head_is_refused(number: int) -> None:
    volume = list(strange_volumes())[number].repeat(3, axis=0)
    given, pixels = inputs_of(volume)
    with pytest.raises(UnsupportedInput):
        plugin.postprocess(given, *both_steps(given, pixels))


def test_a_head_with_the_contrast_of_t2_is_refused_by_its_look() -> None:
    values = sample_scan().values[20:70]
    given, pixels = inputs_of(inverted(values), series_description="")
    with pytest.raises(UnsupportedInput):
        plugin.postprocess(given, *both_steps(given, pixels))
    plugin.postprocess(*(lambda g, p: (g, *both_steps(g, p)))(*inputs_of(values)))
