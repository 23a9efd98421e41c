"""A loss as two curves: its value and derivative over the predicted probability.

For one-hot labels an element-wise loss L(y_true, y_pred) is two functions of one number, L(0, p)
and L(1, p). They are evaluated once, in float64, with the derivative carried along (forward mode),
on a fixed grid of p. What trains a network is these arrays, not the tree.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.ndimage import maximum_filter1d

from deap_lossgp.curves.differentiation import differentiate
from deap_lossgp.curves.grid import (
    CENTRE,
    GRID,
    HIGHEST_LOGIT,
    KNOTS,
    LOWEST,
    SPACING,
    between_knots,
    centre,
    place_on_grid,
    probability,
)

TOLERANCE = 1e-3
"""Largest relative error of a certified derivative, anywhere between the knots."""

_LABELS = np.array([[0.0], [1.0]])
# Between the knots, at numbers that float32 can hold: only there can a network predict.
_PROBES = probability(np.linspace(-HIGHEST_LOGIT, HIGHEST_LOGIT, KNOTS)[:-1] + SPACING / 2)
_PROBES = np.clip(_PROBES.astype(np.float32), LOWEST, 1.0 - LOWEST)
_HALF_ULP = 2.0**-24
_NEIGHBOURHOOD = 2 * int(0.25 / SPACING) + 1


@dataclass(frozen=True, eq=False)
class LossCurves:
    """The values and derivatives of a loss on the grid, with a certificate of their resolution.

    Attributes:
        values: L(0, p) and L(1, p) on ``GRID``, float64 of shape (2, KNOTS); may hold inf or NaN.
        derivatives: Their derivatives with respect to p, likewise.
        error: The largest difference between the derivative interpolated between the knots and
            that of the loss itself in float32, relative to the largest magnitude within a quarter
            of a unit of logit(p); infinite where something is not finite. A pole, a kink or an
            oscillation in (0, 1) shows in it, and so does cancellation. Or, if that is larger, the
            rounding of the derivative relative to the difference that the label makes to it: a
            label-blind loss leads to where its gradient is nothing but rounding.

    Examples:
        >>> from deap_lossgp.psets import loss_primitive_set
        >>> from deap_lossgp.trees import LossTree
        >>> pset = loss_primitive_set()
        >>> entropy = LossTree.from_string("neg(mul(y_true, log(y_pred)))", pset)
        >>> LossCurves.of(entropy, pset).certified
        True
        >>> kink = LossTree.from_string("mul(y_true, sqrt(sub(y_pred, 0.5)))", pset)
        >>> LossCurves.of(kink, pset).certified
        False
    """

    values: np.ndarray
    derivatives: np.ndarray
    error: float

    @classmethod
    def of(cls, tree, pset):
        """Evaluates a tree on the grid and, to certify it, at a point between each two knots."""
        values, derivatives = differentiate(tree, pset, _LABELS, GRID)
        _, single, reach = differentiate(
            tree, pset, _LABELS.astype(np.float32), _PROBES, with_reach=True
        )
        with np.errstate(all="ignore"):
            between = between_knots(derivatives, *_PROBED)
            size = maximum_filter1d(np.abs(between), _NEIGHBOURHOOD, axis=1)
            error = _largest(np.abs(between - single) + _HALF_ULP * reach, size)
            # As they reach the logits, where p is neither 0 nor 1.
            slopes = _PROBED_SLOPES * between[:, _PROBED_CENTRE]
            blindness = _HALF_ULP * np.abs(slopes).mean() / np.abs(slopes[1] - slopes[0]).mean()
        return cls(values, derivatives, max(error, float(blindness)))

    @property
    def finite(self):
        """Whether values and derivatives are finite on the whole grid."""
        return bool(np.isfinite(self.values).all() and np.isfinite(self.derivatives).all())

    @property
    def certified(self):
        """Whether training on the curves equals training with the loss, within ``TOLERANCE``."""
        return self.finite and self.error <= TOLERANCE

    @cached_property
    def gradient_scale(self):
        """The median of abs(p (1 - p) dL/dp), the gradient that reaches a logit.

        Taken where it is finite and not zero, over both labels and 0.01 <= p <= 0.99; so it is
        proportional to the loss and blind to poles. 0 if there is no such point. For cross
        entropy it is 1/2.
        """
        p = GRID[CENTRE]
        with np.errstate(all="ignore"):
            sizes = np.abs(p * (1.0 - p) * self.derivatives[:, CENTRE])
        sizes = sizes[np.isfinite(sizes) & (sizes > 0.0)]
        return float(np.median(sizes)) if sizes.size else 0.0


_PROBED = place_on_grid(_PROBES)
_PROBED_CENTRE = centre(_PROBES)
# What brings a derivative there to the logits.
_PROBED_SLOPES = (_PROBES * (1.0 - _PROBES))[_PROBED_CENTRE]


def _largest(error, size):
    with np.errstate(all="ignore"):
        relative = np.where(error == 0.0, 0.0, error / size)
    return float(relative.max()) if np.isfinite(relative).all() else np.inf


CROSS_ENTROPY_SCALE = 0.5
"""``LossCurves.gradient_scale`` of cross entropy."""
