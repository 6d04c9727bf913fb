"""Every real image file that pydicom and pydicom-data carry, before each imaging analysis: one table of answers."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from inference.analysis import read_study
from inference.domain.errors import UserError
from inference.domain.study import Inputs
from inference.plugins.base import AnyPlugin, Refused
from inference.plugins.ct_lung_nodule import plugin as ct
from inference.plugins.mri_brain_lesion import plugin as mri
from inference.plugins.xray_chest_nodule import plugin as xray

pytestmark = pytest.mark.database_free
PLUGINS: dict[str, AnyPlugin] = {"xray-chest-nodule": xray, "ct-lung-nodule": ct, "mri-brain-lesion": mri}
# what the headers let pass; everything else is refused with a sentence or can not be read
ACCEPTED = {
    "xray-chest-nodule": {"RG1_UNCR.dcm", "RG1_UNCI.dcm", "RG1_J2KR.dcm", "RG1_J2KI.dcm"},
    "ct-lung-nodule": set(),
    "mri-brain-lesion": set(),
}


def folder_of(package: str) -> Path:
    found = importlib.util.find_spec(package)
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "data"


def real_files() -> Iterator[Path]:
    for folder in (folder_of("data_store"), folder_of("pydicom") / "test_files"):
        yield from sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix in ("", ".dcm"))


def name_of(path: Path) -> str:
    """The name of the file, with its folder where names come more than once."""
    return path.name if path.suffix else f"{path.parent.name}/{path.name}"


@pytest.fixture(scope="module")
def answers() -> dict[str, dict[str, str]]:
    """What each analysis answers to each file: empty where its headers are accepted."""
    found: dict[str, dict[str, str]] = {slug: {} for slug in PLUGINS}
    for path in real_files():
        try:
            with read_study([path]) as study:
                for slug, plugin in PLUGINS.items():
                    verdict = plugin.validate(Inputs(study=study.header))
                    found[slug][name_of(path)] = (
                        verdict.template % verdict.params if isinstance(verdict, Refused) else ""
                    )
        except UserError as error:
            for slug in PLUGINS:
                found[slug][name_of(path)] = error.detail
    return found


def test_there_are_many_files(answers: dict[str, dict[str, str]]) -> None:
    assert all(len(table) > 100 for table in answers.values())


@pytest.mark.parametrize("slug", list(PLUGINS))
def test_only_what_fits_is_accepted(answers: dict[str, dict[str, str]], slug: str) -> None:
    assert {name for name, answer in answers[slug].items() if not answer} == ACCEPTED[slug]


@pytest.mark.parametrize("slug", list(PLUGINS))
def test_every_refusal_is_a_whole_sentence(answers: dict[str, dict[str, str]], slug: str) -> None:
    for name, answer in answers[slug].items():
        if answer:
            assert "%(" not in answer, name
            assert answer.endswith((".", ")")), (name, answer)
