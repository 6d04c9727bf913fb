"""Training of a scan model: drawn scans, the fit, thresholds and figures from scans that it never saw, the card."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.domain.study import Vector6
from inference.plugins.base import TrainingOptions
from inference.plugins.segmentation.cards import Facts, recipe_facts, write
from inference.plugins.segmentation.evaluate import Looked, look
from inference.plugins.segmentation.familiarity import UNKNOWN, Thresholds
from inference.plugins.segmentation.fit import Fitted, Recipe, fit
from inference.plugins.segmentation.golden import write_golden
from inference.plugins.segmentation.network import compile_predict
from inference.plugins.segmentation.resume import forget
from inference.plugins.segmentation.samples import Arrays, Series, draw_all, sha256_of
from inference.plugins.segmentation.scans import GOLDEN_FILE, MODEL_FILE, THRESHOLDS_FILE, ScanPlugin
from inference.plugins.segmentation.scoring import UNCALIBRATED
from inference.plugins.segmentation.slabs import Cut, cut_slabs
from inference.plugins.segmentation.slices import AXIAL
from inference.training.seeds import fix_seeds

# held-out scans are drawn from series that no training seed reaches; those for reference are the seed's own
VALIDATION_SERIES, TEST_SERIES, REFERENCE_OFFSET = 1_000_001, 1_000_002, 2_000_000
GOLDEN_SLABS = 3
UNSET = Thresholds(UNCALIBRATED, UNKNOWN)

Seen = Mapping[str, Sequence[Looked]]


@dataclass(frozen=True, slots=True)
class Amounts:
    """How much a training takes unless it is told otherwise: scans, epochs, slabs from each scan, and what is watched.

    Scans drawn for thresholds and figures are never more than those to train on: a trial is small throughout.
    """

    scans: int
    epochs: int
    slabs: int = 80
    watched_scans: int = 8
    watched_slabs: int = 320


@dataclass(frozen=True, slots=True)
class Course:
    """What a modality brings to its training.

    `crowded` gives scans full of lesions to train on (folder, number of the series, count); their volumes are in the
    column `stored`. `held_out` gives scans by use (folder, seed, most of each); `set_thresholds` sets the thresholds
    on some of them, `tell` writes down what the others show.
    """

    plugin: ScanPlugin
    slugs: Sequence[str]
    amounts: Amounts
    cut: Cut
    stored: str
    crowded: Callable[[Path, int, int], Series]
    held_out: Callable[[Path, int, int], Mapping[str, Series]]
    set_thresholds: Callable[[Seen], Thresholds]
    tell: Callable[[ScanPlugin, Seen, Thresholds, Mapping[str, Arrays]], Facts]
    planes: Sequence[Vector6] = (AXIAL,)


def train_scans(course: Course, options: TrainingOptions) -> None:
    """Draw, fit, judge, and write model, thresholds, golden slabs and card into `options.out`."""
    scans, design = options.samples or course.amounts.scans, course.plugin.settings.design
    recipe = Recipe(epochs=options.epochs or course.amounts.epochs)
    folder = options.out / "scans"
    training = draw_all(course.crowded(folder / "train", options.seed, scans))
    watched = draw_all(course.crowded(folder / "watched", VALIDATION_SERIES, min(course.amounts.watched_scans, scans)))
    sources = [
        cut_slabs(one[course.stored], one["truth"], count, placing(options.seed), course.cut)
        for one, count in ((training, scans * course.amounts.slabs), (watched, course.amounts.watched_slabs))
    ]
    fix_seeds(options.seed)
    fitted = fit(design, recipe, sources[0], sources[1], options)
    facts = recipe_facts(design, recipe, options, scans, sha256_of(training))
    golden = sources[1].batch(np.arange(GOLDEN_SLABS), placing(0)).images
    finish(course, options.out, fitted, facts, golden)
    forget(options.out)
    shutil.rmtree(folder)


def placing(seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, 3])


def finish(course: Course, out: Path, fitted: Fitted, facts: dict[str, Any], golden: NDArray[np.float32]) -> None:
    """Set thresholds on some of the held-out scans, measure on the others, write the artefacts."""
    plugin = course.plugin
    predict = compile_predict(fitted.model, plugin.settings.design)
    plugin.use(predict, UNSET)
    series = course.held_out(out / "scans", facts["seed"], facts["samples"])
    scans = {use: draw_all(one) for use, one in series.items()}
    looked = {use: list(look(plugin, arrays, course.slugs, course.planes)) for use, arrays in scans.items()}
    thresholds = course.set_thresholds(looked)
    plugin.use(predict, thresholds)
    fitted.model.save(out / MODEL_FILE)
    thresholds.save(out / THRESHOLDS_FILE)
    write_golden(out / GOLDEN_FILE, predict, golden)
    write(out, plugin.manifest, facts, fitted, thresholds, course.tell(plugin, looked, thresholds, scans))
