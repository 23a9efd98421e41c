"""Screening: which losses are valid, decided from their curves before any training.

There are two rules, one for each kind of fitness:

* ``in_value_range``: the thesis (section 3.2.3) discards a tree whose loss value lies outside
  [1e-5, 1e5], without saying when it is measured; here it is the value at the start. The thesis's
  fitness reads loss values, so values matter.
* ``is_trainable``: every other fitness is the same for L and c * L + k, so its rule must be too. A
  loss is valid if it is finite over the whole domain and following its gradient makes predictions
  right.

With both, an invalid tree is discarded and replaced by a new one before it counts as evaluated.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from deap_lossgp.curves.grid import interpolate
from deap_lossgp.curves.loss_curves import LossCurves, logit_gradients

VALUE_RANGE = (1e-5, 1e5)
"""The thesis's range of a loss value."""

LEAST_GAIN = 0.25
"""Losses that train gain 0.92 to 0.99 in accuracy, those that do not gain at most 0.04."""


def start_value(curves: LossCurves, num_classes: int) -> float:
    """Returns the loss of an untrained network: the mean over classes at the uniform prediction.

    Args:
        curves: The loss's ``LossCurves``.
        num_classes: Number of classes, at least 2.

    Examples:
        >>> from deap_lossgp.curves.loss_curves import LossCurves
        >>> from deap_lossgp.psets import loss_primitive_set
        >>> from deap_lossgp.trees import LossTree
        >>> pset = loss_primitive_set()
        >>> entropy = LossTree.from_string("neg(mul(y_true, log(y_pred)))", pset)
        >>> round(start_value(LossCurves.of(entropy, pset), 10), 4)  # log(10) / 10
        0.2303
    """
    with np.errstate(all="ignore"):  # plain primitives have values up to the largest float
        other, true = interpolate(curves.values, 1.0 / num_classes)
        return float((true + (num_classes - 1) * other) / num_classes)


def in_value_range(curves: LossCurves, num_classes: int) -> bool:
    """Returns whether the start value lies within ``VALUE_RANGE``, as the thesis is read."""
    low, high = VALUE_RANGE
    return low <= start_value(curves, num_classes) <= high


def is_trainable(curves: LossCurves) -> bool:
    """Returns whether following the gradient raises the accuracy by ``LEAST_GAIN`` at least."""
    return curves.finite and curves.gradient_scale > 0.0 and accuracy_gain(curves) >= LEAST_GAIN


def accuracy_gain(curves: LossCurves, steps: int = 100, learning_rate: float = 0.01) -> float:
    """Optimises predictions directly with Adam and returns their gain in accuracy.

    The logits of 100 samples in 10 classes start at 0.05 times a standard normal number. The
    default settings belong together: change none of them alone.

    Args:
        curves: The loss's ``LossCurves``; its gradient is brought to a median of 1.
        steps: Number of steps.
        learning_rate: Learning rate of Adam.

    Returns:
        A float in [-1, 1]; 0 where the optimisation leaves the finite numbers.

    References:
        Rejection by optimising predictions: AutoLoss-Zero (Li et al., 2022); Adam: Kingma and Ba,
        2015.
    """
    logits, labels = _samples()
    one_hot = np.eye(logits.shape[1], dtype=bool)[labels]
    with np.errstate(all="ignore"):
        derivatives = curves.derivatives / curves.gradient_scale
        before = np.mean(logits.argmax(1) == labels)
        mean, square = np.zeros_like(logits), np.zeros_like(logits)
        for step in range(1, steps + 1):
            gradient = logit_gradients(derivatives, logits, one_hot)
            mean = 0.9 * mean + 0.1 * gradient
            square = 0.999 * square + 0.001 * gradient**2
            correction = np.sqrt(1.0 - 0.999**step) / (1.0 - 0.9**step)
            logits = logits - learning_rate * correction * mean / (np.sqrt(square) + 1e-8)
    if not np.isfinite(logits).all():
        return 0.0
    return float(np.mean(logits.argmax(1) == labels) - before)


@cache
def _samples():
    generator = np.random.default_rng(0)
    return 0.05 * generator.standard_normal((100, 10)), generator.integers(0, 10, 100)
