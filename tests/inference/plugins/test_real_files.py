"""Every real image file that pydicom and pydicom-data carry, before each imaging analysis: one table of answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from inference.analysis import read_study
from inference.domain.errors import UserError
from inference.domain.study import Inputs
from inference.plugins.base import AnyPlugin, Refused
from inference.plugins.contract import loaded
from inference.plugins.ct_lung_nodule import plugin as ct
from inference.plugins.mri_brain_lesion import plugin as mri
from inference.plugins.segmentation.packages import package_folder
from inference.plugins.xray_chest_nodule import plugin as xray

pytestmark = pytest.mark.database_free
PLUGINS: dict[str, AnyPlugin] = {"xray-chest-nodule": xray, "ct-lung-nodule": ct, "mri-brain-lesion": mri}
# the file, then what each analysis answers; a word of `REASONS` stands for a refusal as `unsupported_input`
TABLE = Path(__file__).with_name("real_files.tsv")
REASONS = {
    "odality": "modality",
    "ody part": "part",
    "too small": "small",
    "no original slices": "kind",
    "needs at least": "few",
    "not axial": "plane",
    "multi-frame": "frames",
}
ACCEPTED = "accepted"


def real_files() -> Iterator[tuple[str, Path]]:
    """Name in its package, and path."""
    for package, sub in (("data_store", "data"), ("pydicom", "data/test_files")):
        folder = package_folder(package)
        assert folder is not None
        for path in sorted((folder / sub).rglob("*")):
            if path.is_file() and path.suffix in ("", ".dcm"):
                yield str(path.relative_to(folder / sub)), path


def answers(path: Path) -> tuple[str, ...]:
    """What each analysis answers to a file by its headers."""
    try:
        with read_study([path]) as study:
            return tuple(answer(plugin, Inputs(study=study.header)) for plugin in PLUGINS.values())
    except UserError as error:
        assert_sentence(error.detail)
        return (error.code,) * len(PLUGINS)


def answer(plugin: AnyPlugin, inputs: Inputs) -> str:
    verdict = plugin.validate(inputs)
    if not isinstance(verdict, Refused):
        return ACCEPTED
    assert verdict.code == "unsupported_input"
    assert_sentence(verdict.template % verdict.params)
    return next((word for part, word in REASONS.items() if part in verdict.template), verdict.template)


def assert_sentence(text: str) -> None:
    assert "%(" not in text
    assert text.endswith((".", ")")), text


def test_every_real_file_gets_the_answer_of_the_table() -> None:
    wanted = [line.split("\t") for line in TABLE.read_text(encoding="utf-8").splitlines()]
    assert [[name, *answers(path)] for name, path in real_files()] == wanted


def test_the_table_has_many_files_and_only_chest_films_are_accepted() -> None:
    rows = [line.split("\t") for line in TABLE.read_text(encoding="utf-8").splitlines()]
    assert len(rows) > 200
    taken = {(row[0], slug) for row in rows for slug, word in zip(PLUGINS, row[1:], strict=True) if word == ACCEPTED}
    films = ("RG1_UNCR.dcm", "RG1_UNCI.dcm", "RG1_J2KR.dcm", "RG1_J2KI.dcm")
    assert taken == {(name, "xray-chest-nodule") for name in films}


def photograph(side: int = 400) -> Image.Image:
    folder = package_folder("skimage")
    assert folder is not None
    return Image.open(folder / "data" / "astronaut.png").resize((side, side))


def screenshot() -> Image.Image:
    """A window with lines of text, as a desk has them."""
    canvas = Image.new("RGB", (640, 480), "white")
    pen = ImageDraw.Draw(canvas)
    pen.rectangle((0, 0, 640, 28), fill=(40, 60, 110))
    for row in range(50, 460, 18):
        pen.text((20, row), "Report of the month, page 3: 42 rows, nothing to see", fill="black")
    return canvas


def noise() -> Image.Image:
    return Image.fromarray(np.random.default_rng(4).integers(0, 256, (400, 400), dtype=np.uint8))


@pytest.mark.parametrize("slug", list(PLUGINS))
@pytest.mark.parametrize("draw", [photograph, screenshot, noise], ids=lambda one: one.__name__)
def test_a_picture_that_is_no_scan_is_refused_with_a_code(slug: str, draw: object, tmp_path: Path) -> None:
    assert callable(draw)
    draw().save(tmp_path / "picture.png")
    assert refusal_of(PLUGINS[slug], tmp_path / "picture.png") == "unsupported_input"


def refusal_of(plugin: AnyPlugin, path: Path) -> str:
    """The code of the refusal, by headers or by pixels; empty where there is a report."""
    with read_study([path]) as study:
        inputs = Inputs(study=study.header)
        verdict = plugin.validate(inputs)
        if isinstance(verdict, Refused):
            return verdict.code
        samples = loaded(plugin).prepare(inputs, study.pixels)
        try:
            plugin.postprocess(inputs, samples, plugin.predict(samples))
        except UserError as error:
            return error.code
    return ""


def test_control_the_real_film_is_not_refused() -> None:
    folder = package_folder("data_store")
    assert folder is not None
    assert refusal_of(xray, folder / "data" / "RG1_UNCR.dcm") == ""
