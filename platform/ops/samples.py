"""The studies of the demo: a real chest radiograph, and drawn CT and MR series with lesions of known place and size."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from inference.plugins import registry as plugins
from inference.plugins.ct_lung_nodule.generate import sample_study as draw_ct
from inference.plugins.mri_brain_lesion.generate import sample_study as draw_mri


class StudyNotFound(Exception):
    """What the demo wants to show is not on this machine; the text says why."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A study of the demo and the analysis that it is for; `files` writes into a folder what must be made first."""

    plugin: str
    files: Callable[[Path], Sequence[Path]]


def chest_film() -> Path:
    """The real chest radiograph of the demo, out of the package `pydicom-data`. Raises `StudyNotFound`."""
    package = importlib.util.find_spec("data_store")
    if package is None or package.origin is None:
        raise StudyNotFound("the demo's radiograph is in the package pydicom-data, which is not installed")
    path = Path(package.origin).parent / "data" / "RG1_UNCR.dcm"
    if not path.is_file():
        raise StudyNotFound(f"{path.name} is missing from the package pydicom-data")
    return path


def ct_series(folder: Path) -> list[Path]:
    """A drawn chest CT with nodules, one file a slice."""
    draw_ct(folder)
    return sorted(folder.iterdir())


def mri_series(folder: Path) -> list[Path]:
    """A drawn head with lesions, one file a slice."""
    draw_mri(folder)
    return sorted(folder.iterdir())


SAMPLES = {
    "xray": Sample("xray-chest-nodule", lambda _: [chest_film()]),
    "ct": Sample("ct-lung-nodule", ct_series),
    "mri": Sample("mri-brain-lesion", mri_series),
}
CHOICES = (*SAMPLES, "all")


def chosen(name: str) -> list[Sample]:
    """The samples of a name; all of them that are installed for "all". Raises `StudyNotFound`."""
    installed = plugins.installed()
    if name == "all":
        return [sample for sample in SAMPLES.values() if sample.plugin in installed]
    if SAMPLES[name].plugin not in installed:
        raise StudyNotFound(f"the analysis {SAMPLES[name].plugin} is not installed")
    return [SAMPLES[name]]
