"""The network: a small U-Net that maps opacities and lungs, with a branch that tells chests from other pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.plugins.xray_chest_nodule.preprocess import CHANNELS, FIELD

WIDTHS = (16, 20, 40, 64, 80, 96)
MAPS = ("opacity", "lung")

Tensor = Any


@dataclass(frozen=True, slots=True)
class Output:
    """What the network says of one film: probabilities (FIELD, FIELD) of opacity and lung, and its features (n,)."""

    opacity: NDArray[np.float32]
    lung: NDArray[np.float32]
    chest: float
    features: NDArray[np.float32]


Predict = Callable[[NDArray[np.float32]], list[Output]]


def build_model() -> Any:
    """Local contrasts (n, FIELD, FIELD, CHANNELS) to logits: maps (n, FIELD, FIELD, 2), chest (n, 1), and features.

    The first convolution halves the resolution and the last step doubles it again: edges stay within half a pixel and
    the cost is a quarter.
    """
    import keras

    layers = keras.layers
    inputs = layers.Input((FIELD, FIELD, CHANNELS), name="contrasts")
    x = unit(inputs, WIDTHS[0], "stem", kernel=5, strides=2)
    skips = []
    for level, width in enumerate(WIDTHS[1:]):
        x = unit(x, width, f"down{level}")
        x = unit(x, width, f"deep{level}") if level else x
        skips.append(x)
        x = layers.MaxPooling2D(2, name=f"pool{level}")(x) if level < len(WIDTHS) - 2 else x
    features = layers.GlobalAveragePooling2D(name="features")(x)
    chest = layers.Dense(1, name="chest")(features)
    for level in reversed(range(len(skips) - 1)):
        x = unit(x, WIDTHS[level], f"thin{level}", kernel=1)
        x = layers.UpSampling2D(2, interpolation="bilinear", name=f"up{level}")(x)
        x = layers.Concatenate(name=f"join{level}")([x, skips[level]])
        x = unit(x, WIDTHS[level], f"out{level}")
    x = layers.Conv2D(len(MAPS), 1, name="half")(x)
    maps = layers.UpSampling2D(2, interpolation="bilinear", name="maps")(x)
    return keras.Model(inputs, {"maps": maps, "chest": chest, "features": features}, name="xray_chest_nodule")


def unit(x: Tensor, width: int, name: str, kernel: int = 3, strides: int = 1) -> Tensor:
    """Convolution, batch normalisation, ReLU."""
    import keras

    layers = keras.layers
    x = layers.Conv2D(width, kernel, strides=strides, padding="same", use_bias=False, name=f"{name}_conv")(x)
    x = layers.BatchNormalization(name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def load_model(path: Path) -> Any:
    """The network with the weights of a `.keras` archive; the archive's own description of layers is never read."""
    model = build_model()
    model.load_weights(path)
    return model


def compile_predict(model: Any) -> Predict:
    """A concrete function over float32 (n, FIELD, FIELD, CHANNELS); one `Output` per image."""
    import tensorflow as tf

    signature = [tf.TensorSpec((None, FIELD, FIELD, CHANNELS), tf.float32)]

    @tf.function(input_signature=signature)  # type: ignore[untyped-decorator, unused-ignore]
    def run(contrasts: Any) -> Any:
        out = model(contrasts, training=False)
        return tf.sigmoid(out["maps"]), tf.sigmoid(out["chest"]), out["features"]

    graph = run.get_concrete_function()

    def predict(contrasts: NDArray[np.float32]) -> list[Output]:
        maps, chest, features = (np.asarray(part, dtype=np.float32) for part in graph(tf.constant(contrasts)))
        rows = zip(maps, chest, features, strict=True)
        return [Output(m[..., 0], m[..., 1], float(c[0]), f) for m, c, f in rows]

    return predict


def weights_sha256(model: Any) -> str:
    """SHA-256 over shapes and values of all weights in order: the same for every file that holds these weights."""
    digest = hashlib.sha256()
    for array in model.get_weights():
        digest.update(repr((array.shape, str(array.dtype))).encode("ascii"))
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
