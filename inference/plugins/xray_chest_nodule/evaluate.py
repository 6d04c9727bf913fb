"""How good a model is on drawn chests that it never saw: sensitivity by size, false marks, overlap, calibration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.plugins.base import SelfTest
from inference.plugins.xray_chest_nodule.generate import OPACITY, Examples
from inference.plugins.xray_chest_nodule.model import Output, Predict
from inference.plugins.xray_chest_nodule.outlines import LEVEL, Region, find_regions
from inference.plugins.xray_chest_nodule.postprocess import Scoring
from inference.plugins.xray_chest_nodule.preprocess import FIELD, Placement, local_contrasts

BATCH = 16
HIT_OVERLAP = 0.1
# upper bounds in field pixels of 256; 7.3 pixels are about 10 mm on a film 35 cm wide
SIZE_BINS = (7.3, 11.0, 22.0, 200.0)
BIN_NAMES = ("under 10 mm", "10 to 15 mm", "15 to 30 mm", "30 mm and more")
MASK = NDArray[np.bool_]
WHOLE = Placement(FIELD, FIELD, 1.0, 0, 0)
GOLDEN_TOLERANCE = 2e-3


@dataclass(frozen=True, slots=True)
class Mark:
    """A region that the model marked: its peak, and whether it lies on an opacity."""

    peak: float
    hit: bool


@dataclass(frozen=True, slots=True)
class Truth:
    """An inserted opacity: diameter of a circle of its area in field pixels, and the region that hit it, if any."""

    diameter: float
    peak: float
    dice: float
    size_error: float


@dataclass(frozen=True, slots=True)
class Seen:
    """One film: what was there, what was marked, and how much the model takes it for a chest."""

    truths: tuple[Truth, ...]
    marks: tuple[Mark, ...]
    chest: bool
    chest_score: float


def look(predict: Predict, examples: Examples) -> list[Seen]:
    """Run the model over all examples and match its marks with the inserted opacities."""
    seen: list[Seen] = []
    for start in range(0, len(examples), BATCH):
        images = examples.images[start : start + BATCH].astype(np.float32) / np.float32(255)
        outputs = predict(np.stack([local_contrasts(image) for image in images]))
        labels = examples.labels[start : start + BATCH] & OPACITY
        flags = examples.chests[start : start + BATCH]
        seen += [match(*film) for film in zip(outputs, labels > 0, flags, strict=True)]
    return seen


def match(output: Output, truth: MASK, chest: bool) -> Seen:
    """A region hits an opacity where they share more than a tenth of their union."""
    from scipy import ndimage

    regions = find_regions(output.opacity, WHOLE)
    components, _ = ndimage.label(output.opacity > LEVEL)
    marked = [components == components_at(components, region) for region in regions]
    labels, count = ndimage.label(truth)
    wanted = [labels == number for number in range(1, count + 1)]
    marks = tuple(
        Mark(r.peak, any(overlap(m, w) > HIT_OVERLAP for w in wanted)) for r, m in zip(regions, marked, strict=True)
    )
    truths = tuple(judge(mask, regions, marked) for mask in wanted)
    return Seen(truths, marks, bool(chest), output.chest)


def components_at(components: NDArray[np.int32], region: Region) -> int:
    """The component's number, taken where its box and its area agree."""
    x0, y0, x1, y1 = (int(value) for value in region.bbox)
    numbers, areas = np.unique(components[y0:y1, x0:x1], return_counts=True)
    fits = [int(n) for n, area in zip(numbers, areas, strict=True) if n and area == region.area]
    return fits[0] if fits else -1


def judge(mask: MASK, regions: Sequence[Region], marked: Sequence[MASK]) -> Truth:
    """One opacity with the region that overlaps it most."""
    diameter = equivalent(mask)
    overlaps = [overlap(mask, one) for one in marked]
    best = int(np.argmax(overlaps)) if overlaps else -1
    if best < 0 or overlaps[best] <= HIT_OVERLAP:
        return Truth(diameter, 0.0, 0.0, 0.0)
    dice = 2 * overlaps[best] / (1 + overlaps[best])
    return Truth(diameter, regions[best].peak, float(dice), abs(equivalent(marked[best]) - diameter) / diameter)


def equivalent(mask: MASK) -> float:
    return float(2 * np.sqrt(mask.sum() / np.pi))


def overlap(one: MASK, other: MASK) -> float:
    """Intersection over union."""
    both = int((one & other).sum())
    return both / max(1, int((one | other).sum())) if both else 0.0


def fit_scoring(seen: Sequence[Seen], most_false: float) -> Scoring:
    """Platt's calibration of peaks on validation films, and the lowest threshold with at most `most_false` a chest."""
    chests = [film for film in seen if film.chest]
    marks = [mark for film in chests for mark in film.marks]
    slope, offset = platt(np.array([m.peak for m in marks]), np.array([m.hit for m in marks]))
    free = Scoring(slope, offset, 0.0)
    false = sorted((free.score(mark.peak) for mark in marks if not mark.hit), reverse=True)
    allowed = int(most_false * len(chests))
    return Scoring(slope, offset, round(false[allowed] + 1e-4, 4) if len(false) > allowed else 0.05)


def platt(peaks: NDArray[np.float64], hits: NDArray[np.bool_]) -> tuple[float, float]:
    """Logistic regression of hit on the logit of the peak, by Newton's method with a slight ridge."""
    logits = np.log(np.clip(peaks, 1e-6, 1 - 1e-6) / (1 - np.clip(peaks, 1e-6, 1 - 1e-6)))
    design = np.stack([logits, np.ones_like(logits)], axis=1)
    weights = np.zeros(2)
    for _ in range(50):
        share = 1 / (1 + np.exp(-design @ weights))
        gradient = design.T @ (share - hits) + 1e-3 * weights
        curvature = (design * (share * (1 - share))[:, None]).T @ design + 1e-3 * np.eye(2)
        weights = weights - np.linalg.solve(curvature, gradient)
    return float(weights[0]), float(weights[1])


def figures(seen: Sequence[Seen], scoring: Scoring) -> dict[str, Any]:
    """The figures of the card, at the shipped threshold."""
    chests = [film for film in seen if film.chest]
    truths = [truth for film in chests for truth in film.truths]
    hits = [truth for truth in truths if scoring.score(truth.peak) >= scoring.threshold and truth.peak > 0]
    normals = [film for film in chests if not film.truths]
    return {
        "test_chests": len(chests),
        "test_opacities": len(truths),
        "sensitivity": share(len(hits), len(truths)),
        "sensitivity_by_size": by_size(truths, hits),
        "false_marks_per_chest": false_rate(chests, scoring),
        "false_marks_per_normal_chest": false_rate(normals, scoring),
        "froc": [point(chests, scoring, threshold) for threshold in (0.2, 0.35, 0.5, 0.65, 0.8, 0.9)],
        "dice_of_hits": mean([truth.dice for truth in hits]),
        "diameter_error_of_hits": mean([truth.size_error for truth in hits]),
        "calibration_error": calibration_error(chests, scoring),
        "chest_auroc": auroc(seen),
    }


def by_size(truths: Sequence[Truth], hits: Sequence[Truth]) -> dict[str, dict[str, float]]:
    found = {}
    low = 0.0
    for high, name in zip(SIZE_BINS, BIN_NAMES, strict=True):
        within, hit = ([t for t in group if low <= t.diameter < high] for group in (truths, hits))
        found[name] = {"opacities": len(within), "sensitivity": share(len(hit), len(within))}
        low = high
    return found


def false_rate(films: Sequence[Seen], scoring: Scoring, threshold: float | None = None) -> float:
    """Marks beside every opacity, per film."""
    least = scoring.threshold if threshold is None else threshold
    return share(sum(not m.hit and scoring.score(m.peak) >= least for film in films for m in film.marks), len(films))


def point(films: Sequence[Seen], scoring: Scoring, threshold: float) -> dict[str, float]:
    """One point of the FROC curve."""
    truths = [truth for film in films for truth in film.truths]
    hits = sum(truth.peak > 0 and scoring.score(truth.peak) >= threshold for truth in truths)
    return {"score": threshold, "sensitivity": share(hits, len(truths)), "false": false_rate(films, scoring, threshold)}


def calibration_error(films: Sequence[Seen], scoring: Scoring) -> float:
    """Expected calibration error over ten bins of the score."""
    marks = [(scoring.score(mark.peak), mark.hit) for film in films for mark in film.marks]
    bins = [[pair for pair in marks if low / 10 <= pair[0] < (low + 1) / 10] for low in range(10)]
    gaps = (abs(sum(s for s, _ in one) - sum(h for _, h in one)) for one in bins if one)
    return share(float(sum(gaps)), len(marks))


def auroc(seen: Sequence[Seen]) -> float:
    """How well the chest branch parts chests from other pictures: 0.5 is chance, 1 is perfect."""
    chests, others = ([film.chest_score for film in seen if film.chest is kind] for kind in (True, False))
    wins = sum((np.array(others) < one).mean() + 0.5 * (np.array(others) == one).mean() for one in chests)
    return share(float(wins), len(chests))


def share(part: float, whole: int) -> float:
    return round(float(part) / whole, 4) if whole else 0.0


def mean(values: Sequence[float]) -> float:
    return share(sum(values), len(values))


def write_golden(path: Path, predict: Predict, images: NDArray[np.uint8]) -> None:
    """A few held-out films with what the model said of them, coarsely, for the self-test."""
    outputs = predict(np.stack(list(contrasts_of(images))))
    coarse = np.stack([output.opacity[::8, ::8] for output in outputs])
    np.savez_compressed(path, images=images, opacity=coarse.astype(np.float16))


def contrasts_of(images: NDArray[np.uint8]) -> Iterator[NDArray[np.float32]]:
    for image in images:
        yield local_contrasts(image.astype(np.float32) / np.float32(255))


def compare_with_golden(predict: Predict, path: Path) -> SelfTest:
    """Whether the loaded model says of the golden films what it said when it was made."""
    with np.load(path, allow_pickle=False) as golden:
        images, expected = golden["images"], golden["opacity"].astype(np.float32)
    outputs = predict(np.stack(list(contrasts_of(images))))
    found = np.stack([output.opacity[::8, ::8] for output in outputs])
    worst = float(np.abs(found - expected).max())
    return SelfTest(worst <= GOLDEN_TOLERANCE, f"{len(images)} golden films, largest difference {worst:.5f}")
