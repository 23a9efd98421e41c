"""Looks up a loss's derivative in its segments, inside the compiled step."""

import numpy as np
import tensorflow as tf

from deap_lossgp.curves import Segments

COLUMNS = 5
"""Of a row of ``table_of``: where a cell begins, 1 / its width, and three coefficients."""


def table_of(segments: Segments, factor: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns the derivatives of a loss as ``look_up`` takes them.

    Args:
        segments: The loss's ``Segments``.
        factor: What the derivatives are multiplied by.

    Returns:
        (knots, rows): float32 of shapes (1, n - 1) and (2 * n, COLUMNS). n is a power of 2, so that
        few shapes occur: XLA compiles anew for each. Knots above 1 fill what is left. The rows of
        the label 0 and of the label 1 alternate; those outside the range of predictions, and the
        last for NaN, are zeros.
    """
    count = len(segments.knots)
    size = 1 << count.bit_length()
    knots = np.full((1, size - 1), 2.0, np.float32)
    knots[0, :count] = segments.knots
    rows = np.zeros((size, 2, COLUMNS), np.float32)
    lefts, rights = segments.knots[:-1], segments.knots[1:]
    cells = rows[1:count]  # row 0 is for predictions below the knots
    cells[..., 0] = lefts[:, None]
    cells[..., 1] = (1.0 / (rights.astype(np.float64) - lefts))[:, None]
    with np.errstate(over="ignore", invalid="ignore"):
        cells[..., 2:] = np.moveaxis(factor * segments.derivatives, 0, 1)
    return knots, rows.reshape(-1, COLUMNS)


def look_up(knots: np.ndarray | tf.Tensor, rows: np.ndarray | tf.Tensor, labels: tf.Tensor,
            y_pred: tf.Tensor) -> tf.Tensor:
    """Returns the derivative of a loss at predictions; zero where they are clipped.

    Args:
        knots, rows: ``table_of`` the loss.
        labels: Classes, integers of shape (samples,).
        y_pred: float32 of shape (samples, classes).

    Returns:
        float32 of shape (samples, classes).
    """
    # In int64, because on a GPU TensorFlow does the arithmetic of int32 on the host.
    on, off = tf.constant(1, tf.int64), tf.constant(0, tf.int64)
    first = tf.one_hot(labels, y_pred.shape[-1], on_value=on, off_value=off)
    return look_up_from(knots, rows, first, y_pred)


def look_up_from(knots: np.ndarray | tf.Tensor, rows: np.ndarray | tf.Tensor, first: tf.Tensor,
                 y_pred: tf.Tensor) -> tf.Tensor:
    """Does ``look_up`` for several losses.

    It runs between the forward and the backward pass of the network, where nothing can run at the
    same time. So it has as few operations as possible.

    Args:
        knots: float32 of shape (losses, n - 1).
        rows: float32 of shape (losses * 2 * n, COLUMNS).
        first: Row at which the curve of each prediction begins; int64 of the predictions' shape.
        y_pred: float32 of shape (losses, ...), or of any shape for one loss.

    Returns:
        float32 of the predictions' shape.
    """
    flat = tf.reshape(y_pred, [knots.shape[0], -1])
    cell = tf.raw_ops.UpperBound(sorted_inputs=knots, values=flat, out_type=tf.int64)
    row = tf.gather(rows, first + 2 * tf.reshape(cell, tf.shape(y_pred)))
    left, per_width, constant, slope, bend = tf.unstack(row, axis=-1)
    position = (y_pred - left) * per_width
    return constant + position * (slope + position * bend)
