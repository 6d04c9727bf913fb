"""Training of the digits model: seeded, with progress on standard error and TensorBoard logs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inference.plugins.base import TrainingOptions
from inference.plugins.digits.augment import augment
from inference.plugins.digits.data import (
    LICENCE,
    SOURCE,
    Part,
    Split,
    data_path,
    data_sha256,
    read_digits,
    split_digits,
)
from inference.plugins.digits.evaluate import best_temperature, doubt_threshold, figures, write_golden
from inference.plugins.digits.manifest import GOLDEN_FILE, MANIFEST, MODEL_FILE
from inference.plugins.digits.model import build_model, compile_predict, weights_sha256
from inference.training.card import write_card
from inference.training.progress import progress
from inference.training.seeds import fix_seeds
from inference.training.tensorboard import ScalarLog

EPOCHS = 60
BATCH = 64
LEARNING_RATE = 1e-3


@dataclass(frozen=True, slots=True)
class Step:
    """One compiled training step and what it acts on."""

    model: Any
    run: Any
    loss: Any


def train(options: TrainingOptions) -> None:
    """Train, judge on the held-out test images, and write model, golden digits and card into `options.out`.

    The same seed, samples and epochs give the same weights. Raises `DataMissing`.
    """
    path = data_path()
    fix_seeds(options.seed)
    split = split_digits(read_digits(path), options.seed, options.samples)
    epochs = options.epochs or EPOCHS
    model = fit(split, epochs, options)
    facts = {"seed": options.seed, "epochs": epochs, "batch": BATCH, "learning_rate": LEARNING_RATE}
    write_artefacts(options.out, model, split, {"training": facts, "data": describe(split, path)})


def fit(split: Split, epochs: int, options: TrainingOptions) -> Any:
    """Train on augmented digits, from the weights of `options.start` if any; returns the model of the last epoch."""
    step = compile_step(epochs * -(-len(split.train) // BATCH))
    if options.start is not None:
        step.model.load_weights(options.start)
    rng = np.random.default_rng(options.seed)
    with ScalarLog(options.out / "logs") as log:
        for epoch in progress(range(epochs), "epochs"):
            loss = run_epoch(step, split.train, rng)
            log.write(epoch, {"loss": loss, "validation_accuracy": accuracy(step.model, split.validation)})
    return step.model


def compile_step(total_steps: int) -> Step:
    """A model with Adam, whose rate falls along a cosine over `total_steps`, and a traced step of gradient descent."""
    import keras
    import tensorflow as tf

    model = build_model()
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(LEARNING_RATE, total_steps))
    measure = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    mean_loss = keras.metrics.Mean()

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator, unused-ignore]
    def run(images: Any, labels: Any) -> None:
        with tf.GradientTape() as tape:
            loss = measure(labels, model(images, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        mean_loss.update_state(loss)

    return Step(model, run, mean_loss)


def run_epoch(step: Step, part: Part, rng: np.random.Generator) -> float:
    """One pass over the shuffled and freshly varied images; returns the mean loss."""
    step.loss.reset_state()
    shuffled = part.pick(rng.permutation(len(part)))
    images = augment(shuffled.images, rng)[..., np.newaxis]
    for start in range(0, len(part), BATCH):
        step.run(images[start : start + BATCH], shuffled.labels[start : start + BATCH])
    return float(step.loss.result())


def accuracy(model: Any, part: Part) -> float:
    """Share of images whose best label is right."""
    return float((logits_of(model, part).argmax(axis=1) == part.labels).mean())


def logits_of(model: Any, part: Part) -> Any:
    """Logits (n, 10) of a part."""
    return np.asarray(model(part.images[..., np.newaxis], training=False))


def describe(split: Split, path: Path) -> dict[str, Any]:
    """Where the data came from and how it was parted."""
    counts = {"train": len(split.train), "validation": len(split.validation), "test": len(split.test)}
    return {"source": SOURCE, "licence": LICENCE, "file_sha256": data_sha256(path), "images": counts}


def write_artefacts(out: Path, model: Any, split: Split, facts: dict[str, Any]) -> None:
    """Write `model.keras`, `golden.npz` and `card.json`; calibration and threshold come from validation images."""
    out.mkdir(parents=True, exist_ok=True)
    validation = logits_of(model, split.validation)
    temperature = best_temperature(validation, split.validation.labels)
    predict = compile_predict(model, temperature)
    doubtful = doubt_threshold(predict(split.validation.images), split.validation.labels)
    model.save(out / MODEL_FILE)
    write_golden(out / GOLDEN_FILE, predict, split.test)
    card = {
        "plugin": MANIFEST.slug,
        "version": MANIFEST.version,
        **facts,
        "model": {"weights_sha256": weights_sha256(model), "parameters": model.count_params()},
        "metrics": figures(predict, split.test),
        "calibration": {"temperature": temperature},
        "thresholds": {"doubtful_below": doubtful},
        "limits": [
            "One digit per image; letters and other signs are answered as if they were digits.",
            "Trained on digits of American writers: a crossed seven or a hooked one may be misread.",
        ],
    }
    write_card(out, card)
