"""The surrogate of a search: it predicts accuracies from the atlas and the search's trainings.

The atlas is read without the data sets of the run, so that a result on a data set owes nothing to
what was measured there before; and not at all if what is left are data sets of many more classes,
or many fewer.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from functools import cache, reduce
from typing import TYPE_CHECKING

import numpy as np

from deap_lossgp.found_losses import KNOWN_LOSSES
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.surrogate.atlas import load_atlas
from deap_lossgp.surrogate.evidence import (
    CLASSES,
    FAILED,
    LEAST_LEARNED,
    OWN_WEIGHT,
    Evidence,
    at_budget,
    evidence_of,
    rung_figures,
    rungs_of,
)
from deap_lossgp.surrogate.features import LossFeatures
from deap_lossgp.surrogate.model import Surrogate
from deap_lossgp.surrogate.preselection import Preselection, spread_out
from deap_lossgp.surrogate.scale import to_common_scale
from deap_lossgp.trees import LossTree

if TYPE_CHECKING:
    from deap import gp

    from deap_lossgp.search.earlier_runs import EarlierRuns
    from deap_lossgp.search.evaluation import Evaluation
    from deap_lossgp.training.tasks import Task

MOST_APART = 5
"""The largest ratio between the numbers of classes of a task and of the nearest data set of the
atlas; beyond it the atlas is left out. Of what it chose for CIFAR-100, having seen ten classes
only, 77% ended at chance, and the winners of five runs were 0.12 points below cross entropy,
without it 0.03 above."""


class SearchSurrogate:
    """``preselect`` of a toolbox: a ``Preselection`` whose surrogate learns with every generation.

    Args:
        pset: The primitive set of the losses.
        tasks: The ``Task`` objects.
        evaluation: The ``Evaluation``, from whose trainings the surrogate learns.
        seed: The seed of the surrogate.
        prior: Whether it learns from the atlas, too.
        earlier: ``EarlierRuns`` to learn from as well, or None.

    Attributes:
        note: A sentence for the report if the atlas tells nothing of the tasks, else "".
    """

    def __init__(self, pset: gp.PrimitiveSet, tasks: Sequence[Task], evaluation: Evaluation,
                 seed: int = 0, *, prior: bool = True,
                 earlier: EarlierRuns | None = None) -> None:
        self._tasks, self._evaluation, self._seed = tasks, evaluation, seed
        self._earlier = earlier
        self._learned_of: int | None = None
        self._ranked_of: int | None = None
        self._chosen: list[LossTree] = []
        self._classes = [task.data.num_classes for task in tasks]
        self._budgets = [task.budget for task in tasks]
        self._told: dict[float, Evidence] = {}
        self._features = {k: LossFeatures(pset, k) for k in self._classes}
        self._preselection = Preselection(None, self.features, valid=evaluation.is_valid)
        self._prior, self.note = None, ""
        if prior:
            self._prior = _atlas_without(*sorted(task.name for task in tasks),
                                         classes=frozenset(self._classes))
            if self._prior is None:
                self.note = ("The atlas has no other data set with about as many classes: the "
                             "surrogate did without it.")
        self._preselection.remember([LossTree.from_string(KNOWN_LOSSES["cross_entropy"], pset)])

    def features(self, tree: LossTree) -> np.ndarray:
        """Returns a loss's features for each task's number of classes, one behind the other."""
        core = self._evaluation.core(tree)
        return np.concatenate([of_classes(core, lambda: self._evaluation.curves(tree))
                               for of_classes in self._features.values()])

    def is_promising(self, tree: LossTree) -> bool:
        """As the evaluation's; its curves, which are not kept, give the features right away."""
        promising = self._evaluation.is_promising(tree)
        if promising:
            self.features(tree)
        return promising

    def __call__(self, children: Sequence[LossTree], k: int) -> list[LossTree]:
        """Chooses k of many children, as ``Preselection`` does; none that was trained already."""
        known = self._evaluation.trained()
        if self._learned_of != len(known):
            self._learn(known)
            self._preselection.remember(tree for tree, _ in known)
            self._learned_of, self._chosen = len(known), []
        chosen = self._preselection(children, k)
        self._evaluation.counts["offered"] += len(children)
        self._evaluation.counts["chosen"] += len(chosen)
        self._chosen += chosen
        self._ranked_of = None
        return chosen

    def predicted_rank(self) -> float:
        """Returns which rank was predicted for the best of the children chosen last.

        Returns:
            1 if it was predicted to be the best of them, NaN where nothing was predicted, as in
            generations that CMA-ES makes.
        """
        if self._preselection.surrogate is None or not self._chosen:
            return math.nan
        trained = len(self._evaluation.trained())
        self._ranked_of = self._ranked_of or trained
        if trained > self._ranked_of:  # others since
            return math.nan
        means, _ = self.predict(np.array([self.features(tree) for tree in self._chosen]))
        fitness = [self._evaluation.fitness_of(tree) for tree in self._chosen]
        best = max(range(len(fitness)), key=fitness.__getitem__)
        return 1 + int((means > means[best]).sum())

    def predict(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the mean over the tasks of what is predicted, as ``Surrogate.predict`` does."""
        return self._predict(self._surrogate, features, self._budgets)

    def _predict(self, surrogate, features, budgets):
        blocks = dict(zip(self._features, np.split(features, len(self._features), axis=1),
                          strict=True))
        of_tasks = [surrogate.predict(at_budget(blocks[k], *budget))
                    for k, budget in zip(self._classes, budgets, strict=True)]
        return tuple(np.mean(part, axis=0) for part in zip(*of_tasks, strict=True))

    def best_at(self, tasks: Sequence[Task]) -> list[LossTree]:
        """Orders what the run has trained to the end by what is predicted at other budgets.

        At these the run's own trainings count no more than those of the atlas: what is best after
        a few epochs need not stay so.

        Args:
            tasks: The run's tasks with these budgets.

        Returns:
            What is trained for the losses, the most promising first, and spread out; none where
            all that the surrogate can learn from is of one budget.
        """
        known = self._evaluation.trained()
        finished = [tree for tree, results in known if all(result.ok for result in results)]
        evidence = self._evidence(known, own_weight=1.0)
        if not finished or np.ptp(evidence.features[:, -1]) == 0.0:
            return []
        features = np.array([self.features(tree) for tree in finished])
        surrogate = Surrogate(seed=self._seed).fit(evidence)
        means, deviations = self._predict(surrogate, features, [task.budget for task in tasks])
        return [finished[index] for index in spread_out(means, deviations, features, 0.0)]

    def _learn(self, known):
        evidence = self._evidence(known, OWN_WEIGHT)
        if evidence is not None:
            self._surrogate = Surrogate(seed=self._seed).fit(evidence)
            self._preselection.surrogate = self

    def _evidence(self, known, own_weight):
        """Returns all that there is to learn from as one ``Evidence``, None if that is nothing."""
        sources = [self._prior, self._of_earlier_runs(own_weight), self._own(known, own_weight)]
        sources = [source for source in sources if source is not None]
        return reduce(operator.add, sources) if sources else None

    def _of_earlier_runs(self, own_weight):
        """Returns the evidence of earlier runs, None if there are none."""
        if self._earlier and own_weight not in self._told:
            self._told[own_weight] = self._earlier.evidence(dict(self._features), own_weight)
        return self._told.get(own_weight)

    def _own(self, known, weight):
        """Returns the evidence of the run's own trainings, None if there is none."""
        if not known:
            return None
        baselines = self._evaluation.baselines()
        features, figures = [], []
        for tree, results in known:
            for result, baseline, k, budget in zip(results, baselines, self._classes,
                                                   self._budgets, strict=True):
                if result.failed and result.status not in FAILED:  # it says nothing of the loss
                    continue
                rungs = rungs_of(len(baseline.accuracies))
                chance = 1.0 / result.num_classes
                reached = np.array(rung_figures(result.accuracies, rungs))
                if result.failed:
                    reached = np.zeros(len(rungs))
                learned = np.maximum(rung_figures(baseline.accuracies, rungs),
                                     chance + LEAST_LEARNED)
                features.append(at_budget([self._features[k](tree)], *budget))
                figures.append(to_common_scale(reached, learned, chance))
        if not features:
            return None
        return Evidence(np.concatenate(features), np.array(figures),
                        np.full(len(features), weight))


@cache  # it is the same for all runs of a process
def _atlas_without(*names, classes):
    """Returns the evidence of the atlas without these data sets; None if it tells nothing."""
    atlas = load_atlas(without=names)
    seen = [CLASSES[name] for name in atlas["dataset"].unique()]
    told = all(any(max(k, other) <= MOST_APART * min(k, other) for other in seen)
               for k in classes)
    return evidence_of(atlas, loss_primitive_set()) if told else None
