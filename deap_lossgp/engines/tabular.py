"""An engine that trains nothing: what a training would show is predicted from the atlas.

It is the tabular benchmark for whole runs: the settings of a search, or algorithms, are compared
over many replicates in seconds each, with everything else as it is when networks are trained.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from deap_lossgp.engines.engine import Engine, Job
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.surrogate.atlas import load_atlas
from deap_lossgp.surrogate.evidence import RUNGS
from deap_lossgp.surrogate.features import landmarks
from deap_lossgp.surrogate.tabular import TabularTask
from deap_lossgp.training.results import TrainingResult, stopped_at

if TYPE_CHECKING:
    from deap import gp

    from deap_lossgp.training.tasks import Task


class Tabular(Engine):
    """Predicts the accuracies of jobs, as ``SurrogateEvaluation`` describes it.

    The atlas's rungs are spread over the task's epochs. Losses are their error rates, and each
    training takes no seconds. The figures hold for the atlas's network and main budget, whatever
    those of the task are.

    Args:
        tasks: The ``Task`` objects, whose data sets the atlas must know.
        pset: The primitive set of the losses, which does not matter here: curves tell all.
        **_: How trainings are executed, which does not matter here.

    Raises:
        ValueError: The atlas does not know a data set.
    """

    predicts = True
    settings = MappingProxyType({"trainings": "predicted"})

    def __init__(self, tasks: Sequence[Task], pset: gp.PrimitiveSet, **_: Any) -> None:
        known = sorted(set(load_atlas()["dataset"]))
        for task in tasks:
            if task.name not in known:
                raise ValueError(f"the engine 'tabular' expects data sets of the atlas, "
                                 f"{', '.join(known)}, got {task.name!r}")
        self._tasks, self._tables = tasks, [_tabular_task(task.name) for task in tasks]

    def train(self, jobs: Iterable[Job]) -> Iterator[tuple[int, TrainingResult]]:
        for index, job in enumerate(jobs):
            yield index, self._predicted(job)

    def _predicted(self, job):
        task, table = self._tasks[job.task], self._tables[job.task]
        features = landmarks(job.candidate, task.data.num_classes)
        reached = table.accuracies(features, noise=(job.seed,))
        rungs = np.array(RUNGS) / RUNGS[-1]
        epochs = np.arange(1, task.epochs + 1) / task.epochs
        accuracies = tuple(np.interp(epochs, rungs, reached).tolist())
        errors = tuple(1.0 - accuracy for accuracy in accuracies)
        whole = TrainingResult(
            task.name, task.data.num_classes, "ok", errors[-1], accuracies[-1], errors[-1],
            0.0, errors, accuracies, errors, balanced_accuracy=accuracies[-1],
            exact=job.candidate.loss is not None,
            test_accuracy=accuracies[-1] if job.test else None,
            test_balanced_accuracy=accuracies[-1] if job.test else None)
        return stopped_at(whole, job.stops)


@cache  # it is the same for all runs of a process
def _tabular_task(name):
    return TabularTask(load_atlas(), name, loss_primitive_set())
