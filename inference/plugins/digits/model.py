"""The network: its shape stands in code, and only weights are read from the artefact."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.plugins.digits.preprocess import FIELD

CLASSES = 10
DROPOUT = 0.3

Predict = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def build_model() -> Any:
    """Images (n, 28, 28, 1) of 0 to 1 to logits (n, 10); about 694,000 weights."""
    import keras

    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((FIELD, FIELD, 1), name="field"),
            layers.Conv2D(32, 3, activation="relu", name="strokes"),
            layers.MaxPooling2D(2, name="pool"),
            layers.Flatten(name="flat"),
            layers.Dense(128, activation="relu", name="shape"),
            layers.Dropout(DROPOUT, name="drop"),
            layers.Dense(CLASSES, name="logits"),
        ],
        name="digits",
    )


def load_model(path: Path) -> Any:
    """The network with the weights of a `.keras` archive; the archive's own description of layers is never read."""
    model = build_model()
    model.load_weights(path)
    return model


def compile_predict(model: Any, temperature: float) -> Predict:
    """A concrete function: float32 (n, 28, 28) to probabilities float32 (n, 10), calibrated by `temperature`."""
    import tensorflow as tf

    signature = [tf.TensorSpec((None, FIELD, FIELD, 1), tf.float32)]

    @tf.function(input_signature=signature)  # type: ignore[untyped-decorator, unused-ignore]
    def probabilities(images: Any) -> Any:
        return tf.nn.softmax(model(images, training=False) / temperature)

    graph = probabilities.get_concrete_function()

    def predict(fields: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(graph(tf.constant(fields[..., np.newaxis])), dtype=np.float32)

    return predict


def weights_sha256(model: Any) -> str:
    """SHA-256 over shapes and values of all weights in order: the same for every file that holds these weights."""
    digest = hashlib.sha256()
    for array in model.get_weights():
        digest.update(repr((array.shape, str(array.dtype))).encode("ascii"))
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
