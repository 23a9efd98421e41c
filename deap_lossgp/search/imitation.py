"""What the search for curves needs of a toolbox: losses around one, and trees that train alike."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import fmean
from typing import TYPE_CHECKING

from deap_lossgp.curves.bumps import BumpedLoss
from deap_lossgp.loss_rules import LossRules
from deap_lossgp.surrogate.likeness import ForceDistance
from deap_lossgp.toolbox import make_toolbox

if TYPE_CHECKING:
    from deap import base, gp

    from deap_lossgp.trees import LossTree

MAX_SIZE = 31
"""The largest number of nodes of an expression, before coefficients are put into it."""

COST = 0.001
"""The distance that a node of an expression has to make up for."""


def with_curves(toolbox: base.Toolbox, pset: gp.PrimitiveSet, max_height: int,
                max_size: int, classes: Iterable[int] = (10,)) -> base.Toolbox:
    """Adds to a toolbox what ``eaCurve`` uses.

    Args:
        toolbox: A toolbox of loss trees; changed.
        pset: Their primitive set.
        max_height, max_size: The greatest height and size of an expression; at most ``MAX_SIZE``
            nodes in any case. They do not hold for the trees of curves.
        classes: Numbers of classes of the tasks.

    Returns:
        The toolbox with ``around``, a ``BumpedLoss``, and ``imitating``, a toolbox of short
        expressions whose fitness is ``Likeness``; its populations begin with the start, if that is
        short itself.
    """
    toolbox.register("around", BumpedLoss, pset=pset)
    toolbox.register("imitating", _imitating, pset=pset, max_height=max_height,
                     max_size=min(max_size, MAX_SIZE), classes=sorted({*classes}))
    return toolbox


def _imitating(target, start, pset, max_height, max_size, classes):
    toolbox = make_toolbox(pset, Likeness(target, pset, classes), max_height=max_height,
                           max_size=max_size)
    if LossRules(max_height, max_size)(start):
        toolbox.register("population", _population, toolbox, start)
    return toolbox


def _population(toolbox, start, n):
    """A population of n trees, the start among them, without fitness."""
    first = toolbox.clone(start)
    del first.fitness.values
    return [first, *(toolbox.individual() for _ in range(n - 1))]


class Likeness:
    """How well an expression does what a target does: ``likeness(tree) -> fitness``.

    Args:
        target: The ``LossTree``.
        pset: The primitive set.
        classes: Numbers of classes; the mean over them counts.
    """

    # No __dict__, which DEAP's register would copy into its partial.
    __slots__ = ("distances",)

    def __init__(self, target: LossTree, pset: gp.PrimitiveSet,
                 classes: Iterable[int] = (10,)) -> None:
        self.distances = [ForceDistance(target, pset, k) for k in classes]

    def __call__(self, tree: LossTree) -> tuple[float, float]:
        distance = fmean(each(tree) for each in self.distances)
        return -(distance + COST * len(tree)), -float(len(tree))
