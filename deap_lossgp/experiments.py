"""Runs: one seeded evolution, from its settings to the files in its folder."""

import json
import math
import os
import random
import statistics
import sys
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pandas as pd
from deap import tools
from tqdm import tqdm

from deap_lossgp.arms import evolve, mutations
from deap_lossgp.backend import import_tensorflow
from deap_lossgp.clusters import RayTasks
from deap_lossgp.engines import InProcess, WorkerProcesses
from deap_lossgp.evaluation import Evaluation, check_names
from deap_lossgp.folders import RunFolder
from deap_lossgp.plotting import plot_generations, plot_individuals
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.recording import RunStatistics, logbook_table, write_csv
from deap_lossgp.results import STATUSES
from deap_lossgp.settings import RESCORING, Execution
from deap_lossgp.tasks import Task
from deap_lossgp.toolbox import make_toolbox


def make_engine(tasks, pset, execution):
    """The engine that an ``Execution`` describes, for tasks and a primitive set."""
    e = execution
    common = {"threads": e.threads, "determinism": e.determinism, "time_limit": e.time_limit}
    if e.engine == "ray":
        return RayTasks(tasks, pset, address=e.address, gpus_per_training=e.gpus_per_training,
                        **common)
    if e.workers:
        return WorkerProcesses(tasks, pset, e.workers, **common)
    import_tensorflow()
    from deap_lossgp.loops import prepare_tensorflow

    return InProcess(tasks, pset, prepare_tensorflow(e.threads, e.determinism))


class Experiment:
    """What runs and comparisons share: tasks, an engine, and a folder with a store.

    An experiment that was stopped, by whatever, goes on when it is made and executed again: all its
    randomness comes from the seed, and each training is in the folder's store as soon as it ends,
    so that it is replayed up to where it stopped.

    Args:
        settings: ``RunSettings``.
        output: The folder; ``runs/`` and ``settings.folder`` by default.
        execution: An ``Execution``.
        progress: Whether to draw a progress bar.

    Raises:
        ValueError: Settings or data are not usable, the folder holds another experiment, or another
            process works in it.
        OSError: The folder cannot be written.
    """

    changeable = RESCORING
    """Settings that may be others in a folder that holds trainings."""

    def __init__(self, settings, output=None, *, execution=None, progress=True):
        self.settings = s = settings
        self.output = Path("runs") / s.folder if output is None else Path(output)
        self._environment = None
        self._folder = RunFolder(self.output, json.loads(json.dumps(asdict(s))), self.changeable)
        try:
            self.pset = loss_primitive_set(s.protected)
            self.tasks = [
                Task.load(
                    name, s.model, data_dir=s.data_dir, epochs=s.epochs, batch_size=s.batch_size,
                    learning_rate=s.learning_rate, train_size=s.train_size,
                    validation_share=s.validation_share, augmentation=s.augmentation,
                    mixed_precision=s.mixed_precision, jit_compile=s.jit_compile,
                )
                for name in s.datasets
            ]
            check_names(self.tasks)
            self._progress, self._bar = progress, tqdm(disable=True)
            self._engine = make_engine(self.tasks, self.pset, execution or Execution())
            self._folder.claim()
        except BaseException:
            self.close()
            raise

    def close(self):
        """Lets go of the folder."""
        self._folder.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def new_evaluation(self, seed, fitness=None):
        """An ``Evaluation`` on the experiment's store and engine, with counts of its own."""
        s = self.settings
        return Evaluation(
            self.tasks, self.pset, fitness or s.fitness, mean_over_all=s.mean_over_all, seed=seed,
            store=self._folder.store, engine=self._engine, on_training=self._on_training,
        )

    def new_toolbox(self, evaluation, algorithm=None):
        """A toolbox whose ``map`` trains what an evaluation of many asks for all at once."""
        s = self.settings
        toolbox = make_toolbox(
            self.pset, evaluation, valid=evaluation.is_valid, max_height=s.max_height,
            max_size=s.max_size, **mutations(algorithm or s.algorithm, s),
        )
        toolbox.register("map", evaluation.map)
        return toolbox

    def new_stats(self, evaluation):
        """A ``RunStatistics`` of the evaluation's counts and figures."""
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
                     "ncached": counts["ncached"], "seconds": counts["seconds"]},
            figures,
        )

    @contextmanager
    def executing(self, trainings):
        """Shows progress over so many trainings; keeps the caller's random stream; ends workers."""
        with tqdm(total=trainings, unit="training", disable=not self._progress, leave=False,
                  dynamic_ncols=True) as self._bar:
            state = random.getstate()
            try:
                yield
            finally:
                self._engine.close()
                random.setstate(state)

    def advance(self, trainings):
        """Shows that so many of the trainings are known, however that came."""
        self._bar.update(max(0, trainings - self._bar.n))

    def write_table(self, table, name):
        with self._folder.replacing(name) as path:
            write_csv(table, path)

    def write_figure(self, axes, name):
        with self._folder.replacing(name) as path:
            axes.figure.savefig(path, dpi=150, bbox_inches="tight", format="png")

    def _on_training(self, result):
        self._bar.update()
        if self._environment is None and self._engine.environment:
            self._environment = self._engine.environment
            for difference in self._folder.differences(self._environment):
                self._bar.write(f"Warning: {self.output} was begun with {difference}: "
                                f"the trainings from here on may differ", file=sys.stderr)


class Run(Experiment):
    """One evolution; the arguments are an ``Experiment``'s. Make it, then ``execute`` it."""

    def execute(self):
        """Evolves, tests the best loss, writes the folder and returns the report as text."""
        s = self.settings
        self.evaluation = self.new_evaluation(s.seed)
        with self.executing(len(self.tasks) * (s.evaluations + 1 + 2 * s.test_seeds)):
            random.seed(s.seed)
            logbook, best = self._evolve()
            tests = self._test(best)
        self._write(logbook, best, tests)
        return self._report(logbook, best, tests)

    def _evolve(self):
        s = self.settings
        toolbox = self.new_toolbox(self.evaluation)
        toolbox.register("map", self._map)
        self.stats, halloffame = self.new_stats(self.evaluation), tools.HallOfFame(1)
        population = toolbox.population(n=s.population)
        logbook = evolve(s.algorithm, population, toolbox, self.pset, s, stats=self.stats,
                         halloffame=halloffame, verbose=False)
        return logbook, halloffame[0]

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

    def _write(self, logbook, best, tests):
        individuals = pd.DataFrame(self.stats.rows)
        self.write_table(logbook_table(logbook), "logbook.csv")
        self.write_table(individuals, "individuals.csv")
        wins, improvement = best.fitness.values
        self._folder.write_json("best_loss.json", {
            **json.loads(best.to_json(self.pset)),
            "wins": wins, "improvement": improvement if math.isfinite(improvement) else None,
            "fitness": self.settings.fitness,
            "validation": {
                r.task: {"accuracy": r.accuracy, "loss": r.loss, "status": r.status}
                for r in self.evaluation.known_results(best)
            },
            "test_accuracy": tests,
        })
        self.write_figure(plot_generations(logbook)[0], "generations.png")
        self.write_figure(plot_individuals(individuals)[0], "individuals.png")

    def _report(self, logbook, best, tests):
        wins, improvement = best.fitness.values
        counts, tasks = self.evaluation.counts, self.evaluation.tasks
        lines = [
            f"Best loss:  {best}",
            f"Fitness:    {wins:g} of {len(tasks)} data sets won against cross entropy, "
            f"improvement {improvement:+.4f} ({self.settings.fitness})",
            "",
        ]
        if self.settings.test_seeds:
            lines.append(f"Accuracy on the test set, mean of {self.settings.test_seeds} trainings "
                         f"with seeds the search never saw (± standard deviation):")
            lines.append(f"  {'data set':<16}{'best loss':>18}{'cross entropy':>18}"
                         f"{'difference':>12}")
            for name, arms in tests.items():
                evolved, entropy = (arms[arm] for arm in ("evolved", "cross_entropy"))
                lines.append(f"  {name:<16}{_mean_text(evolved):>18}{_mean_text(entropy):>18}"
                             f"{_difference(evolved, entropy):>12}")
            lines.append("")
        lines += [
            f"{sum(logbook.select('nevals'))} evaluations: {counts['ntrained']} trained, "
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

    def _failures(self):
        failed = {status: self.evaluation.counts[status] for status in STATUSES[1:]}
        text = ", ".join(f"{count} {status}" for status, count in failed.items() if count)
        return f" Failed: {text}." if text else ""


def _mean_text(accuracies):
    known = [a for a in accuracies if a is not None]
    if len(known) < len(accuracies):
        return f"{len(accuracies) - len(known)} failed"
    if len(known) == 1:
        return f"{known[0]:.4f}"
    return f"{statistics.mean(known):.4f} ± {statistics.stdev(known):.4f}"


def _difference(evolved, entropy):
    if None in evolved or None in entropy:
        return ""
    return f"{statistics.mean(evolved) - statistics.mean(entropy):+.4f}"
