"""The accuracies of several tasks on one scale.

An accuracy a is taken as its share of what cross entropy learns, u = (a - chance) / (cross
entropy's a - chance), at the same epoch; the scale is asinh((u - 1) / RESOLUTION). Cross entropy is
at 0, what is better is above. Near 0 the scale is linear, so small differences count where they
matter; far below it is a logarithm, so it hardly matters how bad a bad loss is.
"""

from typing import Any

import numpy as np

RESOLUTION = 0.02
"""Differences of this share of what cross entropy learns are about 1 apart on the scale."""


def to_common_scale(accuracy: Any, baseline: Any, chance: float) -> Any:
    """Takes accuracies to the common scale.

    Args:
        accuracy: Accuracies in [0, 1]; what is below chance counts as chance.
        baseline: Cross entropy's accuracy on the same task, above chance.
        chance: 1 / number of classes.

    Returns:
        float64 of the shape to which the arguments broadcast.

    Examples:
        >>> print(to_common_scale([0.46, 0.47, 0.10], baseline=0.46, chance=0.10).round(2))
        [ 0.    1.13 -4.61]
    """
    share = (np.maximum(accuracy, chance) - chance) / (np.asarray(baseline) - chance)
    return np.arcsinh((share - 1.0) / RESOLUTION)


def from_common_scale(value: Any, baseline: Any, chance: float) -> Any:
    """Takes values of the common scale back to accuracies, within [chance, 1]."""
    share = 1.0 + RESOLUTION * np.sinh(value)
    return np.clip(chance + share * (np.asarray(baseline) - chance), chance, 1.0)
