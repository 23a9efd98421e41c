"""How far the curves of one loss are from those of another, as a network feels them."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from deap_lossgp.curves import GRID, KNOTS, differentiate
from deap_lossgp.surrogate.features import WINDOWS, forces

if TYPE_CHECKING:
    from deap import gp

    from deap_lossgp.trees import LossTree

_STEP = 32
_KNOTS = GRID[::_STEP]
_LABELS = np.array([[0.0], [1.0]])
_PLACES = 8  # of which the forces are averaged, in each window


class ForceDistance:
    """Distances between the forces of losses and those of one target: ``distance(tree)``.

    A distance is the part of the target's forces that a loss, multiplied by the best positive
    number, does not give: the root of the sum of the squares, relative to the target. 0 means that
    both losses train a network alike, 1 that they have nothing in common. Each place counts alike
    in logit(p), and where the target is strong, differences count in proportion: a difference is
    divided by the target's size there plus its median size.

    Args:
        target: The ``LossTree`` to be compared with, finite over the whole domain.
        pset: The primitive set of all trees.
        num_classes: As for ``forces``.

    Examples:
        >>> from deap_lossgp.found_losses import KNOWN_LOSSES
        >>> from deap_lossgp.psets import loss_primitive_set
        >>> from deap_lossgp.trees import LossTree
        >>> pset = loss_primitive_set()
        >>> entropy, same, focal = (LossTree.from_string(text, pset) for text in (
        ...     KNOWN_LOSSES["cross_entropy"], "sub(y_true, mul(3.0, mul(y_true, log(y_pred))))",
        ...     KNOWN_LOSSES["focal"]))
        >>> distance = ForceDistance(entropy, pset)
        >>> [round(distance(tree), 3) for tree in (entropy, same, focal)]
        [0.0, 0.0, 0.191]
    """

    def __init__(self, target: LossTree, pset: gp.PrimitiveSet, num_classes: int = 10) -> None:
        self._pset, self._classes = pset, num_classes
        target = self._forces(target)
        if target is None or not target.any():
            raise ValueError("expected a target that is finite and has a gradient")
        size = np.sqrt((target**2).mean(-1, keepdims=True))
        self._weights = 1.0 / (size + np.median(size[size > 0.0]))
        self._target = target * self._weights
        self._target /= np.linalg.norm(self._target)

    def __call__(self, tree: LossTree) -> float:
        """Returns the distance of a tree, from 0 to 1; infinite where it is not finite."""
        found = self._forces(tree)
        if found is None:
            return math.inf
        found = found * self._weights
        length = np.linalg.norm(found)
        cosine = np.sum(found * self._target) / length if length else 0.0
        return math.sqrt(max(0.0, 1.0 - max(0.0, cosine) ** 2))

    def _forces(self, tree):
        """Forces by kind, window and place; None where the loss is not finite."""
        values, derivatives = differentiate(tree, self._pset, _LABELS, _KNOTS)
        if not (np.isfinite(values).all() and np.isfinite(derivatives).all()):
            return None
        return (_forces_of_knots(self._classes) @ derivatives.ravel()).reshape(3, WINDOWS, -1)


@cache
def _forces_of_knots(num_classes):
    """Forces are linear in the derivatives: the matrix that makes them of those at a few knots."""
    knots = np.arange(KNOTS)
    columns = []
    for unit in np.eye(2 * len(_KNOTS)):
        derivatives = [np.interp(knots, knots[::_STEP], each) for each in np.split(unit, 2)]
        found = forces(np.stack(derivatives), num_classes)[1]
        columns.append(found.reshape(3, WINDOWS, _PLACES, -1).mean(-1).ravel())
    return np.stack(columns, axis=1)
