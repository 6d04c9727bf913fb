"""Two models of the bench, with weights drawn once from a seed: a small classifier and a U-Net."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.domain.report import Label, Prediction, Report
from inference.domain.study import Inputs, PixelReader
from inference.plugins.base import Accepted, Batching, InputPort, Manifest, Plugin, SelfTest, Text, Validation

Field = NDArray[np.float32]
TEXT = Text(en="For measurements of speed", zh_hans="用于测量速度")
MOST_IMAGES = 64


class Bench(Plugin[Field, Field]):
    """A sample is a picture (edge, edge) of 0 to 1, an output what the model makes of it; one prediction an image."""

    def __init__(self, slug: str, edge: int, most: int, build: Callable[[], Any]) -> None:
        self.manifest = Manifest(
            slug=slug, version="1.0.0", title=TEXT, description=TEXT, intended_use=TEXT, disclaimer=TEXT,
            inputs=(InputPort("image", "image", ("image/png",), max_items=MOST_IMAGES),),
            output_schema={"type": "object"}, unit="image", batching=Batching(max_items=most),
        )  # fmt: skip
        self._edge = edge
        self._build = build

    def validate(self, inputs: Inputs) -> Validation:
        return Accepted()

    def quantity(self, inputs: Inputs) -> Decimal:
        return Decimal(len(inputs.study.instances) if inputs.study else 0)

    def load(self, artefacts: Path) -> None:
        import tensorflow as tf

        tf.keras.utils.set_random_seed(7)
        model = self._build()
        shape = tf.TensorSpec((None, self._edge, self._edge, 1), tf.float32)
        self._graph = tf.function(lambda images: model(images, training=False), [shape]).get_concrete_function()
        self._constant = tf.constant

    def prepare(self, inputs: Inputs, pixels: PixelReader) -> Sequence[Field]:
        assert inputs.study
        return [pixels(each) / np.float32(255) for each in inputs.study.instances]

    def predict(self, batch: Sequence[Field]) -> Sequence[Field]:
        return list(self._graph(self._constant(np.stack(batch)[..., np.newaxis])).numpy())

    def postprocess(self, inputs: Inputs, samples: Sequence[Field], outputs: Sequence[Field]) -> Report:
        assert inputs.study
        return Report(
            "predictions",
            predictions=tuple(
                Prediction(header.sop_instance_uid, (Label("mean", "mean", float(found.mean())),))
                for header, found in zip(inputs.study.instances, outputs, strict=True)
            ),
        )

    def self_test(self) -> SelfTest:
        return SelfTest(True, "weights are random")


def build_small() -> Any:
    """64 x 64 to ten logits; 65,034 weights."""
    from keras import layers
    from keras.models import Sequential

    return Sequential(
        [
            layers.Input((64, 64, 1)),
            *(step for width in (16, 32, 64) for step in (convolved(width), layers.MaxPooling2D())),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10),
        ]
    )


def build_unet() -> Any:
    """256 x 256 to a map of the same size; base 8, five levels; 485,673 weights."""
    from keras import layers
    from keras.models import Model

    inputs = layers.Input((256, 256, 1))
    found, skips = inputs, []
    for width in (8, 16, 32, 64):
        found = convolved(width)(convolved(width)(found))
        skips.append(found)
        found = layers.MaxPooling2D()(found)
    found = convolved(128)(convolved(128)(found))
    for width, skip in zip((64, 32, 16, 8), reversed(skips), strict=True):
        found = layers.Conv2DTranspose(width, 2, strides=2)(found)
        found = convolved(width)(convolved(width)(layers.Concatenate()([found, skip])))
    return Model(inputs, layers.Conv2D(1, 1, activation="sigmoid")(found))


def convolved(width: int) -> Any:
    from keras import layers

    return layers.Conv2D(width, 3, padding="same", activation="relu")


small = Bench("bench-small", 64, 64, build_small)
unet = Bench("bench-unet", 256, 8, build_unet)
