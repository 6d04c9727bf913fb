"""Training of the chest model: drawn films, the fit, the figures on films that it never saw, and the card."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from inference.plugins.base import TrainingOptions
from inference.plugins.xray_chest_nodule.evaluate import Seen, figures, fit_scoring, look, write_golden
from inference.plugins.xray_chest_nodule.familiarity import Gate
from inference.plugins.xray_chest_nodule.fit import BATCH, LEARNING_RATE, fit
from inference.plugins.xray_chest_nodule.generate import Examples, draw_examples
from inference.plugins.xray_chest_nodule.manifest import GATE_FILE, GOLDEN_FILE, MANIFEST, MODEL_FILE
from inference.plugins.xray_chest_nodule.model import compile_predict, weights_sha256
from inference.training.card import write_card
from inference.training.seeds import fix_seeds

SAMPLES, EPOCHS = 7000, 5
HELD_OUT = 400
# held-out films are drawn from series that no training seed reaches
VALIDATION_SERIES, TEST_SERIES = 1_000_001, 1_000_002
# strict: a mark beside every opacity costs more trust than a missed faint one; sensitivity in the card is the price
MOST_FALSE_PER_CHEST = 0.03
LEAST_CHEST = 0.5
GOLDEN_FILMS = 3
LIMITS = (
    "Trained on drawn chests with drawn opacities only; no labelled patient was seen, and drawn films are no patients.",
    "Opacities under about 10 mm, and those behind the heart and below the diaphragm, are often missed.",
    "On drawn chests most opacities are missed at the shipped threshold: it marks little, and seldom wrongly.",
    "One real film with many opacities (RG1 of pydicom-data, not in training) was looked at when level and threshold "
    "were set: two marks, both on visible opacities, none elsewhere; at least three visible ones are not marked.",
    "Adults, frontal view. Without pixel spacing nodule and mass are not told apart.",
    "Not a medical device, not for clinical use.",
)


def train(options: TrainingOptions) -> None:
    """Draw, fit, judge, and write model, gate, golden films and card into `options.out`."""
    samples, epochs = options.samples or SAMPLES, options.epochs or EPOCHS
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="films-", dir=options.out) as folder:
        examples = draw_examples(Path(folder) / "train", options.seed, samples, options.backgrounds)
        fix_seeds(options.seed)
        model = fit(examples, options.seed, epochs, options.out / "logs")
        facts = recipe(options, samples, epochs, examples)
        finish(options.out, Path(folder), model, facts)


def recipe(options: TrainingOptions, samples: int, epochs: int, examples: Examples) -> dict[str, Any]:
    """How the model was made; `films_sha256` is the digest of all drawn films."""
    return {
        "seed": options.seed, "samples": samples, "epochs": epochs, "batch": BATCH, "learning_rate": LEARNING_RATE,
        "own_backgrounds": options.backgrounds is not None, "films_sha256": examples.sha256(),
    }  # fmt: skip


def finish(out: Path, folder: Path, model: Any, facts: dict[str, Any], held_out: int = HELD_OUT) -> None:
    """Set thresholds on validation films, measure on test films, write the artefacts."""
    predict = compile_predict(model)
    validation = look(predict, draw_examples(folder / "validation", VALIDATION_SERIES, held_out))
    test_films = draw_examples(folder / "test", TEST_SERIES, held_out)
    scoring = fit_scoring(validation, MOST_FALSE_PER_CHEST)
    model.save(out / MODEL_FILE)
    Gate(LEAST_CHEST, scoring).save(out / GATE_FILE)
    write_golden(out / GOLDEN_FILE, predict, test_films.images[:GOLDEN_FILMS].copy())
    measured = figures(look(predict, test_films), scoring)
    write_card(out, card(model, facts, measured, scoring.threshold, validation))


def card(
    model: Any, facts: dict[str, Any], measured: dict[str, Any], threshold: float, validation: Sequence[Seen]
) -> dict[str, Any]:
    """The model card."""
    return {
        "plugin": MANIFEST.slug,
        "version": MANIFEST.version,
        "training": facts,
        "data": {
            "source": "chests and other pictures drawn by this plugin, textures of scikit-image, one real tibia film",
            "held_out": f"{len(validation)} films to set thresholds, {HELD_OUT} films for the figures; other seeds",
        },
        "model": {"weights_sha256": weights_sha256(model), "parameters": model.count_params()},
        "metrics": measured,
        "thresholds": {"score": threshold, "chest": LEAST_CHEST, "most_false_per_chest": MOST_FALSE_PER_CHEST},
        "limits": list(LIMITS),
    }
