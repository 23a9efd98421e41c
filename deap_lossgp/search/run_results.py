"""What a run has found: tables, figures and the report as text."""

import math
import os
import statistics
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from deap import gp, tools

from deap_lossgp.found_losses import KNOWN_LOSSES
from deap_lossgp.search.settings import RunSettings
from deap_lossgp.training.results import FAILURES
from deap_lossgp.trees import LossTree


@dataclass(frozen=True, eq=False)
class RunResult:
    """What a run has found. Printed, it is a report.

    Attributes:
        best: The best loss, a ``LossTree`` with its ``fitness``.
        pset: The primitive set.
        logbook: The DEAP ``Logbook``, with chapters ``wins``, ``improvement`` and ``size``.
        halloffame: The DEAP ``HallOfFame`` of the 10 best.
        individuals: A pandas DataFrame like ``individuals.csv``: a row per individual and
            generation.
        trainings: A pandas DataFrame: a row per training in the run's store.
        tests: {task: {"evolved": [...], "cross_entropy": [...], name: [...]}}: accuracies on the
            test set after trainings with fresh seeds; None where a training failed. The name is
            that of the best known loss of the search, if known losses took part.
        counts: A ``Counter`` of evaluations and trainings; see ``Evaluation``.
        unlearned: Names of the tasks on which cross entropy was no better than the most frequent
            class.
        race: list with a dict ``expression seeds figure`` for each finalist that was trained again
            with fresh seeds: the mean of what the fitness compares, smaller is better.
        settings: The ``RunSettings``.
        output: The run's folder.
        funnel: list of dicts ``stage losses``: how many losses were made, and how many reached each
            later stage.
        choosing: Seconds that this process spent on making, screening and preselecting losses.
        notes: Further lines of the report: on what the surrogate learned from, on the audit.
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
    race: list
    settings: RunSettings
    output: Path
    funnel: list
    choosing: float
    notes: tuple[str, ...] = ()

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
        if len(self.race) > 1:
            raced = sum(row["seeds"] for row in self.race) * len(s.datasets)
            lines += [f"It is the best of {len(self.race)} finalists, cross entropy among them, in "
                      f"{raced} further trainings with fresh seeds.", ""]
        if s.test_seeds:
            lines += [*self._test_lines(), ""]
        lines += [
            f"{sum(self.logbook.select('nevals'))} evaluations: {counts['ntrained']} trained, "
            f"{counts['ncached']} known already; "
            f"{counts['discarded']} trees were not valid and replaced before.",
            f"Trainings: {counts['curves']} on curves, {counts['exact']} on the exact path, "
            f"in {counts['seconds']:.0f} s." + self._endings(),
            f"Making, screening and choosing losses took {self.choosing:.1f} s.",
            *self.notes,
            f"Results in {self.output}{os.sep}: " + ", ".join(
                ("best_loss.json", "logbook.csv", "individuals.csv", "generations.png",
                 "individuals.png", "funnel.png", "evaluations.sqlite", "run.json")
            ),
        ]
        return "\n".join(lines)

    def _test_lines(self):
        """Returns the table of test accuracies."""
        names = list(next(iter(self.tests.values())))
        titles = ["best loss", "cross entropy", *names[2:]]
        lines = [f"Accuracy on the test set, mean of {self.settings.test_seeds} trainings with "
                 f"seeds by which nothing was chosen (± standard deviation):",
                 f"  {'data set':<16}" + "".join(f"{title:>18}" for title in titles)
                 + f"{'gain':>12}"]
        gains = []
        for task, accuracies in self.tests.items():
            gains.append(_difference(accuracies["evolved"], accuracies["cross_entropy"]))
            shown = "" if math.isnan(gains[-1]) else f"{gains[-1]:>+12.4f}"
            lines.append(f"  {task:<16}"
                         + "".join(f"{_mean_text(accuracies[name]):>18}" for name in names) + shown)
        if self._says_better and not any(gain > 0.0 for gain in gains):
            lines.append("These do not confirm the search's gain over cross entropy.")
        return lines

    def _warnings(self):
        """Returns lines that say what makes the result worthless, if anything does."""
        lines = [f"Cross entropy itself learned nothing on {name}, so nothing can be compared with "
                 f"it: give it more --epochs or steps (a smaller --batch-size)."
                 for name in self.unlearned]
        if not self._says_better and self.race:
            lines.append("No loss was better than cross entropy, which is therefore the result.")
        elif not self._says_better:
            lines.append("No loss won against cross entropy; what follows came nearest.")
        return lines

    @property
    def _says_better(self):
        """Whether the search, or the race where there was one, ends above cross entropy."""
        if self.race:
            return str(self.best) != KNOWN_LOSSES["cross_entropy"]
        return self.best.fitness.values[0] > 0.0

    def _endings(self):
        """Returns what became of the trainings that did not reach their end."""
        stopped = self.counts["stopped"]
        failed = {status: self.counts[status] for status in FAILURES}
        text = ", ".join(f"{count} {status}" for status, count in failed.items() if count)
        return (f" Stopped early, as they fell behind: {stopped}." if stopped else "") + (
            f" Failed: {text}." if text else "")


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
