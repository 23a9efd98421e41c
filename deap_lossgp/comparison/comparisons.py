"""Algorithms compared on equal terms: the thesis's Algorithm 2, with replicates and statistics."""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from deap_lossgp.comparison.arm_tables import DERIVED_TABLES
from deap_lossgp.comparison.confirmation_results import BASELINE
from deap_lossgp.comparison.report import write_report
from deap_lossgp.errors import unknown_name
from deap_lossgp.found_losses import KNOWN_LOSSES
from deap_lossgp.search.algorithms import ALGORITHMS
from deap_lossgp.search.evolutions import Evolution
from deap_lossgp.search.logbooks import logbook_table
from deap_lossgp.trees import LossTree

if TYPE_CHECKING:
    from deap_lossgp.comparison.settings import ComparisonSettings


class Comparison(Evolution):
    """Several algorithms (arms) from the same initial populations.

    As in the thesis's Algorithm 2, an initial population is made, and each arm evolves a copy of
    it. Cross entropy, which the thesis trains first, is trained beside that population; this
    changes nothing, because trainings have seeds of their own. Each arm is charged every training
    that it asks for, and its seconds, even if another arm asked first. The winners are trained
    again beside cross entropy, with seeds that the search never saw. An arm that asks for more
    evaluations than another has a second winner, the best of its first evaluations: this is the
    comparison at equal trainings.

    Args:
        settings: ``ComparisonSettings``.
        output, execution, progress: As for ``Evolution``.

    Attributes:
        baselines: Cross entropy's validation figures: ``replicate task loss accuracy``.
        evaluations: A row per evaluation in the order in which an arm asked for them: ``replicate
            arm number gen expression wins improvement seconds``, then ``accuracy_`` and ``loss_``
            of each task.
        individuals: A row per individual and generation, as in ``individuals.csv``, with
            ``replicate`` and ``arm``.
        generations: The logbooks, with ``replicate`` and ``arm``.
        winners: ``replicate arm expression wins improvement``.
        tests: ``replicate arm task seed test_accuracy test_balanced_accuracy``.
    """

    settings: ComparisonSettings

    kind = "comparison"
    not_in_name = (*Evolution.not_in_name,  # type: ignore[assignment]
                   "arms", "replicates", "known_losses")
    changeable = (*Evolution.changeable, *not_in_name)

    def __init__(self, settings: ComparisonSettings, output: Path | str | None = None,
                 **options: Any) -> None:
        for name in (*settings.seed_losses, *settings.known_losses):
            if name not in KNOWN_LOSSES:
                raise unknown_name("loss", name, KNOWN_LOSSES)
        super().__init__(settings, output, **options)
        self._known = {name: LossTree.from_string(text, self.pset)
                       for name, text in KNOWN_LOSSES.items()}

    @property
    def seeds(self) -> list[int]:
        """A seed for each replicate; more replicates leave the first ones as they are."""
        children = np.random.SeedSequence(self.settings.seed).spawn(self.settings.replicates)
        return [int(child.generate_state(1)[0]) % 2**31 for child in children]

    def execute(self) -> None:
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
        self._folder.finish()
        for name, rows in self._rows.items():
            setattr(self, name, pd.DataFrame(rows))
        for name, tables in self._tables.items():
            setattr(self, name, pd.concat(tables, ignore_index=True))

    def report(self) -> str:
        """Writes tables, figures and the report into the folder; returns a summary as text."""
        return write_report(self)

    def raw_tables(self) -> dict[str, pd.DataFrame]:
        """Returns the tables that ``execute`` filled, by name."""
        return {name: getattr(self, name) for name in (*self._rows, *self._tables)}

    def tables(self) -> dict[str, pd.DataFrame]:
        """Returns the tables of ``DERIVED_TABLES`` by name."""
        return {name: row.make(self) for name, row in DERIVED_TABLES.items()}

    @property
    def couples(self) -> list[tuple[str, str]]:
        """The pairs to test: arms with cross entropy, and any two at equal trainings."""
        arms = self.settings.arms
        return [*((arm, BASELINE) for arm in arms),
                *itertools.combinations(map(self._equal, arms), 2)]

    @property
    def _fewest(self):
        """The number of evaluations of the arm that asks for the fewest evaluations."""
        return min(self.settings.asked(arm) for arm in self.settings.arms)

    def _equal(self, arm):
        """Returns the name of an arm's winner at equal trainings."""
        fewest = self._fewest
        return arm if self.settings.asked(arm) == fewest else f"{arm}, {fewest} evaluations"

    def _replicate(self, replicate, seed):
        s = self.settings
        random.seed(seed)
        starter = self.new_toolbox(self.new_evaluation(seed, s.initial))
        initial = self.new_population(starter, [self._known[name] for name in s.seed_losses])
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
        """Evolves one arm; returns the trees that it evaluated, in order."""
        evaluation = self.new_evaluation(seed)
        toolbox, asked = self.new_toolbox(evaluation, arm), []
        stats = self.new_stats(evaluation, toolbox)

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
                 BASELINE: None}
        evaluation = self.new_evaluation(seed)
        self._rows["baselines"] += [
            {"replicate": replicate, "task": r.task, "loss": r.loss, "accuracy": r.accuracy}
            for r in evaluation.baselines()]
        plain, balanced = (evaluation.test_accuracies(trees.values(), seeds, balanced=balanced)
                           for balanced in (False, True))
        self._rows["tests"] += [
            {"replicate": replicate, "arm": arm, "task": task, "seed": of,
             "test_accuracy": values[i], "test_balanced_accuracy": balanced[row][task][i]}
            for row, arm in enumerate(trees)
            for task, values in plain[row].items() for i, of in enumerate(seeds)
        ]
        self._advanced += len(self.tasks) * (1 + len(trees) * s.test_seeds)
        self.advance(self._advanced)
