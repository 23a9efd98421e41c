"""A loss with bumps added to its curves: curves made of a few numbers, as a loss tree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from deap_lossgp.curves.grid import GRID, logit
from deap_lossgp.curves.loss_curves import CROSS_ENTROPY_SCALE, LossCurves
from deap_lossgp.trees import LossTree

if TYPE_CHECKING:
    from deap import gp

CENTRES = (-5.0, -3.0, -1.0, 1.0, 3.0, 5.0)
"""Places of the bumps in logit(p)."""

_LOGITS = logit(GRID)
_POLES = 1.0 / np.expm1(-np.array(CENTRES))  # s = e^c / (1 - e^c)


class BumpedLoss:
    """The losses around a given one: called with numbers, it returns a tree with that many bumps.

    What trains a network is the force p (1 - p) dL/dp, for each of the two labels. The loss ::

        L(y, p) + y B_1(p) + (1 - y) B_0(p),
        B_1(p) = sum over the centres c of a_c / (p + s_c)  +  b log(p),  s_c = e^c / (1 - e^c),

    adds smooth functions of logit(p) to the forces. But for a constant, 1 / (p + s_c) is a logistic
    function of logit(p) - c, so its force is the bump of the logistic distribution around c, with
    no pole in (0, 1). log(p) adds b (1 - p), the force of cross entropy; in B_0, log(1 - p) adds
    -b p. So a curve of 14 numbers is a tree of about 100 nodes, which is screened, trained, stored
    and exported as any other.

    Numbers of the order of 1 change a loss much. With a gradient at the scale of cross entropy, a
    bump of 1 is as high as the given loss's force at its centre and p (1 - p) together, and the
    summand of the logarithm reaches 1/2.

    Args:
        tree: The given loss, a ``LossTree``; not changed. With bumps of 0 the curves are its own.
        pset: Its primitive set, with ``add sub mul div log``.

    Examples:
        >>> from deap_lossgp.psets import loss_primitive_set
        >>> pset = loss_primitive_set()
        >>> entropy = LossTree.from_string("neg(mul(y_true, log(y_pred)))", pset)
        >>> bumped = BumpedLoss(entropy, pset)
        >>> tree = bumped([0.1] * len(bumped))
        >>> len(bumped), len(tree), LossCurves.of(tree, pset).certified
        (14, 95, True)
    """

    def __init__(self, tree: LossTree, pset: gp.PrimitiveSet) -> None:
        self._tree, self._pset = tree, pset
        curves = LossCurves.of(tree, pset)
        unit = curves.gradient_scale / CROSS_ENTROPY_SCALE or 1.0
        natural = GRID * (1.0 - GRID)
        with np.errstate(all="ignore"):
            sizes = np.nan_to_num(np.abs(natural * curves.derivatives), posinf=0.0)
        heights = np.array([np.interp(CENTRES, _LOGITS, size + unit * natural)
                            for size in sizes[::-1]])  # the right class first
        steps = 4.0 * _POLES * (1.0 + _POLES)  # -s (1 + s) / (p + s) is a step of 1: force 1/4
        self._units = np.hstack([-steps * heights, np.full((2, 1), CROSS_ENTROPY_SCALE * unit)])

    def __len__(self) -> int:
        """The number of numbers."""
        return self._units.size

    def __call__(self, numbers: Sequence[float] | np.ndarray) -> LossTree:
        """Returns the ``LossTree`` with these bumps, without fitness."""
        of_right, of_others = np.reshape(numbers, self._units.shape) * self._units
        text = (f"add({self._tree}, add(mul(y_true, {_sum(of_right, 'y_pred')}), "
                f"mul(sub(1.0, y_true), {_sum(of_others, 'sub(1.0, y_pred)')})))")
        return LossTree.from_string(text, self._pset)


def _sum(factors, inside):
    """The text of one B(p), whose logarithm is that of ``inside``."""
    *bumps, last = map(float, factors)
    text = f"mul({last!r}, log({inside}))"
    for factor, pole in zip(bumps, _POLES, strict=True):
        text = f"add(div({factor!r}, add(y_pred, {float(pole)!r})), {text})"
    return text
