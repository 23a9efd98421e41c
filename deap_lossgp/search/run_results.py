"""What a run has found: tables, figures and the report as text."""

import math
import os
import textwrap
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from deap import gp, tools

from deap_lossgp.expressions import in_short
from deap_lossgp.found_losses import is_cross_entropy
from deap_lossgp.pages.html_page import to_fragment
from deap_lossgp.search.reports.accuracy_table import accuracy_table, difference, text_lines
from deap_lossgp.search.reports.headline import headline, known_name, likeness
from deap_lossgp.search.reports.run_page import PLACES, budget_of, summary
from deap_lossgp.search.settings import RunSettings
from deap_lossgp.training.results import FAILURES
from deap_lossgp.trees import LossTree

WIDTH = 100
"""Characters of a line of prose on a screen."""


@dataclass(frozen=True, eq=False)
class RunResult:
    """What a run has found. Printed, it is a report.

    Attributes:
        best: The best loss, a ``LossTree`` with its ``fitness`` in the search, simplified as the
            exports are.
        found: The same loss as the search made it.
        pset: The primitive set.
        logbook: The DEAP ``Logbook``, with chapters ``wins``, ``improvement`` and ``size``.
        halloffame: The DEAP ``HallOfFame`` of the 10 best.
        individuals: A pandas DataFrame like ``individuals.csv``: a row per individual and
            generation.
        trainings: A pandas DataFrame: a row per training in the run's store.
        tests: {task: {"evolved": [...], "cross_entropy": [...], name: [...]}}: accuracies on the
            test set after trainings with fresh seeds; None where a training failed. The name is
            that of the best known loss of the search, if known losses took part.
            ``tuned_cross_entropy`` is cross entropy at ``rate_factor`` times the learning rate.
        balanced_tests: The same with balanced accuracies; empty if a training of an earlier
            version has none.
        rate_factor: The factor at which cross entropy was best, in trainings with seeds of the
            race; None if there was no choice.
        gains: The improvement over cross entropy wherever it was measured, a list with a dict
            ``where wins improvement seeds epochs images`` for each: ``search`` (where the loss was
            found), ``race`` (where it was chosen; with the seeds that cross entropy has, too) and
            ``tests`` (with seeds by which nothing was chosen).
            ``epochs`` and ``images`` have a number for each data set.
        counts: A ``Counter`` of evaluations and trainings; see ``Evaluation``.
        unlearned: Names of the tasks on which cross entropy was no better than the most frequent
            class.
        race: list with a dict ``expression nodes seeds figure`` for each finalist that was trained
            again with fresh seeds: the mean of what the fitness compares, smaller is better. The
            nodes are those of the simplified loss.
        settings: The ``RunSettings``.
        output: The run's folder.
        funnel: list of dicts ``stage losses``: how many losses were made, and how many reached each
            later stage.
        choosing: Seconds that this process spent on making, screening and preselecting losses.
        front: A DEAP ``ParetoFront``: the losses that no other one evaluated beats in improvement
            and number of nodes, which are their fitness there; the best improvement is the first.
        notes: Further lines of the report: that trainings were only predicted, what the surrogate
            learned from, the audit.
        stopped: Names of the settings that ended the run before its last generation
            (``max_minutes``, ``max_trainings``, ``max_epochs``, ``patience``); empty if none did.
        predicted: Whether accuracies were predicted, and nothing was trained.
    """

    best: LossTree
    found: LossTree
    pset: gp.PrimitiveSet
    logbook: tools.Logbook
    halloffame: tools.HallOfFame
    individuals: pd.DataFrame
    trainings: pd.DataFrame
    tests: dict
    balanced_tests: dict
    counts: Counter
    unlearned: list
    race: list
    gains: list
    rate_factor: float | None
    settings: RunSettings
    output: Path
    funnel: list
    choosing: float
    front: tools.ParetoFront
    notes: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()
    predicted: bool = False

    def __repr__(self) -> str:
        return f"<RunResult {self.best} in {self.output}>"

    def __str__(self) -> str:
        return self.report()

    def report(self, shortened: bool = False) -> str:
        """Returns the report as text.

        Args:
            shortened: Whether it is for a screen: an expression of more than two lines is written
                in short, and of the folder's files only the first is named. Otherwise all is in
                full, for programs.
        """
        s = self.settings
        files = ["report.html", "best_loss.json", "logbook.csv", "individuals.csv", "front.csv",
                 "generations.png", "individuals.png", *["front.png"] * bool(self.front),
                 "funnel.png", "learning_curves.png", *["audit.csv"] * bool(s.audit),
                 "evaluations.sqlite", "run.json"]
        if shortened:
            files = [files[0], f"{len(files) - 1} other files"]
        lines = [*self.warnings()]
        if headline := self.headline():
            lines += [*textwrap.wrap(headline, WIDTH), ""]
        lines += [*self._winner_lines(shortened), f"Fitness:    {self.fitness_text()}"]
        if simpler := self.simpler_text():
            lines.append(f"Simpler:    {simpler}")
        lines.append("")
        if len(self.race) > 1:
            lines += [self.race_text(), ""]
        if len(self.gains) > 1 and not is_cross_entropy(self.best):
            lines += [*self._gain_lines(), ""]
        if s.test_seeds:
            lines += [*self._test_lines(), ""]
        if self.stopped:
            lines += [self.stop_line(), ""]
        lines += [
            *self.cost_lines(),
            f"Making, screening and choosing losses took {self.choosing:.1f} s.",
            *self.notes,
            f"Results in {self.output}{os.sep}: {', '.join(files)}",
        ]
        return "\n".join(lines)

    def headline(self) -> str:
        """Says in a sentence or two what came of the run; empty where ``warnings`` say it, or where
        nothing was tested."""
        if not self.settings.test_seeds or self.unlearned or self.predicted:
            return ""
        if not self._says_better:
            return ""
        return headline(self.balanced or self.tests, known_name(str(self.found)),
                        bool(self.balanced))

    def simpler_text(self) -> str:
        """Names the smallest loss of the front that is nearly as good, if it is half as large.

        Nearly: it had three quarters of the improvement, in the search. Empty if there is none, or
        if the fitness is not about networks (``thesis``).
        """
        _, improvement = self.found.fitness.values
        if self.settings.fitness == "thesis" or improvement <= 0.0:
            return ""
        near = [tree for tree in self.front if 2 * len(tree) <= len(self.best)
                and tree.fitness.values[0] >= 0.75 * improvement]
        if not near:
            return ""
        tree = min(near, key=len)
        named = known_name(str(tree))
        return (f"{f'the known loss {named}' if named else tree}, {len(tree)} nodes, improved by "
                f"{tree.fitness.values[0]:+.4f} in the search, the best loss by {improvement:+.4f}")

    def _winner_lines(self, shortened):
        best, found = self.best, self.found
        nodes = f"            {len(best)} nodes"
        if best is not found and len(best) != len(found):
            nodes += f", {len(found)} before it was simplified"
        text = str(best)
        if shortened and len(text) > 2 * WIDTH - 24:
            text, nodes = in_short(best, WIDTH - 12), f"{nodes}; in full in best_loss.json"
        lines = [f"Best loss:  {text}", nodes]
        if not known_name(str(found)) and (alike := likeness(best, self.pset)):
            lines.append(f"            much like {alike}")
        return lines

    def fitness_text(self) -> str:
        """Says what is claimed: data sets won, and the improvement."""
        claimed = self.claimed
        if not math.isfinite(claimed["improvement"]):
            return "not known, because trainings with fresh seeds failed"
        return (f"{claimed['wins']:g} of {len(self.settings.datasets)} data sets won against cross "
                f"entropy, improvement {claimed['improvement']:+.4f} ({self.settings.fitness})"
                + (", which says nothing here" if self.unlearned else ""))

    def race_text(self) -> str:
        """Says from what the race chose."""
        raced = sum(row["seeds"] for row in self.race) * len(self.settings.datasets)
        return (f"It is the {self.settings.select} of {len(self.race)} finalists, cross entropy "
                f"among them, in {raced} further trainings with fresh seeds.")

    def cost_lines(self) -> list[str]:
        """Says what was evaluated and trained, and what became of it."""
        counts = self.counts
        return [
            f"{sum(counts[name] for name in ('ntrained', 'ncached', 'nscreened'))} evaluations: "
            f"{counts['ntrained']} trained, "
            f"{counts['ncached']} known already; "
            f"{counts['discarded']} trees were not valid and replaced before.",
            f"Trainings: {counts['curves']} on curves, {counts['exact']} on the exact path, "
            f"in {counts['seconds']:.0f} s." + self._endings(),
        ]

    @property
    def claimed(self) -> Any:
        """The one of ``gains`` that is reported as the fitness: the last, or without a race the
        search's own, as in the thesis."""
        return self.gains[-1 if self.race else 0]

    def _gain_lines(self):
        """Returns the table of what is left of the gain, from the search to what is claimed."""
        lines = [f"Improvement over cross entropy on validation images ({self.settings.fitness}):"]
        for gain in self.gains:
            epochs, images = budget_of(gain)
            lines.append(f"  {PLACES[gain['where']]:<40}{gain['improvement']:>+8.4f}  "
                         f"({epochs} epochs, {images} images, {gain['seeds']} "
                         f"seed{'s' if gain['seeds'] > 1 else ''})")
        return lines

    def stop_line(self) -> str:
        """Says what ended the run before its last generation, and how to go on."""
        options = [f"--{name.replace('_', '-')}" for name in self.stopped]
        values = [str(getattr(self.settings, name)).removesuffix(".0") for name in self.stopped]
        given = " and ".join(map(" ".join, zip(options, values, strict=True)))
        return (f"Stopped by {given} after generation {self.logbook[-1]['gen']} of "
                f"{self.settings.generations}: the same with a larger {' and '.join(options)}, or "
                f"without, goes on from there.")

    def _repr_html_(self):
        """What a notebook shows: the winner, its tests, and the generation curves."""
        return to_fragment(summary(self))

    @property
    def balanced(self) -> dict[str, Any]:
        """``balanced_tests`` if the fitness compares such accuracies, else empty."""
        return self.balanced_tests if self.settings.fitness == "balanced_error" else {}

    def _test_lines(self):
        """Returns the table of test accuracies, and what it says."""
        table = accuracy_table(self.tests, self.rate_factor, self.balanced)
        return [f"Accuracy on the test set, {self.spread}:", *text_lines(*table),
                *self.test_remarks()]

    @property
    def spread(self) -> str:
        """What the table of tests has in a cell, in words."""
        return (f"mean of {self.settings.test_seeds} trainings with seeds by which nothing was "
                f"chosen (± standard deviation)")

    def test_remarks(self) -> list[str]:
        """Returns sentences that say what the tests do not confirm."""
        lines, gains, untuned = [], [], []
        for task, accuracies in (self.balanced or self.tests).items():
            gains.append(difference(accuracies["evolved"], accuracies["cross_entropy"]))
            tuned = accuracies.get("tuned_cross_entropy", accuracies["cross_entropy"])
            if gains[-1] > 0.0 >= difference(accuracies["evolved"], tuned):
                untuned.append(task)
        if self._says_better and not any(gain > 0.0 for gain in gains):
            lines.append("These do not confirm the search's gain over cross entropy.")
        if untuned:
            lines.append(f"On {', '.join(untuned)} it only beats an untuned cross entropy: with "
                         f"{self.rate_factor:g} times the learning rate, chosen with other "
                         f"seeds, cross entropy is no worse.")
        return lines

    def warnings(self) -> list[str]:
        """Returns lines that say what makes the result worthless, if anything does."""
        lines = [f"Cross entropy itself learned nothing on {name}, so nothing can be compared with "
                 f"it: give it more --epochs or steps (a smaller --batch-size)."
                 for name in self.unlearned]
        if not self._says_better and self.race:
            margin = " by a standard error" if self.settings.select == "simplest" else ""
            lines.append(f"No loss was better than cross entropy{margin}, which is therefore the "
                         f"result.")
        elif not self._says_better:
            lines.append("No loss won against cross entropy; what follows came nearest.")
        return lines

    @property
    def _says_better(self):
        """Whether the search, or the race where there was one, ends above cross entropy."""
        if self.race:
            return not is_cross_entropy(self.best)
        return self.best.fitness.values[0] > 0.0

    def _endings(self):
        """Returns what became of the trainings that did not reach their end."""
        stopped = self.counts["stopped"]
        failed = {status: self.counts[status] for status in FAILURES}
        text = ", ".join(f"{count} {status}" for status, count in failed.items() if count)
        return (f" Stopped early, as they fell behind: {stopped}." if stopped else "") + (
            f" Failed: {text}." if text else "")
