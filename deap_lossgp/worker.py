"""What trains, in whatever process: one compiled trainer per task, failures as results."""

import re
import time

import tensorflow as tf

from deap_lossgp.losses import check_operations
from deap_lossgp.naming import in_one_line
from deap_lossgp.training import Trainer


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
        try:
            return self.trainer(job.task).train(job.candidate, job.seed, job.test)
        except (MemoryError, tf.errors.ResourceExhaustedError) as error:
            status, message = "oom", _in_one_line(error)
        except Exception as error:
            status, message = "error", _in_one_line(error)
        return job.failed(self.tasks[job.task], status, message, time.perf_counter() - start)


def _in_one_line(error):
    """What an operation of the exact path raised comes wrapped, with a traceback behind it."""
    if isinstance(error, tf.errors.OpError):
        text = re.sub(r"\{\{.*?\}\}", "", error.message.partition("Traceback")[0])
        return " ".join(text.split())[:200]
    return in_one_line(error)

