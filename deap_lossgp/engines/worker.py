"""What trains, in whatever process: one compiled trainer per task, failures as results."""

import time
import traceback
from dataclasses import dataclass, replace

import tensorflow as tf

from deap_lossgp.curves.operations import check_operations
from deap_lossgp.errors import in_one_line
from deap_lossgp.training.trainer import Trainer

_OUT_OF_MEMORY = MemoryError, tf.errors.ResourceExhaustedError


class Worker:
    """Trains jobs; keeps the compiled trainer of each task once it has been needed.

    Args:
        tasks: The ``Task`` objects, to which a job's ``task`` is an index.
        pset: The primitive set of the losses.

    Raises:
        ValueError: Keras cannot compute a primitive.
    """

    def __init__(self, tasks, pset):
        check_operations(pset)
        self.tasks = tasks
        self._trainers = {}

    def trainer(self, index):
        """The trainer of a task, compiled when first asked for; ValueError if it cannot be."""
        if index not in self._trainers:
            self._trainers[index] = Trainer(self.tasks[index])
        return self._trainers[index]

    def prepare(self, job):
        """Compiles what the job needs; raises what is wrong with the task, not with the loss."""
        self.trainer(job.task).prepare(job.candidate, job.seed)

    def train(self, job):
        """Trains a job; whatever the loss brings about is a ``TrainingResult``, not an error."""
        start = time.perf_counter()
        candidate, raised = job.candidate, []
        if candidate.loss is not None:
            candidate = replace(candidate, loss=_Watched(candidate.loss, raised))
        try:
            return self.trainer(job.task).train(candidate, job.seed, job.test)
        except (Exception, SystemExit) as error:
            cause = raised[0] if raised else error
        if not isinstance(cause, Exception | SystemExit):
            raise cause
        status = "oom" if isinstance(cause, _OUT_OF_MEMORY) else "error"
        seconds = time.perf_counter() - start
        return job.failed(self.tasks[job.task], status, in_one_line(cause), seconds)


@dataclass(frozen=True)
class _Watched:
    """A loss that puts into ``raised`` what it raises, of which TensorFlow passes on a text."""

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
            traceback.clear_frames(error.__traceback__)  # they hold what could not be allocated
            self.raised.append(error)
            raise
