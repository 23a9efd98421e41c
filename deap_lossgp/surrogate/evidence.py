"""Rows to learn from: the features of measured losses, and their figures on the common scale."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from deap_lossgp.errors import unknown_name
from deap_lossgp.found_losses import KNOWN_LOSSES
from deap_lossgp.surrogate.atlas import TASK
from deap_lossgp.surrogate.features import LossFeatures
from deap_lossgp.surrogate.scale import to_common_scale
from deap_lossgp.trees import LossTree

if TYPE_CHECKING:
    import pandas as pd
    from deap import gp

RUNGS = (1, 3, 6)
"""Epochs after which figures are read; the last is the end of a training."""

CLASSES = {"fashion_mnist": 10, "cifar10": 10, "cifar100": 100, "digits": 10, "mnist": 10}
"""Numbers of classes of data sets by name."""

CROSS_ENTROPY = KNOWN_LOSSES["cross_entropy"]

OWN_WEIGHT = 10.0
"""What a run's own trainings count, to the atlas's 1. With 12 to 60 of them, weights from 3 to 30
rank alike, a little better than 1; own trainings alone rank badly before there are hundreds."""

FAILED = ("nan", "no_gradient")
"""Statuses that count as an accuracy at chance."""

LEAST_LEARNED = 0.01
"""What cross entropy is taken to have gained over chance, at least: the scale divides by it."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a surrogate learns from; ``one + other`` joins two sources.

    Attributes:
        features: float array of shape (rows, features); of trainings, the last is their budget.
        figures: float array of shape (rows, rungs), larger is better; NaN at the rungs that a
            training did not reach.
        weights: float array of shape (rows,): how much each row counts.
    """

    features: np.ndarray
    figures: np.ndarray
    weights: np.ndarray

    def __add__(self, other: Evidence) -> Evidence:
        return Evidence(*(np.concatenate(pair) for pair in (
            (self.features, other.features), (self.figures, other.figures),
            (self.weights, other.weights),
        )))  # fmt: skip

    def __len__(self) -> int:
        return len(self.weights)


def at_budget(features: Any, images: int, epochs: int) -> np.ndarray:
    """Appends to features of losses, as one more, the budget at which they are trained.

    A loss that learns fast from few images need not be the best in the end.

    Args:
        features: float array of shape (losses, features).
        images, epochs: Of a training. Their product counts, as a logarithm.

    Returns:
        float64 of shape (losses, features + 1).

    Examples:
        >>> at_budget([[1.0, 2.0]], images=1000, epochs=10)
        array([[1., 2., 4.]])
    """
    features = np.asarray(features, np.float64)
    return np.column_stack([features, np.full(len(features), np.log10(images * epochs))])


def rungs_of(epochs: int) -> tuple[int, int, int]:
    """Returns the epochs of a training of another length that stand for ``RUNGS``."""
    return (min(RUNGS[0], epochs), min(RUNGS[1], epochs), epochs)


def rung_figures(validation_accuracies: Sequence[float],
                 rungs: Sequence[int] = RUNGS) -> list[float]:
    """The accuracy at each rung: the mean of the last third of the epochs up to it, two at least.

    The mean lowers the variance of what one epoch happens to show.

    Args:
        validation_accuracies: By epoch; may have stopped early.
        rungs: Epochs, ascending.

    Returns:
        A list of floats, NaN where the training did not get there.

    Examples:
        >>> rung_figures([0.25, 0.5, 0.75])
        [0.25, 0.625, nan]
    """
    return [float(np.mean(validation_accuracies[max(0, rung - max(2, rung // 3)) : rung]))
            if len(validation_accuracies) >= rung else np.nan for rung in rungs]


def measured(table: pd.DataFrame) -> np.ndarray:
    """The accuracies of a table's rows at the rungs of their task; a failed one's are at chance.

    Returns:
        float array of shape (rows, rungs).
    """
    figures = np.array([
        rung_figures([float(word) for word in text.split()], rungs_of(epochs))
        for text, epochs in zip(table["validation_accuracies"], table["epochs"], strict=True)
    ]).reshape(-1, len(RUNGS))
    figures[table["status"].isin(FAILED).to_numpy()] = 0.0
    return figures


def baselines_of(table: pd.DataFrame) -> dict[Any, np.ndarray]:
    """Cross entropy's accuracies at each rung.

    Returns:
        A dict from task (dataset, images, epochs) and seed, (task, seed), and from task for the
        mean over seeds, to a float array of shape (rungs,).

    Raises:
        ValueError: A task of the table has no row of cross entropy; names the task.
    """
    rows = table[(table["expression"] == CROSS_ENTROPY) & (table["status"] == "ok")]
    figures, tasks = measured(rows), tasks_of(rows)
    found: dict[Any, np.ndarray] = {}
    for task in {*tasks_of(table)}:
        of_task = [other == task for other in tasks]
        if not any(of_task):
            raise ValueError(f"no training with cross entropy on {task[0]!r} with {task[1]} images "
                             f"and {task[2]} epochs: figures on it cannot be compared with "
                             f"others")
        found[task] = figures[of_task].mean(0)
    for task, seed, figure in zip(tasks, rows["seed"], figures, strict=True):
        found[task, seed] = figure
    return found


def tasks_of(table: pd.DataFrame) -> list[tuple[str, int, int]]:
    """Returns the task of each row of a table: data set, training images and epochs."""
    return list(zip(*(table[name] for name in TASK), strict=True))


def one_name(expressions: Iterable[str], features: LossFeatures) -> dict[str, str]:
    """Names losses of equal features alike.

    Args:
        expressions: Texts.
        features: ``LossFeatures``.

    Returns:
        A dict from each text to the first, in alphabetical order, that has the same features.
    """
    first, names = {}, {}
    for text in sorted({*expressions}):
        tree = LossTree.from_string(text, features.pset)
        names[text] = first.setdefault(features(tree).tobytes(), text)
    return names


def evidence_of(table: pd.DataFrame, pset: gp.PrimitiveSet, *, weight: float = 1.0,
                classes: Mapping[str, int] = CLASSES,
                by_task: dict[int, LossFeatures] | None = None) -> Evidence:
    """Makes rows to learn from out of a table of trainings.

    The seeds of a loss on a task become one row, and so do losses of equal features.

    Args:
        table: A pandas ``DataFrame`` with the columns dataset, images, epochs, seed, expression,
            status and validation_accuracies (by epoch, separated by spaces), as ``load_atlas``
            gives it. A row of cross entropy is needed for each task (the first three).
        pset: The primitive set of the expressions.
        weight: How much a training counts: ``OWN_WEIGHT`` for a run's own.
        classes: Number of classes by name of the data set.
        by_task: ``LossFeatures`` by number of classes, to share what has been computed; a dict
            that gets what is missing.

    Returns:
        An ``Evidence``, its rows ordered by task and expression, its features ``at_budget``.

    Raises:
        ValueError: A task without cross entropy, or a data set that ``classes`` does not know; an
            expression that cannot be read.
    """
    by_task = {} if by_task is None else by_task
    for dataset in {*table["dataset"]} - {*classes}:
        raise unknown_name("data set", dataset, classes, hint="or give its number of classes")
    baselines, accuracies = baselines_of(table), measured(table)
    names = {dataset: one_name(part["expression"],
                               by_task.setdefault(classes[dataset],
                                                  LossFeatures(pset, classes[dataset])))
             for dataset, part in table.groupby("dataset")}  # fmt: skip
    rows = {}
    for accuracy, task, seed, text in zip(accuracies, tasks_of(table), table["seed"],
                                          table["expression"], strict=True):
        baseline = baselines.get((task, seed), baselines[task])
        chance = 1.0 / classes[task[0]]
        figure = to_common_scale(accuracy, np.maximum(baseline, chance + LEAST_LEARNED), chance)
        rows.setdefault((*task, names[task[0]][text]), []).append(figure)
    features = [at_budget([by_task[classes[dataset]](LossTree.from_string(text, pset))], *budget)
                for dataset, *budget, text in sorted(rows)]
    trainings = [np.array(rows[key]) for key in sorted(rows)]
    return Evidence(
        np.concatenate(features),
        np.array([_mean_where_reached(each) for each in trainings]),
        np.array([weight * len(each) for each in trainings], float),
    )


def _mean_where_reached(figures):
    reached = ~np.isnan(figures)
    total = np.where(reached, figures, 0.0).sum(0)
    return np.where(reached.any(0), total / np.maximum(reached.sum(0), 1), np.nan)
