"""Where the value of a loss grows without bound: towards p = 0 or p = 1, or at a pole between."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from deap_lossgp.curves.differentiation import evaluate
from deap_lossgp.curves.grid import GRID, KNOTS, SPACING
from deap_lossgp.primitives import LIMIT

if TYPE_CHECKING:
    from deap import gp

    from deap_lossgp.curves.loss_curves import LossCurves
    from deap_lossgp.trees import LossTree

ROUNDING = 1e-12
"""Values that differ by less than this, relative to their magnitude, differ by rounding only."""

_DECADE = round(math.log(10.0) / SPACING)  # knots from p to 10 p, where p is near 0


def unbounded_places(tree: LossTree, pset: gp.PrimitiveSet, curves: LossCurves) -> Iterator[str]:
    """Finds the places where a loss grows without bound, or is not finite.

    Args:
        tree: A ``LossTree``.
        pset: Its primitive set.
        curves: Its ``LossCurves``.

    Yields:
        str: Each place in words, such as ``as p -> 0 for the target``.
    """
    for label, words in ((1, "for the target"), (0, "for other classes")):
        values = curves.values[label]
        if not np.isfinite(values).all():
            place = GRID[np.argmin(np.isfinite(values))]
            yield f"not finite near p = {place:.3g} {words}"
            continue
        for end, outwards in ((0, values[::-1]), (1, values)):
            if _grows_outwards(outwards):
                yield f"as p -> {end} {words}"
        for sign in (1.0, -1.0):
            place = _pole(tree, pset, label, sign, values)
            if place is not None:
                yield f"near p = {place:.3g} {words}"


def _grows_outwards(values):
    """Returns whether the last decade of p widens the range of values as much as the one before.

    Each decade adds the same to the range of log(p). To the range of p**a it adds 10**-a times as
    much as the decade before.
    """
    half = values[KNOTS // 2:]
    ranges = [np.ptp(half[:len(half) - decades * _DECADE]) for decades in (2, 1, 0)]
    before, last = np.diff(ranges)
    return bool(np.abs(half).max() >= 0.9 * LIMIT
                or last > max(0.8 * before, 1e-6 * ranges[-1], ROUNDING * np.abs(half).max()))


def _pole(tree, pset, label, sign, values):
    """Returns the place of the greatest value of ``sign`` times the loss if it is a pole, or None.

    Nearer to a pole the values keep growing, or become far greater than those on the grid.
    """
    knot, spread = int(np.argmax(sign * values)), np.ptp(values)
    inside = 2 * _DECADE <= knot < KNOTS - 2 * _DECADE
    if not inside or spread <= ROUNDING * np.abs(values).max():
        return None
    low, high, greatest = GRID[knot - 1], GRID[knot + 1], [sign * values[knot]]
    for _ in range(3):
        places = np.linspace(low, high, 129)
        closer = sign * evaluate(tree, pset, label, places)
        if not np.isfinite(closer).all():
            return GRID[knot]
        at = int(np.argmax(closer))
        greatest.append(closer[at])
        low, high = places[max(at - 1, 0)], places[min(at + 1, 128)]
    before, last = np.diff(greatest)[1:]
    far = min(0.9 * LIMIT, greatest[0] + 10.0 * spread)
    grows = greatest[-1] >= far or last > max(0.5 * before, 1e-6 * spread)
    return GRID[knot] if grows else None
