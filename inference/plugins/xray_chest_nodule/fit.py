"""The training loop: batches prepared beside the model's steps, losses of the three tasks, a falling learning rate."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.plugins.xray_chest_nodule.generate import LUNG, OPACITY, Examples
from inference.plugins.xray_chest_nodule.model import build_model
from inference.plugins.xray_chest_nodule.preprocess import local_contrasts
from inference.training.progress import progress
from inference.training.tensorboard import ScalarLog

BATCH = 16
LEARNING_RATE = 2.5e-3
LOSSES = ("opacity", "lung", "chest")

Batch = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Step:
    """A model with its compiled training step, which returns the losses in the order of `LOSSES`."""

    model: Any
    run: Any


def fit(examples: Examples, seed: int, epochs: int, logs: Path) -> Any:
    """Train a fresh model; returns the keras model after the last epoch."""
    step = compile_step(epochs * (len(examples) // BATCH))
    rng = np.random.default_rng([seed, 1])
    with ScalarLog(logs) as log:
        for epoch in range(epochs):
            losses = run_epoch(step, examples, rng, f"epoch {epoch + 1} of {epochs}")
            log.write(epoch, losses)
            sys.stderr.write(" ".join(f"{name} {value:.4f}" for name, value in losses.items()) + "\n")
    return step.model


def run_epoch(step: Step, examples: Examples, rng: np.random.Generator, label: str) -> dict[str, float]:
    """One pass over the shuffled samples; returns the mean losses."""
    order = rng.permutation(len(examples))[: len(examples) // BATCH * BATCH].reshape(-1, BATCH)
    losses = [step.run(*batch) for batch in progress(batches(examples, order, rng), label)]
    return dict(zip(LOSSES, np.mean(losses, axis=0).tolist(), strict=True))


def batches(examples: Examples, order: NDArray[np.int64], rng: np.random.Generator) -> Iterator[Batch]:
    """The batches of an epoch, each prepared in a thread while the model takes its step on the one before."""
    seeds = rng.integers(0, 2**31, len(order))
    with ThreadPoolExecutor(1) as pool:
        waiting = [pool.submit(make_batch, examples, order[n], int(seeds[n])) for n in range(min(2, len(order)))]
        for n in range(len(order)):
            yield waiting.pop(0).result()
            if n + 2 < len(order):
                waiting.append(pool.submit(make_batch, examples, order[n + 2], int(seeds[n + 2])))


def make_batch(examples: Examples, chosen: NDArray[np.int64], seed: int) -> Batch:
    """Contrasts (n, side, side, channels), maps (n, side, side, 2) and chest flags (n, 1), mirrored at random."""
    rng = np.random.default_rng(seed)
    contrasts, maps = [], []
    for index in np.sort(chosen):
        mirrored = slice(None, None, -1 if rng.random() < 0.5 else 1)
        grey = examples.images[index][:, mirrored].astype(np.float32) / np.float32(255)
        labels = examples.labels[index][:, mirrored]
        contrasts.append(local_contrasts(grey ** np.float32(np.exp(rng.normal(0, 0.15)))))
        maps.append(np.stack([labels & OPACITY, (labels & LUNG) // LUNG], axis=-1).astype(np.float32))
    chests = examples.chests[np.sort(chosen)].astype(np.float32)[:, None]
    return np.stack(contrasts), np.stack(maps), chests


def compile_step(total_steps: int) -> Step:
    """A model with Adam, whose rate rises shortly and then falls along a cosine over `total_steps`."""
    import keras
    import tensorflow as tf

    model = build_model()
    # the maps before their last doubling carry all that is learnt, at a quarter of the cost
    half = keras.Model(model.input, {"maps": model.get_layer("half").output, "chest": model.get_layer("chest").output})
    warm = max(1, min(200, total_steps // 10))
    rate = keras.optimizers.schedules.CosineDecay(
        LEARNING_RATE / 10, max(1, total_steps - warm), warmup_target=LEARNING_RATE, warmup_steps=warm, alpha=0.01
    )
    optimizer = keras.optimizers.Adam(rate, clipnorm=1.0)

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator, unused-ignore]
    def run(contrasts: Any, maps: Any, chests: Any) -> Any:
        with tf.GradientTape() as tape:
            losses = task_losses(half(contrasts, training=True), tf.nn.avg_pool2d(maps, 2, 2, "VALID"), chests)
            total = losses[0] + 0.5 * losses[1] + 0.2 * losses[2]
        gradients = tape.gradient(total, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return tf.stack(losses)

    return Step(model, run)


def task_losses(out: Any, maps: Any, chests: Any) -> list[Any]:
    """Losses of opacity, lung and chest. Lungs of an operator's own films are unknown, and do not count."""
    import tensorflow as tf

    chest = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(chests, out["chest"]))
    opacity = map_loss(out["maps"][..., 0], maps[..., 0], positive=3.0)
    lungs = maps[..., 1]
    has_lungs = tf.cast(tf.reduce_max(lungs, axis=[1, 2]) > 0, tf.float32)
    known = tf.maximum(has_lungs, 1.0 - chests[:, 0])[:, None, None]
    return [opacity, map_loss(out["maps"][..., 1] * known - 12.0 * (1.0 - known), lungs, positive=1.0), chest]


def map_loss(logits: Any, truth: Any, positive: float) -> Any:
    """Focal cross-entropy, in which lesions weigh `positive` times, plus soft Dice over the batch."""
    import tensorflow as tf

    surprise = tf.nn.sigmoid_cross_entropy_with_logits(truth, logits)
    share = tf.sigmoid(logits)
    focal = tf.reduce_mean(surprise * tf.square(truth - share) * (1.0 + (positive - 1.0) * truth))
    overlap = 2.0 * tf.reduce_sum(share * truth) + 1.0
    return 4.0 * focal + 1.0 - overlap / (tf.reduce_sum(share) + tf.reduce_sum(truth) + 1.0)
