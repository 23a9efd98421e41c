"""A loss as a few numbers: landmarks of the gradient that reaches the logits of a softmax network.

With K classes, predictions p and g_k = dL/dp_k, the gradient that reaches logit k is
p_k (g_k - sum_j p_j g_j): its *force*. Training sees nothing else of a loss. One class has the
prediction p, all others share the rest; the forces on its logit are

    true(p)   the class is the right one:  p (1 - p) (f1'(p) - f0'(q)),  q = (1 - p) / (K - 1),
    false(p)  a class among the others is: p (f0'(p) - p f0'(p) - q f1'(q) - (K - 2) q f0'(q)),

with f1'(p) and f0'(p) the derivatives of the loss for the right class and for the others. A third,
``rival``, is true(p) where a single class has all the rest (q = 1 - p). A network that cannot tell
its samples apart, and takes the class to be right with probability r, feels

    r true(p) + (1 - r) false(p).

Gradient descent moves p up while this force is negative; so where it first stops being negative,
above p = 1 / K, is the prediction that such a network ends with. For cross entropy it is p = r. At
r = 1 / K it is the fate of a network that has learned nothing yet: where the force there is
negative above 1 / K, predictions run away to one class, whatever the sample. Most losses that end
at chance are of this kind.

The forces do not change when one constant is added to both derivatives, and landmarks are relative
to the force at the start: losses that train alike have equal landmarks.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from deap_lossgp.curves import GRID, KNOTS, LossCurves, canonical_key, logit

if TYPE_CHECKING:
    from deap import gp

    from deap_lossgp.trees import LossTree

WINDOW = 128
"""Knots of the grid that are averaged: half a unit of logit(p)."""

WINDOWS = 32
"""From p = 0.0003 to p = 0.9997."""

BELIEFS = (0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.97, 1.0)
"""Probabilities of being right for which a loss's resting point is a landmark, besides 1 / K."""

LANDMARKS = (
    "rest_guessing", *(f"rest_{belief}" for belief in BELIEFS),
    *(f"bias_{place}" for place in ("far_below", "below", "start", "above", "far_above")),
    "bias_slope", "start", "size_start", "size", "size_median", "largest",
    "turns_true", "turns_false", "turns_rival", "steady_true", "steady_false", "jump_true",
    "jump_false", "jump_rival",
)  # fmt: skip
"""Names of the numbers that ``landmarks`` returns, in their order."""

_STEP = 4
_MIDDLE = (KNOTS - 1) // 2
_SPAN = slice(_MIDDLE - WINDOW * WINDOWS // 2, _MIDDLE + WINDOW * WINDOWS // 2, _STEP)
_LOGITS = np.asarray(logit(GRID))
_NEGLIGIBLE = 1e-6  # of the force at the start; what is less may be rounding
_LARGEST = 1e12


def landmarks(curves: LossCurves, num_classes: int) -> np.ndarray:
    """Reads the landmarks of a loss.

    Args:
        curves: Its ``LossCurves``; what is not finite in them counts as 0.
        num_classes: K, at least 2.

    Returns:
        float32 of shape (len(LANDMARKS),): resting points in logit(p); forces in units of the
        force at the start, as signed logarithms; sizes as logarithms; numbers of sign changes;
        shares from 0 to 1.

    Examples:
        >>> from deap_lossgp.psets import loss_primitive_set
        >>> from deap_lossgp.trees import LossTree
        >>> pset = loss_primitive_set()
        >>> entropy = LossTree.from_string("neg(mul(y_true, log(y_pred)))", pset)
        >>> found = dict(zip(LANDMARKS, landmarks(LossCurves.of(entropy, pset), 10)))
        >>> p = 1 / (1 + np.exp(-found["rest_0.8"]))  # where it is right four times in five
        >>> print(f"{p:.2f}")
        0.80
    """
    with np.errstate(all="ignore"):
        places, fine = forces(curves.derivatives, num_classes)
        places = places.mean(1)
        guess = 1.0 / num_classes
        beginning = np.clip(logit(guess), places[2], places[-3])
        start = np.abs(places - beginning) < 1.2
        sizes = np.abs(fine)
        unit = np.median(sizes[0, start]) or np.median(sizes) or sizes.max() or 1.0
        fine = np.clip(fine / unit, -_LARGEST, _LARGEST)  # the unit may be next to nothing
        mean, size = fine.mean(-1), np.sqrt((fine**2).mean(-1))
        mean[np.abs(mean) < _NEGLIGIBLE] = 0.0
        true, false, _ = mean
        bias = guess * true + (1.0 - guess) * false
        first = np.searchsorted(places, beginning)
        jumps = np.abs(np.diff(fine.reshape(3, -1))).max(-1)
        found = [
            *(_rest(places, belief * true + (1.0 - belief) * false, first)
              for belief in (guess, *BELIEFS)),
            *_signed_log(bias[first - 2 : first + 3]),
            _signed_log(bias[first + 1] - bias[first - 2]),
            _signed_log(true[first]),
            *(_log(each) for each in (size[:, start].mean(), size.mean(), np.median(size),
                                      np.abs(fine).max())),
            *(np.diff(np.sign(mean), axis=-1) != 0).sum(-1),
            *(np.abs(mean[:2]) / (size[:2] + _NEGLIGIBLE)).mean(-1),
            *(_log(jump) for jump in jumps),
        ]  # fmt: skip
    # Rounded, so that losses that are equal but for rounding are equal here too.
    return np.round(np.nan_to_num(np.array(found, np.float64)), 4).astype(np.float32)


def forces(derivatives: np.ndarray, num_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """The forces of a loss on logits, as defined above.

    Args:
        derivatives: ``LossCurves.derivatives``, or proportional; what is not finite counts as 0.
        num_classes: K, at least 2.

    Returns:
        logit(p), float64 of shape (WINDOWS, knots in a window), and the forces true, false and
        rival there, float64 of shape (3, WINDOWS, knots in a window).
    """
    derivatives = np.nan_to_num(derivatives, nan=0.0, posinf=_LARGEST, neginf=-_LARGEST)
    p, q, place = GRID[_SPAN], *_the_rest(num_classes)
    other, right = derivatives[:, _SPAN]
    other_rest, right_rest = (np.interp(place, _LOGITS, each) for each in derivatives)
    others = (num_classes - 2) * q * other_rest
    rival = derivatives[0, ::-1][_SPAN]  # the grid is symmetric: there p becomes 1 - p
    found = np.stack([
        p * (1.0 - p) * (right - other_rest),
        p * (other - p * other - q * right_rest - others),
        p * (1.0 - p) * (right - rival),
    ])
    found = np.clip(found, -_LARGEST, _LARGEST)
    return _LOGITS[_SPAN].reshape(WINDOWS, -1), found.reshape(3, WINDOWS, -1)


@cache
def _the_rest(num_classes: int) -> tuple[np.ndarray, np.ndarray]:
    q = (1.0 - GRID[_SPAN]) / (num_classes - 1)
    return q, np.asarray(logit(q))


def _rest(places, force, first):
    """The place, not below ``first``, where a force first stops being negative."""
    places, force = places[first:], force[first:]
    still = np.flatnonzero(force >= 0.0)
    if not still.size:
        return places[-1]
    if not still[0]:
        return places[0]
    after = still[0]
    before = after - 1
    way = force[before] / (force[before] - force[after])
    return places[before] + way * (places[after] - places[before])


def _signed_log(force):
    return np.sign(force) * np.log1p(10.0 * np.abs(force))


def _log(size):
    return np.log(size + _NEGLIGIBLE)


class LossFeatures:
    """Landmarks of loss trees: ``features(tree)``, remembered by ``canonical_key``.

    Args:
        pset: The primitive set.
        num_classes: K.

    Attributes:
        pset: As given.
    """

    def __init__(self, pset: gp.PrimitiveSet, num_classes: int = 10) -> None:
        self.pset, self._classes = pset, num_classes
        self._known = {}

    def __call__(self, tree: LossTree,
                 curves: Callable[[], LossCurves] | None = None) -> np.ndarray:
        """Returns the landmarks of a tree; ``curves()`` gives its ``LossCurves`` if needed."""
        key = canonical_key(tree, self.pset)
        if key not in self._known:
            curves = LossCurves.of(tree, self.pset) if curves is None else curves()
            self._known[key] = landmarks(curves, self._classes)
        return self._known[key]
