"""What trainings of losses over seeds have shown: tables, and the report as text."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from deap_lossgp.comparison.arm_statistics import COLUMNS
from deap_lossgp.comparison.arm_tables import statistics_table

if TYPE_CHECKING:
    from deap_lossgp.training.results import TrainingResult

BASELINE = "cross_entropy"
"""The loss that the others are compared with, by name."""

ALL = "all"
"""The data set and network of the rows that are means over all data sets and networks."""

LEVEL = 0.95
"""The level of intervals and verdicts."""


@dataclass(frozen=True, eq=False)
class ConfirmationResult:
    """What trainings of several losses have shown. Its text is a report.

    Attributes:
        trainings: A pandas DataFrame, a row per training: ``task model loss seed status
            test_accuracy test_balanced_accuracy val_accuracy val_balanced_accuracy
            val_cross_entropy val_loss epochs seconds message``.
        epochs: Their learning curves: ``task model loss seed epoch val_accuracy val_cross_entropy
            val_loss``; figures of the epoch in which a training failed are missing.
        summary: The table that ``summary_table`` makes.
        output: The folder with these tables as CSV files, and the curves as PNG.
    """

    trainings: pd.DataFrame
    epochs: pd.DataFrame
    summary: pd.DataFrame
    output: Path

    def __repr__(self) -> str:
        return f"<ConfirmationResult of {len(self.trainings)} trainings in {self.output}>"

    def __str__(self) -> str:
        t, count = self.trainings, len(self.trainings)
        failed = t[t["status"] != "ok"]
        reasons = failed.groupby(["loss", "status", "message"], sort=False).size()
        seeds = t["seed"].nunique()
        return "\n".join([
            f"Accuracy on the test set over {_count(seeds, 'seed')} that no search has seen, the "
            f"same for every loss (± standard deviation);",
            "paired difference to cross entropy with the bootstrap interval of its mean, Wilcoxon's"
            " test:", "", summary_text(self.summary), "",
            f"{count} trainings in {t['seconds'].sum():.0f} s, {len(failed)} failed.",
            *(f"  {loss}: {number} {status} ({message})"
              for (loss, status, message), number in reasons.items()),
            f"Results in {self.output}{os.sep}: trainings.csv, epochs.csv, summary.csv, run.json, "
            + ", ".join(figure_names(t).values()),
        ])


def trainings_table(results: Mapping[tuple, TrainingResult]) -> pd.DataFrame:
    """Makes a table of trainings.

    Args:
        results: {(data set, network, loss, seed): ``TrainingResult``}.

    Returns:
        A DataFrame, a row per training: ``task model loss seed status test_accuracy
        test_balanced_accuracy val_accuracy val_balanced_accuracy val_cross_entropy val_loss epochs
        seconds message``.
    """
    return pd.DataFrame([{
        **_place_of(key), "status": r.status, "test_accuracy": r.test_accuracy,
        "test_balanced_accuracy": r.test_balanced_accuracy,
        "val_accuracy": r.accuracy, "val_balanced_accuracy": r.balanced_accuracy,
        "val_cross_entropy": r.cross_entropy, "val_loss": r.loss, "epochs": len(r.accuracies),
        "seconds": r.seconds, "message": r.message,
    } for key, r in results.items()])


def epochs_table(results: Mapping[tuple, TrainingResult]) -> pd.DataFrame:
    """Makes a table of the learning curves of trainings.

    Args:
        results: As for ``trainings_table``.

    Returns:
        A DataFrame: ``task model loss seed epoch val_accuracy val_cross_entropy val_loss``;
        figures of the epoch in which a training failed are missing.
    """
    rows = []
    for key, r in results.items():
        curves: list[tuple] = [*zip(r.accuracies, r.cross_entropies, r.losses, strict=True)]
        curves += [] if r.ok else [(None, None, None)]
        rows += [{**_place_of(key), "epoch": epoch, "val_accuracy": accuracy,
                  "val_cross_entropy": cross_entropy, "val_loss": loss}
                 for epoch, (accuracy, cross_entropy, loss) in enumerate(curves, 1)]
    return pd.DataFrame(rows)


def _place_of(key):
    return dict(zip(("task", "model", "loss", "seed"), key, strict=True))


def summary_table(trainings: pd.DataFrame) -> pd.DataFrame:
    """Computes test accuracy by data set, network and loss, and the difference to cross entropy.

    Trainings of one data set, network and seed are a pair: they began with the same weights and saw
    the same batches. With several data sets or networks the first rows are means over all of them.

    Args:
        trainings: A DataFrame with the columns ``task model loss seed test_accuracy`` and a row per
            training; the accuracy of a failed training is missing.

    Returns:
        A DataFrame ``task model loss n_seeds failed mean std`` (over the trainings that did not
        fail), then ``difference`` and the columns of ``arm_statistics.compare_arms`` from
        ``median`` on; these are missing for cross entropy. P-values are corrected within each data
        set and network.

    Examples:
        >>> rows = [{"task": "digits", "model": "small_cnn", "loss": loss, "seed": seed,
        ...          "test_accuracy": accuracy + seed / 100}
        ...         for loss, accuracy in (("ngl", 0.93), ("cross_entropy", 0.9))
        ...         for seed in (1, 2)]
        >>> summary_table(pd.DataFrame(rows))[["loss", "mean", "difference", "p_value"]].round(4)
                    loss   mean  difference  p_value
        0            ngl  0.945        0.03      0.5
        1  cross_entropy  0.915         NaN      NaN
    """
    # The statistics know tasks only, so each data set and network is a task, and a number.
    places = trainings.groupby(["task", "model"], sort=False)
    found = trainings[["task", "model"]].drop_duplicates().itertuples(index=False, name=None)
    names = dict(enumerate(found)) | {ALL: (ALL, ALL)}
    tests = trainings.assign(arm=trainings["loss"], replicate=trainings["seed"],
                             task=places.ngroup().astype(object),
                             test_accuracy=trainings["test_accuracy"].astype(float))
    couples = [(loss, BASELINE) for loss in tests["arm"].unique() if loss != BASELINE]
    compared = statistics_table(tests, couples) if couples else pd.DataFrame(
        columns=["task", *COLUMNS])
    if tests["task"].nunique() > 1:
        means = tests.groupby(["arm", "replicate"], sort=False, as_index=False)[
            "test_accuracy"].agg(lambda values: values.mean(skipna=False))
        tests = pd.concat([means.assign(task=ALL), tests])
    table = tests.groupby(["task", "arm"], sort=False)["test_accuracy"].agg(
        n_seeds="size", failed=lambda values: values.isna().sum(), mean="mean", std="std",
    ).reset_index().rename(columns={"arm": "loss"})
    compared = compared.rename(columns={"first": "loss", "mean": "difference"})
    table = table.merge(compared.drop(columns=["second", "n", "failed"]), how="left",
                        on=["task", "loss"])
    for place, column in enumerate(("task", "model")):
        table.insert(place, f"{column}_", [names[task][place] for task in table["task"]])
    return table.drop(columns="task").rename(columns={"task_": "task", "model_": "model"})


def figure_names(table: pd.DataFrame) -> dict[tuple[str, str], str]:
    """Returns {(data set, network): file name of its learning curves} for a table's rows."""
    places = dict.fromkeys(zip(table["task"], table["model"], strict=True))
    return {place: re.sub(r"[^\w.-]+", "_", "curves-{}-{}.png".format(*place)) for place in places}


def seeds_needed(comparisons: int) -> int:
    """Returns the fewest seeds with which Wilcoxon's exact test can show a difference.

    Args:
        comparisons: The number of tests, for which Holm's correction is made.

    Examples:
        >>> seeds_needed(1), seeds_needed(2)
        (6, 7)
    """
    return math.floor(math.log2(comparisons / (1.0 - LEVEL))) + 2


def summary_text(summary: pd.DataFrame) -> str:
    """Writes the summary as a table of text, with the verdicts below it.

    Args:
        summary: A ``summary_table``.
    """
    s = summary
    rows = [("data set", "model", "loss", "accuracy", "difference", "95% interval", "p (Holm)",
             "failed")]
    before = None
    for row in s.itertuples():
        place = (row.task, row.model)
        compared = row.loss != BASELINE
        rows.append((
            *(place if place != before else ("", "")), row.loss, _accuracy(row),
            *((_signed(row.difference), _interval(row), _number(row.p_holm, ".3g")) if compared
              else ("", "", "")), str(row.failed) if row.failed else ""))
        before = place
    if not s["failed"].any():
        rows = [row[:-1] for row in rows]
    lines, others = _aligned(rows), s[s["loss"] != BASELINE]
    if others.empty:
        return "\n".join(lines)
    lines.append("")
    count, seeds = others["loss"].nunique(), int(s["n_seeds"].max())
    needed = seeds_needed(count)
    if seeds < needed:
        # One sentence, because all verdicts would be this one.
        return "\n".join([*lines, f"No difference shown: {_count(seeds, 'seed')} cannot show one "
                                  f"between {_count(count, 'loss', 'losses')} and cross entropy at "
                                  f"{LEVEL:.0%}; it takes {needed} or more (with more seeds the "
                                  f"same command goes on from here)."])
    return "\n".join([*lines, *(f"{_place(row)}{row.loss} - {BASELINE}: {row.verdict}"
                                for row in others.itertuples())])


def _count(number, one, several=None):
    return f"{number} {one if number == 1 else several or one + 's'}"


def _place(row):
    return "over all: " if row.task == ALL == row.model else f"{row.task}, {row.model}: "


def _accuracy(row):
    if math.isnan(row.mean):
        return "-"
    return f"{row.mean:.4f}" + ("" if math.isnan(row.std) else f" ± {row.std:.4f}")


def _interval(row):
    return "" if math.isnan(row.low) else f"{_signed(row.low)} to {_signed(row.high)}"


def _signed(number):
    return _number(number, "+.4f")


def _number(number, form):
    return "" if math.isnan(number) else format(number, form)


def _aligned(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) if i < 3 else cell.rjust(width)
                      for i, (cell, width) in enumerate(zip(row, widths, strict=True))).rstrip()
            for row in rows]
