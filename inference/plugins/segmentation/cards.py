"""The model card of a segmentation plugin: one shape for all, written from what was measured."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from inference.plugins.base import Manifest, TrainingOptions
from inference.plugins.segmentation.familiarity import Thresholds
from inference.plugins.segmentation.fit import Fitted, Recipe, start_sha256
from inference.plugins.segmentation.network import Design, weights_sha256
from inference.training.card import write_card

NOT_CLINICAL = "Not a medical device, not for clinical use."


@dataclass(frozen=True, slots=True)
class Facts:
    """What a plugin tells of its own: where data comes from, how held-out data is defined, figures, limits.

    `metrics` are those of `figures.figures` with what the plugin adds; `real_images` is what the model says of real
    files that packages carry; `other_seeds` are figures of further trainings, if any.
    """

    data: Mapping[str, Any]
    held_out: str
    metrics: Mapping[str, Any]
    real_images: Mapping[str, Any]
    limits: Sequence[str]
    other_seeds: Mapping[str, Any]


def recipe_facts(
    design: Design, recipe: Recipe, options: TrainingOptions, samples: int, samples_sha256: str
) -> dict[str, Any]:
    """How the model was made; `recipe_sha256` is the digest of all that stands beside it."""
    facts = {
        "seed": options.seed,
        "samples": samples,
        "samples_sha256": samples_sha256,
        "own_backgrounds": options.backgrounds is not None,
        "start_sha256": start_sha256(options),
        "design": asdict(design),
        "recipe": asdict(recipe),
    }
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    return {**facts, "recipe_sha256": digest}


def write(
    out: Path, manifest: Manifest, training: Mapping[str, Any], fitted: Fitted, set_: Thresholds, facts: Facts
) -> Path:
    """Write the card into `out`; returns its path."""
    scoring = set_.scoring
    card = {
        "plugin": manifest.slug,
        "version": manifest.version,
        "training": {**training, "epochs_run": len(fitted.history), "best_epoch": fitted.best_epoch + 1},
        "data": {**facts.data, "held_out": facts.held_out},
        "model": {"weights_sha256": weights_sha256(fitted.model), "parameters": fitted.model.count_params()},
        "metrics": dict(facts.metrics),
        "other_seeds": dict(facts.other_seeds),
        "thresholds": {
            "score": scoring.threshold,
            "slope": round(scoring.slope, 4),
            "offset": round(scoring.offset, 4),
            "familiarity": round(set_.familiarity.limit, 4),
        },
        "real_images": dict(facts.real_images),
        "limits": [*facts.limits, NOT_CLINICAL],
    }
    return write_card(out, card)
