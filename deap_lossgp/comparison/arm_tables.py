"""Tables about the arms of a comparison, computed from its raw rows, with the thesis's figures."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from deap_lossgp.comparison.arm_statistics import compare_arms

THESIS_ACCURACY = {
    "small": {"cifar10": (0.0239, 0.0149), "fashion_mnist": (0.001, 9.999e-05),
              "cifar100": (0.0013, 0.0062)},
    "large": {"cifar10": (0.7046, 0.7953), "fashion_mnist": (0.9074, 0.8988),
              "cifar100": (0.0619, 0.1376)},
}
"""Tables 4.2 and 4.3 of the thesis: accuracy of (NGL, the thesis's algorithm)."""

THESIS_SECONDS = {"small": (173286.98, 62363.94), "large": (1013738.83, 426915.20)}
"""Table 4.4 of the thesis: seconds of (NGL, the thesis's algorithm).

By the seconds of an epoch in its figures 4.7 to 4.9 these are 34.6 and 12.5 evaluations in the
small scale (32 and 12 without the initial population), but 103.2 and 43.5 in the large one (104 and
44 with it)."""

_ROUNDING = 1e-9  # of a mean of accuracies: that of three times 0.1 lies above 0.1

THESIS_ARMS = {"archive": 0, "sample-tournament": 1}
"""The place of each arm in the pairs of the thesis's figures."""


def progress_table(evaluations: pd.DataFrame, tasks: int) -> pd.DataFrame:
    """Finds the best fitness so far, by replicate, arm and generation.

    Args:
        evaluations: The evaluations of a ``Comparison``.
        tasks: The number of tasks; an evaluation is one training on each.

    Returns:
        A DataFrame ``replicate arm gen trainings charged_seconds best_wins best_improvement``;
        trainings and seconds are summed from the beginning, with the initial population.
    """
    rows = []
    for (replicate, arm), table in evaluations.groupby(["replicate", "arm"], sort=False):
        best, seconds = (-1.0, 0.0), 0.0
        for gen, of_gen in table.groupby("gen"):
            best = max([best, *zip(of_gen["wins"], of_gen["improvement"], strict=True)])
            seconds += of_gen["seconds"].sum()
            rows.append({
                "replicate": replicate, "arm": arm, "gen": gen,
                "trainings": int(of_gen["number"].max()) * tasks, "charged_seconds": seconds,
                "best_wins": best[0], "best_improvement": best[1],
            })
    return pd.DataFrame(rows)


def accuracy_table(tests: pd.DataFrame, balanced: bool = False) -> pd.DataFrame:
    """Computes the test accuracy by arm and task, as in the thesis's tables 4.2 and 4.3.

    The thesis does not say on which images its accuracies were measured.

    Args:
        tests: The tests of a ``Comparison``.
        balanced: Whether to show balanced test accuracies, too.

    Returns:
        A DataFrame with a row per task and arm: ``task arm mean std low high replicates`` over
        replicates (each the mean of its seeds), perhaps ``balanced_mean`` and ``balanced_std``,
        then ``thesis_small`` and ``thesis_large``, which are missing if the thesis has no figure.
    """
    means = tests.groupby(["task", "arm", "replicate"], sort=False)
    table = means["test_accuracy"].mean().groupby(["task", "arm"], sort=False).agg(
        mean="mean", std="std", low="min", high="max", replicates="count").reset_index()
    if balanced:
        over = means["test_balanced_accuracy"].mean().groupby(["task", "arm"], sort=False)
        table["balanced_mean"], table["balanced_std"] = over.mean().values, over.std().values
    for scale, by_task in THESIS_ACCURACY.items():
        table[f"thesis_{scale}"] = [
            by_task[task][THESIS_ARMS[arm]] if task in by_task and arm in THESIS_ARMS
            else None for task, arm in zip(table["task"], table["arm"], strict=True)]
    return table


def time_table(evaluations: pd.DataFrame, tasks: int) -> pd.DataFrame:
    """Counts trainings and charged seconds by arm, as in the thesis's table 4.4.

    The initial population has columns of its own: the thesis seems to leave its evaluation out of
    the small scale and not of the large one (``THESIS_SECONDS``).

    Args:
        evaluations, tasks: As for ``progress_table``.

    Returns:
        A DataFrame with a row per arm, means over replicates: ``arm initial_trainings trainings
        initial_seconds seconds``. If the archive is among the arms, ratios to it follow:
        ``ratio_trainings`` (with the initial population), ``ratio_trainings_after`` (without),
        ``ratio_seconds``, ``ratio_seconds_after``, and ``thesis_small``, ``thesis_large``: the
        thesis's ratios.
    """
    rows = []
    replicates = evaluations["replicate"].nunique()
    for arm, table in evaluations.groupby("arm", sort=False):
        first = table["gen"] == 0
        rows.append({
            "arm": arm,
            "initial_trainings": int(first.sum()) * tasks // replicates,
            "trainings": int((~first).sum()) * tasks // replicates,
            "initial_seconds": table.loc[first, "seconds"].sum() / replicates,
            "seconds": table.loc[~first, "seconds"].sum() / replicates,
        })
    table = pd.DataFrame(rows)
    archive = table[table["arm"] == "archive"]
    if len(archive):
        of = archive.iloc[0]
        for what in ("trainings", "seconds"):
            total = table[what] + table[f"initial_{what}"]
            table[f"ratio_{what}"] = total / (of[what] + of[f"initial_{what}"])
            table[f"ratio_{what}_after"] = table[what] / of[what] if of[what] else None
        for scale, seconds in THESIS_SECONDS.items():
            table[f"thesis_{scale}"] = [
                seconds[THESIS_ARMS[arm]] / seconds[0] if arm in THESIS_ARMS else None
                for arm in table["arm"]]
    return table


def statistics_table(tests: pd.DataFrame, couples: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """Computes paired differences of test accuracy between arms, by task and over all tasks.

    Args:
        tests: The tests of a ``Comparison``.
        couples: Pairs of arms to compare.

    Returns:
        A DataFrame with the column ``task`` and those of ``arm_statistics.compare_arms``; the task
        ``all`` is the mean over tasks. P-values are corrected within each task.
    """
    # A failed training is a failure of its arm, not a missing value.
    tests = tests.assign(test_accuracy=tests["test_accuracy"].astype(float).fillna(-math.inf))
    means = tests.groupby(["task", "arm", "replicate"], sort=False, as_index=False)[
        "test_accuracy"].mean()
    over_all = means.groupby(["arm", "replicate"], sort=False, as_index=False)[
        "test_accuracy"].mean().assign(task="all")
    tables = []
    parts = [over_all] if means["task"].nunique() > 1 else []
    for part in [*parts, *(table for _, table in means.groupby("task", sort=False))]:
        table = compare_arms(part, "test_accuracy", couples=couples)
        table.insert(0, "task", part["task"].iloc[0])
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def at_chance_table(tests: pd.DataFrame, chances: Mapping[str, float]) -> pd.DataFrame:
    """Counts the replicates whose winner has a mean test accuracy at or below guessing.

    Args:
        tests: The tests of a ``Comparison``.
        chances: dict from task to 1 / number of classes.

    Returns:
        A DataFrame ``arm task at_or_below_chance replicates``.
    """
    means = tests.groupby(["task", "arm", "replicate"], sort=False, as_index=False)[
        "test_accuracy"].mean()
    chance = means["task"].map(chances) + _ROUNDING
    means["at_chance"] = means["test_accuracy"].fillna(0.0) <= chance
    table = means.groupby(["arm", "task"], sort=False)["at_chance"].agg(["sum", "count"])
    return table.rename(columns={"sum": "at_or_below_chance", "count": "replicates"}).reset_index()


@dataclass(frozen=True)
class DerivedTable:
    """A row of ``DERIVED_TABLES``.

    Attributes:
        make: ``make(comparison) -> DataFrame``, from an executed ``Comparison``.
        caption: The caption in the report; empty for a table that is only written as CSV.
        section: The title of the report's section where it stands.
    """

    make: Callable
    caption: str = ""
    section: str = "Further tables"


DERIVED_TABLES = {
    "progress": DerivedTable(lambda c: progress_table(c.evaluations, len(c.tasks))),
    "accuracy": DerivedTable(
        lambda c: accuracy_table(c.tests, c.settings.fitness == "balanced_error"),
        "Test accuracy by data set and arm, over replicates; the thesis's figures (tables 4.2 and "
        "4.3, which do not say on which images) beside ours; under the fitness balanced_error also "
        "the mean over classes, balanced", "Result"),
    "time": DerivedTable(
        lambda c: time_table(c.evaluations, len(c.tasks)),
        "Trainings and charged seconds (table 4.4), means over replicates; ratios to the "
        "archive's, with and without the initial population", "Cost"),
    "statistics": DerivedTable(
        lambda c: statistics_table(c.tests, c.couples),
        "Paired differences of test accuracy, first minus second", "Statistics"),
    "at_chance": DerivedTable(
        lambda c: at_chance_table(
            c.tests, {task.name: 1.0 / task.data.num_classes for task in c.tasks}),
        "Replicates whose winner is at or below guessing on the test set", "Statistics"),
}
"""The tables that follow from a comparison's raw ones. Each is written as CSV, and reported."""
