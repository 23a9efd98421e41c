"""Looks up a loss's derivative in its curves, inside the compiled step."""

import numpy as np
import tensorflow as tf

from deap_lossgp.curves import HIGHEST_LOGIT, KNOTS, LOWEST

_OUTSIDE = 180
"""Cells on either side of the grid, for predictions from LOWEST down to half of it."""

CELLS = KNOTS - 1 + 2 * _OUTSIDE
"""Number of cells of one curve: one between each two neighbouring knots, and those outside."""

# A little wider than the knots' spacing, so that rounding leaves LOWEST and 1 - LOWEST inside.
_CELLS_PER_LOGIT = (KNOTS - 1.02) / (2 * HIGHEST_LOGIT)


def lines_of(curves: np.ndarray) -> np.ndarray:
    """Returns the line through each two neighbouring knots, as ``look_up`` takes them.

    Args:
        curves: Array of shape (2, KNOTS).

    Returns:
        float32 of shape (2 * CELLS, 2): intercepts and slopes; zeros in the cells outside the grid.
    """
    highest = HIGHEST_LOGIT * _CELLS_PER_LOGIT
    knots = np.linspace(-highest, highest, KNOTS)
    with np.errstate(invalid="ignore", over="ignore"):
        slopes = np.diff(curves.astype(np.float64)) / np.diff(knots)
        lines = np.stack([curves[:, :-1] - slopes * knots[:-1], slopes], axis=-1)
        lines = lines.astype(np.float32)
    return np.pad(lines, ((0, 0), (_OUTSIDE, _OUTSIDE), (0, 0))).reshape(-1, 2)


def look_up(lines: np.ndarray | tf.Tensor, labels: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
    """Returns the derivative of a loss at predictions; zero where they are clipped.

    Args:
        lines: ``lines_of`` the derivative curves.
        labels: Classes, integers of shape (samples,).
        y_pred: float32 of shape (samples, classes).

    Returns:
        float32 of shape (samples, classes): linear interpolation in logit(y_pred).
    """
    # In int64, because on a GPU TensorFlow does the arithmetic of int32 on the host.
    on, off = tf.constant(CELLS, tf.int64), tf.constant(0, tf.int64)
    first = tf.one_hot(labels, y_pred.shape[-1], on_value=on, off_value=off)
    return look_up_from(lines, first, y_pred)


def look_up_from(lines: np.ndarray | tf.Tensor, first: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
    """Does ``look_up`` in a table of many curves.

    It runs between the forward and the backward pass of the network, where nothing can run at the
    same time. So it has as few operations as possible.

    Args:
        lines: float32 of shape (curves * CELLS, 2): intercepts and slopes.
        first: Row of ``lines`` at which the curve of each prediction begins; int64 of the
            predictions' shape.
        y_pred: float32 of any shape.

    Returns:
        float32 of the predictions' shape.
    """
    p = tf.raw_ops.ClipByValue(
        t=y_pred, clip_value_min=LOWEST / 2, clip_value_max=1.0 - LOWEST / 2
    )
    position = tf.math.xlogy(_CELLS_PER_LOGIT, p / (1.0 - p))  # 0 in the middle
    cell = tf.cast(position + CELLS / 2, tf.int64)
    line = tf.gather(lines, first + tf.maximum(cell, 0))  # row 0 of the curve for NaN
    intercept, slope = tf.unstack(line, axis=-1)
    return intercept + slope * position
