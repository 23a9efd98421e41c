"""What an engine takes and gives, and the simplest of them: training in this process."""

from dataclasses import dataclass

from deap_lossgp.errors import in_one_line
from deap_lossgp.training.candidates import Candidate
from deap_lossgp.training.results import TrainingResult


@dataclass(frozen=True, eq=False)
class Job:
    """One training, as an engine takes it.

    Attributes:
        task: Index of the task.
        candidate: The ``Candidate``.
        seed: Of the training.
        test: Whether the accuracy on the test set is wanted, too.
    """

    task: int
    candidate: Candidate
    seed: int
    test: bool = False

    def failed(self, task, status, message, seconds=0.0):
        """The result of this training when it did not end by itself."""
        return TrainingResult(
            task.name, task.data.num_classes, status, seconds=seconds,
            exact=self.candidate.loss is not None, message=message,
        )


class TrainingError(ValueError):
    """Trainings fail for a reason that no loss is to blame for."""


class InProcess:
    """Trains in this process, one job after another; nothing ends a training before its time.

    Args:
        tasks: The ``Task`` objects.
        pset: The primitive set of the losses.
        environment: What ``prepare_tensorflow`` returned.
    """

    def __init__(self, tasks, pset, environment=None):
        self._tasks, self._pset = tasks, pset
        self.environment = environment
        self._worker = None

    @property
    def worker(self):
        """The ``Worker``, made when first asked for."""
        if self._worker is None:
            from deap_lossgp.engines.worker import Worker

            self._worker = Worker(self._tasks, self._pset)
        return self._worker

    def train(self, jobs):
        for index, job in enumerate(jobs):
            try:
                self.worker.prepare(job)
            except ValueError as error:
                raise TrainingError(str(error)) from None
            except Exception as error:
                raise TrainingError(in_one_line(error)) from error
            yield index, self.worker.train(job)

    def close(self):
        pass
