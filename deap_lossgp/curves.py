"""A loss as two curves: its value and derivative over the predicted probability.

For one-hot labels an element-wise loss L(y_true, y_pred) is two functions of one number, L(0, p)
and L(1, p). They are evaluated once, in float64, with the derivative carried along (forward mode),
on a fixed grid of p. What trains a network is these arrays, not the tree.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from deap import gp
from scipy.ndimage import maximum_filter1d

from deap_lossgp.primitives import value_and_derivative

LOWEST = 2.0**-23
"""Predictions are clipped to [LOWEST, 1 - LOWEST] (1.2e-7), both of which float32 holds exactly."""

KNOTS = 8193
"""Knots of the grid; more, or cubic interpolation, certified under 1% more of random trees."""

TOLERANCE = 1e-3
"""Largest relative error of a certified derivative, anywhere between the knots."""


def probability(logit):
    """The logistic function: p of logit(p)."""
    return 1.0 / (1.0 + np.exp(-np.asarray(logit)))


def logit(p):
    """log(p / (1 - p)), accurate at both ends."""
    return np.log(p) - np.log1p(-p)


def _centre(p):
    """The slice of ascending p from 0.01 to 0.99."""
    return slice(np.searchsorted(p, 0.01), np.searchsorted(p, 0.99, side="right"))


HIGHEST_LOGIT = float(logit(1.0 - LOWEST))
GRID = probability(np.linspace(-HIGHEST_LOGIT, HIGHEST_LOGIT, KNOTS))
"""The knots: p uniform in logit(p), from LOWEST to 1 - LOWEST."""

CENTRE = _centre(GRID)
"""The slice of the knots from 0.01 to 0.99."""

_LABELS = np.array([[0.0], [1.0]])
_SPACING = 2.0 * HIGHEST_LOGIT / (KNOTS - 1)
# Between the knots, at numbers that float32 can hold: only there can a network predict.
_PROBES = probability(np.linspace(-HIGHEST_LOGIT, HIGHEST_LOGIT, KNOTS)[:-1] + _SPACING / 2)
_PROBES = np.clip(_PROBES.astype(np.float32), LOWEST, 1.0 - LOWEST)
_HALF_ULP = 2.0**-24
_NEIGHBOURHOOD = 2 * int(0.25 / _SPACING) + 1


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
            between = _between(derivatives, *_PROBED)
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


def interpolate(curves, p):
    """Linear interpolation in logit(p) of arrays on the grid.

    Args:
        curves: Array of shape (..., KNOTS).
        p: Predictions, an array of any shape, clipped to the grid's range.

    Returns:
        Array of shape ``curves.shape[:-1] + p.shape``.
    """
    with np.errstate(invalid="ignore"):
        return _between(curves, *_place(p))


def _place(p):
    """The knots below and, between them and the next, how far on: from 0 to 1."""
    p = np.clip(np.asarray(p, np.float64), LOWEST, 1.0 - LOWEST)
    position = (logit(p) + HIGHEST_LOGIT) / _SPACING
    knot = np.clip(position.astype(np.int64), 0, KNOTS - 2)
    return knot, position - knot


def _between(curves, knot, weight):
    return curves[..., knot] * (1.0 - weight) + curves[..., knot + 1] * weight


_PROBED = _place(_PROBES)
_PROBED_CENTRE = _centre(_PROBES)
# What brings a derivative there to the logits.
_PROBED_SLOPES = (_PROBES * (1.0 - _PROBES))[_PROBED_CENTRE]


def _largest(error, size):
    with np.errstate(all="ignore"):
        relative = np.where(error == 0.0, 0.0, error / size)
    return float(relative.max()) if np.isfinite(relative).all() else np.inf


def differentiate(tree, pset, y_true, y_pred, with_reach=False):
    """Evaluates a tree and its derivative with respect to y_pred, in NumPy.

    A loop over the nodes with a stack of arrays, so trees may be of any height; what does not
    depend on y_pred carries no derivative. Overflow and undefined values give inf and NaN.

    Args:
        tree: A ``LossTree``, or any prefix sequence of nodes.
        pset: Its primitive set, whose context holds ``LossPrimitive`` rows.
        y_true, y_pred: Floating arrays that broadcast together; they decide the precision.

    Returns:
        value, derivative: two arrays of the broadcast shape; with ``with_reach`` a third, the sum
        of the magnitudes of what the derivative sums up over all paths from y_pred to the root.
        Rounding, in forward or reverse mode, is in proportion to it and not to the derivative.

    Raises:
        ValueError: A primitive of the set is not a ``LossPrimitive``.
    """
    dtype = np.asarray(y_pred).dtype.type
    one = dtype(1.0)
    leaves = dict(zip(pset.arguments, ((y_true, None, None), (y_pred, one, one)), strict=True))
    stack = []
    with np.errstate(all="ignore"):
        for node in reversed(tree):
            if not isinstance(node, gp.Primitive):
                if node.value in leaves:
                    stack.append(leaves[node.value])
                    continue
                number = dtype(pset.context.get(node.value, node.value))
                stack.append((number, None, None))
                continue
            row = pset.context[node.name]
            if not hasattr(row, "derivative"):
                raise ValueError(f"primitive {node.name!r} has no derivative: add it to the set "
                                 f"with deap_lossgp.psets.add_primitive")
            values, slopes, reaches = zip(*[stack.pop() for _ in range(node.arity)], strict=True)
            if all(inner is None for inner in slopes):
                stack.append((row.value(np, *values), None, None))
                continue
            value, partials = value_and_derivative(row, np, *values)
            slope = reach = None
            for partial, inner, inner_reach in zip(partials, slopes, reaches, strict=True):
                if inner is None:
                    continue
                if type(partial) is not float or partial != 1.0:  # a sum's partials are 1.0
                    partial = np.asarray(partial, dtype)
                    inner = partial * inner
                    if with_reach:
                        inner_reach = np.abs(partial) * inner_reach
                slope = inner if slope is None else slope + inner
                if with_reach:
                    reach = inner_reach if reach is None else reach + inner_reach
            stack.append((value, slope, reach))
    shape = np.broadcast_shapes(np.shape(y_true), np.shape(y_pred))
    return tuple(
        np.broadcast_to(dtype(0.0) if part is None else part, shape)
        for part in stack[0][:3 if with_reach else 2]
    )
