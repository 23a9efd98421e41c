"""The grid of probabilities on which losses are evaluated, and interpolation between its knots."""

from typing import Any

import numpy as np

LOWEST = 2.0**-23
"""Predictions are clipped to [LOWEST, 1 - LOWEST] (1.2e-7), both of which float32 holds exactly."""

KNOTS = 8193
"""Number of knots. More knots, or cubic interpolation, certified under 1% more of random trees."""


def probability(logit: np.ndarray | float) -> Any:
    """Returns 1 / (1 + exp(-logit)), the logistic function: the inverse of ``logit``."""
    return 1.0 / (1.0 + np.exp(-np.asarray(logit)))


def logit(p: Any) -> Any:
    """Returns log(p / (1 - p)), accurate at both ends."""
    return np.log(p) - np.log1p(-p)


def centre(p: np.ndarray) -> slice:
    """Returns the slice of an ascending array p that holds 0.01 to 0.99."""
    return slice(np.searchsorted(p, 0.01), np.searchsorted(p, 0.99, side="right"))


HIGHEST_LOGIT = float(logit(1.0 - LOWEST))
"""The logit of the last knot; that of the first is its negative."""

SPACING = 2.0 * HIGHEST_LOGIT / (KNOTS - 1)
"""Distance between two neighbouring knots in logit(p)."""

GRID = probability(np.linspace(-HIGHEST_LOGIT, HIGHEST_LOGIT, KNOTS))
"""The knots: p uniform in logit(p), from LOWEST to 1 - LOWEST."""

CENTRE = centre(GRID)
"""The slice of the knots from 0.01 to 0.99."""


def interpolate(curves: np.ndarray, p: Any) -> Any:
    """Interpolates arrays on the grid linearly in logit(p).

    Args:
        curves: Array of shape (..., KNOTS).
        p: Predictions, an array of any shape; they are clipped to the grid's range.

    Returns:
        Array of shape ``curves.shape[:-1] + p.shape``.

    Examples:
        >>> round(float(interpolate(GRID**2, 0.3)), 6)
        0.09
    """
    p = np.clip(np.asarray(p, np.float64), LOWEST, 1.0 - LOWEST)
    position = (logit(p) + HIGHEST_LOGIT) / SPACING
    with np.errstate(invalid="ignore"):
        knot = np.clip(position.astype(np.int64), 0, KNOTS - 2)
        weight = position - knot
        return curves[..., knot] * (1.0 - weight) + curves[..., knot + 1] * weight
