"""The training loop: batches prepared beside the model's steps, a falling learning rate, early stopping, resumption.

On a graphics card it runs in mixed precision and compiled by XLA; on a processor in float32.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from inference.plugins.base import TrainingOptions
from inference.plugins.segmentation.losses import flag_loss, map_loss
from inference.plugins.segmentation.network import Array, Design, build_network
from inference.plugins.segmentation.resume import Progress, RunState, recall, remember
from inference.training.progress import progress
from inference.training.tensorboard import ScalarLog

AHEAD = 3


@dataclass(frozen=True, slots=True)
class Batch:
    """Images (n, rows, columns, channels), maps and where they are known (n, rows, columns, maps), flags (n, flags)."""

    images: Array
    maps: Array
    known: Array
    flags: Array


class Source(Protocol):
    """Where batches come from. The same `chosen` and state of `rng` give the same batch."""

    def __len__(self) -> int: ...

    def batch(self, chosen: NDArray[np.int64], rng: np.random.Generator) -> Batch:
        """The samples of these indices, augmented by `rng`."""
        ...


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train. One entry of `positive` and `weights` per map; training stops after `patience` idle epochs."""

    epochs: int
    batch: int = 16
    learning_rate: float = 2.5e-3
    positive: tuple[float, ...] = (3.0,)
    weights: tuple[float, ...] = (1.0,)
    flag_weight: float = 0.2
    patience: int = 3


@dataclass(frozen=True, slots=True)
class Step:
    """A model with its compiled steps, each of which returns one loss per map and that of the flags."""

    model: Any
    optimizer: Any
    train: Any
    judge: Any


@dataclass(frozen=True, slots=True)
class Fitted:
    """The model with its best weights, the losses of every epoch, and the epoch (from 0) that was best."""

    model: Any
    history: tuple[dict[str, float], ...]
    best_epoch: int


def fit(design: Design, recipe: Recipe, training: Source, validation: Source, options: TrainingOptions) -> Fitted:
    """Train a fresh network or the weights of `options.start`.

    Where an interrupted run with the same `options.out` and recipe stopped, it goes on.
    """
    state = RunState(options.out, repr((design, recipe, options.seed, len(training), start_sha256(options))))
    step = compile_step(design, recipe, recipe.epochs * (len(training) // recipe.batch))
    if options.start is not None:
        step.model.load_weights(options.start)
    done = recall(state, step.model, step.optimizer)
    with ScalarLog(options.out / "logs") as log:
        for epoch in range(len(done.history), recipe.epochs):
            losses = run_epoch(step, design, recipe, training, validation, (options.seed, epoch))
            done = done.after(losses, step.model.get_weights())
            log.write(epoch, losses)
            sys.stderr.write(" ".join(f"{name} {value:.4f}" for name, value in losses.items()) + "\n")
            remember(state, done, step.optimizer, step.model)
            if done.idle >= recipe.patience:
                break
    return best(step.model, done)


def start_sha256(options: TrainingOptions) -> str | None:
    """Digest of the file that training starts from, if any."""
    return hashlib.sha256(options.start.read_bytes()).hexdigest() if options.start else None


def best(model: Any, done: Progress) -> Fitted:
    """The model with the weights of its best epoch."""
    model.set_weights(done.best_weights)
    return Fitted(model, done.history, done.best_epoch)


def run_epoch(
    step: Step, design: Design, recipe: Recipe, training: Source, validation: Source, seed: tuple[int, int]
) -> dict[str, float]:
    """One pass over the shuffled samples and a look at the validation samples; the mean losses."""
    names = (*design.maps, "flags")
    rng = np.random.default_rng([*seed, 1])
    order = shuffled(len(training), recipe.batch, rng)
    label = f"epoch {seed[1] + 1} of {recipe.epochs}"
    train = [step.train(*parts(one)) for one in progress(batches(training, order, rng), label)]
    judged = np.random.default_rng([seed[0], 2])
    held = shuffled(len(validation), min(recipe.batch, len(validation)), judged)
    seen = [step.judge(*parts(one)) for one in batches(validation, held, judged)]
    losses = dict(zip(names, np.mean(train, axis=0).tolist(), strict=True))
    return losses | {f"val_{n}": v for n, v in zip((*names, "total"), np.mean(seen, axis=0).tolist(), strict=True)}


def shuffled(count: int, batch: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Indices in random order (batches, batch); what fills no batch is left out."""
    return rng.permutation(count)[: count // batch * batch].reshape(-1, batch)


def parts(batch: Batch) -> tuple[Array, Array, Array, Array]:
    return batch.images, batch.maps, batch.known, batch.flags


def batches(source: Source, order: NDArray[np.int64], rng: np.random.Generator) -> Iterator[Batch]:
    """The batches of an epoch, each prepared in a thread while the model takes its step on the ones before."""
    seeds = rng.integers(0, 2**31, len(order))

    def make(number: int) -> Batch:
        return source.batch(np.sort(order[number]), np.random.default_rng(int(seeds[number])))

    with ThreadPoolExecutor(1) as pool:
        waiting = [pool.submit(make, number) for number in range(min(AHEAD, len(order)))]
        for number in range(len(order)):
            yield waiting.pop(0).result()
            if number + AHEAD < len(order):
                waiting.append(pool.submit(make, number + AHEAD))


def compile_step(design: Design, recipe: Recipe, total_steps: int) -> Step:
    """A network with Adam, whose rate rises shortly and then falls along a cosine over `total_steps`."""
    import keras
    import tensorflow as tf

    has_gpu = bool(tf.config.list_physical_devices("GPU"))
    keras.mixed_precision.set_global_policy("mixed_float16" if has_gpu else "float32")
    model = build_network(design)
    optimizer = make_optimizer(recipe, total_steps, has_gpu)
    optimizer.build(model.trainable_variables)

    @tf.function(reduce_retracing=True, jit_compile=has_gpu)  # type: ignore[untyped-decorator, unused-ignore]
    def train(images: Any, maps: Any, known: Any, flags: Any) -> Any:
        with tf.GradientTape() as tape:
            losses = task_losses(model(images, training=True), maps, known, flags, recipe)
            total = optimizer.scale_loss(weighted(losses, recipe))
        gradients = tape.gradient(total, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return tf.stack(losses)

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator, unused-ignore]
    def judge(images: Any, maps: Any, known: Any, flags: Any) -> Any:
        losses = task_losses(model(images, training=False), maps, known, flags, recipe)
        return tf.stack([*losses, weighted(losses, recipe)])

    return Step(model, optimizer, train, judge)


def make_optimizer(recipe: Recipe, total_steps: int, has_gpu: bool) -> Any:
    import keras

    warm = max(1, min(200, total_steps // 10))
    rate = keras.optimizers.schedules.CosineDecay(
        recipe.learning_rate / 10,
        max(1, total_steps - warm),
        warmup_target=recipe.learning_rate,
        warmup_steps=warm,
        alpha=0.01,
    )
    adam = keras.optimizers.Adam(rate, clipnorm=1.0)
    return keras.optimizers.LossScaleOptimizer(adam) if has_gpu else adam


def task_losses(out: Any, maps: Any, known: Any, flags: Any, recipe: Recipe) -> list[Any]:
    """One loss per map, at half the resolution, and that of the flags (0 where the network has none)."""
    import tensorflow as tf

    # the maps before their last doubling carry all that is learnt, at a quarter of the cost
    truth, counts = (tf.nn.avg_pool2d(part, 2, 2, "VALID") for part in (maps, known))
    losses = [
        map_loss(out["half"][..., n], truth[..., n], counts[..., n], positive)
        for n, positive in enumerate(recipe.positive)
    ]
    return [*losses, flag_loss(out["flags"], flags) if "flags" in out else tf.constant(0.0)]


def weighted(losses: list[Any], recipe: Recipe) -> Any:
    pairs = zip(losses, (*recipe.weights, recipe.flag_weight), strict=True)
    return sum(loss * weight for loss, weight in pairs)
