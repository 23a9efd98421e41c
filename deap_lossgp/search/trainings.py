"""Trainings by request: from a loss to its keys, the store, the engine and the results."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import deap_lossgp
from deap_lossgp.curves.loss_curves import LossCurves
from deap_lossgp.engines.engine import Engine, Job, TrainingError
from deap_lossgp.training.candidates import candidate_of
from deap_lossgp.training.results import ARITHMETIC, TrainingResult, stopped_at
from deap_lossgp.trees import LossTree
from deap_lossgp.user_functions import source_of

if TYPE_CHECKING:
    from deap import gp

    from deap_lossgp.search.store import Store
    from deap_lossgp.training.tasks import Task


@dataclass(frozen=True)
class Request:
    """A loss to be trained on every task.

    Attributes:
        tree: The ``LossTree``.
        loss: Text that is equal for trees that are the same loss.
        raw: As for ``candidate_of``.
        seed: The seed of the trainings.
        test: Whether the networks are tested on the test sets.
        stops: For each task when its training is stopped, as for ``Trainer.train``; empty for
            never. Requests that differ in nothing else are equal.
        rate_factor: What the learning rates of the tasks are multiplied by.
    """

    tree: LossTree = field(compare=False)
    loss: str
    raw: bool
    seed: int
    test: bool = False
    stops: tuple = field(default=(), compare=False)
    rate_factor: float = 1.0

    def stops_on(self, task: int) -> tuple[tuple[int, float], ...]:
        """Returns the stops on the task with this index."""
        return self.stops[task] if self.stops else ()


def code_of(pset: gp.PrimitiveSet) -> list:
    """Returns what the keys of all trainings say of the code: versions, and the primitives' rows.

    Args:
        pset: The primitive set.

    Returns:
        list of texts and tuples, equal in every process.
    """
    return [deap_lossgp.__version__, ARITHMETIC, *primitives_of(pset)]


def primitives_of(pset: gp.PrimitiveSet) -> list:
    """Returns what ``code_of`` says of the primitive set: its name, and its primitives' rows."""
    return [pset.name, *(source_of(pset.context[primitive.name]) for primitive in
                         sorted(pset.primitives[pset.ret], key=lambda p: p.name))]


class Trainings:
    """The trainings that one evaluation asks for; what the store holds is not trained again.

    Args:
        tasks: The ``Task`` objects.
        pset: The primitive set of the losses.
        store: A ``Store``.
        engine: An engine of ``deap_lossgp.engines`` for these tasks, perhaps among others.
        on_training: ``on_training(result, expression)``, called after each training; or None.
        first_task: Index of the first of these tasks among the engine's.

    Attributes:
        counts: A ``Counter`` of the trainings that were charged: ``exact`` and ``curves`` (by
            path), ``seconds``, ``epochs``, one entry for each status, and ``stopped_1`` and so on
            by epoch.
    """

    def __init__(self, tasks: Sequence[Task], pset: gp.PrimitiveSet, store: Store, engine: Engine,
                 on_training: Callable[[TrainingResult, str], None] | None = None,
                 first_task: int = 0) -> None:
        self.counts: Counter[str] = Counter()
        self._tasks, self._pset, self._first_task = tasks, pset, first_task
        self._store, self._engine, self._on_training = store, engine, on_training
        self._code = [*code_of(pset), *sorted(getattr(engine, "settings", {}).items())]
        self._charged: set[Request] = set()
        self._something_trains = False

    def keys(self, request: Request) -> list[str]:
        """Returns the store's key for each task: a digest of all that determines the training.

        Under it is a training that was not stopped. One that was stopped has a key of its own, to
        which the stops belong, so that it stays what it was when another request trains further.
        """
        rate = () if request.rate_factor == 1.0 else (request.rate_factor,)
        return [_digest(self._code, task.fingerprint, request.loss, request.raw, request.seed,
                        request.test, *rate) for task in self._tasks]

    def results(self, request: Request) -> list[TrainingResult | None]:
        """Returns the stored ``TrainingResult`` for each task, None if it is not trained yet."""
        return [self._stored(key, request.stops_on(task))
                for task, key in enumerate(self.keys(request))]

    def _stored(self, key, stops):
        """The result as it was stopped, or as a training that was not stopped shows it."""
        result = self._store.get(_digest(key, stops)) if stops else None
        whole = self._store.get(key) if result is None else None
        return result if whole is None else stopped_at(whole, stops)

    def train(self, requests: Iterable[Request]) -> None:
        """Trains what the store does not hold; each result is stored as it arrives."""
        missing = {}
        for request in requests:
            keys = self.keys(request)
            new = [i for i, key in enumerate(keys)
                   if key not in missing and self._stored(key, request.stops_on(i)) is None]
            curves = LossCurves.of(request.tree, self._pset) if new else None
            for i in new:
                candidate = candidate_of(request.tree, self._pset, self._tasks[i], raw=request.raw,
                                         curves=curves)
                missing[keys[i]] = request, Job(self._first_task + i, candidate, request.seed,
                                                request.test, request.stops_on(i),
                                                request.rate_factor)
        # A trainer draws the weights of a seed once, for all trainings with it that follow.
        jobs = sorted(missing.items(), key=lambda item: item[1][1].seed)
        state = random.getstate()  # an engine may draw from it: Ray does when it starts
        try:
            for i, result in self._engine.train([job for _, (_, job) in jobs]):
                key, (request, job) = jobs[i]
                if result.status == "stopped":
                    key = _digest(key, job.stops)
                self._store.put(key, result, expression=str(request.tree), seed=request.seed)
                if self._on_training is not None:
                    self._on_training(result, str(request.tree))
        finally:
            random.setstate(state)

    def is_charged(self, request: Request) -> bool:
        """Returns whether the request has been charged."""
        return request in self._charged

    def charge(self, request: Request) -> list[TrainingResult]:
        """Counts a request when it is first charged; returns its results."""
        results = self.results(request)
        if request not in self._charged:
            self._charged.add(request)
            for result in results:
                self.counts["seconds"] += result.seconds  # type: ignore[assignment]
                self.counts["epochs"] += len(result.accuracies)
                self.counts["exact" if result.exact else "curves"] += 1
                self.counts[result.status] += 1
                if result.status == "stopped":
                    self.counts[f"stopped_{len(result.accuracies)}"] += 1
        return results

    def check_that_something_trains(self, requests: Sequence[Request]) -> None:
        """Checks that the first trainings have not all failed for a reason outside the losses.

        Raises:
            TrainingError: They all failed, for the same reason. They are forgotten, so that
                another start tries again.
        """
        results = [result for request in requests for result in self.results(request)]
        if self._something_trains or not results:
            return
        reasons = {(r.status, r.message) for r in results}
        status, message = min(reasons)
        if len(reasons) == 1 and status in ("error", "oom", "timeout", "crashed"):
            self.forget_failures(key for request in requests for key in self.keys(request))
            raise TrainingError(f"all of the first {len(results)} trainings ended as {status}: "
                                f"{message}")
        self._something_trains = True

    def forget_failures(self, keys: Iterable[str] | None = None) -> None:
        """Takes failed trainings out of the store, so that another start tries them again.

        Args:
            keys: Which of them; all by default.
        """
        keys = self._store.keys() if keys is None else keys
        self._store.discard([key for key in keys if self._store.get(key).failed])


def _digest(*parts):
    return hashlib.sha256(repr(parts).encode()).hexdigest()
