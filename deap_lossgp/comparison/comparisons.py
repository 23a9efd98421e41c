"""Algorithms compared on equal terms: the thesis's Algorithm 2, with replicates and statistics."""

import itertools
import random
from dataclasses import asdict

import numpy as np
import pandas as pd

from deap_lossgp.comparison.pages import Figure, Section, to_html, to_markdown
from deap_lossgp.comparison.replicates import noise_floor
from deap_lossgp.comparison.tables import (
    accuracy_table,
    at_chance_table,
    progress_table,
    statistics_table,
    time_table,
)
from deap_lossgp.errors import unknown_name
from deap_lossgp.found_losses import KNOWN_LOSSES
from deap_lossgp.plotting.accuracies import plot_test_accuracies
from deap_lossgp.plotting.best_so_far import plot_comparison
from deap_lossgp.plotting.individuals import plot_individuals
from deap_lossgp.plotting.loss_accuracy import plot_loss_accuracy
from deap_lossgp.search.algorithms import ALGORITHMS
from deap_lossgp.search.experiments import Experiment
from deap_lossgp.search.folders import versions
from deap_lossgp.search.recording import logbook_table
from deap_lossgp.trees import LossTree

CROSS_ENTROPY = "cross_entropy"
"""The baseline's name among the arms of the tests."""


class Comparison(Experiment):
    """Several algorithms from the same initial populations; the arguments are an ``Experiment``'s.

    As in the thesis's Algorithm 2, cross entropy is trained first, an initial population is made,
    and each arm evolves a copy of it. Each arm is charged every training it asks for and the
    seconds that it took, whoever asked first. The winners are trained again on seeds that the
    search never saw, beside cross entropy. An arm that asks for more evaluations than another also
    stands with its best loss of as many: the comparison at equal trainings.

    Args:
        settings: ``ComparisonSettings``.
        output, execution, progress: As for ``Experiment``.

    Attributes:
        baselines: Cross entropy's validation figures: ``replicate task loss accuracy``.
        evaluations: A row per evaluation in the order in which an arm asked for them: ``replicate
            arm number gen expression wins improvement seconds``, then ``accuracy_`` and ``loss_``
            of each task.
        individuals: A row per individual and generation, as in ``individuals.csv``, with
            ``replicate`` and ``arm``.
        generations: The logbooks, with ``replicate`` and ``arm``.
        winners: ``replicate arm expression wins improvement``.
        tests: ``replicate arm task seed test_accuracy``.
    """

    changeable = (*Experiment.changeable, "arms", "replicates", "known_losses")

    def __init__(self, settings, output=None, **options):
        for name in (*settings.seed_losses, *settings.known_losses):
            if name not in KNOWN_LOSSES:
                raise unknown_name("loss", name, KNOWN_LOSSES)
        super().__init__(settings, output, **options)
        self._known = {name: LossTree.from_string(text, self.pset)
                       for name, text in KNOWN_LOSSES.items()}

    @property
    def seeds(self):
        """A seed per replicate; more replicates leave the first ones as they are."""
        children = np.random.SeedSequence(self.settings.seed).spawn(self.settings.replicates)
        return [int(child.generate_state(1)[0]) % 2**31 for child in children]

    def execute(self):
        """Evolves and tests; fills the tables."""
        s = self.settings
        self._rows = {name: [] for name in ("baselines", "evaluations", "winners", "tests")}
        self._tables = {name: [] for name in ("individuals", "generations")}
        arms = [s.asked(arm) for arm in s.arms]
        tested = len(arms) + sum(asked > min(arms) for asked in arms) + 1 + len(s.known_losses)
        self._advanced = 0
        with self.executing(len(self.tasks) * s.replicates * (
                1 + sum(arms) + tested * s.test_seeds)):
            for replicate, seed in enumerate(self.seeds):
                self._replicate(replicate, seed)
        for name, rows in self._rows.items():
            setattr(self, name, pd.DataFrame(rows))
        for name, tables in self._tables.items():
            setattr(self, name, pd.concat(tables, ignore_index=True))

    def report(self):
        """Writes tables, figures and the report into the folder; returns a summary as text."""
        tables = {name: getattr(self, name) for name in (*self._rows, *self._tables)}
        tables |= self.tables()
        for name, table in tables.items():
            self.write_table(table, f"{name}.csv")
        title = f"Comparison of {', '.join(self.settings.arms)}"
        sections = self._sections(tables)
        for name, text in (("report.html", to_html(title, sections)),
                           ("report.md", to_markdown(title, sections, self.output))):
            with self._folder.replacing(name) as path:
                path.write_text(text, encoding="utf-8")
        return self._summary(tables)

    def _summary(self, tables):
        texts = [table.drop(columns=[c for c in ("verdict", "median", "missing", "failed")
                                     if c in table])
                 .dropna(axis=1, how="all")  # the thesis has figures of some data sets only
                 .to_string(index=False, float_format="%.4g", na_rep="")
                 for table in (tables["accuracy"], tables["time"], tables["statistics"])]
        heads = ("Accuracy of the winners on the test set, over replicates",
                 "Trainings and charged seconds, means over replicates",
                 "Paired differences of test accuracy")
        lines = [f"{head}:\n{text}\n" for head, text in zip(heads, texts, strict=True)]
        return "\n".join([*lines, *self._verdicts(tables), "",
                          f"Report: {self.output / 'report.html'}, the same as report.md; every "
                          f"table as CSV beside it"])

    def _verdicts(self, tables):
        table = tables["statistics"]
        table = table[table["task"] == table["task"].iloc[0]]
        return [f"{row.first} - {row.second}: {row.verdict}" for row in table.itertuples()]

    def _figures(self, tables):
        """Draws and writes the figures; returns (Figure, ...) by section."""
        first = self.individuals[self.individuals["replicate"] == 0]
        baselines = self.baselines.groupby("task")[["loss", "accuracy"]].mean()
        each = [(f"individuals-{arm}", f"{arm}: every individual of the first replicate "
                                       f"(the thesis's figures 4.1 to 4.4)",
                 plot_individuals(first[first["arm"] == arm])[0])
                for arm in self.settings.arms]
        best = [(f"best-by-{against}", f"Best individual so far against {text}",
                 plot_comparison(tables["progress"], against=against)[0])
                for against, text in (("gen", "generations (the thesis's figures 4.5 and 4.6)"),
                                      ("trainings", "trainings"),
                                      ("charged_seconds", "charged seconds"))]
        losses = [(f"loss-accuracy-{task.name}",
                   f"{task.name}: value of the loss against accuracy of the network it trained "
                   f"(anomalies as in the thesis's figures 4.7 to 4.9)",
                   plot_loss_accuracy(self.evaluations, task.name, task.data.num_classes,
                                      baseline=tuple(baselines.loc[task.name])))
                  for task in self.tasks
                  if self.evaluations[f"accuracy_{task.name}"].notna().any()]
        tests = [("test-accuracies", "Accuracy of the winners on the test set",
                  plot_test_accuracies(self.tests))] if self.settings.test_seeds else []
        for name, _, axes in (*each, *best, *losses, *tests):
            self.write_figure(axes, f"{name}.png")
        return [tuple(Figure(self.output / f"{name}.png", caption) for name, caption, _ in group)
                for group in (each, best, losses, tests)]

    def _sections(self, tables):
        s = self.settings
        each, best, losses, tests = self._figures(tables)
        for name, caption in (
            ("accuracy", "Test accuracy by data set and arm, over replicates; the thesis's figures "
                         "(tables 4.2 and 4.3) beside ours"),
            ("time", "Trainings and charged seconds (table 4.4), means over replicates; ratios to "
                     "the archive's, with and without the initial population"),
            ("statistics", "Paired differences of test accuracy, first minus second"),
            ("at_chance", "Replicates whose winner is at or below guessing on the test set"),
            ("winners", "The winners"),
        ):
            tables[name].attrs["caption"] = caption
        entropy = self.tests[self.tests["arm"] == CROSS_ENTROPY]
        floors = [f"{task}: {noise_floor(of['test_accuracy'].tolist()).text}."
                  for task, of in entropy.groupby("task", sort=False)]
        settings = pd.DataFrame({"setting": list(asdict(s)),
                                 "value": [str(value) for value in asdict(s).values()]})
        software = pd.DataFrame({"package": list(versions()), "version": list(versions().values())})
        settings.attrs["caption"], software.attrs["caption"] = "Settings", "Versions"
        return [
            Section("Result", (
                f"{s.replicates} replicates, each from one initial population of {s.population} "
                f"losses that every arm starts from. The winners were trained again on "
                f"{s.test_seeds} seeds that the search never saw.",
                *self._verdicts(tables), tables["accuracy"], *tests)),
            Section("Statistics", (tables["statistics"], *floors, tables["at_chance"])),
            Section("Cost", (
                "Every arm is charged the trainings that it asked for, and the seconds that they "
                "took, whoever asked first. The thesis's clock starts after the initial "
                "population.", tables["time"], *best)),
            Section("Winners", (tables["winners"],)),
            Section("Individuals", each),
            Section("Losses and accuracies", losses),
            Section("Settings and versions", (settings, software)),
        ]

    def tables(self):
        """The derived tables by name; see ``deap_lossgp.comparison.tables``."""
        chances = {task.name: 1.0 / task.data.num_classes for task in self.tasks}
        progress = progress_table(self.evaluations, len(self.tasks))
        return {
            "progress": progress,
            "accuracy": accuracy_table(self.tests),
            "time": time_table(self.evaluations, len(self.tasks)),
            "statistics": statistics_table(self.tests, self._couples()),
            "at_chance": at_chance_table(self.tests, chances),
        }

    @property
    def _fewest(self):
        """The evaluations of the arm that asks for the fewest."""
        return min(self.settings.asked(arm) for arm in self.settings.arms)

    def _equal(self, arm):
        """The name under which an arm stands at equal trainings."""
        fewest = self._fewest
        return arm if self.settings.asked(arm) == fewest else f"{arm}, {fewest} evaluations"

    def _couples(self):
        """What is tested: each arm against cross entropy, and any two at equal trainings."""
        arms = self.settings.arms
        return [*((arm, CROSS_ENTROPY) for arm in arms),
                *itertools.combinations(map(self._equal, arms), 2)]

    def _replicate(self, replicate, seed):
        s = self.settings
        random.seed(seed)
        starter = self.new_toolbox(self.new_evaluation(seed, s.initial))
        initial = [self._known[name] for name in s.seed_losses]
        initial += starter.population(n=s.population - len(initial))
        winners = {}
        for arm in s.arms:
            asked = self._evolve(arm, initial, replicate, seed)
            for name, until in ((arm, len(asked)), (self._equal(arm), self._fewest)):
                winners[name] = max(asked[:until], key=lambda tree: tree.fitness)
        for arm, tree in winners.items():
            wins, improvement = tree.fitness.values
            self._rows["winners"].append({
                "replicate": replicate, "arm": arm, "expression": str(tree), "wins": wins,
                "improvement": improvement})
        self._test(replicate, seed, winners)

    def _evolve(self, arm, initial, replicate, seed):
        """One arm's evolution; returns what it evaluated, in order."""
        evaluation = self.new_evaluation(seed)
        stats = self.new_stats(evaluation)
        toolbox, asked = self.new_toolbox(evaluation, arm), []

        def evaluate(tree):
            before = evaluation.counts["charged_seconds"]
            values = evaluation(tree)
            asked.append(toolbox.clone(tree))
            asked[-1].fitness.values = values
            figures = {f"{figure}_{r.task}": getattr(r, figure)
                       for r in evaluation.known_results(tree) for figure in ("accuracy", "loss")}
            self._rows["evaluations"].append({
                "replicate": replicate, "arm": arm, "number": len(asked), "gen": stats.gen,
                "expression": str(tree), "wins": values[0], "improvement": values[1],
                "seconds": evaluation.counts["charged_seconds"] - before, **figures})
            return values

        def map_(_, trees):
            values = evaluation.map(evaluate, trees)
            self._advanced += len(values) * len(self.tasks)
            self.advance(self._advanced)
            return values

        toolbox.register("map", map_)
        population = [toolbox.clone(tree) for tree in initial]
        random.seed(f"{seed} {arm}")
        _, logbook = ALGORITHMS[arm].run(population, toolbox, self.pset, self.settings, stats=stats,
                                         verbose=False)
        for name, table in (("individuals", pd.DataFrame(stats.rows)),
                            ("generations", logbook_table(logbook))):
            table.insert(0, "replicate", replicate)
            table.insert(1, "arm", arm)
            self._tables[name].append(table)
        return asked

    def _test(self, replicate, seed, winners):
        s = self.settings
        seeds = range(seed + 1, seed + 1 + s.test_seeds)
        trees = {**winners, **{name: self._known[name] for name in s.known_losses},
                 CROSS_ENTROPY: None}
        evaluation = self.new_evaluation(seed)
        self._rows["baselines"] += [
            {"replicate": replicate, "task": r.task, "loss": r.loss, "accuracy": r.accuracy}
            for r in evaluation.baselines()]
        accuracies = evaluation.test_accuracies(list(trees.values()), seeds)
        self._rows["tests"] += [
            {"replicate": replicate, "arm": arm, "task": task, "seed": of, "test_accuracy": value}
            for arm, by_task in zip(trees, accuracies, strict=True)
            for task, values in by_task.items() for of, value in zip(seeds, values, strict=True)
        ]
        self._advanced += len(self.tasks) * (1 + len(trees) * s.test_seeds)
        self.advance(self._advanced)
