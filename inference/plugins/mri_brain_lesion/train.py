"""What brain MR brings to the training of a scan model: lesions in real heads, how they are cut, words of the card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.plugins.base import TrainingOptions
from inference.plugins.mri_brain_lesion.brain import HIGH, LOW
from inference.plugins.mri_brain_lesion.evaluate import refusals, strange_volumes
from inference.plugins.mri_brain_lesion.generate import PLANES, SCALE, scan_series
from inference.plugins.mri_brain_lesion.manifest import NAMES
from inference.plugins.mri_brain_lesion.plugin import CONTEXT, MriBrainLesion
from inference.plugins.mri_brain_lesion.subjects import HELD_OUT, TRAINING, head_files
from inference.plugins.segmentation.cards import Facts
from inference.plugins.segmentation.evaluate import BINS, Looked, features_of, strange_features, type_figures
from inference.plugins.segmentation.familiarity import Familiarity, Thresholds, learn
from inference.plugins.segmentation.figures import auroc, figures, share
from inference.plugins.segmentation.real import real_images
from inference.plugins.segmentation.samples import Arrays, Series
from inference.plugins.segmentation.scans import ScanPlugin
from inference.plugins.segmentation.scoring import fit_scoring
from inference.plugins.segmentation.slabs import Cut
from inference.plugins.segmentation.train import (
    REFERENCE_OFFSET,
    TEST_SERIES,
    VALIDATION_SERIES,
    Amounts,
    Course,
    Seen,
    train_scans,
)

AMOUNTS = Amounts(scans=88, epochs=6)
OTHER_SERIES, FAMILIAR_SERIES, LIMIT_SERIES = 1_000_003, 1_000_004, 1_000_005
REFERENCE_SCANS, VALIDATION_SCANS, FAMILIAR_SCANS, LIMIT_SCANS, TEST_SCANS, OTHER_SCANS = 6, 8, 6, 6, 4, 18
# set below the promised 0.25, since it is set on few scans
MOST_FALSE_PER_SCAN = 0.15
# the share of known scans and parts of them that the limit leaves outside, and how far beyond it lies
REFUSED, MARGIN = 0.02, 1.1
STRANGE_HEADS = 9
LICENCES = (
    "Heads: Colin27 (ch2 of Debian's mricron-data, which declares BSD-3-Clause for all of its files) to train on, the "
    "MNI152 2009a symmetric average (of the wheel nilearn, BSD-3-Clause, which names no licence for the template) held "
    "out. Their maker, the McConnell Brain Imaging Centre, permits use, copying, change and distribution of both "
    "without fee where its copyright notice stays with every copy. No head is part of the artefacts."
)
HELD_OUT_TEXT = (
    "Scans of another head, which gave no training scan: turned, warped, recoloured, in all three "
    "planes, slices of 2 to 6 mm; a third without lesions, the others with 1 to 5 lesions of 4 to 40 mm (diameter of "
    "the ball of the same volume), dark, bright or ring-shaped, none smaller than the distance of the slices, at least "
    "75 % of each in tissue. The threshold and what is familiar are set on further scans of both heads; `same_anatomy` "
    "are scans of the head that was trained on. A mark hits where it shares more than a tenth of the union with the "
    "lesion. `other_anatomy_refused_if_it_were_unknown` is the share of these scans that would be refused if only the "
    "head that was trained on had set what is familiar: about what a third head meets."
)
LIMITS = (
    "Trained on lesions drawn into one real head and measured on those drawn into one other, the average of 152 people "
    "without skull, which is smoother than a patient. No labelled patient was seen.",
    "Below the aim (0.90 from 10 mm on, 0.75 overall): lesions under 10 mm are missed and many up to 20 mm. Three "
    "passes in two runs, the second from the weights of the first (`start_sha256`), were all; the loss still fell "
    "fast when training ended. Of one seed, and measured on few scans: a share of 32 lesions may be off by 0.17.",
    "Lesions are smooth blobs and rings. Bleeding, swelling, atrophy, scars of surgery and malformations are hardly "
    "drawn, if at all: what the model says there is unknown.",
    "What is familiar was learnt from two heads: how often a third is refused wrongly is not known. Of eight scans "
    "drawn from the coarser head of the sample study one was refused.",
    "A bright lesion is called enhancing only if contrast was given, which the analysis does not know.",
    "Sites are coarse zones by geometry, not by an atlas; near a border the neighbouring zone is as likely.",
    "T1-weighted series of adults with at least 12 slices up to 7 mm apart; other weightings are refused by their "
    "names and, as far as they look different, by their images.",
)


def normalise_stored(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Stored thousandths to what the network takes."""
    return np.asarray(np.clip(values / np.float32(SCALE), LOW, HIGH), dtype=np.float32)


# places without lesions lie where it is not as dark as air
CUT = Cut(CONTEXT, normalise_stored, gain_sd=0.06, offset_sd=0.1 * SCALE, ground=(-2 * SCALE, np.inf), margin=0.0)


def train(options: TrainingOptions) -> None:
    """Draw, fit, judge, and write model, thresholds, golden slabs and card into `options.out`."""
    train_scans(course_of(head_files(options.backgrounds)), options)


def course_of(files: Mapping[str, tuple[Path, ...]]) -> Course:
    """The training on these heads, by use."""

    def crowded(folder: Path, series: int, count: int) -> Series:
        return scan_series(folder, files[TRAINING], series, count, crowded=True)

    def held_out(folder: Path, seed: int, most: int) -> Mapping[str, Series]:
        """Sparse scans: of the head that was trained on, and of the other."""
        wanted = (
            ("reference", TRAINING, seed + REFERENCE_OFFSET, REFERENCE_SCANS),
            ("validation", TRAINING, VALIDATION_SERIES, VALIDATION_SCANS),
            ("familiar", HELD_OUT, FAMILIAR_SERIES, FAMILIAR_SCANS),
            ("limit", HELD_OUT, LIMIT_SERIES, LIMIT_SCANS),
            ("test", TRAINING, TEST_SERIES, TEST_SCANS),
            ("other", HELD_OUT, OTHER_SERIES, OTHER_SCANS),
        )
        return {
            use: scan_series(folder / use, files[part], series, min(count, most), crowded=False)
            for use, part, series, count in wanted
        }

    def tell(plugin: ScanPlugin, looked: Seen, thresholds: Thresholds, scans: Mapping[str, Arrays]) -> Facts:
        names = {part: [path.name for path in paths] for part, paths in files.items()}
        data = {"source": "lesions drawn by this plugin into real heads", "heads": names, "licences": LICENCES}
        metrics = measured(plugin, looked, thresholds, scans)
        return Facts(data, HELD_OUT_TEXT, metrics, real_images(plugin), LIMITS, {})

    return Course(
        MriBrainLesion(), tuple(NAMES), AMOUNTS, CUT, "normal", crowded, held_out, thresholds_of, tell, planes=PLANES
    )  # fmt: skip


def thresholds_of(looked: Seen) -> Thresholds:
    """Scores, what is familiar and its limit, from scans of both heads."""
    known, held = (*looked["reference"], *looked["familiar"]), (*looked["validation"], *looked["limit"])
    scoring = fit_scoring([one.seen for one in (*known, *held)], MOST_FALSE_PER_SCAN)
    return Thresholds(scoring, familiar(known, held))


def familiar(known: Sequence[Looked], held: Sequence[Looked]) -> Familiarity:
    return learn(features_of(known), features_of(held), MARGIN, REFUSED)


def measured(plugin: ScanPlugin, looked: Seen, thresholds: Thresholds, scans: Mapping[str, Arrays]) -> dict[str, Any]:
    """The figures of the card: those of the other head first."""
    other, scoring, known = looked["other"], thresholds.scoring, thresholds.familiarity
    # what a head of which nothing is known meets: the same limit without the second head
    alone = familiar(looked["reference"], looked["validation"])
    strangers = [known.distance(one) for one in strange_features(plugin, strange_volumes())]
    count = len(scans["other"]["values"])
    return {
        **figures([one.seen for one in other], scoring, BINS, "scan"),
        "brightness_class": type_figures(other, scoring, tuple(NAMES)),
        "familiarity_auroc": auroc(strangers, [known.distance(one.features) for one in other]),
        "other_anatomy_refused": share(count - len(accepted(other, known)), count),
        "other_anatomy_refused_if_it_were_unknown": share(count - len(accepted(other, alone)), count),
        "same_anatomy": figures([one.seen for one in looked["test"]], scoring, BINS, "scan"),
        **refusals(plugin, scans["other"], STRANGE_HEADS),
    }


def accepted(looked: Sequence[Looked], known: Familiarity) -> list[Looked]:
    """The scans that are near enough to what is known."""
    return [one for one in looked if known.distance(one.features) <= known.limit]
