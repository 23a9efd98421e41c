"""What is decided about a loss before any training, read from its curves; NumPy only.

Two notions of validity, one for each way of ranking losses:

* The thesis (section 3.2.3) discards a tree whose loss value at the start lies outside
  [1e-5, 1e5] or is not finite. Its fitness reads loss values, so values matter.
* Every other fitness mode is blind to the scale and shift of a loss, so a range of values cannot
  be asked for: c * L + k must be as valid as L. There a loss is valid when it is finite over the
  whole domain and when following its gradient makes predictions right.

Either way an invalid tree is discarded and replaced by a new one, before it counts as evaluated.
"""

from functools import cache

import numpy as np

from deap_lossgp.curves.grid import interpolate

VALUE_RANGE = (1e-5, 1e5)
LEAST_GAIN = 0.25
"""Between the 0.92 to 0.99 of losses that train and the at most 0.04 of those that do not."""


def start_value(curves, num_classes):
    """The loss of an untrained network: the mean over classes at the uniform prediction.

    Examples:
        >>> from deap_lossgp.curves.loss_curves import LossCurves
        >>> from deap_lossgp.psets import loss_primitive_set
        >>> from deap_lossgp.trees import LossTree
        >>> pset = loss_primitive_set()
        >>> entropy = LossTree.from_string("neg(mul(y_true, log(y_pred)))", pset)
        >>> round(start_value(LossCurves.of(entropy, pset), 10), 4)  # log(10) / 10
        0.2303
    """
    other, true = interpolate(curves.values, 1.0 / num_classes)
    return float((true + (num_classes - 1) * other) / num_classes)


def in_value_range(curves, num_classes):
    """The thesis's validity: a start value within [1e-5, 1e5]."""
    low, high = VALUE_RANGE
    return low <= start_value(curves, num_classes) <= high


def is_trainable(curves):
    """Whether gradient descent on free predictions raises their accuracy by ``LEAST_GAIN``."""
    return curves.finite and curves.gradient_scale > 0.0 and accuracy_gain(curves) >= LEAST_GAIN


def accuracy_gain(curves, steps=100, learning_rate=0.01):
    """Optimises predictions directly with Adam and returns the gain in accuracy.

    The logits of 100 samples in 10 classes start at 0.05 times a standard normal number; the
    settings belong together.

    Returns:
        A float in [-1, 1]; 0 where the optimisation leaves the finite numbers.

    References:
        Rejection by optimising predictions: AutoLoss-Zero (Li et al., 2022); Adam: Kingma and Ba,
        2015.
    """
    logits, labels = _samples()
    one_hot = np.eye(logits.shape[1], dtype=bool)[labels]
    with np.errstate(all="ignore"):
        table = curves.derivatives / curves.gradient_scale
        before = np.mean(logits.argmax(1) == labels)
        mean, square = np.zeros_like(logits), np.zeros_like(logits)
        for step in range(1, steps + 1):
            p = np.exp(logits - logits.max(1, keepdims=True))
            p /= p.sum(1, keepdims=True)
            other, true = interpolate(table, p)
            slope = p * np.where(one_hot, true, other)
            gradient = slope - p * slope.sum(1, keepdims=True)
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
