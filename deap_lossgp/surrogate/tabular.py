"""A tabular benchmark: an evaluation that stands in for training, in milliseconds a loss."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import numpy as np

from deap_lossgp.curves import LossCurves, canonical_key, is_trainable
from deap_lossgp.surrogate.atlas import load_atlas, main_budget
from deap_lossgp.surrogate.evidence import (
    CLASSES,
    RUNGS,
    Evidence,
    at_budget,
    baselines_of,
    evidence_of,
    tasks_of,
)
from deap_lossgp.surrogate.features import LossFeatures
from deap_lossgp.surrogate.model import Surrogate, completed
from deap_lossgp.surrogate.scale import from_common_scale

if TYPE_CHECKING:
    import pandas as pd
    from deap import gp

    from deap_lossgp.trees import LossTree

SEED_DEVIATION = 0.0162
"""Of an accuracy a between seeds, in units of sqrt(a (1 - a)): .0081 was measured near .47."""

_FOLDS = 5
_NEIGHBOURS = 25
_SAME = 1e-3  # features nearer than this are those of one loss, but for rounding


class SurrogateEvaluation:
    """``toolbox.evaluate`` without training: (wins, improvement) of a loss, predicted.

    For each data set a surrogate learns the atlas's trainings on it. A loss of the atlas gets what
    was measured, one that ``is_trainable`` refuses gets chance, and any other the prediction. What
    the surrogate cannot explain is kept: to a prediction is added the error that it made,
    cross-validated, on one of the losses of similar prediction. Which one depends on the loss's
    landmarks, rounded, so near kin share it. Then comes the seed's noise, which all rungs of a
    training share. Equal losses get equal figures under equal seeds, in any order.

    How far to trust it: ``python -m deap_lossgp.surrogate.validation`` prints the rank
    correlations. On losses that it had not seen they were .88 (all) and .82 (better half) on
    CIFAR-10, .88 and .77 on Fashion-MNIST, .86 and .91 on CIFAR-100. With an earlier atlas of 842
    trainings, 47% of 300 fresh random losses were predicted to end near chance on CIFAR-10
    (measured: 48%), and 6% to be better than cross entropy (7%); on Fashion-MNIST 30% (33%) and
    12% (11%). It ranks search algorithms; it does not say which loss is best, and no figure exceeds
    the best that was measured but for noise. A search that uses a surrogate of its own must fit it
    on other data sets, and even then shares this one's view of losses: it looks better here than it
    is.

    Args:
        pset: The primitive set.
        datasets: Names of data sets in the atlas.
        noise: Whether figures carry the seed's noise.
        seed: Of the noise and of what is unexplained.
        table: Trainings to learn from, as ``load_atlas`` gives them; the atlas by default.

    Raises:
        ValueError: No trainings on a data set, or none with cross entropy.

    References:
        A. Zela, J. Siems, L. Zimmer, J. Lukasik, M. Keuper and F. Hutter, Surrogate NAS benchmarks:
        going beyond the limited search spaces of tabular NAS benchmarks, ICLR 2022 (NAS-Bench-301).

    Examples:
        >>> from deap_lossgp.psets import loss_primitive_set
        >>> from deap_lossgp.trees import LossTree
        >>> pset = loss_primitive_set()
        >>> evaluate = SurrogateEvaluation(pset, ["cifar10"])
        >>> wins, improvement = evaluate(LossTree.from_string("mul(y_true, log(y_pred))", pset))
        >>> wins, improvement < -0.3  # the wrong sign
        (0.0, True)
    """

    def __init__(self, pset: gp.PrimitiveSet, datasets: Sequence[str] = ("cifar10",), *,
                 noise: bool = True, seed: int = 0, table: pd.DataFrame | None = None) -> None:
        self._pset = pset
        self._noise = noise
        self._seed = seed
        table = load_atlas() if table is None else table
        by_task = {}
        self._tasks = [TabularTask(table, name, pset, by_task) for name in datasets]
        self._curves = {}

    def replicate(self, seed: int) -> Self:
        """The same benchmark under another seed; shares what has been computed."""
        other = copy.copy(self)
        other._seed = seed
        return other

    def __call__(self, tree: LossTree) -> tuple[float, float]:
        improvements = self.figures(tree)[:, -1] - [task.baseline[-1] for task in self._tasks]
        won = improvements[improvements > 0.0]
        return float(len(won)), float((won if len(won) else improvements).mean())

    def figures(self, tree: LossTree, *, seed: int | None = None) -> np.ndarray:
        """The accuracies that a training would show.

        Args:
            tree: A ``LossTree``.
            seed: Of the training; None is the search's own. Others are fresh ones, to confirm a
                winner with: they change the noise only.

        Returns:
            float64 of shape (data sets, ``RUNGS``).
        """
        curves = self._trainable_curves(tree)
        rows = []
        for task in self._tasks:
            if curves is None:
                rows.append(np.full(len(RUNGS), task.chance))
                continue
            features = task.features(tree, lambda: curves)
            noise = (self._seed, seed) if self._noise else None
            rows.append(task.accuracies(features, self._seed, noise))
        return np.array(rows)

    def _trainable_curves(self, tree):
        """A tree's ``LossCurves``; None where it cannot train."""
        key = canonical_key(tree, self._pset)
        if key not in self._curves:
            curves = LossCurves.of(tree, self._pset)
            self._curves[key] = curves if is_trainable(curves) else None
        return self._curves[key]


class TabularTask:
    """A data set of the benchmark: what its trainings would show.

    Args:
        table: Trainings, as ``load_atlas`` gives them; those of its main budget count.
        name: Its name.
        pset: The primitive set.
        by_task: ``LossFeatures`` by number of classes, to share what has been computed; a dict
            that gets what is missing.

    Attributes:
        name: As given.
        budget: (images, epochs) of its trainings.
        chance: 1 / number of classes.
        baseline: Cross entropy's accuracies at each rung.
        features: ``features(tree)``, its ``LossFeatures``.

    Raises:
        ValueError: No trainings, or none with cross entropy.
    """

    def __init__(self, table: pd.DataFrame, name: str, pset: gp.PrimitiveSet,
                 by_task: dict[int, LossFeatures] | None = None) -> None:
        table = main_budget(table[table["dataset"] == name])
        if not len(table):
            raise ValueError(f"the table has no training on {name!r}")
        by_task = {} if by_task is None else by_task
        self.name, self.chance = name, 1.0 / CLASSES[name]
        task = tasks_of(table)[0]
        self.budget, self.baseline = task[1:], baselines_of(table)[task]
        self.features = by_task.setdefault(CLASSES[name], LossFeatures(pset, CLASSES[name]))
        evidence = evidence_of(table, pset, by_task=by_task)
        self._surrogate = Surrogate().fit(evidence)
        # The surrogate's errors on losses that it did not know.
        self._predicted = out_of_fold(evidence)
        self._measured = evidence.features[:, :-1]  # without the budget
        self._figures = completed(evidence.figures)
        self._errors = self._figures - self._predicted

    def accuracies(self, features: np.ndarray, kin: int = 0,
                   noise: Sequence[int | None] | None = None) -> np.ndarray:
        """Returns accuracies at each rung.

        Args:
            features: What ``features`` returned for the loss.
            kin: Seed of what the surrogate cannot explain.
            noise: Seeds of the training's noise; None for none.

        Returns:
            float64 of shape (rungs,).
        """
        accuracies = from_common_scale(self._value(features, kin), self.baseline, self.chance)
        if noise is not None:
            draw = _generator(self.name, *noise, np.round(features, 2).tobytes())
            deviation = SEED_DEVIATION * np.sqrt(accuracies * (1.0 - accuracies))
            accuracies = accuracies + deviation * draw.standard_normal()
        return np.clip(accuracies, 0.0, 1.0)

    def _value(self, features, kin):
        """Figures on the common scale: measured, or predicted with an error added."""
        off = np.abs(self._measured - features).max(1)
        nearest = int(off.argmin())
        if off[nearest] < _SAME:
            return self._figures[nearest]
        value = self._surrogate.predict_trees(at_budget(features[None], *self.budget))[:, 0].mean(0)
        distance = np.abs(self._predicted[:, -1] - value[-1])
        near = np.argsort(distance, kind="stable")[:_NEIGHBOURS]
        drawn = _generator(self.name, kin, np.round(features).tobytes()).choice(near)
        return np.minimum(value + self._errors[drawn], self._figures.max(0))


def out_of_fold(evidence: Evidence, folds: int = _FOLDS, seed: int = 0) -> np.ndarray:
    """Predictions for each row by surrogates that have not seen it.

    Args:
        evidence: An ``Evidence`` of one data set, in which no loss occurs twice.
        folds: Number of parts, each left out once.
        seed: Of the parts.

    Returns:
        float64 of shape (rows, rungs).
    """
    part = np.random.default_rng(seed).permutation(len(evidence)) % folds
    predicted = np.empty_like(evidence.figures)
    for fold in range(folds):
        test = part == fold
        rest = Evidence(*(array[~test] for array in (evidence.features, evidence.figures,
                                                     evidence.weights)))  # fmt: skip
        predicted[test] = Surrogate().fit(rest).predict_trees(evidence.features[test]).mean(0)
    return predicted


def _generator(*key):
    """A random stream for a key of texts, numbers and bytes."""
    digest = hashlib.sha256(repr(key).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8]))
