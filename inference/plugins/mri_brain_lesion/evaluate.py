"""How good a model is on scans that it never saw, and what it makes of things that are no T1 of a head."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.domain.errors import UnsupportedInput
from inference.domain.stack import Stack
from inference.domain.study import InstanceHeader
from inference.plugins.mri_brain_lesion.generate import BETWEEN, INSIDE, PLANES
from inference.plugins.mri_brain_lesion.lesions import KINDS
from inference.plugins.mri_brain_lesion.plugin import CONTEXT, MriBrainLesion, brightness_class
from inference.plugins.segmentation.figures import share
from inference.plugins.segmentation.lesions import Lesion, label_lesions
from inference.plugins.segmentation.matching import Seen, match
from inference.plugins.segmentation.network import Predict
from inference.plugins.segmentation.scans import Sample
from inference.plugins.segmentation.scoring import Scoring
from inference.plugins.segmentation.volumes import Grid, Scan, map_volume

CELL_MM = float((INSIDE * INSIDE * BETWEEN) ** (1 / 3))
BINS = ((6.0, "under 6 mm"), (10.0, "6 to 10 mm"), (20.0, "10 to 20 mm"), (1e9, "20 mm and more"))
STRANGE_SLICES, SIDE = 8, 160
# a scan may show a part of the head only
PARTS = 3

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Looked:
    """One scan: matched marks, features of it and its parts, and (kind, peak, class) of the marks on lesions."""

    seen: Seen
    features: NDArray[np.float32]
    parts: tuple[NDArray[np.float32], ...]
    types: tuple[tuple[str, float, str], ...]


def look(plugin: MriBrainLesion, scans: Arrays) -> Iterator[Looked]:
    """Run the loaded plugin over held-out scans and match its marks with the lesions."""
    for values, plane, truth, kinds in zip(*(scans[n] for n in ("values", "plane", "truth", "kinds")), strict=True):
        sample = plugin.sample_of(drawn_scan(values, int(plane)))
        mapped = plugin.predict([sample])[0]
        marks = plugin.marks(sample, mapped)
        seen = match(truth, label_lesions(marks, truth.shape), [mark.peak for mark in marks], CELL_MM)
        types = tuple(typed(marks, sample, np.asarray(truth), kinds))
        yield Looked(seen, mapped.features, tuple(mapped.parts(PARTS)), types)


def drawn_scan(values: NDArray[Any], plane: int) -> Scan:
    """A drawn scan as if it had been read from its series."""
    planes = np.asarray(values, dtype=np.float32)
    depth, rows, columns = planes.shape
    orientation = PLANES[plane]
    normal = np.cross(orientation[:3], orientation[3:])
    headers = tuple(
        InstanceHeader(
            f"{n}", "application/dicom", "", rows, columns, orientation=orientation,
            position=tuple((normal * n * BETWEEN).tolist()), pixel_spacing=(INSIDE, INSIDE),
        )
        for n in range(depth)
    )  # fmt: skip
    return Scan(planes, Stack(headers, (INSIDE, INSIDE), BETWEEN), Grid(INSIDE, BETWEEN))


def typed(
    marks: Sequence[Lesion], sample: Sample, truth: NDArray[Any], kinds: NDArray[Any]
) -> Iterator[tuple[str, float, str]]:
    """Kind of the lesion that a mark lies on most, the mark's peak, and its class by brightness."""
    for mark in marks:
        under = truth[mark.box][mark.mask]
        under = under[under > 0]
        if len(under):
            kind = KINDS[int(kinds[int(np.bincount(under).argmax())])]
            yield kind, mark.peak, brightness_class(mark, sample).removeprefix("lesion.t1_")


def type_figures(looked: Sequence[Looked], scoring: Scoring) -> dict[str, Any]:
    """How often the class is that of the lesion, for marks that are reported."""
    rows = [row for one in looked for row in one.types if scoring.score(row[1]) >= scoring.threshold]
    right = [row for row in rows if row[2] == row[0]]
    table = {kind: [sum(r[0] == kind and r[2] == k for r in rows) for k in KINDS] for kind in KINDS}
    return {"accuracy": share(len(right), len(rows)), "order": list(KINDS), "confusion": table}


def strange_features(plugin: MriBrainLesion, predict: Predict) -> list[NDArray[np.float32]]:
    """What the network sees in volumes that are no heads, if they came so far."""
    multiple = plugin.settings.design.multiple
    return [
        map_volume(predict, plugin.normalise(volume), range(STRANGE_SLICES), CONTEXT, multiple).features
        for volume in strange_volumes()
    ]


def is_refused(plugin: MriBrainLesion, scan: Scan) -> bool:
    """Whether any step after the headers refuses a scan: no brain, not the contrast of T1, or not familiar."""
    try:
        sample = plugin.sample_of(scan)
        plugin.require_familiar(plugin.predict([sample])[0])
    except UnsupportedInput:
        return True
    return False


def refusals(plugin: MriBrainLesion, heads: Arrays) -> dict[str, float]:
    """Shares of refused scans: of volumes that are no heads, and of heads with the contrast of T2."""
    strangers = [is_refused(plugin, drawn_scan(volume.repeat(4, axis=0), 0)) for volume in strange_volumes()]
    others = [
        is_refused(plugin, drawn_scan(inverted(np.asarray(values, dtype=np.float32)), int(plane)))
        for values, plane in zip(heads["values"], heads["plane"], strict=True)
    ]
    return {
        "strangers_refused": share(sum(strangers), len(strangers)),
        "contrast_of_t2_refused": share(sum(others), len(others)),
    }


def inverted(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Fluid bright and white matter dark, air still black: about what T2 makes of a head."""
    top = np.float32(np.percentile(values, 99))
    return np.asarray(np.where(values > 0.12 * top, np.clip(1.25 * top - values, 0.05 * top, None), values))


def strange_volumes() -> Iterator[NDArray[np.float32]]:
    """Small volumes that no one would take for a head."""
    from scipy import ndimage

    shape = (STRANGE_SLICES, SIDE, SIDE)
    rows, columns = np.mgrid[-1:1:160j, -1:1:160j].astype(np.float32)
    for number in range(16):
        rng = np.random.default_rng([78, number])
        noise = rng.standard_normal(shape).astype(np.float32)
        radius = np.hypot(rows * rng.uniform(0.9, 1.6), columns * rng.uniform(0.9, 1.6))
        organs = np.where(radius < 0.9, 300 + 900 * ndimage.gaussian_filter(noise, (1, 9, 9)) * 3, 5) + noise * 15
        bone = np.where(radius < 0.3, 700.0, np.where(radius < 0.36, 60.0, 300.0)) * (radius < 0.9) + noise * 10
        coarse = ndimage.gaussian_filter(noise, (0.5, 2, 2)) * 900 + 300
        yield np.clip((noise * 200 + 500, organs, bone, coarse)[number % 4], 0, None).astype(np.float32)
