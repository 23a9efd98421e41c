"""The interface of engines, and the simplest engine: training in this process."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from deap_lossgp.errors import in_one_line
from deap_lossgp.training.candidates import Candidate
from deap_lossgp.training.results import TrainingResult
from deap_lossgp.training.tensorflow_setup import check_not_forked

if TYPE_CHECKING:
    from deap import gp

    from deap_lossgp.engines.worker import Worker
    from deap_lossgp.training.tasks import Task


@dataclass(frozen=True, eq=False)
class Job:
    """One training, as an engine takes it. Only jobs and results travel between processes.

    Attributes:
        task: Index of the task among the engine's tasks.
        candidate: The ``Candidate`` to train.
        seed: Seed of the training.
        test: Whether to compute the accuracy on the test set, too.
        stops, rate_factor: When to stop it, and at which multiple of the task's learning rate it
            trains, as for ``Trainer.train``.
    """

    task: int
    candidate: Candidate
    seed: int
    test: bool = False
    stops: tuple[tuple[int, float], ...] = ()
    rate_factor: float = 1.0

    def failed(self, task: Task, status: str, message: str, seconds: float = 0.0) -> TrainingResult:
        """Returns the result of this training when it could not finish.

        Args:
            task: The ``Task`` that was trained on.
            status: A failure among ``training.results.STATUSES``.
            message: What went wrong, in one line.
            seconds: How long the training ran.

        Returns:
            A ``TrainingResult`` without figures.
        """
        return TrainingResult(
            task.name, task.data.num_classes, status, seconds=seconds,
            exact=self.candidate.loss is not None, message=message,
        )


class TrainingError(ValueError):
    """No loss can be trained: the task, the primitives or the engine is at fault."""


class Engine(ABC):
    """Trains jobs on tasks that it was made for.

    A job's result depends neither on the engine, nor on the number of workers, nor on the order in
    which trainings end.

    Attributes:
        environment: What ``prepare_tensorflow`` returned where the trainings run; None before the
            first training.
        settings: What else determines the bits of a training and is part of its key, a dict as of
            ``arithmetic_settings``.
        predicts: Whether it only predicts what trainings would show.
    """

    environment: dict[str, Any] | None = None
    settings: Mapping[str, Any] = MappingProxyType({})
    predicts: bool = False

    @abstractmethod
    def train(self, jobs: Iterable[Job]) -> Iterator[tuple[int, TrainingResult]]:
        """Trains jobs, in any order.

        Args:
            jobs: An iterable of ``Job`` objects.

        Yields:
            (index of the job, ``TrainingResult``), as soon as each training ends. A training that
            fails is a result, too; its status says how.

        Raises:
            TrainingError: No loss can be trained.
        """

    def close(self) -> None:  # noqa: B027  (an engine may have nothing to end)
        """Ends at once all that the engine has started; ``train`` starts it again."""


class InProcess(Engine):
    """Trains in this process, one job after another. It cannot stop a training early.

    Args:
        tasks: The ``Task`` objects.
        pset: The primitive set of the losses.
        environment: What ``prepare_tensorflow`` returned, if it was called.
        settings: ``arithmetic_settings`` of it. By default trainings are known as those of a
            process that is as its user has set it.
    """

    def __init__(self, tasks: Sequence[Task], pset: gp.PrimitiveSet,
                 environment: dict[str, Any] | None = None,
                 settings: Mapping[str, Any] | None = None) -> None:
        self._tasks, self._pset = tasks, pset
        self.environment = environment
        self.settings = settings or {"process": "as it is"}
        self._worker: Worker | None = None

    @property
    def worker(self) -> Worker:
        """The ``Worker``, made when it is first asked for."""
        if self._worker is None:
            from deap_lossgp.engines.worker import Worker

            self._worker = Worker(self._tasks, self._pset)
        return self._worker

    def train(self, jobs: Iterable[Job]) -> Iterator[tuple[int, TrainingResult]]:
        for index, job in enumerate(jobs):
            try:
                check_not_forked()
                self.worker.prepare(job)
            except ValueError as error:
                raise TrainingError(str(error)) from None
            except Exception as error:
                raise TrainingError(in_one_line(error)) from error
            yield index, self.worker.train(job)
