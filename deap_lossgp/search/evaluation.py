"""The evaluation of a loss: screening, training, fitness, in this order."""

import math
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from deap import gp

from deap_lossgp.curves.canonical import canonical_key
from deap_lossgp.curves.loss_curves import LossCurves
from deap_lossgp.engines.engine import Engine, InProcess, TrainingError
from deap_lossgp.found_losses import KNOWN_LOSSES
from deap_lossgp.search.baselines import as_baseline, train_baselines
from deap_lossgp.search.fitness import FitnessMode, check_fitness, fitness_of, mean_figure
from deap_lossgp.search.rungs import stops_of
from deap_lossgp.search.screened import Screening
from deap_lossgp.search.store import Store
from deap_lossgp.search.trainings import Request, Trainings
from deap_lossgp.training.results import TrainingResult
from deap_lossgp.training.tasks import Task, check_names
from deap_lossgp.trees import LossTree


class Evaluation:
    """Evaluates loss trees on tasks: the ``evaluate`` of ``make_toolbox``.

    In every mode but ``thesis`` a loss is trained without the constants added to it and
    multiplied with it (``affine_form``), at the common scale, so that c * L + k (c > 0) has
    exactly the fitness of L. What the store holds is not trained again.

    Args:
        tasks: The ``Task`` objects, with distinct names.
        pset: The primitive set of the trees.
        fitness: As for ``fitness_mode``.
        mean_over_all: As for ``search.fitness.compare``.
        seed: The seed of every training.
        store: A ``Store``; one in memory by default.
        engine: An engine of ``deap_lossgp.engines`` for these tasks, perhaps among others; by
            default ``InProcess``.
        on_training: ``on_training(result, expression)``, called after each training.
        score_epochs: Over how many epochs at the end of a training the figures that the fitness
            compares are averaged; None for the second half.
        rungs: Whether ``map``, which is given a generation at a time, stops trainings that fall
            behind those of earlier generations, as ``deap_lossgp.search.rungs`` says; never in
            mode ``thesis``, and never those of cross entropy.
        first_task: Index of the first of these tasks among the engine's.

    Attributes:
        counts: The counts of ``Trainings``; of evaluations ``ntrained nscreened ncached`` and
            ``charged_seconds`` (the trainings of every evaluation, also of one that was known
            already); and the trees that were refused: by ``is_valid`` ``discarded``, by
            ``is_promising`` ``refused``. What the store held before counts as trained when it is
            first asked for, so that a resumed run has the counts of an undisturbed one.

    Raises:
        ValueError: The tasks do not have distinct names, or the fitness is not usable.
    """

    # Slots: DEAP's register copies an object's __dict__ into its partial, which then cannot travel.
    __slots__ = ("tasks", "pset", "fitness", "mean_over_all", "seed", "counts", "store", "engine",
                 "_name", "_screen", "_trainings", "_baselines", "_cross_entropy", "_rungs",
                 "_asked", "_stops", "_score_epochs")

    def __init__(self, tasks: Sequence[Task], pset: gp.PrimitiveSet, fitness: FitnessMode = "error",
                 *, mean_over_all: bool = False, seed: int = 0, store: Store | None = None,
                 engine: Engine | None = None,
                 on_training: Callable[[TrainingResult, str], None] | None = None,
                 rungs: bool = False, score_epochs: int | None = 1, first_task: int = 0) -> None:
        check_names(tasks)
        check_fitness(fitness, tasks)
        self.tasks, self.pset, self.fitness = tasks, pset, fitness
        self.mean_over_all, self.seed = mean_over_all, seed
        self.store = Store() if store is None else store
        self.engine = InProcess(tasks, pset) if engine is None else engine
        self._trainings = Trainings(tasks, pset, self.store, self.engine, on_training, first_task)
        self.counts = self._trainings.counts
        self._name = uuid.uuid4().hex
        self._screen = Screening(pset, tasks, self.raw)
        self._baselines: list[TrainingResult] | None = None
        tree = LossTree.from_string(KNOWN_LOSSES["cross_entropy"], pset)
        self._cross_entropy = Request(tree, canonical_key(tree, pset), False, seed)
        self._rungs, self._score_epochs = rungs and not self.raw, score_epochs
        self._asked, self._stops = {}, ()

    @property
    def raw(self) -> bool:
        """Whether losses are trained as they are, without the common scale."""
        return self.fitness == "thesis"

    def baselines(self) -> list[TrainingResult]:
        """Returns cross entropy's ``TrainingResult`` on each task, trained when first asked for.

        Raises:
            BaselineError: It cannot be trained with these settings.
        """
        if self._baselines is None:
            self._baselines = train_baselines(self._trainings, self._cross_entropy, self.fitness)
        return self._baselines

    def is_valid(self, tree: LossTree) -> bool:
        """Returns whether a tree may enter the population, by ``deap_lossgp.curves.screening``."""
        valid = self._screen(tree).valid
        self.counts["discarded"] += not valid
        return valid

    def is_promising(self, tree: LossTree) -> bool:
        """Whether a tree may be valid in any mode but ``thesis``: the cheap part of screening."""
        promising = self._screen.is_promising(tree)
        self.counts["refused"] += not promising
        return promising

    def known_results(self, tree: LossTree) -> list[TrainingResult]:
        """Returns an evaluated tree's ``TrainingResult`` on each task; losses are the tree's."""
        screened = self._screen(tree)
        if not screened.valid:
            return [TrainingResult(task.name, task.data.num_classes, "no_gradient",
                                   message="refused by screening") for task in self.tasks]
        return [*map(screened.rescaled, self._trainings.results(self._request(tree)))]

    def core(self, tree: LossTree) -> LossTree:
        """Returns what is trained for a tree: the loss without its affine wrapping."""
        return self._screen.form(tree).core

    def key(self, tree: LossTree) -> str:
        """Returns a text that is equal for trees that are the same loss, however it is written."""
        return self._screen(tree).key

    def curves(self, tree: LossTree) -> LossCurves:
        """Returns the ``LossCurves`` of ``core(tree)``."""
        return self._screen.curves(tree)

    def trained(self) -> list[tuple[LossTree, list[TrainingResult]]]:
        """Returns what was trained with the evaluation's own seed, in the order of asking: pairs of
        the core of a loss and its ``TrainingResult`` on each task."""
        return [(request.tree, self._trainings.results(request))
                for request in self._asked.values() if self._trainings.is_charged(request)]

    def results(self, trees: Iterable[LossTree | None], seeds: Sequence[int], *, test: bool = False,
                rate_factors: Sequence[float] | None = None) -> list[list[list[TrainingResult]]]:
        """Trains with other seeds, to the end.

        Args:
            trees: Loss trees; None for the cross-entropy baseline.
            seeds: The seeds of the trainings.
            test: Whether the networks are tested on the test sets, too.
            rate_factors: For each tree what the tasks' learning rates are multiplied by; None
                for 1.

        Returns:
            list with a list per tree, of a list per seed, of the ``TrainingResult`` for each task;
            losses are the tree's own.

        Raises:
            TrainingError: The first trainings all fail, and for the same reason.
        """
        trees = list(trees)
        rate_factors = [1.0] * len(trees) if rate_factors is None else rate_factors
        requests = [
            [replace(self._cross_entropy if tree is None else self._request(tree), seed=seed,
                     test=test, stops=(), rate_factor=factor) for seed in seeds]
            for tree, factor in zip(trees, rate_factors, strict=True)
        ]
        every = [request for row in requests for request in row]
        self._trainings.train(every)
        self._trainings.check_that_something_trains(every)
        of_tree = [as_baseline if tree is None else self._screen(tree).rescaled for tree in trees]
        return [[[*map(convert, self._trainings.charge(request))] for request in row]
                for convert, row in zip(of_tree, requests, strict=True)]

    def mean_figure(self, results: Iterable[TrainingResult]) -> float:
        """Returns the ``mean_figure`` of results under the evaluation's fitness."""
        try:
            return mean_figure(map(self._scored, results), self.fitness)
        except ValueError as error:  # raised by the user's fitness
            raise TrainingError(str(error)) from error

    def test_accuracies(self, trees: Iterable[LossTree | None], seeds: Sequence[int],
                        *, balanced: bool = False,
                        **options: Any) -> list[dict[str, list[float | None]]]:
        """Trains with other seeds, and returns the accuracies on the test sets.

        Args:
            trees, seeds, options: As for ``results``.
            balanced: Whether to return balanced accuracies, None also where the store has none.

        Returns:
            list with a dict per tree: from the task's name to a list of accuracies, one per seed,
            None where the training failed.
        """
        figure = "test_balanced_accuracy" if balanced else "test_accuracy"
        return [
            {task.name: [getattr(r[i], figure) for r in row] for i, task in enumerate(self.tasks)}
            for row in self.results(trees, seeds, test=True, **options)]

    def finished(self, trees: Sequence[LossTree]) -> list[tuple[float, float]]:
        """Trains stopped losses to the end; returns the fitness that they would have had.

        What the search knows of them stays as it is; the counts get ``audit_seconds``.
        """
        requests = [replace(self._request(tree), stops=()) for tree in trees]
        self._trainings.train(requests)
        fitness = []
        for tree, request in zip(trees, requests, strict=True):
            results = self._trainings.results(request)
            self.counts["audit_seconds"] += sum(  # type: ignore[assignment]
                whole.seconds for known, whole in zip(self.known_results(tree), results,
                                                      strict=True) if known.status == "stopped")
            fitness.append(self.score(results))
        return fitness

    def map(self, function: Callable[[LossTree], Any], trees: Iterable[LossTree]) -> list[Any]:
        """Trains all trees at once, then calls the function for each; for ``toolbox.map``.

        Args:
            function: Called with each tree, in their order.
            trees: Iterable of loss trees.

        Returns:
            list of what the function returned.

        Raises:
            TrainingError: The first trees that are trained all fail, and for the same reason.
        """
        trees = list(trees)
        if self._rungs:
            self._stops = self._next_stops()
        requests = [self._request(tree) for tree in trees if self._screen(tree).valid]
        baseline = [self._cross_entropy] if self._baselines is None else []
        self._trainings.train(baseline + requests)
        self.baselines()  # before anything else is trained
        self._trainings.check_that_something_trains(requests)
        return [function(tree) for tree in trees]

    def __call__(self, tree: LossTree) -> tuple[float, float]:
        """Returns (wins, improvement) of a tree: finite, or ``WORST`` where a training failed."""
        self.baselines()  # before anything else is trained
        screened = self._screen(tree)
        if not screened.valid:
            self.counts["nscreened"] += 1
        else:
            request = self._request(tree)
            known = self._trainings.is_charged(request)
            self.counts["ncached" if known else "ntrained"] += 1
            self._trainings.train([request])
            results = self._trainings.charge(request)
            seconds: Any = sum(result.seconds for result in results)
            self.counts["charged_seconds"] += seconds
        return self.score(self.known_results(tree))

    def fitness_of(self, tree: LossTree) -> tuple[float, float]:
        """Returns (wins, improvement) of a tree that was evaluated, and counts nothing."""
        return self.score(self.known_results(tree))

    def score(self, results: Iterable[TrainingResult]) -> tuple[float, float]:
        """Returns (wins, improvement) of the results on all tasks, as the search ranks them."""
        results, baselines = (list(map(self._scored, row)) for row in (results, self.baselines()))
        try:
            return fitness_of(results, baselines, self.fitness, self.mean_over_all)
        except ValueError as error:  # raised by the user's fitness
            raise TrainingError(str(error)) from error

    def __reduce__(self) -> tuple[Any, ...]:
        """Leaves store and engine out: each process that unpickles it trains for itself."""
        return _evaluation_here, (self._name, self.tasks, self.pset, self.fitness,
                                  self.mean_over_all, self.seed, self._score_epochs)

    def _scored(self, result):
        return result.over_last(self._score_epochs or math.ceil(len(result.accuracies) / 2))

    def _request(self, tree):
        """The request of a tree: the first one, if it was asked for before."""
        screened = self._screen(tree)
        if screened.key == self._cross_entropy.loss and not self.raw:
            return self._cross_entropy
        if screened.key not in self._asked:
            self._asked[screened.key] = Request(screened.form.core, screened.key, self.raw,
                                                self.seed, stops=self._stops)
        return self._asked[screened.key]

    def _next_stops(self):
        """When the trainings of the next generation are stopped, for each task."""
        known = [results for _, results in self.trained()]
        return tuple(
            stops_of([row[i].accuracies for row in known], baseline.accuracies,
                     baseline.num_classes, self.tasks[i].epochs)
            for i, baseline in enumerate(self.baselines()))


_HERE = {}


def _evaluation_here(name, tasks, pset, fitness, mean_over_all, seed, score_epochs):
    """Returns the evaluation of this name in this process, made once: it keeps what it trained."""
    if name not in _HERE:
        _HERE.clear()
        _HERE[name] = Evaluation(tasks, pset, fitness, mean_over_all=mean_over_all, seed=seed,
                                 score_epochs=score_epochs)
    return _HERE[name]
