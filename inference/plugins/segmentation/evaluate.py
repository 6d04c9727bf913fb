"""How good a scan model is on drawn scans that it never saw."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.domain.errors import UnsupportedInput
from inference.domain.stack import Stack
from inference.domain.study import InstanceHeader, Vector6
from inference.plugins.segmentation.figures import share
from inference.plugins.segmentation.lesions import Lesion, label_lesions
from inference.plugins.segmentation.matching import Seen, match
from inference.plugins.segmentation.network import Array
from inference.plugins.segmentation.samples import Arrays
from inference.plugins.segmentation.scans import Sample, ScanPlugin
from inference.plugins.segmentation.scoring import Scoring
from inference.plugins.segmentation.slices import AXIAL
from inference.plugins.segmentation.volumes import Grid, Scan, map_volume

BINS = ((6.0, "under 6 mm"), (10.0, "6 to 10 mm"), (20.0, "10 to 20 mm"), (1e9, "20 mm and more"))
# a scan may show a part of the body only
PARTS = 3


@dataclass(frozen=True, slots=True)
class Looked:
    """One drawn scan: matched marks, features of it and its parts, (type, peak, type told) of marks on lesions."""

    seen: Seen
    features: Array
    parts: tuple[Array, ...]
    types: tuple[tuple[str, float, str], ...]


def look(
    plugin: ScanPlugin, scans: Arrays, slugs: Sequence[str], planes: Sequence[Vector6] = (AXIAL,)
) -> Iterator[Looked]:
    """Run the loaded plugin over drawn scans and match its marks with the lesions.

    `scans` has values as a scanner stores them, labels of the lesions (`truth`), the type of each label as an index
    into `slugs` (`kinds`), and the index of the plane where there are several. What the plugin refuses is left out.
    """
    grid = plugin.settings.grid
    edge = float((grid.inside**2 * grid.between) ** (1 / 3))
    for number, truth in enumerate(scans["truth"]):
        plane = planes[int(scans["plane"][number])] if "plane" in scans else planes[0]
        try:
            sample = plugin.sample_of(drawn_scan(scans["values"][number], grid, plane))
        except UnsupportedInput:
            continue
        mapped = plugin.predict([sample])[0]
        marks = plugin.marks(sample, mapped)
        seen = match(truth, label_lesions(marks, truth.shape), [mark.peak for mark in marks], edge)
        names = {label: slugs[kind] for label, kind in enumerate(scans["kinds"][number]) if kind >= 0}
        types = tuple(typed(plugin, marks, sample, np.asarray(truth), names))
        yield Looked(seen, mapped.features, tuple(mapped.parts(PARTS)), types)


def drawn_scan(values: NDArray[Any], grid: Grid, orientation: Vector6 = AXIAL) -> Scan:
    """A drawn scan as if it had been read from its series."""
    planes = np.asarray(values, dtype=np.float32)
    depth, rows, columns = planes.shape
    normal = np.cross(orientation[:3], orientation[3:])
    headers = tuple(
        InstanceHeader(
            f"{n}", "application/dicom", "", rows, columns, orientation=orientation,
            position=tuple((normal * n * grid.between).tolist()), pixel_spacing=(grid.inside, grid.inside),
        )
        for n in range(depth)
    )  # fmt: skip
    return Scan(planes, Stack(headers, (grid.inside, grid.inside), grid.between), grid)


def typed(
    plugin: ScanPlugin, marks: Sequence[Lesion], sample: Sample, truth: NDArray[Any], names: dict[int, str]
) -> Iterator[tuple[str, float, str]]:
    """Type of the lesion that a mark lies on most, the mark's peak, and the type that the plugin tells."""
    for mark in marks:
        under = truth[mark.box][mark.mask]
        under = under[under > 0]
        if len(under):
            yield names[int(np.bincount(under).argmax())], mark.peak, plugin.class_of(mark, sample)


def type_figures(looked: Sequence[Looked], scoring: Scoring, slugs: Sequence[str]) -> dict[str, Any]:
    """How often the type is that of the lesion, for marks that are reported."""
    rows = [row for one in looked for row in one.types if scoring.score(row[1]) >= scoring.threshold]
    right = [row for row in rows if row[2] == row[0]]
    table = {slug: [sum(r[0] == slug and r[2] == other for r in rows) for other in slugs] for slug in slugs}
    return {"accuracy": share(len(right), len(rows)), "order": list(slugs), "confusion": table}


def features_of(looked: Iterable[Looked]) -> Array:
    """Features (n, d) of all scans and their parts. Raises `UnsupportedInput` where the plugin refused every scan."""
    parts = [part for one in looked for part in one.parts]
    if not parts:
        raise UnsupportedInput("The analysis refuses every scan drawn from these backgrounds.")
    return np.stack(parts)


def strange_features(plugin: ScanPlugin, volumes: Iterable[Array]) -> list[Array]:
    """What the network sees in volumes that are no scans of its part of the body, if they came so far."""
    settings = plugin.settings
    return [
        map_volume(
            plugin.network, plugin.normalise(one), range(len(one)), settings.context, settings.design.multiple
        ).features
        for one in volumes
    ]
