"""What a search finds, with each of its parts and without: runs from many seeds, side by side."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from deap_lossgp.comparison.pairs import paired_difference
from deap_lossgp.errors import unknown_name
from deap_lossgp.search.race import trainings_needed
from deap_lossgp.search.reports.headline import known_name
from deap_lossgp.search.runs import Run

if TYPE_CHECKING:
    from deap_lossgp.search.settings import RunSettings

AT_CHANCE = 1.5
"""A loss whose accuracy ends at or below so many times chance has learned nothing."""

NONE: dict[str, Any] = {"seed_losses": (), "rungs": False, "preselect": False, "finalists": 0,
                        "score_epochs": 1}  # fmt: skip
"""A search without any of the parts."""

PARTS: dict[str, dict[str, Any]] = {
    "known": {"seed_losses": None},
    "rungs": {"rungs": True},
    "surrogate": {"preselect": True, "prior": False},
    "prior": {"preselect": True, "prior": True},
    "epochs": {"score_epochs": None},
    "race": {"finalists": 4},
}
"""The parts of a search: known losses at the start, rungs, a surrogate that learns from the run
alone, one that knows the atlas, too, figures averaged over epochs, a race of finalists."""

SEARCH_ARMS: dict[str, dict[str, Any]] = {
    "all": {}, "none": NONE,
    **{name: {**NONE, **part} for name, part in PARTS.items()},
    "no-known": {"seed_losses": ()}, "no-rungs": {"rungs": False},
    "no-surrogate": {"preselect": False}, "no-prior": {"prior": False},
    "no-epochs": {"score_epochs": 1}, "no-race": {"finalists": 0},
}  # fmt: skip
"""What each arm sets: one part alone, or all parts but one."""


def search_arm(settings: RunSettings, arm: str, seed: int) -> RunSettings:
    """Returns the settings of one run of an arm.

    The epochs of its race count against ``max_epochs``, so that all arms cost the same.

    Args:
        settings: ``RunSettings``; a part that an arm does not set is as they say.
        arm: A name of ``SEARCH_ARMS``.
        seed: The run's seed.

    Returns:
        ``RunSettings``.

    Raises:
        ValueError: There is no such arm, or its race alone takes all epochs.
    """
    if arm not in SEARCH_ARMS:
        raise unknown_name("arm", arm, SEARCH_ARMS)
    arms = replace(settings, seed=seed, **SEARCH_ARMS[arm])
    if arms.max_epochs is None:
        return arms
    raced = trainings_needed(arms.finalists) * (arms.final_epochs or arms.epochs)
    left = arms.max_epochs - raced * len(arms.datasets)
    if left < 1:
        raise ValueError(f"max_epochs must be more than the {raced * len(arms.datasets)} epochs of "
                         f"the race, got {arms.max_epochs}")
    return replace(arms, max_epochs=left)


def run_search(settings: RunSettings, arm: str, output: Path | str,
               **options: Any) -> list[dict[str, Any]]:
    """Makes one run of an arm, or reads it where it is complete.

    Args:
        settings: What ``search_arm`` returned.
        arm: The arm's name.
        output: The run's folder.
        **options: As for ``Run``.

    Returns:
        list of dicts, one per task, loss and test seed: ``arm seed search_epochs
        epochs_at_chance race_epochs task loss expression test_seed test_accuracy``, ``winner``
        (``new``, or the name of a known loss) and the winner's improvement wherever it was
        measured, ``in_search in_race in_tests``.
    """
    with Run(settings, output, **options) as run:
        result = run.execute()
        cost = _cost(result, run.tasks)
    winner = known_name(str(result.found)) or "new"
    gains = {f"in_{gain['where']}": gain["improvement"] for gain in result.gains}
    return [
        {"arm": arm, "seed": settings.seed, **cost, "winner": winner, **gains, "task": task,
         "loss": loss, "expression": str(result.best) if loss == "evolved" else "",
         "test_seed": seed, "test_accuracy": accuracy}
        for task, losses in result.tests.items() for loss, accuracies in losses.items()
        for seed, accuracy in enumerate(accuracies)
    ]


def _cost(result, tasks):
    """Counts a run's epochs: of the search, of what ended at chance there, and of the race."""
    settings = result.settings
    chance = {task.name: AT_CHANCE / task.data.num_classes for task in tasks}
    rows = result.trainings[result.trainings["seed"] == settings.seed]
    epochs = rows["accuracies"].map(len)
    last = rows["accuracies"].map(lambda accuracies: accuracies[-1] if accuracies else 0.0)
    raced = sum(row["seeds"] for row in result.race) * (settings.final_epochs or settings.epochs)
    return {"search_epochs": int(epochs.sum()),
            "epochs_at_chance": int(epochs[last <= rows["task"].map(chance)].sum()),
            "race_epochs": raced * len(tasks)}


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Sums up what arms found.

    Args:
        rows: A ``DataFrame`` of what ``run_search`` returned, for any arms and seeds.

    Returns:
        A ``DataFrame`` with a row per arm. Gains are in points of test accuracy: the winner's mean
        over the test seeds minus cross entropy's, averaged over tasks; ``p`` is Wilcoxon's
        signed-rank test over runs, in which a run whose winner failed in a test is the worst; the
        means are over the others. ``failed`` counts such runs, and ``known losses`` the winners
        that are known losses.
    """
    table = []
    # A training that failed is a failure of its loss, not a missing value.
    accuracies = rows["test_accuracy"].astype(float).fillna(-np.inf)
    for arm, part in rows.assign(test_accuracy=accuracies).groupby("arm", sort=False):
        by_run = part.pivot_table(index="seed", columns="loss", values="test_accuracy")
        runs = part.drop_duplicates("seed").set_index("seed")
        versus = {name: paired_difference(100.0 * by_run["evolved"], 100.0 * other)
                  for name, other in _rivals(by_run).items()}
        entropy = versus["entropy"]
        whole = runs[np.isfinite(by_run["evolved"] - by_run["cross_entropy"])]
        row = {"arm": arm, "runs": len(by_run), "gain": entropy.mean, "low": entropy.low,
               "high": entropy.high, "p": entropy.p_value, "above": entropy.wins,
               "worst": 100.0 * (by_run["evolved"] - by_run["cross_entropy"]).min(),
               "failed": entropy.failed, "known losses": int((runs["winner"] != "new").sum())}
        for name, difference in list(versus.items())[1:]:
            row |= {f"over {name}": difference.mean, f"p {name}": difference.p_value}
        for where in ("in_search", "in_race", "in_tests"):
            row[f"{where} - gain"] = (100.0 * whole[where].mean() - entropy.mean
                                      if where in runs else np.nan)
        row["epochs"] = (runs["search_epochs"] + runs["race_epochs"]).mean()
        row["% at chance"] = 100.0 * runs["epochs_at_chance"].sum() / runs["search_epochs"].sum()
        table.append(row)
    return pd.DataFrame(table)


def _rivals(by_run):
    """What the winner is compared with: cross entropy first, then what else was tested."""
    known = by_run.drop(columns=["evolved", "cross_entropy", "tuned_cross_entropy"],
                        errors="ignore")  # fmt: skip
    rivals = {"entropy": by_run["cross_entropy"]}
    if "tuned_cross_entropy" in by_run:
        rivals["tuned entropy"] = by_run["tuned_cross_entropy"]
    if len(known.columns):
        rivals["best known"] = known.max(axis=1)  # a run tests one
    return rivals
