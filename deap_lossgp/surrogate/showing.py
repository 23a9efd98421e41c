"""What an atlas shows: its best losses, the oddest, and good ones that are unlike cross entropy."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np

from deap_lossgp.curves.loss_curves import LossCurves
from deap_lossgp.curves.similarity import similarities
from deap_lossgp.errors import unknown_name
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.surrogate.atlas import TASK, main_budget
from deap_lossgp.surrogate.evidence import (
    CLASSES,
    CROSS_ENTROPY,
    FAILED,
    LEAST_LEARNED,
    rung_figures,
)
from deap_lossgp.surrogate.scale import to_common_scale
from deap_lossgp.trees import LossTree

if TYPE_CHECKING:
    import pandas as pd


def gains(table: pd.DataFrame) -> pd.DataFrame:
    """Compares every loss of an atlas with cross entropy, seed by seed.

    Args:
        table: As ``load_atlas`` gives it.

    Returns:
        A DataFrame with a row per data set, budget and loss: ``dataset images epochs expression
        bred seeds``, ``accuracy`` (validation, that of ``rung_figures`` and the mean over the
        seeds), ``gain`` (over cross entropy, in points) and ``scaled`` (the gain on the common
        scale). A training that was stopped or failed has the accuracy that it had, or 0.

    Raises:
        ValueError: A data set has no training with cross entropy.
    """
    import pandas as pd

    accuracy = np.array([_last(status, text) for status, text in
                         zip(table["status"], table["validation_accuracies"], strict=True)])
    table = table.assign(accuracy=accuracy)
    rows = []
    for (dataset, *_), part in table.groupby(TASK, sort=True):
        known = part[part["expression"] == CROSS_ENTROPY].set_index("seed")["accuracy"]
        if known.empty:
            raise ValueError(f"expected a training with cross entropy on {dataset}, got none")
        baseline = np.array([known.get(seed, known.mean()) for seed in part["seed"]])
        chance = 1.0 / CLASSES[dataset] if dataset in CLASSES else 0.0
        scaled = to_common_scale(part["accuracy"].to_numpy(),
                                 np.maximum(baseline, chance + LEAST_LEARNED), chance)
        gain = 100.0 * (part["accuracy"].to_numpy() - baseline)
        of_losses = part.assign(gain=gain, scaled=scaled).groupby("expression", sort=True)
        rows.append(of_losses.agg(
            **{name: (name, "first") for name in (*TASK, "bred")}, seeds=("seed", "size"),
            **{name: (name, "mean") for name in ("accuracy", "gain", "scaled")}).reset_index())
    columns = [*TASK, "expression", "bred", "seeds", "accuracy", "gain", "scaled"]
    return pd.concat(rows, ignore_index=True)[columns] if rows else pd.DataFrame(columns=columns)


def worth_another_budget(table: pd.DataFrame, dataset: str, budget: tuple[int, int], count: int,
                         seed: int) -> list[str]:
    """Chooses losses of a table that came to their end on a data set: half the best, half others.

    Args:
        table: As ``load_atlas`` gives it.
        dataset: Name of the data set; of its other budgets the main one counts.
        budget: (images, epochs) at which they are to be trained.
        count: How many losses.
        seed: Of the others.

    Returns:
        Their texts, fewer where there are fewer.

    Raises:
        ValueError: The table has no finished training on the data set at another budget, or none
            with cross entropy.
    """
    own = (table["images"] == budget[0]) & (table["epochs"] == budget[1])
    here = main_budget(table[(table["dataset"] == dataset) & ~own])
    here = here[here["status"] == "ok"]
    if here.empty:
        raise ValueError(f"losses_of: expected trainings on {dataset} at another budget, got a "
                         f"table of {', '.join(sorted({*table['dataset']})) or 'none'}")
    of_losses = gains(here)
    texts = list(of_losses.sort_values(["gain", "expression"], ascending=False)["expression"])
    best, rest = texts[:count - count // 2], texts[count - count // 2:]
    return best + random.Random(seed).sample(rest, min(count // 2, len(rest)))


def best(table: pd.DataFrame, count: int = 5) -> pd.DataFrame:
    """Returns the ``count`` losses of the largest gain on each data set, at each budget."""
    ordered = gains(table).sort_values([*TASK, "gain"], ascending=[True, True, True, False],
                                       kind="stable")
    return ordered.groupby(TASK).head(count)[[*TASK, "gain", "accuracy", "seeds", "bred",
                                              "expression"]].reset_index(drop=True)


def oddest(table: pd.DataFrame, count: int = 10) -> pd.DataFrame:
    """Returns the losses whose gains on the common scale differ most between two data sets.

    Where several budgets were measured on a data set, the main one counts.
    """
    of_dataset = gains(main_budget(table)).pivot(index="expression", columns="dataset",
                                                 values=["scaled", "gain"])
    scaled = of_dataset["scaled"]
    spread = (scaled.max(axis=1) - scaled.min(axis=1))[scaled.notna().sum(axis=1) > 1]
    first = spread.sort_values(ascending=False, kind="stable").index[:count]
    shown = of_dataset["gain"].loc[first].add_prefix("gain ")
    return shown.assign(disagreement=spread[first]).reset_index()[
        ["disagreement", *shown.columns, "expression"]]


def different(table: pd.DataFrame, count: int = 10, seed: int = 0) -> pd.DataFrame:
    """Returns losses with a gain whose gradients are least like cross entropy's.

    ``cosine`` is that of ``curves.similarity``, at random predictions: 1 trains alike.
    """
    pset = loss_primitive_set()
    good = gains(main_budget(table)).query("gain > 0")
    good = good.sort_values("gain", ascending=False, kind="stable")
    good = good.drop_duplicates("expression")
    cosines = []
    for expression in good["expression"]:
        curves = LossCurves.of(LossTree.from_string(expression, pset), pset)
        cosines.append(dict(similarities(curves, seed))["cross_entropy"])
    good = good.assign(cosine=cosines).dropna(subset="cosine")
    return good.sort_values("cosine", kind="stable")[["cosine", "dataset", "gain", "seeds",
                                                      "expression"]].head(count).reset_index(
        drop=True)


VIEWS = {"best": best, "oddest": oddest, "different": different}


def view(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Returns one of ``VIEWS`` of an atlas, as a DataFrame.

    Raises:
        ValueError: There is no such view.

    Examples:
        >>> from deap_lossgp.surrogate.atlas import load_atlas
        >>> shown = view(load_atlas(), "best")
        >>> bool((shown.groupby("dataset")["gain"].max() > 0).all())
        True
    """
    if name not in VIEWS:
        raise unknown_name("view", name, VIEWS)
    return VIEWS[name](table)


def as_text(table: pd.DataFrame, width: int = 88) -> str:
    """Returns a view as text: numbers to two decimals, long expressions cut."""
    shown = table.assign(expression=[text if len(text) <= width else f"{text[: width - 3]}..."
                                     for text in table["expression"]])
    return shown.to_string(index=False, float_format="{:.2f}".format, na_rep="", max_colwidth=None,
                           formatters={"expression": lambda text: f" {text}"}, justify="right")


def _last(status, text):
    """A training's accuracy at its end, 0 where it failed."""
    epochs = [float(word) for word in text.split()]
    return 0.0 if status in FAILED or not epochs else rung_figures(epochs, (len(epochs),))[0]
