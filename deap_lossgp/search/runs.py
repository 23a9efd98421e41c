"""Runs: one seeded evolution, from its settings to its result and the files in its folder."""

import json
import math
import random
import statistics
from functools import cached_property

import numpy as np
import pandas as pd
from deap import tools

from deap_lossgp.curves.canonical import canonical_key
from deap_lossgp.engines.execution import Execution
from deap_lossgp.found_losses import KNOWN_LOSSES, read_loss
from deap_lossgp.plotting.generations import plot_generations
from deap_lossgp.plotting.individuals import plot_individuals
from deap_lossgp.search.algorithms import ALGORITHMS
from deap_lossgp.search.evolutions import Evolution
from deap_lossgp.search.experiments import read_call
from deap_lossgp.search.fitness import WORST
from deap_lossgp.search.logbooks import logbook_table
from deap_lossgp.search.race import seeds_needed, sequential_halving, trainings_needed
from deap_lossgp.search.run_results import RunResult
from deap_lossgp.search.settings import RunSettings
from deap_lossgp.trees import LossTree

HALL_OF_FAME = 10
"""Individuals that a run's hall of fame holds."""

ROUNDING = 1e-6
"""Differences of accuracies in float32 that are no differences."""


def evolve(tasks=("digits",), *, output=None, callbacks=(), progress=True, **options):
    """Evolves a loss for image classifiers: does in one call what ``examples/evolve_loss.py`` does.

    Called again with the same arguments, it goes on where it stopped; a complete run is only read.

    Args:
        tasks: Names of data sets, as ``load_dataset`` takes them, or ``Task`` objects, or one of
            these.
        output: The folder; by default one in ``runs/`` with a name made of these arguments.
        callbacks: ``deap_lossgp.search.Callback`` objects, told of trainings and generations.
        progress: Whether to draw a progress bar.
        **options: Fields of ``RunSettings`` (``algorithm``, ``population``, ``generations``,
            ``fitness``, ``seed``...; for names of data sets also ``model``, ``epochs``...) and of
            ``Execution`` (``workers``, ``time_limit``...). By default one worker process trains.
            With ``workers=0`` this process does; TensorFlow then keeps the threads and the
            deterministic operations that the trainings need, and what else they set is put back.

    Returns:
        A ``RunResult``; its text is the command's report.

    Raises:
        TypeError: There is no such option, or it belongs to the given ``Task`` objects.
        ValueError: Options or data are not usable, or nothing can be trained.
        OSError: The folder cannot be written.

    Examples:
        >>> evolve("digits", populaton=4)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        TypeError: unknown option 'populaton': did you mean 'population'? known: ...
    """
    given, settings, execution = read_call(tasks, options, RunSettings, Execution)
    with Run(settings, output, tasks=given, execution=execution, progress=progress,
             callbacks=callbacks) as run:
        return run.execute()


class Run(Evolution):
    """One seeded evolution, with the arguments of ``Evolution``. Make it, then ``execute`` it."""

    @property
    def kind(self):
        return self.settings.algorithm

    @cached_property
    def known(self):
        """The losses that are in the initial population from the beginning, trees by name."""
        known = {}
        for source in self.settings.initial_losses:
            loss = read_loss(source, self.pset)
            taken = loss.name in (*known, "evolved", "cross_entropy")  # names in the table of tests
            known[source if taken else loss.name] = LossTree(loss.tree)
        return known

    def described(self, tasks):
        known = {name: str(tree) for name, tree in self.known.items()}
        return {**super().described(tasks), "known": known}

    def execute(self):
        """Evolves, tests the best loss, writes the folder and returns the ``RunResult``."""
        s = self.settings
        self.evaluation = self.new_evaluation(s.seed)
        finalists = 0 if self.evaluation.raw else s.finalists
        tested = (2 + bool(self.known)) * s.test_seeds
        trainings = s.evaluations + 1 + trainings_needed(finalists) + tested
        with self.executing(len(self.tasks) * trainings):
            random.seed(s.seed)
            logbook, halloffame = self._evolve()
            # The smallest of equals, then the oldest: a hall of fame lists the latest first.
            equals = [tree for tree in halloffame if tree.fitness == halloffame[0].fitness]
            best = min(reversed(equals), key=len)
            known = self._known_by_fitness()
            race = []
            if finalists:
                best, race = self._race([best, *halloffame], known, finalists)
            tests = self._test(best, known)
        result = RunResult(
            best, self.pset, logbook, halloffame, pd.DataFrame(self.stats.rows),
            pd.DataFrame(self._folder.store.rows()), tests, self.evaluation.counts,
            self._unlearned(), race, s, self.output)
        self._write(result)
        self.callbacks.on_end(result)
        return result

    def _unlearned(self):
        shares = [np.bincount(labels).max() / len(labels)
                  for labels in (task.data.y_train[task.split()[1]] for task in self.tasks)]
        baselines = self.evaluation.baselines()
        return [result.task for result, share in zip(baselines, shares, strict=True)
                if result.accuracy <= share + ROUNDING]

    def _known_by_fitness(self):
        """Returns the known losses by name, the best in the search first."""
        for tree in self.known.values():
            tree.fitness.values = self.evaluation.fitness_of(tree)
        return dict(sorted(self.known.items(), key=lambda item: item[1].fitness, reverse=True))

    def _race(self, found, known, finalists):
        """Races the best of what was found against cross entropy, first on ties, and a known loss.

        Args:
            found: ``LossTree`` objects with their fitness, the best first.
            known: Trees by name, likewise.
            finalists: How many losses race, at most.

        Returns:
            (the winner with its fitness, a list with a dict ``expression seeds figure`` for each
            finalist: the mean of what the fitness compares, over its seeds).
        """
        s, entropy = self.settings, LossTree.from_string(KNOWN_LOSSES["cross_entropy"], self.pset)
        entropy.fitness.values = self.evaluation.fitness_of(entropy)
        distinct = {}  # what is trained alike is one finalist
        for tree in (entropy, found[0], *list(known.values())[:1], *found[1:]):
            if tree.fitness.values > WORST:  # it was neither stopped nor failed
                key = canonical_key(self.evaluation.core(tree), self.pset)
                distinct.setdefault(key, tree)
        arms = list(distinct.values())[:finalists]
        first = s.seed + s.test_seeds + 1
        seeds = list(range(first, first + seeds_needed(len(arms))))
        index, figures = sequential_halving(arms, self.evaluation.figures, seeds)
        return arms[index], [{"expression": str(tree), "seeds": len(row),
                              "figure": statistics.fmean(row) if row else math.nan}
                             for tree, row in zip(arms, figures, strict=True)]

    def _evolve(self):
        s = self.settings
        toolbox = self.new_toolbox(self.evaluation)
        toolbox.register("map", self._map)
        self.stats, halloffame = self.new_stats(self.evaluation), tools.HallOfFame(HALL_OF_FAME)
        population = self.new_population(toolbox, map(toolbox.clone, self.known.values()))
        _, logbook = ALGORITHMS[s.algorithm].run(
            population, toolbox, self.pset, s, stats=self.stats, halloffame=halloffame,
            verbose=False)
        return logbook, halloffame

    def _map(self, evaluate, individuals):
        fitnesses = self.evaluation.map(evaluate, individuals)
        counts = self.evaluation.counts
        self.advance(len(self.tasks) * (
            1 + counts["ntrained"] + counts["ncached"] + counts["nscreened"]))
        return fitnesses

    def _test(self, best, known):
        """Returns accuracies on the test set after trainings with fresh seeds, by task and loss."""
        losses = {"evolved": best, "cross_entropy": None, **dict(list(known.items())[:1])}
        fresh = self.settings.seed + 1
        seeds = range(fresh, fresh + self.settings.test_seeds)
        accuracies = self.evaluation.test_accuracies(losses.values(), seeds)
        return {task.name: {name: of_loss[task.name]
                            for name, of_loss in zip(losses, accuracies, strict=True)}
                for task in self.tasks}

    def _write(self, result):
        best = result.best
        self.write_table(logbook_table(result.logbook), "logbook.csv")
        self.write_table(result.individuals, "individuals.csv")
        wins, improvement = best.fitness.values
        self._folder.write_json("best_loss.json", {
            **json.loads(best.to_json(self.pset)),
            "wins": wins, "improvement": improvement if math.isfinite(improvement) else None,
            "fitness": self.settings.fitness,
            "validation": {
                r.task: {"accuracy": r.accuracy, "loss": r.loss, "status": r.status}
                for r in self.evaluation.known_results(best)
            },
            "test_accuracy": result.tests,
        })
        self.write_figure(plot_generations(result.logbook)[0], "generations.png")
        self.write_figure(plot_individuals(result.individuals)[0], "individuals.png")
