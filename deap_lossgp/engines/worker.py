"""Trains jobs in the current process; a loss that fails is a result, not an error."""

from __future__ import annotations

import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import tensorflow as tf

from deap_lossgp.curves.operations import check_operations
from deap_lossgp.errors import in_one_line
from deap_lossgp.training.trainer import Trainer

if TYPE_CHECKING:
    from deap import gp

    from deap_lossgp.engines.engine import Job
    from deap_lossgp.training.results import TrainingResult
    from deap_lossgp.training.tasks import Task

_OUT_OF_MEMORY = MemoryError, tf.errors.ResourceExhaustedError


class Worker:
    """Trains jobs, with one compiled trainer per task, which it makes when it is first needed.

    Args:
        tasks: The ``Task`` objects; a job's ``task`` is an index into them.
        pset: The primitive set of the losses.

    Raises:
        ValueError: Keras cannot compute a primitive.
    """

    def __init__(self, tasks: Sequence[Task], pset: gp.PrimitiveSet) -> None:
        check_operations(pset)
        self.tasks = tasks
        self._trainers = {}

    def trainer(self, index: int) -> Trainer:
        """Returns the ``Trainer`` of a task.

        Args:
            index: The task's index.

        Raises:
            ValueError: The task has no usable network.
        """
        if index not in self._trainers:
            self._trainers[index] = Trainer(self.tasks[index])
        return self._trainers[index]

    def prepare(self, job: Job) -> None:
        """Compiles what a job needs; raises an error if the task, not the loss, is at fault."""
        self.trainer(job.task).prepare(job.candidate, job.seed)

    def train(self, job: Job) -> TrainingResult:
        """Trains a job and returns its ``TrainingResult``, whatever errors the loss raises."""
        start = time.perf_counter()
        candidate, raised = job.candidate, []
        if candidate.loss is not None:
            candidate = replace(candidate, loss=_Watched(candidate.loss, raised))
        try:
            return self.trainer(job.task).train(candidate, job.seed, job.test, job.stops,
                                                job.rate_factor)
        except (Exception, SystemExit) as error:
            cause = raised[0] if raised else error
        if not isinstance(cause, Exception | SystemExit):
            raise cause
        status = "oom" if isinstance(cause, _OUT_OF_MEMORY) else "error"
        seconds = time.perf_counter() - start
        return job.failed(self.tasks[job.task], status, in_one_line(cause), seconds)


@dataclass(frozen=True)
class _Watched:
    """A loss that keeps in ``raised`` what it raises; TensorFlow passes on only the text of it."""

    loss: object
    raised: list

    def __call__(self, y_true, y_pred):
        return self._watching(self.loss, y_true, y_pred)

    def derivative(self, y_true, y_pred):
        return self._watching(self.loss.derivative, y_true, y_pred)

    def _watching(self, function, *operands):
        try:
            return function(*operands)
        except BaseException as error:
            traceback.clear_frames(error.__traceback__)  # they hold the memory that ran out
            self.raised.append(error)
            raise
