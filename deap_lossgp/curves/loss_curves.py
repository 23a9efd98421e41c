"""A loss as two curves: its value and derivative over the predicted probability.

For one-hot labels an element-wise loss L(y_true, y_pred) is two functions of one number, L(0, p)
and L(1, p). They are evaluated once, in float64, with the derivative carried along (forward mode),
on a fixed grid of p. What judges and compares losses reads these arrays; a network is trained with
parabolas through the same curves, whose knots each loss places itself (``segments``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from deap import gp

from deap_lossgp.curves.differentiation import differentiate, differentiate_with_signs
from deap_lossgp.curves.grid import CENTRE, GRID, centre, interpolate
from deap_lossgp.curves.segments import POINTS, Segments, refined, sizes, typical_size

TOLERANCE = 1e-3
"""Largest error of a certified derivative, relative to its size (see ``refined``)."""

CROSS_ENTROPY_SCALE = 0.5
"""``LossCurves.gradient_scale`` of cross entropy."""

FLOAT32_SHARE = 2 / 3
"""The share of the domain, in logit(p), where a certified loss's operations hold in float32."""

_LABELS = np.array([[0.0], [1.0]])
_HALF_ULP = 2.0**-24
_PROBES = POINTS[::4]  # where the operations are computed in float32

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
        >>> pole = LossTree.from_string("mul(y_true, log(sub(y_pred, 0.3)))", pset)
        >>> LossCurves.of(pole, pset).certified
        True
        >>> shaky = LossTree.from_string("mul(y_true, sin(div(1.0, y_pred)))", pset)
        >>> LossCurves.of(shaky, pset).certified
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
    def segments(self) -> Segments:
        """The curves between adaptive knots, with which a network is trained if they are certified.

        They are computed when they are first asked for: of many losses that are screened, few are
        trained.
        """
        # The rest of the tolerance is for what lies between the points that are looked at, and for
        # batches whose gradient is a small difference of large ones.
        return refined(lambda p: differentiate_with_signs(self.nodes, self.pset, _LABELS, p),
                       self.gradient_scale, TOLERANCE / 4.0)

    @cached_property
    def error(self) -> float:
        """The error of the curves, for their certificate: the largest of three numbers.

        The first is that of ``segments``, the difference from the loss in float64; oscillations
        that need too many knots make it large.

        The second tells whether the loss can be computed in float32, as it is by whoever trains
        with it: the error of its operations there, in the worst but ``1 - FLOAT32_SHARE`` of the
        domain. What is left out are the ends and the surroundings of poles, where float32 loses
        digits of ordinary losses; there the curves, not the operations, are what the formula says.

        The third is the rounding error of the derivative relative to the difference between the
        derivatives of the two labels: a label-blind loss trains a network until nothing but
        rounding is left of its gradient.

        It is infinite where something is not finite.
        """
        if not self.finite:
            return np.inf
        return max(self.segments.error, self._rounding_error)

    @cached_property
    def _rounding_error(self):
        p = _PROBES.astype(np.float64)
        slopes = differentiate(self.nodes, self.pset, _LABELS, p)[1]
        _, single, reach = differentiate(self.nodes, self.pset, _LABELS, _PROBES, with_reach=True)
        with np.errstate(all="ignore"):
            error = np.abs(single - slopes) + _HALF_ULP * reach
            size = sizes(slopes, typical_size(slopes[..., None])[..., 0], p, self.gradient_scale)
            relative = np.where(error == 0.0, 0.0, error / size).max(0)
            middle = centre(p)
            forces = (p * (1.0 - p) * slopes)[:, middle]
            blindness = _HALF_ULP * np.abs(forces).mean() / np.abs(forces[1] - forces[0]).mean()
        relative = np.sort(np.nan_to_num(relative, nan=np.inf))
        return float(max(relative[int(FLOAT32_SHARE * len(relative))], blindness))

    @property
    def finite(self) -> bool:
        """Whether values and derivatives are finite on the whole grid."""
        return bool(np.isfinite(self.values).all() and np.isfinite(self.derivatives).all())

    @property
    def certified(self) -> bool:
        """Whether training on the curves equals training with the loss, within ``TOLERANCE``."""
        # The cheaper one first.
        return self.finite and self._rounding_error <= TOLERANCE and self.error <= TOLERANCE

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

    @property
    def scale_factor(self) -> float | None:
        """What brings the gradient to the size of cross entropy's; None if there is none."""
        return CROSS_ENTROPY_SCALE / self.gradient_scale if self.gradient_scale else None


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
