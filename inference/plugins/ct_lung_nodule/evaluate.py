"""How good a model is on drawn scans that it never saw, and what it makes of things that are no chest CT."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.domain.stack import Stack
from inference.domain.study import InstanceHeader
from inference.plugins.ct_lung_nodule.generate import BETWEEN, INSIDE
from inference.plugins.ct_lung_nodule.nodules import KINDS
from inference.plugins.ct_lung_nodule.plugin import CONTEXT, CtLungNodule, class_of, normalise
from inference.plugins.segmentation.figures import share
from inference.plugins.segmentation.lesions import Lesion, label_lesions
from inference.plugins.segmentation.matching import Seen, match
from inference.plugins.segmentation.network import Predict
from inference.plugins.segmentation.scans import Sample
from inference.plugins.segmentation.scoring import Scoring
from inference.plugins.segmentation.slices import AXIAL
from inference.plugins.segmentation.volumes import Grid, Scan, map_volume

CELL_MM = float((INSIDE * INSIDE * BETWEEN) ** (1 / 3))
BINS = ((6.0, "under 6 mm"), (10.0, "6 to 10 mm"), (20.0, "10 to 20 mm"), (1e9, "20 mm and more"))
STRANGE_SLICES = 6
# a scan may show a part of the lungs only
PARTS = 3
SIDE = 160

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Looked:
    """One drawn scan: matched marks, features of it and its parts, (kind, peak, density class) of marks on nodules."""

    seen: Seen
    features: NDArray[np.float32]
    parts: tuple[NDArray[np.float32], ...]
    types: tuple[tuple[str, float, str], ...]


def look(plugin: CtLungNodule, scans: Arrays) -> Iterator[Looked]:
    """Run the loaded plugin over drawn scans and match its marks with the nodules."""
    for hu, truth, kinds in zip(scans["hu"], scans["truth"], scans["kinds"], strict=True):
        sample = plugin.sample_of(drawn_scan(hu))
        mapped = plugin.predict([sample])[0]
        marks = plugin.marks(sample, mapped)
        labels = label_lesions(marks, truth.shape)
        seen = match(truth, labels, [mark.peak for mark in marks], CELL_MM)
        yield Looked(
            seen, mapped.features, tuple(mapped.parts(PARTS)), tuple(typed(marks, sample, np.asarray(truth), kinds))
        )


def drawn_scan(hu: NDArray[Any]) -> Scan:
    """A drawn scan as if it had been read from its series."""
    values = np.asarray(hu, dtype=np.float32)
    depth, rows, columns = values.shape
    headers = tuple(
        InstanceHeader(
            f"{n}", "application/dicom", "", rows, columns, orientation=AXIAL, position=(0.0, 0.0, n * BETWEEN),
            pixel_spacing=(INSIDE, INSIDE),
        )
        for n in range(depth)
    )  # fmt: skip
    return Scan(values, Stack(headers, (INSIDE, INSIDE), BETWEEN), Grid(INSIDE, BETWEEN))


def typed(
    marks: Sequence[Lesion], sample: Sample, truth: NDArray[Any], kinds: NDArray[Any]
) -> Iterator[tuple[str, float, str]]:
    """Kind of the nodule that a mark lies on most, the mark's peak, and its density class."""
    for mark in marks:
        under = truth[mark.box][mark.mask]
        under = under[under > 0]
        if len(under):
            kind = KINDS[int(kinds[int(np.bincount(under).argmax())])]
            yield kind, mark.peak, class_of(mark, sample)


def type_figures(looked: Sequence[Looked], scoring: Scoring) -> dict[str, Any]:
    """How often the density class is that of the nodule, for marks that are reported."""
    rows = [row for one in looked for row in one.types if scoring.score(row[1]) >= scoring.threshold]
    right = [row for row in rows if row[2] == f"nodule.{row[0]}"]
    table = {kind: [sum(r[0] == kind and r[2] == f"nodule.{k}" for r in rows) for k in KINDS] for kind in KINDS}
    return {"accuracy": share(len(right), len(rows)), "order": list(KINDS), "confusion": table}


def strange_features(predict: Predict, multiple: int) -> list[NDArray[np.float32]]:
    """Features of volumes that are no chest: noise, blocks, heads drawn as shells, inverted and constant ones."""
    return [
        map_volume(predict, normalise(volume), range(STRANGE_SLICES), CONTEXT, multiple).features
        for volume in strange_volumes()
    ]


def strange_volumes() -> Iterator[NDArray[np.float32]]:
    """Small volumes in HU that no one would take for lungs."""
    from scipy import ndimage

    shape = (STRANGE_SLICES, SIDE, SIDE)
    rows, columns = np.mgrid[-1:1:160j, -1:1:160j].astype(np.float32)
    for number in range(24):
        rng = np.random.default_rng([77, number])
        noise = rng.standard_normal(shape).astype(np.float32)
        radius = np.hypot(rows * rng.uniform(0.9, 1.4), columns * rng.uniform(0.9, 1.4))
        shell = np.where(radius < 0.75, 35.0, np.where(radius < 0.85, 900.0, -1000.0)) + noise * 8
        organs = np.where(radius < 0.9, 60 + 80 * ndimage.gaussian_filter(noise, (1, 9, 9)) * 30, -1000) + noise * 15
        coarse = ndimage.gaussian_filter(noise, (0.5, 2, 2)) * 2500 - 300
        kinds = (noise * 400 - 300, shell, organs, coarse)
        yield np.asarray(kinds[number % len(kinds)], dtype=np.float32)
