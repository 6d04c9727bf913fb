"""The shipped weights on real films, on noise, and on pictures that are none."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.uid import generate_uid

from inference.analysis import analyse, read_study
from inference.domain.errors import UnsupportedInput, UserError
from inference.domain.report import Report
from inference.plugins import registry
from inference.plugins.loading import load
from inference.plugins.xray_chest_nodule.plugin import ChestNodule

pytestmark = pytest.mark.database_free
# where round opacities are plain to see on RG1_UNCR, by eye, in source pixels: x0, y0, x1, y1
VISIBLE = [
    (330, 950, 680, 1330),
    (1180, 560, 1500, 900),
    (1380, 1020, 1640, 1320),
    (300, 650, 500, 850),
    (200, 1200, 430, 1420),
    # faint, half behind a rib; seen only after the model had marked it
    (350, 450, 560, 610),
]


def film(name: str) -> Path:
    package = importlib.util.find_spec("data_store")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "data" / f"{name}.dcm"


@pytest.fixture(scope="module")
def plugin() -> Any:
    found = registry.get("xray-chest-nodule")
    load(found)
    return found


def report_of(plugin: Any, path: Path) -> Report:
    with read_study([path]) as study:
        return analyse(plugin, study).report


def test_the_real_film_has_findings_on_visible_opacities_and_none_elsewhere(plugin: Any) -> None:
    report = report_of(plugin, film("RG1_UNCR"))
    assert len(report.findings) >= 2
    for found in report.findings:
        x, y = found.location.centroid_px
        assert any(x0 <= x < x1 and y0 <= y < y1 for x0, y0, x1, y1 in VISIBLE), (x, y)
        assert (found.size.spacing_source, found.size.long_axis_mm) == ("none", None)
        assert found.location.site is not None
        assert 0 <= found.score <= 1


def test_the_same_film_gives_the_same_report(plugin: Any) -> None:
    assert report_of(plugin, film("RG1_UNCR")) == report_of(plugin, film("RG1_UNCR"))


def test_both_photometrics_say_the_same(plugin: Any, tmp_path: Path) -> None:
    dataset = dcmread(film("RG1_UNCR"))
    top = int(dataset.pixel_array.max())
    dataset.PixelData = (top - dataset.pixel_array).astype(dataset.pixel_array.dtype).tobytes()
    dataset.PhotometricInterpretation = (
        "MONOCHROME2" if dataset.PhotometricInterpretation == "MONOCHROME1" else "MONOCHROME1"
    )
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.save_as(tmp_path / "other.dcm")
    first, other = report_of(plugin, film("RG1_UNCR")), report_of(plugin, tmp_path / "other.dcm")
    assert [f.location.bbox_px for f in first.findings] == [f.location.bbox_px for f in other.findings]


def test_a_png_of_the_film_is_read_as_well(plugin: Any, tmp_path: Path) -> None:
    pixels = dcmread(film("RG1_UNCR")).pixel_array.astype(np.float32)
    grey = 255 - 255 * (pixels - pixels.min()) / np.ptp(pixels)
    Image.fromarray(grey.astype(np.uint8)).save(tmp_path / "film.png")
    assert report_of(plugin, tmp_path / "film.png").findings


@pytest.mark.parametrize("name", ["RG3_UNCR", "MR2_UNCR", "693_UNCR", "explicit_VR-UN"])
def test_other_films_are_refused_by_their_headers(plugin: Any, name: str) -> None:
    with pytest.raises(UserError) as refused:
        report_of(plugin, film(name))
    assert refused.value.code == "unsupported_input"


def noise() -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).integers(0, 255, (512, 512)).astype(np.uint8)


def of_film(name: str) -> Callable[[], np.ndarray[Any, Any]]:
    def pixels() -> np.ndarray[Any, Any]:
        found = dcmread(film(name)).pixel_array.astype(np.float32)
        return np.asarray(255 * (found - found.min()) / np.ptp(found), dtype=np.uint8)

    return pixels


def of_package(name: str) -> Callable[[], np.ndarray[Any, Any]]:
    def pixels() -> np.ndarray[Any, Any]:
        import skimage.data

        return np.asarray(getattr(skimage.data, name)())

    return pixels


PICTURES: dict[str, Callable[[], np.ndarray[Any, Any]]] = {
    "noise": noise,
    "photograph": of_package("astronaut"),
    "another photograph": of_package("camera"),
    "page of text": of_package("page"),
    "coins": of_package("coins"),
    "lower leg": of_film("RG3_UNCR"),
    "shoulder": of_film("MR2_UNCR"),
    "head": of_film("693_UNCR"),
}


@pytest.mark.parametrize("name", list(PICTURES))
def test_pictures_without_a_header_that_are_no_chest_are_refused_by_their_pixels(
    plugin: Any, tmp_path: Path, name: str
) -> None:
    Image.fromarray(PICTURES[name]()).save(tmp_path / "picture.png")
    with pytest.raises(UnsupportedInput):
        report_of(plugin, tmp_path / "picture.png")


def test_control_without_the_gate_a_photograph_would_have_findings(
    plugin: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # by module: the package exports an instance of the same name
    monkeypatch.setattr(sys.modules[ChestNodule.__module__], "require_chest", lambda *_: None)
    Image.fromarray(PICTURES["photograph"]()).save(tmp_path / "picture.png")
    assert report_of(plugin, tmp_path / "picture.png").findings


@pytest.fixture
def trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from inference.plugins.base import TrainingOptions
    from inference.plugins.xray_chest_nodule import train

    monkeypatch.setattr(train, "HELD_OUT_FILMS", 24)
    monkeypatch.setattr(train, "real_images", lambda _: {})
    ChestNodule().train(TrainingOptions(tmp_path / "out", seed=3, samples=32, epochs=1))
    return tmp_path / "out"


def test_a_short_training_writes_all_that_a_model_needs(trained: Path) -> None:
    names = {path.name for path in trained.iterdir()}
    assert names == {"model.keras", "thresholds.npz", "golden.npz", "card.json", "logs"}
    fresh = ChestNodule()
    fresh.load(trained)
    assert fresh.self_test().passed
