"""A loss as two curves: its value and derivative over the predicted probability.

For one-hot labels an element-wise loss L(y_true, y_pred) is two functions of one number, L(0, p)
and L(1, p). They are evaluated once, in float64, with the derivative carried along (forward mode),
on a fixed grid of p. A network is trained with these arrays, not with the tree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from deap import gp
from scipy.ndimage import maximum_filter1d

from deap_lossgp.curves.differentiation import differentiate
from deap_lossgp.curves.grid import (
    CENTRE,
    GRID,
    HIGHEST_LOGIT,
    KNOTS,
    LOWEST,
    SPACING,
    centre,
    interpolate,
    probability,
)

TOLERANCE = 1e-3
"""Largest relative error of a certified derivative, anywhere between the knots."""

CROSS_ENTROPY_SCALE = 0.5
"""``LossCurves.gradient_scale`` of cross entropy."""

_LABELS = np.array([[0.0], [1.0]])
# One point between each two knots, a number that float32 holds: a network predicts no others.
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
        nodes: The nodes of the tree.
        pset: Its primitive set.

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
    nodes: tuple = field(repr=False)
    pset: gp.PrimitiveSet = field(repr=False)

    @classmethod
    def of(cls, tree: Sequence, pset: gp.PrimitiveSet) -> LossCurves:
        """Evaluates a tree on the grid.

        Args:
            tree: A ``LossTree``.
            pset: Its primitive set.

        Returns:
            The ``LossCurves``.

        Raises:
            ValueError: A primitive of the set is not a ``LossPrimitive``.
        """
        values, derivatives = differentiate(tree, pset, _LABELS, GRID)
        return cls(values, derivatives, tuple(tree), pset)

    @cached_property
    def error(self) -> float:
        """The error of the curves, for their certificate: the larger of two numbers.

        The first is the error of interpolation: the largest difference between the derivative
        interpolated between the knots and that of the loss itself in float32, relative to the
        largest magnitude within a quarter of a unit of logit(p); infinite where something is not
        finite. Poles, kinks and oscillations in (0, 1) make it large, and so does cancellation. The
        second is the rounding error of the derivative relative to the difference between the
        derivatives of the two labels: a label-blind loss trains a network until nothing but
        rounding is left of its gradient.

        It is computed when it is first asked for, at a point between each two knots: of many losses
        that are screened, few are trained.
        """
        _, single, reach = differentiate(self.nodes, self.pset, _LABELS, _PROBES, with_reach=True)
        return _certificate_error(self.derivatives, single, reach)

    @property
    def finite(self) -> bool:
        """Whether values and derivatives are finite on the whole grid."""
        return bool(np.isfinite(self.values).all() and np.isfinite(self.derivatives).all())

    @property
    def certified(self) -> bool:
        """Whether training on the curves equals training with the loss, within ``TOLERANCE``."""
        return self.finite and self.error <= TOLERANCE

    @cached_property
    def gradient_scale(self) -> float:
        """The median of abs(p (1 - p) dL/dp), the gradient that reaches a logit.

        It is the median over both labels and 0.01 <= p <= 0.99 where the gradient is finite and
        not zero. So it is in proportion to the loss, and poles do not change it. 0 if there is no
        such point; 1/2 for cross entropy.
        """
        p = GRID[CENTRE]
        with np.errstate(all="ignore"):
            sizes = np.abs(p * (1.0 - p) * self.derivatives[:, CENTRE])
        sizes = sizes[np.isfinite(sizes) & (sizes > 0.0)]
        return float(np.median(sizes)) if sizes.size else 0.0


def logit_gradients(derivatives: np.ndarray, logits: np.ndarray, one_hot: np.ndarray) -> np.ndarray:
    """Returns the gradients of samples' losses with respect to the logits, through softmax.

    Args:
        derivatives: Derivatives of the loss on the grid, shape (2, KNOTS).
        logits: Array of shape (samples, classes).
        one_hot: The labels, bool of the same shape.

    Returns:
        Array of the same shape. A constant added to both derivatives does not change it.
    """
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    other, true = interpolate(derivatives, p)
    slopes = p * np.where(one_hot, true, other)
    return slopes - p * slopes.sum(1, keepdims=True)


_PROBES_CENTRE = centre(_PROBES)
# Multiplied by this, a derivative with respect to p becomes one with respect to the logit.
_TO_LOGITS = (_PROBES * (1.0 - _PROBES))[_PROBES_CENTRE]


def _certificate_error(derivatives, single, reach):
    """Computes ``LossCurves.error`` from the derivative in float32 at the probes and its reach."""
    with np.errstate(all="ignore"):
        between = interpolate(derivatives, _PROBES)
        size = maximum_filter1d(np.abs(between), _NEIGHBOURHOOD, axis=1)
        error = np.abs(between - single) + _HALF_ULP * reach
        relative = np.where(error == 0.0, 0.0, error / size)
        error = float(relative.max()) if np.isfinite(relative).all() else np.inf
        slopes = _TO_LOGITS * between[:, _PROBES_CENTRE]
        blindness = _HALF_ULP * np.abs(slopes).mean() / np.abs(slopes[1] - slopes[0]).mean()
    return max(error, float(blindness))
