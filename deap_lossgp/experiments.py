"""Runs: one seeded evolution, from its settings to the files in its folder."""

import json
import math
import os
import platform
import random
import statistics
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

import pandas as pd
from deap import tools
from tqdm import tqdm

from deap_lossgp import algorithms
from deap_lossgp.evaluation import Evaluation
from deap_lossgp.plotting import plot_generations, plot_individuals
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.recording import RunStatistics, logbook_table, write_csv
from deap_lossgp.tasks import Task
from deap_lossgp.toolbox import make_toolbox

_COUNTS = ("ntrained", "nscreened", "ncached", "seconds")


class Run:
    """One evolution and its folder. Making it checks and loads everything; then ``execute`` it.

    Args:
        settings: ``RunSettings``.
        output: The folder; ``runs/`` and ``settings.folder`` by default.
        progress: Whether to draw a progress bar.

    Raises:
        ValueError: Settings, data or network are not usable, or the folder holds another run.
        OSError: The folder cannot be written.
    """

    def __init__(self, settings, output=None, *, progress=True):
        self.settings = s = settings
        self.output = Path("runs") / s.folder if output is None else Path(output)
        self._check_folder()
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
        self.evaluation = Evaluation(
            tasks, self.pset, s.fitness, mean_over_all=s.mean_over_all, seed=s.seed,
            on_training=lambda result: self._bar.update(),
        )
        self.toolbox = make_toolbox(
            self.pset, self._evaluate, valid=self.evaluation.is_valid, max_height=s.max_height,
            max_size=s.max_size, subtreepb=s.subtree_mutation, pointpb=s.point_mutation,
        )
        self._claim_folder()

    def execute(self):
        """Evolves, tests the best loss, writes the folder and returns the report as text."""
        s = self.settings
        trainings = len(s.datasets) * (s.evaluations + 1 + 2 * s.test_seeds)
        with tqdm(total=trainings, unit="training", disable=not self._progress, leave=False,
                  dynamic_ncols=True) as self._bar:
            state = random.getstate()
            random.seed(s.seed)
            try:
                self.evaluation.baselines()
                logbook, best = self._evolve()
            finally:
                random.setstate(state)
            tests = self._test(best)
        self._write(logbook, best, tests)
        return self._report(logbook, best, tests)

    def _evaluate(self, individual):
        before = self.evaluation.counts["ntrained"]
        values = self.evaluation(individual)
        if self.evaluation.counts["ntrained"] == before:
            self._bar.update(len(self.evaluation.tasks))
        return values

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
        tests = {task.name: {"evolved": [], "cross_entropy": []} for task in self.evaluation.tasks}
        fresh = self.settings.seed + 1
        for seed in range(fresh, fresh + self.settings.test_seeds):
            for arm, tree in (("evolved", best), ("cross_entropy", None)):
                for name, accuracy in self.evaluation.test_accuracies(tree, seed).items():
                    tests[name][arm].append(accuracy)
        return tests

    def _check_folder(self):
        """Refuses a folder that holds a run with other settings."""
        path = self.output / "run.json"
        if not path.exists():
            return
        try:
            theirs = json.loads(path.read_text())["settings"]
        except (ValueError, KeyError, TypeError):
            raise ValueError(f"{path} is not a run's file: choose another folder "
                             f"with --output") from None
        ours = self._plain_settings()
        for name in {**ours, **theirs}:
            if ours.get(name) != theirs.get(name):
                raise ValueError(
                    f"{self.output} holds another run, with {name} {theirs.get(name)!r} instead "
                    f"of {ours.get(name)!r}: choose another folder with --output"
                )

    def _claim_folder(self):
        self.output.mkdir(parents=True, exist_ok=True)
        content = {"settings": self._plain_settings(), "seed": self.settings.seed,
                   "versions": _versions()}
        _write_json(content, self.output / "run.json")

    def _plain_settings(self):
        return json.loads(json.dumps(asdict(self.settings)))

    def _write(self, logbook, best, tests):
        write_csv(logbook_table(logbook), self.output / "logbook.csv")
        individuals = pd.DataFrame(self.stats.rows)
        write_csv(individuals, self.output / "individuals.csv")
        wins, improvement = best.fitness.values
        _write_json(
            {
                **json.loads(best.to_json(self.pset)),
                "wins": wins, "improvement": improvement if math.isfinite(improvement) else None,
                "fitness": self.settings.fitness,
                "validation": {
                    r.task: {"accuracy": r.accuracy, "loss": r.loss, "status": r.status}
                    for r in self.evaluation.known_results(best)
                },
                "test_accuracy": tests,
            },
            self.output / "best_loss.json",
        )
        _save_figure(plot_generations(logbook)[0], self.output / "generations.png")
        _save_figure(plot_individuals(individuals)[0], self.output / "individuals.png")

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
            f"in {counts['seconds']:.0f} s.",
            f"Results in {self.output}{os.sep}: " + ", ".join(
                ("best_loss.json", "logbook.csv", "individuals.csv", "generations.png",
                 "individuals.png", "run.json")
            ),
        ]
        return "\n".join(lines)


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


def _versions():
    names = ("deap_lossgp", "deap", "keras", "numpy", "scikit-learn")
    versions = {name: metadata.version(name) for name in names}
    for name in ("tensorflow", "tensorflow-cpu"):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {"python": platform.python_version(), **versions}


def _write_json(content, path):
    path.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")


def _save_figure(axes, path):
    axes.figure.savefig(path, dpi=150, bbox_inches="tight")
