"""The network of all segmentation plugins: a small U-Net from image channels to maps, with image-level answers.

The first convolution halves the resolution and the last step doubles it again: edges stay within half a pixel and the
cost is a quarter. The network takes any height and width that `Design.multiple` divides.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Tensor = Any


@dataclass(frozen=True, slots=True)
class Design:
    """Channels in, maps out; `flags` are yes-no answers about the whole image; `widths` of stem and levels."""

    name: str
    channels: int
    maps: tuple[str, ...]
    flags: tuple[str, ...] = ()
    widths: tuple[int, ...] = (16, 20, 40, 64, 80, 96)

    @property
    def multiple(self) -> int:
        """What height and width of an input must be a multiple of."""
        return int(2 ** (len(self.widths) - 1))


@dataclass(frozen=True, slots=True)
class Output:
    """What the network says of one image: probabilities (rows, columns, maps) and (flags,), and features (n,)."""

    maps: Array
    flags: Array
    features: Array


Predict = Callable[[Array], list[Output]]


def build_network(design: Design) -> Any:
    """Images (n, rows, columns, channels) to logits `maps` and `flags`, and `features`; `half` is maps undoubled."""
    import keras

    layers = keras.layers
    inputs = layers.Input((None, None, design.channels), name="channels")
    skips = encode(inputs, design.widths)
    features = layers.GlobalAveragePooling2D(name="features", dtype="float32")(skips[-1])
    x = decode(skips, design.widths)
    # logits in float32 also where the rest runs in half precision
    half = layers.Conv2D(len(design.maps), 1, name="half", dtype="float32")(x)
    maps = layers.UpSampling2D(2, interpolation="bilinear", name="maps", dtype="float32")(half)
    outputs = {"maps": maps, "half": half, "features": features}
    if design.flags:
        outputs["flags"] = layers.Dense(len(design.flags), name="flags", dtype="float32")(features)
    return keras.Model(inputs, outputs, name=design.name)


def encode(x: Tensor, widths: tuple[int, ...]) -> list[Tensor]:
    """The outputs of all levels, the finest (half the input's resolution) first."""
    import keras

    x = unit(x, widths[0], "stem", kernel=5, strides=2)
    skips = []
    for level, width in enumerate(widths[1:]):
        x = keras.layers.MaxPooling2D(2, name=f"pool{level}")(x) if level else x
        x = unit(x, width, f"down{level}")
        x = unit(x, width, f"deep{level}") if level else x
        skips.append(x)
    return skips


def decode(skips: list[Tensor], widths: tuple[int, ...]) -> Tensor:
    """Back to the resolution of the finest level."""
    import keras

    x = skips[-1]
    for level in reversed(range(len(skips) - 1)):
        x = unit(x, widths[level], f"thin{level}", kernel=1)
        x = keras.layers.UpSampling2D(2, interpolation="bilinear", name=f"up{level}")(x)
        x = keras.layers.Concatenate(name=f"join{level}")([x, skips[level]])
        x = unit(x, widths[level], f"out{level}")
    return x


def unit(x: Tensor, width: int, name: str, kernel: int = 3, strides: int = 1) -> Tensor:
    """Convolution, batch normalisation, ReLU."""
    import keras

    layers = keras.layers
    x = layers.Conv2D(width, kernel, strides=strides, padding="same", use_bias=False, name=f"{name}_conv")(x)
    x = layers.BatchNormalization(momentum=0.95, name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def load_network(design: Design, path: Path) -> Any:
    """The network with the weights of a `.keras` archive; the archive's own description of layers is never read."""
    model = build_network(design)
    model.load_weights(path)
    return model


def compile_predict(model: Any, design: Design, sides: tuple[int, int] | None = None) -> Predict:
    """A function over float32 (n, rows, columns, channels); one `Output` per image.

    It is compiled once per rows and columns: those of `sides` at once, others when they first come.
    """
    import tensorflow as tf

    graphs: dict[tuple[int, int], Any] = {}

    def graph(rows: int, columns: int) -> Any:
        if (rows, columns) not in graphs:
            spec = tf.TensorSpec((None, rows, columns, design.channels), tf.float32)
            graphs[rows, columns] = traced(model, design, spec)
        return graphs[rows, columns]

    def predict(images: Array) -> list[Output]:
        run = graph(images.shape[1], images.shape[2])
        maps, flags, features = (np.asarray(part, dtype=np.float32) for part in run(tf.constant(images)))
        return [Output(*row) for row in zip(maps, flags, features, strict=True)]

    if sides is not None:
        graph(*sides)
    return predict


def traced(model: Any, design: Design, spec: Any) -> Any:
    """The concrete function for inputs of one shape: probabilities of maps and flags, and features."""
    import tensorflow as tf

    @tf.function(input_signature=[spec])  # type: ignore[untyped-decorator, unused-ignore]
    def run(images: Any) -> Any:
        out = model(images, training=False)
        flags = tf.sigmoid(out["flags"]) if design.flags else tf.zeros((tf.shape(images)[0], 0))
        return tf.sigmoid(out["maps"]), flags, out["features"]

    return run.get_concrete_function()


def weights_sha256(model: Any) -> str:
    """SHA-256 over shapes and values of all weights in order: the same for every file that holds these weights."""
    digest = hashlib.sha256()
    for array in model.get_weights():
        digest.update(repr((array.shape, str(array.dtype))).encode("ascii"))
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
