"""Runs: one seeded evolution, from its settings to its result and the files in its folder."""

import json
import math
import os
import random
import statistics
from collections import Counter
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd
from deap import gp, tools

from deap_lossgp.engines.execution import Execution
from deap_lossgp.errors import unknown_name
from deap_lossgp.plotting.generations import plot_generations
from deap_lossgp.plotting.individuals import plot_individuals
from deap_lossgp.search.algorithms import ALGORITHMS
from deap_lossgp.search.experiments import Experiment
from deap_lossgp.search.recording import logbook_table
from deap_lossgp.search.settings import TASK_SETTINGS, RunSettings
from deap_lossgp.training.results import STATUSES
from deap_lossgp.training.tasks import Task
from deap_lossgp.trees import LossTree

HALL_OF_FAME = 10
"""Individuals that a run's hall of fame holds."""

ROUNDING = 1e-6  # of an accuracy in float32


def evolve(tasks=("digits",), *, output=None, callbacks=(), progress=True, **options):
    """Evolves a loss for image classifiers: all that ``examples/evolve_loss.py`` does, in one call.

    Called again with the same arguments it goes on where it stopped, or reads what is complete.

    Args:
        tasks: Names of data sets, as ``load_dataset`` takes them, or ``Task`` objects, or one of
            these.
        output: The folder; by default one in ``runs/`` with a name of these arguments' own.
        callbacks: ``deap_lossgp.search.Callback`` objects, told of trainings and generations.
        progress: Whether to draw a progress bar.
        **options: Fields of ``RunSettings`` (``algorithm``, ``population``, ``generations``,
            ``fitness``, ``seed``...; for names of data sets also ``model``, ``epochs``...) and of
            ``Execution`` (``workers``, ``time_limit``...). ``workers`` is 0 here: trainings are
            made in this process. With more, keep the call under ``if __name__ == "__main__":``.

    Returns:
        A ``RunResult``; printed, it is the command's report.

    Raises:
        TypeError: An option that there is not, or one that belongs to the given ``Task`` objects.
        ValueError: Options or data are not usable, or nothing can be trained.
        OSError: The folder cannot be written.

    Examples:
        >>> evolve("digits", populaton=4)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        TypeError: unknown option 'populaton': did you mean 'population'? known: ...
    """
    given = [tasks] if isinstance(tasks, str | Path | Task) else list(tasks)
    names = [{f.name for f in fields(cls)} - {"datasets"} for cls in (RunSettings, Execution)]
    for name in options.keys() - set.union(*names):
        raise TypeError(str(unknown_name("option", name, set.union(*names))))
    settings, execution = ({name: options[name] for name in own & options.keys()} for own in names)
    for task in given:
        if not isinstance(task, str | Path | Task):
            raise TypeError(f"expected names of data sets or Task objects, got "
                            f"{type(task).__name__}")
    if all(isinstance(task, Task) for task in given):
        for name in settings.keys() & TASK_SETTINGS:
            raise TypeError(f"{name} belongs to the tasks: expected it in Task(...), or names of "
                            f"data sets, got {name}={settings[name]!r} beside Task objects")
        names = [task.name for task in given]
    else:
        names, given = [os.fspath(task) for task in given], None
    run = Run(RunSettings(datasets=tuple(names), **settings), output, tasks=given,
              execution=Execution(**{"workers": 0, **execution}), progress=progress,
              callbacks=callbacks)
    with run:
        return run.execute()


@dataclass(frozen=True, eq=False)
class RunResult:
    """What a run has found. Printed, it is a report.

    Attributes:
        best: The best loss, a ``LossTree`` with its ``fitness``.
        pset: The primitive set.
        logbook: The DEAP ``Logbook``, with chapters ``wins``, ``improvement`` and ``size``.
        halloffame: The DEAP ``HallOfFame``, of the 10 best.
        individuals: A pandas DataFrame like ``individuals.csv``: a row per individual and
            generation.
        trainings: A pandas DataFrame: a row per training in the run's store.
        tests: {task: {"evolved": [...], "cross_entropy": [...]}}, accuracies on the test set after
            trainings with fresh seeds; None where one failed.
        counts: A ``Counter`` of evaluations and trainings; see ``Evaluation``.
        unlearned: Names of the tasks on which cross entropy was no better than the most frequent
            class.
        settings: The ``RunSettings``.
        output: The run's folder.
    """

    best: LossTree
    pset: gp.PrimitiveSet
    logbook: tools.Logbook
    halloffame: tools.HallOfFame
    individuals: pd.DataFrame
    trainings: pd.DataFrame
    tests: dict
    counts: Counter
    unlearned: list
    settings: RunSettings
    output: Path

    def __repr__(self):
        return f"<RunResult {self.best} in {self.output}>"

    def __str__(self):
        wins, improvement = self.best.fitness.values
        counts, s = self.counts, self.settings
        lines = [
            *self._warnings(),
            f"Best loss:  {self.best}",
            f"Fitness:    {wins:g} of {len(s.datasets)} data sets won against cross entropy, "
            f"improvement {improvement:+.4f} ({s.fitness})"
            + (", which says nothing here" if self.unlearned else ""),
            "",
        ]
        if s.test_seeds:
            lines.append(f"Accuracy on the test set, mean of {s.test_seeds} trainings "
                         f"with seeds the search never saw (± standard deviation):")
            lines.append(f"  {'data set':<16}{'best loss':>18}{'cross entropy':>18}"
                         f"{'difference':>12}")
            differences = []
            for name, accuracies in self.tests.items():
                evolved, entropy = (accuracies[loss] for loss in ("evolved", "cross_entropy"))
                differences.append(_difference(evolved, entropy))
                known = not math.isnan(differences[-1])
                lines.append(f"  {name:<16}{_mean_text(evolved):>18}{_mean_text(entropy):>18}"
                             + (f"{differences[-1]:>+12.4f}" if known else ""))
            if wins and not any(difference > 0.0 for difference in differences):
                lines.append("The search's gain was on its one seed: these do not confirm it.")
            lines.append("")
        lines += [
            f"{sum(self.logbook.select('nevals'))} evaluations: {counts['ntrained']} trained, "
            f"{counts['ncached']} known already; "
            f"{counts['discarded']} trees were not valid and replaced before.",
            f"Trainings: {counts['curves']} on curves, {counts['exact']} on the exact path, "
            f"in {counts['seconds']:.0f} s." + self._failures(),
            f"Results in {self.output}{os.sep}: " + ", ".join(
                ("best_loss.json", "logbook.csv", "individuals.csv", "generations.png",
                 "individuals.png", "evaluations.sqlite", "run.json")
            ),
        ]
        return "\n".join(lines)

    def _warnings(self):
        """What makes the result worthless, should it be so."""
        lines = [f"Cross entropy itself learned nothing on {name}, so nothing can be compared with "
                 f"it: give it more --epochs or steps (a smaller --batch-size)."
                 for name in self.unlearned]
        if not self.best.fitness.values[0]:
            lines.append("No loss won against cross entropy; what follows came nearest.")
        return lines

    def _failures(self):
        failed = {status: self.counts[status] for status in STATUSES[1:]}
        text = ", ".join(f"{count} {status}" for status, count in failed.items() if count)
        return f" Failed: {text}." if text else ""


class Run(Experiment):
    """One evolution; the arguments are an ``Experiment``'s. Make it, then ``execute`` it."""

    def execute(self):
        """Evolves, tests the best loss, writes the folder and returns the ``RunResult``."""
        s = self.settings
        self.evaluation = self.new_evaluation(s.seed)
        with self.executing(len(self.tasks) * (s.evaluations + 1 + 2 * s.test_seeds)):
            random.seed(s.seed)
            logbook, halloffame = self._evolve()
            # Of equals the smallest, and of those the first: a hall of fame has the latest first.
            equals = [tree for tree in halloffame if tree.fitness == halloffame[0].fitness]
            best = min(reversed(equals), key=len)
            tests = self._test(best)
        result = RunResult(
            best, self.pset, logbook, halloffame, pd.DataFrame(self.stats.rows),
            pd.DataFrame(self._folder.store.rows()), tests, self.evaluation.counts,
            self._unlearned(), s, self.output)
        self._write(result)
        self.callbacks.on_end(result)
        return result

    def _unlearned(self):
        shares = [np.bincount(labels).max() / len(labels)
                  for labels in (task.data.y_train[task.split()[1]] for task in self.tasks)]
        baselines = self.evaluation.baselines()
        return [result.task for result, share in zip(baselines, shares, strict=True)
                if result.accuracy <= share + ROUNDING]

    def _evolve(self):
        s = self.settings
        toolbox = self.new_toolbox(self.evaluation)
        toolbox.register("map", self._map)
        self.stats, halloffame = self.new_stats(self.evaluation), tools.HallOfFame(HALL_OF_FAME)
        population = toolbox.population(n=s.population)
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

    def _test(self, best):
        """Test accuracies {task: {"evolved": [...], "cross_entropy": [...]}} on fresh seeds."""
        fresh = self.settings.seed + 1
        seeds = range(fresh, fresh + self.settings.test_seeds)
        evolved, cross_entropy = self.evaluation.test_accuracies([best, None], seeds)
        return {name: {"evolved": evolved[name], "cross_entropy": cross_entropy[name]}
                for name in evolved}

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


def _mean_text(accuracies):
    known = [a for a in accuracies if a is not None]
    if len(known) < len(accuracies):
        return f"{len(accuracies) - len(known)} failed"
    if len(known) == 1:
        return f"{known[0]:.4f}"
    return f"{statistics.mean(known):.4f} ± {statistics.stdev(known):.4f}"


def _difference(evolved, entropy):
    if None in evolved or None in entropy:
        return math.nan
    return statistics.mean(evolved) - statistics.mean(entropy)
