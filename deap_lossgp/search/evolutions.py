"""What runs and comparisons share: evaluations on an engine, toolboxes and statistics."""

import hashlib
import random
from contextlib import contextmanager

from deap_lossgp.algorithms.loop import PRESELECTED_OF
from deap_lossgp.engines.execution import Execution, make_engine
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.search.algorithms import ALGORITHMS
from deap_lossgp.search.callbacks import CallbackList
from deap_lossgp.search.evaluation import Evaluation
from deap_lossgp.search.experiments import Experiment
from deap_lossgp.search.fitness import check_fitness
from deap_lossgp.search.logbooks import RunStatistics
from deap_lossgp.search.settings import RESCORING
from deap_lossgp.search.surrogates import SearchSurrogate
from deap_lossgp.search.trainings import code_of
from deap_lossgp.surrogate.atlas import ATLAS
from deap_lossgp.toolbox import make_toolbox
from deap_lossgp.training.tasks import check_names

_MOST_ROUNDS = 100


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
    """

    changeable = (*RESCORING, *Experiment.changeable)

    def __init__(self, settings, output=None, *, execution=None, callbacks=(), **options):
        self._execution = execution or Execution()
        self._environment = None
        self.callbacks = CallbackList(callbacks, self.warn)
        self.pset = loss_primitive_set(settings.protected)
        super().__init__(settings, output, **options)

    def prepare(self):
        check_names(self.tasks)
        check_fitness(self.settings.fitness, self.tasks)
        self._engine = make_engine(self.tasks, self.pset, self._execution)

    def code(self):
        read = {"primitives": repr(code_of(self.pset)).encode()}
        if self.settings.preselect:  # another atlas leads a resumed run another way
            read["atlas"] = ATLAS.read_bytes()
        digests = {name: hashlib.sha256(content).hexdigest()[:16] for name, content in read.items()}
        return {**super().code(), **digests, **self._engine.settings}

    def new_evaluation(self, seed, fitness=None):
        """Makes an ``Evaluation`` on the experiment's store and engine, with its own counts.

        Args:
            seed: The seed of its trainings.
            fitness: By default the settings' own.
        """
        s = self.settings
        return Evaluation(
            self.tasks, self.pset, fitness or s.fitness, mean_over_all=s.mean_over_all, seed=seed,
            store=self._folder.store, engine=self._engine, on_training=self._on_training,
            rungs=s.rungs,
        )

    def new_toolbox(self, evaluation, algorithm=None):
        """Makes a toolbox whose ``map`` trains all that it is given at once.

        Args:
            evaluation: The ``Evaluation``.
            algorithm: A name of ``ALGORITHMS``; by default the settings' own.
        """
        s = self.settings
        preselects = s.preselect and not evaluation.raw
        toolbox = make_toolbox(
            # Of many children only those that are about to be chosen are screened in full.
            self.pset, evaluation, valid=evaluation.is_promising if preselects
            else evaluation.is_valid, max_height=s.max_height, max_size=s.max_size,
            **ALGORITHMS[algorithm or s.algorithm].mutations(s),
        )
        toolbox.register("map", evaluation.map)
        if preselects:
            surrogate = SearchSurrogate(self.pset, self.tasks, evaluation, s.seed)
            toolbox.register("preselect", surrogate)
        return toolbox

    def new_population(self, toolbox, known):
        """Makes an initial population.

        Args:
            toolbox: A toolbox of ``new_toolbox``.
            known: ``LossTree`` objects that belong to it, at most as many as it has individuals.

        Returns:
            list of ``LossTree``: the known ones, and new ones that are valid.

        Raises:
            ValueError: The limits of trees leave too few that are valid.
        """
        population, size = list(known), self.settings.population
        if not hasattr(toolbox, "preselect"):
            return population + toolbox.population(n=size - len(population))
        for _ in range(_MOST_ROUNDS):
            missing = size - len(population)
            if missing:
                new = toolbox.population(n=PRESELECTED_OF * missing)
                population += toolbox.preselect(new, missing)
        if len(population) < size:
            raise ValueError(f"found only {len(population)} of {size} losses that are valid and "
                             f"distinct: allow larger trees, or take a smaller population")
        return population

    def new_stats(self, evaluation):
        """Makes a ``RunStatistics`` of an evaluation's counts and figures."""
        counts = evaluation.counts

        def figures(individual):
            columns = {}
            for result in evaluation.known_results(individual):
                columns[f"accuracy_{result.task}"] = result.accuracy
                columns[f"loss_{result.task}"] = result.loss
            return columns

        return RunStatistics(
            lambda: {"ntrained": counts["ntrained"],
                     "nscreened": counts["nscreened"] + counts["discarded"],
                     "ncached": counts["ncached"], "nstopped": counts["stopped"],
                     "epochs": counts["epochs"], "seconds": counts["seconds"]},
            figures, self.callbacks.on_generation,
        )

    @contextmanager
    def executing(self, trainings):
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
