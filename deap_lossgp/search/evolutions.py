"""What runs and comparisons share: evaluations on an engine, toolboxes and statistics."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deap_lossgp.algorithms.loop import PRESELECTED_OF
from deap_lossgp.engines.engine import TrainingError
from deap_lossgp.engines.execution import Execution, make_engine
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.search.algorithms import ALGORITHMS
from deap_lossgp.search.callbacks import CallbackList
from deap_lossgp.search.earlier_runs import EarlierRuns
from deap_lossgp.search.evaluation import Evaluation
from deap_lossgp.search.experiments import Experiment
from deap_lossgp.search.fitness import check_fitness
from deap_lossgp.search.folders import digest
from deap_lossgp.search.funnels import trees_made
from deap_lossgp.search.logbooks import RunStatistics
from deap_lossgp.search.rungs import RUNGS
from deap_lossgp.search.settings import GROWING, RESCORING, STOPPING
from deap_lossgp.search.surrogates import SearchSurrogate
from deap_lossgp.search.trainings import primitives_of
from deap_lossgp.surrogate.atlas import ATLAS
from deap_lossgp.toolbox import make_toolbox
from deap_lossgp.training.tasks import check_names

if TYPE_CHECKING:
    from deap import base

    from deap_lossgp.search.callbacks import Callback
    from deap_lossgp.search.collecting import CollectionSettings
    from deap_lossgp.search.fitness import FitnessMode
    from deap_lossgp.search.settings import RunSettings
    from deap_lossgp.training.tasks import Task
    from deap_lossgp.trees import LossTree

_MOST_ROUNDS = 100

PREDICTED = "Nothing is trained: all accuracies are predicted from the atlas."
"""What is said where the engine only predicts."""


class Evolution(Experiment):
    """An ``Experiment`` that evolves losses, whose trainings an engine executes.

    Args:
        settings: ``RunSettings``.
        output, progress, tasks: As for ``Experiment``.
        execution: An ``Execution``.
        callbacks: ``deap_lossgp.search.Callback`` objects.

    Attributes:
        pset: The primitive set.
        callbacks: The callbacks as one ``CallbackList``.
        earlier: The ``EarlierRuns`` of ``learn_from``.
        untold: A sentence for the report if the atlas tells nothing of the tasks, else "".
    """

    settings: Any

    changeable = (*RESCORING, *STOPPING, *Experiment.changeable)
    growing = GROWING
    not_in_name = STOPPING

    def __init__(self, settings: RunSettings | CollectionSettings,
                 output: Path | str | None = None, *, execution: Execution | None = None,
                 callbacks: Callback | Sequence[Any] = (), **options: Any) -> None:
        self._execution = execution or Execution()
        self._environment, self.untold = None, ""
        self.callbacks = CallbackList(callbacks, self.warn)
        self.pset = loss_primitive_set(settings.protected)
        super().__init__(settings, output, **options)

    def prepare(self) -> None:
        check_names(self.tasks)
        check_fitness(self.settings.fitness, self.tasks)
        if any(Path(path).resolve() == self.output.resolve() for path in self.settings.learn_from):
            raise ValueError(f"learn_from: {self.output} is the run's own folder, from whose "
                             f"trainings it learns anyway")
        self.earlier = EarlierRuns(self.settings.learn_from, self.pset, self.tasks)
        self._engine = make_engine(self.all_tasks, self.pset, self._execution)
        if self.predicts:
            self.accept_predictions()
        if names := self.settings.without_effect:
            options = ", ".join(f"--{name.replace('_', '-')}" for name in names)
            self.warn(f"Warning: the fitness thesis stops, preselects and races nothing: {options} "
                      f"{'has' if len(names) == 1 else 'have'} no effect")

    def accept_predictions(self) -> None:
        """Says that the engine only predicts; what needs trainings raises a ``ValueError``."""
        if self.settings.fitness not in ("error", "balanced_error"):
            raise ValueError(f"only accuracies are predicted: expected the fitness error or "
                             f"balanced_error, got {self.settings.fitness!r}")
        self.warn(PREDICTED)

    @property
    def all_tasks(self) -> list[Task]:
        """The tasks of the engine: ``tasks``, perhaps with others behind them."""
        return self.tasks

    @property
    def predicts(self) -> bool:
        """Whether the engine only predicts what trainings would show."""
        return self._engine.predicts

    def code(self) -> dict[str, Any]:
        read = {"primitives": repr(primitives_of(self.pset)).encode()}
        s = self.settings
        if self.predicts or (s.preselect and s.prior):
            read["atlas"] = ATLAS.read_bytes()  # another one leads a resumed run another way
        if s.learn_from:
            read["runs of learn_from"] = self.earlier.content
        digests = {name: digest(content) for name, content in read.items()}
        return {**super().code(), **digests, "trainings": "made", **self._engine.settings}

    def new_evaluation(self, seed: int, fitness: FitnessMode | None = None,
                       first_task: int = 0) -> Evaluation:
        """Makes an ``Evaluation`` on the experiment's store and engine, with its own counts.

        Args:
            seed: The seed of its trainings.
            fitness: By default the settings' own.
            first_task: Index in ``all_tasks`` of the first of its tasks, as many as in ``tasks``.
        """
        s = self.settings
        return Evaluation(
            self.all_tasks[first_task:first_task + len(self.tasks)], self.pset,
            fitness or s.fitness, mean_over_all=s.mean_over_all, seed=seed,
            store=self._folder.store, engine=self._engine, on_training=self._on_training,
            rungs=s.rungs, score_epochs=s.scored_epochs, first_task=first_task,
        )

    def new_toolbox(self, evaluation: Evaluation, algorithm: str | None = None) -> base.Toolbox:
        """Makes a toolbox whose ``map`` trains all that it is given at once.

        Args:
            evaluation: The ``Evaluation``.
            algorithm: A name of ``ALGORITHMS``; by default the settings' own.
        """
        s = self.settings
        preselects = s.preselect and not evaluation.raw
        surrogate = SearchSurrogate(self.pset, self.tasks, evaluation, s.seed,
                                    prior=s.prior, earlier=self.earlier) if preselects else None
        if surrogate and surrogate.note != self.untold:
            self.untold = surrogate.note
            self.warn(self.untold)
        toolbox = make_toolbox(
            # Of many children only those that are about to be chosen are screened in full.
            self.pset, evaluation, valid=surrogate.is_promising if surrogate
            else evaluation.is_valid, max_height=s.max_height, max_size=s.max_size,
            root=s.root_mutation, leaves=s.leaf_mutation, attempts=s.child_attempts,
            **ALGORITHMS[algorithm or s.algorithm].mutations(s),
        )
        toolbox.register("map", evaluation.map)
        if preselects:
            toolbox.register("preselect", surrogate)
        return toolbox

    def new_population(self, toolbox: base.Toolbox, known: Iterable[LossTree]) -> list[LossTree]:
        """Makes an initial population.

        Args:
            toolbox: A toolbox of ``new_toolbox``.
            known: ``LossTree`` objects that belong to it, at most as many as it has individuals.

        Returns:
            list of ``LossTree``: the known ones, and new ones that are valid.

        Raises:
            TrainingError: The limits of trees leave too few that are valid.
        """
        population, size = list(known), self.settings.population
        try:
            if not hasattr(toolbox, "preselect"):
                return population + toolbox.population(n=size - len(population))
            for _ in range(_MOST_ROUNDS):
                if missing := size - len(population):
                    new = toolbox.population(n=PRESELECTED_OF * missing)
                    population += toolbox.preselect(new, missing)
        except ValueError as error:
            raise TrainingError(str(error)) from error
        if len(population) < size:
            raise TrainingError(f"found only {len(population)} of {size} losses that are valid and "
                                f"distinct: allow larger trees, or take a smaller population")
        return population

    def new_stats(self, evaluation: Evaluation, toolbox: base.Toolbox) -> RunStatistics:
        """Makes a ``RunStatistics`` of an evaluation's counts and figures.

        Args:
            evaluation: The ``Evaluation``.
            toolbox: The toolbox of ``new_toolbox`` that evolves with it.
        """
        counts = evaluation.counts
        surrogate = surrogate_of(toolbox)
        return RunStatistics(
            lambda: {"ntrained": counts["ntrained"],
                     "nscreened": counts["nscreened"] + counts["discarded"],
                     "ncached": counts["ncached"], "nstopped": counts["stopped"],
                     "epochs": counts["epochs"], "seconds": counts["seconds"],
                     **{f"nstopped_{rung}": counts[f"stopped_{rung}"] for rung in RUNGS},
                     "nmade": trees_made(counts), "nchosen": counts["chosen"]},
            partial(figures_of, evaluation), self.callbacks.on_generation,
            {"predicted_rank": surrogate.predicted_rank if surrogate else lambda: math.nan},
        )

    @contextmanager
    def executing(self, trainings: int) -> Iterator[None]:
        """Shows progress over so many trainings; ends workers, and restores the random stream."""
        with self.showing_progress(trainings, "training"):
            state = random.getstate()
            try:
                yield
            finally:
                self._engine.close()
                random.setstate(state)

    def _on_training(self, result, expression):
        self._bar.update()
        self.callbacks.on_training(result, expression)
        if self._environment is None and self._engine.environment:
            self._environment = self._engine.environment
            self.warn_of_differences(self._environment)


def surrogate_of(toolbox: base.Toolbox) -> SearchSurrogate | None:
    """Returns the surrogate that preselects in a toolbox of ``new_toolbox``, None if none does."""
    return toolbox.preselect.func if hasattr(toolbox, "preselect") else None


def figures_of(evaluation: Evaluation, individual: LossTree) -> dict[str, Any]:
    """Returns the columns ``accuracy_<task>`` and ``loss_<task>`` of an evaluated tree, a dict."""
    columns = {}
    for result in evaluation.known_results(individual):
        columns[f"accuracy_{result.task}"] = result.accuracy
        columns[f"loss_{result.task}"] = result.loss
    return columns
