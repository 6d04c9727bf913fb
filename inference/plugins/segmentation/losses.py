"""What training makes small: focal cross-entropy with soft Dice on the maps, cross-entropy on the image's flags."""

from __future__ import annotations

from typing import Any

FOCAL_WEIGHT = 4.0


def map_loss(logits: Any, truth: Any, known: Any, positive: float) -> Any:
    """Focal cross-entropy, in which lesions weigh `positive` times, plus soft Dice over the batch.

    `truth` is 0..1; where `known` is 0 the truth is not known and the place counts for nothing.
    """
    import tensorflow as tf

    surprise = tf.nn.sigmoid_cross_entropy_with_logits(truth, logits)
    share = tf.sigmoid(logits)
    focal = surprise * tf.square(truth - share) * (1.0 + (positive - 1.0) * truth) * known
    overlap = 2.0 * tf.reduce_sum(share * truth * known) + 1.0
    dice = overlap / (tf.reduce_sum(share * known) + tf.reduce_sum(truth * known) + 1.0)
    return FOCAL_WEIGHT * tf.reduce_mean(focal) + 1.0 - dice


def flag_loss(logits: Any, truth: Any) -> Any:
    """Mean cross-entropy of yes-no answers."""
    import tensorflow as tf

    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(truth, logits))
