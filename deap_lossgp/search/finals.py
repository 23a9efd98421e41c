"""What follows the last generation: the race of the finalists, the choice, and the tests.

The search ranks at one seed and a small budget, and its best loss is mostly a lucky one. So the
finalists are trained again with seeds by which the search did not rank, at the budget that the user
cares about; and what is claimed of the winner is measured with seeds by which nothing was chosen.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deap_lossgp.curves.canonical import canonical_key
from deap_lossgp.export.simplified import simplified
from deap_lossgp.found_losses import KNOWN_LOSSES
from deap_lossgp.search.fitness import WORST, compare
from deap_lossgp.search.race import (
    sequential_halving,
    trainings_needed,
    within_standard_error,
)
from deap_lossgp.trees import LossTree

if TYPE_CHECKING:
    from deap_lossgp.search.evaluation import Evaluation
    from deap_lossgp.search.settings import RunSettings


@dataclass(frozen=True)
class Finale:
    """What came of the finalists; all of it is part of a ``RunResult``, which describes it.

    Attributes:
        found: The best loss as the search made it, a ``LossTree`` with its fitness there.
        best: The same loss, simplified.
        race, tests, balanced_tests, gains, rate_factor: As for ``RunResult``.
    """

    found: LossTree
    best: LossTree
    race: list
    tests: dict
    balanced_tests: dict
    gains: list
    rate_factor: float | None


class Finals:
    """Race and tests at the final budget.

    Args:
        settings: The ``RunSettings``.
        search: The ``Evaluation`` of the search.
        final: The ``Evaluation`` at the final budget; the same one, if that is the search's.

    Attributes:
        trainings: How many trainings it takes on each task, at most.
    """

    def __init__(self, settings: RunSettings, search: Evaluation, final: Evaluation) -> None:
        s = self._settings = settings
        self._search, self._final, self._pset = search, final, search.pset
        self._finalists = 0 if search.raw else s.finalists
        tunes = s.test_seeds and not search.raw and not search.engine.predicts
        rates = (1.0, *s.rate_factors) if tunes else ()  # they cannot be predicted
        self._rates = [*dict.fromkeys(rates)]
        self._choices, self._tests = s.fresh_seeds()
        self.trainings = (trainings_needed(self._finalists) + trainings_needed(len(self._rates))
                          + (2 + bool(s.initial_losses) + (len(self._rates) > 1)) * s.test_seeds)

    def execute(self, found: Sequence[LossTree], known: Mapping[str, LossTree]) -> Finale:
        """Races, chooses and tests.

        Args:
            found: ``LossTree`` objects with their fitness in the search, the most promising first.
            known: Known losses by name, likewise; the first takes part.

        Returns:
            A ``Finale``.

        Raises:
            TrainingError: At the final budget nothing can be trained.
        """
        winner, race = self._race(found, known) if self._finalists else (found[0], [])
        rate = self._best_rate() if len(self._rates) > 1 else None
        tests, balanced = (self._test(winner, known, rate, balanced) for balanced in (False, True))
        if _lacks(balanced, tests):
            balanced = {}
        best = simplified(winner, self._pset)
        best.fitness.values = winner.fitness.values
        return Finale(winner, best, race, tests, balanced, self._gains(winner, race), rate)

    def _race(self, found, known):
        """Races what is most promising against cross entropy, first on ties, and a known loss.

        Returns:
            (the winner, the race as a ``RunResult`` has it).
        """
        entropy = LossTree.from_string(KNOWN_LOSSES["cross_entropy"], self._pset)
        entropy.fitness.values = self._search.fitness_of(entropy)
        distinct = {}  # what is trained alike is one finalist
        for tree in (entropy, found[0], *list(known.values())[:1], *found[1:]):
            if tree.fitness.values > WORST:  # it was neither stopped nor failed
                key = canonical_key(self._search.core(tree), self._pset)
                distinct.setdefault(key, tree)
        arms = list(distinct.values())[:self._finalists]
        winner, figures = sequential_halving(arms, self._figures, self._choices)
        sizes = [len(simplified(tree, self._pset)) for tree in arms]
        if self._settings.select == "simplest":
            winner = min(within_standard_error(figures, winner), key=lambda i: (sizes[i], i))
        return arms[winner], [
            {"expression": str(tree), "nodes": size, "seeds": len(row),
             "figure": statistics.fmean(row) if row else math.nan}
            for tree, size, row in zip(arms, sizes, figures, strict=True)]

    def _best_rate(self):
        """Returns the factor of the learning rate at which cross entropy is best, by a race."""
        index, _ = sequential_halving(
            self._rates,
            lambda rates, seeds: self._figures([None] * len(rates), seeds, rate_factors=rates),
            self._choices)
        return self._rates[index]

    def _figures(self, trees, seeds, **options):
        return [[self._final.mean_figure(results) for results in row]
                for row in self._final.results(trees, seeds, **options)]

    def _test(self, winner, known, rate, balanced):
        """Returns accuracies on the test set after trainings with fresh seeds, by task and loss."""
        losses = {"evolved": winner, "cross_entropy": None}
        for name, tree in list(known.items())[:1]:
            losses.setdefault(name, tree)  # cross entropy may be a known loss
        factors = [1.0] * len(losses)
        if rate is not None:
            losses["tuned_cross_entropy"] = None
            factors.append(rate)
        accuracies = self._final.test_accuracies(losses.values(), self._tests, balanced=balanced,
                                                 rate_factors=factors)
        return {task.name: {name: of_loss[task.name]
                            for name, of_loss in zip(losses, accuracies, strict=True)}
                for task in self._final.tasks}

    def _gains(self, winner, race):
        """Returns the winner's improvement wherever it was measured.

        In the race, these are the seeds that both the winner and cross entropy have.
        """
        wins, improvement = winner.fitness.values
        gains = [{"where": "search", "wins": wins, "improvement": improvement, "seeds": 1,
                  **_budget(self._search.tasks)}]
        rows = {row["expression"]: row["seeds"] for row in race}
        shared = min(rows[str(winner)], rows[KNOWN_LOSSES["cross_entropy"]]) if rows else 0
        for where, seeds, test in (("race", self._choices[:shared], False),
                                   ("tests", self._tests, True)):
            if seeds:
                wins, improvement = self._improvement(winner, seeds, test)
                gains.append({"where": where, "wins": wins, "improvement": improvement,
                              "seeds": len(seeds), **_budget(self._final.tasks)})
        return gains

    def _improvement(self, tree, seeds, test):
        """Returns (wins, improvement) over cross entropy in the mean over seeds that have it."""
        of_tree, of_entropy = self._final.results([tree, None], seeds, test=test)
        figures, baselines = ([self._final.mean_figure(of_task) for of_task in zip(*rows,
                               strict=True)] for rows in (of_tree, of_entropy))
        if not all(map(math.isfinite, baselines)):
            return math.nan, math.nan
        return compare(figures, baselines, self._settings.mean_over_all)


def _budget(tasks):
    images, epochs = zip(*(task.budget for task in tasks), strict=True)
    return {"epochs": [*epochs], "images": [*images]}


def _lacks(balanced, tests):
    """Whether a training was tested when balanced accuracies were not stored yet."""
    return any(other is None and accuracy is not None for task, losses in tests.items()
               for name, row in losses.items()
               for accuracy, other in zip(row, balanced[task][name], strict=True))
