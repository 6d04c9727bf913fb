"""What a plugin says of real image files that installed packages carry: a part of every model card."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from inference.analysis import read_study
from inference.domain.errors import UserError
from inference.domain.study import Inputs
from inference.plugins.base import AnyPlugin, Refused
from inference.plugins.segmentation.packages import package_folder

# package and folder, and what the files show
FILES = (
    ("data_store/data/RG1_UNCR.dcm", "chest radiograph with many opacities"),
    ("data_store/data/RG3_UNCR.dcm", "radiograph of a lower leg"),
    ("data_store/data/MR2_UNCR.dcm", "MR of a shoulder"),
    ("data_store/data/MR-SIEMENS-DICOM-WithOverlays.dcm", "MR of a liver"),
    ("data_store/data/693_UNCR.dcm", "CT of a head"),
    ("data_store/data/explicit_VR-UN.dcm", "CT of an abdomen"),
    ("pydicom/data/test_files/CT_small.dcm", "CT of a spine, small"),
    ("pydicom/data/test_files/MR_small.dcm", "MR, small"),
)


def installed(files: Sequence[tuple[str, str]] = FILES) -> Iterator[tuple[Path, str]]:
    """Path and content of each file whose package is installed."""
    for name, content in files:
        package, _, rest = name.partition("/")
        folder = package_folder(package)
        if folder is not None and (folder / rest).exists():
            yield folder / rest, content


def say_of(plugin: AnyPlugin, path: Path) -> str:
    """What a loaded plugin makes of one file: the refusal's sentence, or how many findings."""
    try:
        with read_study([path]) as study:
            inputs = Inputs(study=study.header)
            verdict = plugin.validate(inputs)
            if isinstance(verdict, Refused):
                return "refused: " + verdict.template % verdict.params
            samples = plugin.prepare(inputs, study.pixels)
            report = plugin.postprocess(inputs, samples, plugin.predict(samples))
    except UserError as error:
        return f"refused: {error.detail}"
    return f"{len(report.findings)} findings"


def real_images(plugin: AnyPlugin) -> dict[str, str]:
    """The same for every installed file, by name and content."""
    return {f"{path.name} ({content})": say_of(plugin, path) for path, content in installed()}
