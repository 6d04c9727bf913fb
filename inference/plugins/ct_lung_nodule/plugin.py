"""The chest CT analysis behind the plugin contract."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from inference.domain.report import Code, Finding, Site
from inference.plugins.base import TrainingOptions
from inference.plugins.ct_lung_nodule.density import code_of, density_class
from inference.plugins.ct_lung_nodule.gate import GATE
from inference.plugins.ct_lung_nodule.lungs import lung_region, site_at
from inference.plugins.ct_lung_nodule.manifest import MANIFEST
from inference.plugins.ct_lung_nodule.shape import is_compact
from inference.plugins.segmentation.lesions import Lesion
from inference.plugins.segmentation.network import Design
from inference.plugins.segmentation.scans import Region, Sample, ScanPlugin, Settings, Volume
from inference.plugins.segmentation.volumes import Grid, Mapped, Scan

CONTEXT = 2
# HU; what lies outside is air or bone alike
LOW, HIGH = -1000.0, 300.0
THICK_MM = 3.0
THICK_NOTE = "The slices lie %.1f mm apart: nodules smaller than that can be missed, and volumes are rough."
SETTINGS = Settings(
    design=Design("ct_lung_nodule", 2 * CONTEXT + 1, ("nodule",), widths=(16, 20, 40, 64, 80)),
    grid=Grid(inside=1.0, between=2.0),
    context=CONTEXT,
    level=0.5,
    fewest_cells=6,
    fewest_slices=20,
    unfamiliar="The series does not look like a chest CT that this analysis knows.",
)


class CtLungNodule(ScanPlugin):
    """A 2.5-D U-Net over the slices with lung; components across slices; type by density."""

    manifest = MANIFEST
    settings = SETTINGS
    gate = GATE

    def normalise(self, values: Volume) -> Volume:
        return normalise(values)

    def region(self, scan: Scan) -> Region:
        return lung_region(scan)

    def marks(self, sample: Sample, mapped: Mapped) -> list[Lesion]:
        """Components without those that are vessels by their shape."""
        return [mark for mark in super().marks(sample, mapped) if is_compact(mark, sample.scan.grid)]

    def class_of(self, lesion: Lesion, sample: Sample) -> str:
        grid = sample.scan.grid
        return density_class(sample.scan.values[lesion.box][lesion.mask], grid.inside**2 * grid.between)

    def type_of(self, lesion: Lesion, sample: Sample, mean_diameter_mm: float | None) -> Code:
        return code_of(self.class_of(lesion, sample), mean_diameter_mm)

    def site_of(self, lesion: Lesion, sample: Sample) -> Site | None:
        return site_at(sample.region.labels, lesion.centre)

    def notes(self, findings: Sequence[Finding], sample: Sample) -> tuple[str, ...]:
        distance = sample.scan.stack.distance
        return (THICK_NOTE % distance,) if distance > THICK_MM else ()

    def train(self, options: TrainingOptions) -> None:
        from inference.plugins.ct_lung_nodule.train import train

        train(options)


def normalise(values: Volume) -> Volume:
    """HU to -1..1 over the window from air to soft tissue."""
    middle, half = (LOW + HIGH) / 2, (HIGH - LOW) / 2
    return np.asarray((np.clip(values, LOW, HIGH) - np.float32(middle)) / np.float32(half), dtype=np.float32)
