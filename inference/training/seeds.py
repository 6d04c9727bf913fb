"""One seed for everything that draws: two runs on one machine with the same seed give the same weights."""

from __future__ import annotations


def fix_seeds(seed: int) -> None:
    """Seed Python, NumPy and TensorFlow and make every TensorFlow operation deterministic, for this process."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
