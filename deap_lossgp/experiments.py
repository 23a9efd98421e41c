"""Runs: one seeded evolution, from its settings to the files in its folder."""

import json
import math
import os
import random
import statistics
import sys
from dataclasses import asdict
from pathlib import Path

import pandas as pd
from deap import tools
from tqdm import tqdm

from deap_lossgp import algorithms
from deap_lossgp.backend import import_tensorflow
from deap_lossgp.engines import InProcess, RayTasks, WorkerProcesses
from deap_lossgp.evaluation import Evaluation
from deap_lossgp.folders import RunFolder
from deap_lossgp.plotting import plot_generations, plot_individuals
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.recording import RunStatistics, logbook_table, write_csv
from deap_lossgp.results import STATUSES
from deap_lossgp.settings import RESCORING, Execution
from deap_lossgp.tasks import Task
from deap_lossgp.toolbox import make_toolbox

_COUNTS = ("ntrained", "nscreened", "ncached", "seconds")


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


class Run:
    """One evolution and its folder. Making it checks and loads everything; then ``execute`` it.

    A run that was stopped, by whatever, goes on when it is made and executed again: all its
    randomness comes from the seed, and each training is in the folder's store as soon as it ends,
    so that it is replayed up to where it stopped.

    Args:
        settings: ``RunSettings``.
        output: The folder; ``runs/`` and ``settings.folder`` by default.
        execution: An ``Execution``.
        progress: Whether to draw a progress bar.

    Raises:
        ValueError: Settings or data are not usable, the folder holds another run, or another
            process works in it.
        OSError: The folder cannot be written.
    """

    def __init__(self, settings, output=None, *, execution=None, progress=True):
        self.settings = s = settings
        self.output = Path("runs") / s.folder if output is None else Path(output)
        self._environment = None
        self._folder = RunFolder(self.output, json.loads(json.dumps(asdict(s))), RESCORING)
        try:
            self.pset = loss_primitive_set(s.protected)
            tasks = [
                Task.load(
                    name, s.model, data_dir=s.data_dir, epochs=s.epochs, batch_size=s.batch_size,
                    learning_rate=s.learning_rate, train_size=s.train_size,
                    validation_share=s.validation_share, mixed_precision=s.mixed_precision,
                    jit_compile=s.jit_compile,
                )
                for name in s.datasets
            ]
            self._progress, self._bar = progress, tqdm(disable=True)
            self._engine = make_engine(tasks, self.pset, execution or Execution())
            self.evaluation = Evaluation(
                tasks, self.pset, s.fitness, mean_over_all=s.mean_over_all, seed=s.seed,
                engine=self._engine, on_training=self._on_training,
            )
            self.toolbox = make_toolbox(
                self.pset, self.evaluation, valid=self.evaluation.is_valid,
                max_height=s.max_height, max_size=s.max_size, subtreepb=s.subtree_mutation,
                pointpb=s.point_mutation,
            )
            self.toolbox.register("map", self._map)
            self._folder.claim()
            self.evaluation.store = self._folder.store
        except BaseException:
            self.close()
            raise

    def execute(self):
        """Evolves, tests the best loss, writes the folder and returns the report as text."""
        s = self.settings
        trainings = len(s.datasets) * (s.evaluations + 1 + 2 * s.test_seeds)
        with tqdm(total=trainings, unit="training", disable=not self._progress, leave=False,
                  dynamic_ncols=True) as self._bar:
            state = random.getstate()
            random.seed(s.seed)
            try:
                logbook, best = self._evolve()
                tests = self._test(best)
            finally:
                random.setstate(state)
                self._engine.close()
        self._write(logbook, best, tests)
        return self._report(logbook, best, tests)

    def close(self):
        """Lets go of the folder."""
        self._folder.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _on_training(self, result):
        self._bar.update()
        if self._environment is None and self._engine.environment:
            self._environment = self._engine.environment
            for difference in self._folder.differences(self._environment):
                self._bar.write(f"Warning: {self.output} was begun with {difference}: "
                                f"the trainings from here on may differ", file=sys.stderr)

    def _map(self, evaluate, individuals):
        fitnesses = self.evaluation.map(evaluate, individuals)
        counts = self.evaluation.counts
        known = 1 + counts["ntrained"] + counts["ncached"] + counts["nscreened"]
        self._bar.update(known * len(self.evaluation.tasks) - self._bar.n)
        return fitnesses

    def _evolve(self):
        s = self.settings
        counts = self.evaluation.counts
        self.stats = RunStatistics(
            lambda: {name: counts[name] for name in _COUNTS}
            | {"nscreened": counts["nscreened"] + counts["discarded"]},
            self._figures,
        )
        halloffame = tools.HallOfFame(1)
        population = self.toolbox.population(n=s.population)
        common = {"stats": self.stats, "halloffame": halloffame, "verbose": False}
        if s.algorithm == "sample-tournament":
            _, logbook = algorithms.eaSampleTournament(
                population, self.toolbox, s.crossover, 1.0, s.generations,
                sample_size=s.sample_size, nparents=s.parents, **common,
            )
        elif s.algorithm == "archive":
            _, logbook = algorithms.eaArchive(
                population, self.toolbox, s.crossover, 1.0, s.generations, **common
            )
        else:
            lambda_ = algorithms.tournament_sizes(s.population, s.sample_size, s.parents)[1]
            _, logbook = algorithms.eaRandom(
                population, self.toolbox, s.generations, lambda_=lambda_, **common
            )
        return logbook, halloffame[0]

    def _figures(self, individual):
        columns = {}
        for result in self.evaluation.known_results(individual):
            columns[f"accuracy_{result.task}"] = result.accuracy
            columns[f"loss_{result.task}"] = result.loss
        return columns

    def _test(self, best):
        """Test accuracies {task: {"evolved": [...], "cross_entropy": [...]}} on fresh seeds."""
        fresh = self.settings.seed + 1
        seeds = range(fresh, fresh + self.settings.test_seeds)
        evolved, cross_entropy = self.evaluation.test_accuracies([best, None], seeds)
        return {name: {"evolved": evolved[name], "cross_entropy": cross_entropy[name]}
                for name in evolved}

    def _write(self, logbook, best, tests):
        individuals = pd.DataFrame(self.stats.rows)
        with self._folder.replacing("logbook.csv") as path:
            write_csv(logbook_table(logbook), path)
        with self._folder.replacing("individuals.csv") as path:
            write_csv(individuals, path)
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
        for name, axes in (("generations", plot_generations(logbook)[0]),
                           ("individuals", plot_individuals(individuals)[0])):
            with self._folder.replacing(f"{name}.png") as path:
                axes.figure.savefig(path, dpi=150, bbox_inches="tight", format="png")

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
