"""The grid of probabilities on which losses are evaluated, and interpolation between its knots."""

import numpy as np

LOWEST = 2.0**-23
"""Predictions are clipped to [LOWEST, 1 - LOWEST] (1.2e-7), both of which float32 holds exactly."""

KNOTS = 8193
"""Knots of the grid; more, or cubic interpolation, certified under 1% more of random trees."""


def probability(logit):
    """The logistic function: p of logit(p)."""
    return 1.0 / (1.0 + np.exp(-np.asarray(logit)))


def logit(p):
    """log(p / (1 - p)), accurate at both ends."""
    return np.log(p) - np.log1p(-p)


def centre(p):
    """The slice of ascending p from 0.01 to 0.99."""
    return slice(np.searchsorted(p, 0.01), np.searchsorted(p, 0.99, side="right"))


HIGHEST_LOGIT = float(logit(1.0 - LOWEST))
GRID = probability(np.linspace(-HIGHEST_LOGIT, HIGHEST_LOGIT, KNOTS))
"""The knots: p uniform in logit(p), from LOWEST to 1 - LOWEST."""

CENTRE = centre(GRID)
"""The slice of the knots from 0.01 to 0.99."""
SPACING = 2.0 * HIGHEST_LOGIT / (KNOTS - 1)


def interpolate(curves, p):
    """Linear interpolation in logit(p) of arrays on the grid.

    Args:
        curves: Array of shape (..., KNOTS).
        p: Predictions, an array of any shape, clipped to the grid's range.

    Returns:
        Array of shape ``curves.shape[:-1] + p.shape``.
    """
    with np.errstate(invalid="ignore"):
        return between_knots(curves, *place_on_grid(p))


def place_on_grid(p):
    """The knots below and, between them and the next, how far on: from 0 to 1."""
    p = np.clip(np.asarray(p, np.float64), LOWEST, 1.0 - LOWEST)
    position = (logit(p) + HIGHEST_LOGIT) / SPACING
    knot = np.clip(position.astype(np.int64), 0, KNOTS - 2)
    return knot, position - knot


def between_knots(curves, knot, weight):
    return curves[..., knot] * (1.0 - weight) + curves[..., knot + 1] * weight
