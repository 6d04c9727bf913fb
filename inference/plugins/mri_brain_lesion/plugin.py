"""The brain MR analysis behind the plugin contract."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from inference.domain.errors import UnsupportedInput
from inference.domain.report import Code, Finding, Site
from inference.plugins.base import TrainingOptions
from inference.plugins.mri_brain_lesion.brain import brain_mask, normalise, white_over_rim
from inference.plugins.mri_brain_lesion.gate import GATE
from inference.plugins.mri_brain_lesion.manifest import MANIFEST, code_of
from inference.plugins.mri_brain_lesion.zones import frame_of, site_at
from inference.plugins.segmentation.lesions import Lesion
from inference.plugins.segmentation.network import Design
from inference.plugins.segmentation.scans import Region, Sample, ScanPlugin, Settings, Volume
from inference.plugins.segmentation.volumes import Grid, Scan

CONTEXT = 2
# litres of brain that a scan must show, and the most that one head has
LITRES = (0.25, 3.2)
NO_BRAIN = "The series does not show a brain."
# in normalised units; T1 heads reach 0.65 and more, heads with the contrast of T2 at most 0.2
LEAST_WHITE_OVER_RIM = 0.4
NOT_T1 = "White matter is not the brightest tissue, as it is on T1: the series has another weighting."
# a lesion is bright where its brightest cells exceed white matter by this much, in normalised units
BRIGHT_SHARE, BRIGHT_STEP = 85, 0.35
WHITE_SHARE = 88
THICK_MM = 4.0
THICK_NOTE = "The slices lie %.1f mm apart: lesions smaller than that can be missed, and volumes are rough."
PART_NOTE = "The scan does not show the whole brain: sites are named by side at most."
SETTINGS = Settings(
    design=Design("mri_brain_lesion", 2 * CONTEXT + 1, ("lesion",)),
    grid=Grid(inside=1.0, between=2.0),
    context=CONTEXT,
    level=0.5,
    fewest_cells=8,
    fewest_slices=12,
    unfamiliar="The series does not look like a T1-weighted head that this analysis knows.",
    largest_distance=7.0,
)


class MriBrainLesion(ScanPlugin):
    """A 2.5-D U-Net over the slices with brain, in any plane; components across slices; type by brightness."""

    manifest = MANIFEST
    settings = SETTINGS
    gate = GATE

    def normalise(self, values: Volume) -> Volume:
        return normalise(values)

    def region(self, scan: Scan) -> Region:
        return brain_region(scan)

    def sample_of(self, scan: Scan) -> Sample:
        """Raises `UnsupportedInput` where the contrast is not that of T1."""
        sample = super().sample_of(scan)
        if white_over_rim(sample.normalised, sample.region.allowed) < LEAST_WHITE_OVER_RIM:
            raise UnsupportedInput(NOT_T1)
        return sample

    def class_of(self, lesion: Lesion, sample: Sample) -> str:
        return brightness_class(lesion, sample)

    def type_of(self, lesion: Lesion, sample: Sample, mean_diameter_mm: float | None) -> Code:
        return code_of(self.class_of(lesion, sample))

    def site_of(self, lesion: Lesion, sample: Sample) -> Site | None:
        scan = sample.scan
        z, y, x = lesion.centre
        point = scan.stack.to_mm(scan.column(x), scan.row(y), scan.slice(z))
        return site_at(frame_of(sample.region.allowed, scan.stack, scan.grid.between), point)

    def notes(self, findings: Sequence[Finding], sample: Sample) -> tuple[str, ...]:
        distance = sample.scan.stack.distance
        thick = (THICK_NOTE % distance,) if distance > THICK_MM else ()
        frame = frame_of(sample.region.allowed, sample.scan.stack, sample.scan.grid.between)
        return thick if frame and frame.has_lobes else (*thick, PART_NOTE)

    def train(self, options: TrainingOptions) -> None:
        from inference.plugins.mri_brain_lesion.train import train

        train(options)


def brain_region(scan: Scan) -> Region:
    """Slices with brain, and the brain itself. Raises `UnsupportedInput` where there is none of a useful size."""
    mask = brain_mask(scan.values)
    litres = float(mask.sum()) * scan.grid.inside**2 * scan.grid.between / 1e6
    if not LITRES[0] <= litres <= LITRES[1]:
        raise UnsupportedInput(NO_BRAIN)
    slices = np.flatnonzero(mask.any(axis=(1, 2)))
    return Region(tuple(int(n) for n in slices), mask, mask.astype(np.uint8))


def brightness_class(lesion: Lesion, sample: Sample) -> str:
    """The slug of the type: bright where enough of the lesion is brighter than white matter."""
    white = float(np.percentile(sample.normalised[sample.region.allowed][::31], WHITE_SHARE))
    inside = float(np.percentile(sample.normalised[lesion.box][lesion.mask], BRIGHT_SHARE))
    return "lesion.t1_bright" if inside > white + BRIGHT_STEP else "lesion.t1_hypointense"
