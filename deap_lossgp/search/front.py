"""The Pareto front of a run: the losses that no other one beats in both improvement and size."""

import math
from collections.abc import Callable, Hashable, Iterable, Sequence

from deap import base, tools

from deap_lossgp.trees import LossTree


class FrontFitness(base.Fitness):
    """(improvement, nodes): the first is maximised, the second minimised."""

    weights = (1.0, -1.0)


class LossFront(tools.ParetoFront):
    """A DEAP ``ParetoFront`` over (improvement, nodes), whatever the losses are selected by.

    Its trees are copies whose fitness is a ``FrontFitness``; the best improvement is the first.

    Args:
        key: ``key(tree)`` is equal for trees that are the same loss, of which it keeps one.

    Examples:
        >>> from deap_lossgp.psets import loss_primitive_set
        >>> pset, front = loss_primitive_set(), LossFront(str)
        >>> for text, values in {"y_pred": (0, -0.2), "neg(y_pred)": (0, -0.3),
        ...                      "mul(y_true, y_pred)": (1, 0.1)}.items():
        ...     tree = LossTree.from_string(text, pset)
        ...     tree.fitness.values = values
        ...     front.update([tree])
        >>> [(str(tree), tree.fitness.values) for tree in front]
        [('mul(y_true, y_pred)', (0.1, 3.0)), ('y_pred', (-0.2, 1.0))]
    """

    def __init__(self, key: Callable[[LossTree], Hashable]) -> None:
        super().__init__(similar=lambda tree, other: key(tree) == key(other))

    def update(self, population: Iterable[LossTree]) -> None:
        """Adds the losses that are not dominated, and removes those that are from now on.

        Args:
            population: ``LossTree`` objects with their ``LossFitness``; those without a finite
                improvement, whose trainings failed or were stopped, are left out.
        """
        super().update([_seen_from_the_front(tree) for tree in population
                        if math.isfinite(tree.fitness.values[1])])


def _seen_from_the_front(tree):
    seen = LossTree(tree)
    seen.fitness = FrontFitness((tree.fitness.values[1], len(tree)))
    return seen


class Together:
    """Several halls of fame as one, for the argument ``halloffame`` of an algorithm.

    Args:
        *halls: The halls of fame.
    """

    def __init__(self, *halls: tools.HallOfFame) -> None:
        self._halls = halls

    def update(self, population: Sequence) -> None:
        """Updates each of them with the population."""
        for hall in self._halls:
            hall.update(population)
