"""The cross-entropy baseline, with which every loss is compared."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from deap_lossgp.engines.engine import TrainingError
from deap_lossgp.search.fitness import FitnessMode, figure_of

if TYPE_CHECKING:
    from deap_lossgp.search.trainings import Request, Trainings
    from deap_lossgp.training.results import TrainingResult


class BaselineError(TrainingError):
    """Cross entropy itself cannot be trained, so there is nothing to compare with."""


def train_baselines(trainings: Trainings, request: Request,
                    fitness: FitnessMode) -> list[TrainingResult]:
    """Trains cross entropy on every task.

    Args:
        trainings: The ``Trainings`` of an evaluation.
        request: The ``Request`` for cross entropy.
        fitness: As for ``fitness_mode``.

    Returns:
        list of ``TrainingResult``, one per task, as ``as_baseline`` makes them.

    Raises:
        BaselineError: It cannot be trained with these settings, or the fitness has no figure of
            it. Failed trainings are forgotten, so that another start tries them again.
    """
    trainings.train([request])
    results = trainings.charge(request)
    failed = [result for result in results if not result.ok]
    if failed:
        trainings.forget_failures()  # not only its own: the reason may be the same
        raise BaselineError(f"the cross-entropy baseline failed on {failed[0].task}: "
                            f"{failed[0].status}, {failed[0].message}")
    baselines = list(map(as_baseline, results))
    for result in baselines:
        figure = figure_of(result, fitness)
        if figure is None or not math.isfinite(figure):
            raise BaselineError(f"fitness {fitness!r}: expected a finite number for cross entropy "
                                f"on {result.task}, got {figure}")
    return baselines


def as_baseline(result: TrainingResult) -> TrainingResult:
    """Returns a result of cross entropy's tree, the mean over classes, as that of their sum."""
    return replace(result, loss=result.cross_entropy, losses=result.cross_entropies)
