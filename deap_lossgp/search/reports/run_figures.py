"""The figures of a run, each drawn once, with what a screen reader says of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from deap_lossgp.found_losses import FoundLoss, is_cross_entropy
from deap_lossgp.pages.sections import Figure
from deap_lossgp.plotting.front import plot_front
from deap_lossgp.plotting.funnel import plot_funnel
from deap_lossgp.plotting.generations import plot_generations
from deap_lossgp.plotting.individuals import plot_individuals
from deap_lossgp.plotting.losses import plot_loss
from deap_lossgp.plotting.svg import as_svg
from deap_lossgp.plotting.trees import plot_tree
from deap_lossgp.plotting.values_and_accuracies import plot_values_and_accuracies

if TYPE_CHECKING:
    import pandas as pd

    from deap_lossgp.search.run_results import RunResult


def draw_figures(figure: Callable[..., Figure], result: RunResult, front: pd.DataFrame,
                 curves: pd.DataFrame) -> dict[str, Figure]:
    """Draws the figures of a run.

    Args:
        figure: ``figure(axes, name, caption, alt)`` writes one and returns the ``Figure``.
        result: The ``RunResult``.
        front: The table of its front; empty for no figure.
        curves: The table of ``learning_curves``.

    Returns:
        dict from a name to a ``Figure``: those of the run's PNG files, and ``loss`` and ``tree``,
        which only the page has.
    """
    best = FoundLoss("best loss", result.best, result.pset)
    entropy = is_cross_entropy(result.best)
    figures = {
        "generations": figure(
            cast(Any, plot_generations(result.logbook))[0], "generations",
            "The population by generation: best, mean and worst of data sets won, improvement over "
            "cross entropy, and number of nodes.", _generations_in_words(result.logbook)),
        "individuals": figure(
            plot_individuals(result.individuals)[0], "individuals",
            "Every individual by generation."),
        "funnel": figure(
            plot_funnel(result.funnel), "funnel",
            "How many losses reached each stage of the search.",
            "How many losses reached each stage of the search: " + ", ".join(
                f"{row['stage']} {row['losses']:,}" for row in result.funnel) + "."),
        "learning_curves": figure(
            plot_values_and_accuracies(curves)[0, 0], "learning_curves",
            "Validation accuracy, and the loss's own value, by epoch: the best loss, cross "
            "entropy, and the losses whose values mislead most.", _curves_in_words(curves)),
        "loss": _only_in_page(
            plot_loss(best)[0, 0], "loss",
            f"The loss{', which is cross entropy,' * entropy} over the predicted probability: "
            f"value above, force on the logit below, for the target class on the left and for "
            f"another class on the right, all on one scale."),
        "tree": _only_in_page(
            plot_tree(result.best), "tree", "The loss as a tree.",
            f"The loss as a tree of {len(result.best)} nodes and height {result.best.height}: "
            f"{result.best}."),
    }
    if len(front):
        figures["front"] = figure(
            plot_front(front, result.individuals), "front",
            "Improvement against number of nodes: the losses that no other one beats in both, and "
            "all individuals.",
            f"Improvement against number of nodes: {len(front)} losses are on the front, from "
            f"{front['nodes'].min()} nodes with {front['improvement'].iloc[0]:+.4f} to "
            f"{front['nodes'].max()} with {front['improvement'].iloc[-1]:+.4f}.")
    return figures


def _only_in_page(axes, name, caption, alt=""):
    return Figure(None, caption, as_svg(axes, name), alt)


def _generations_in_words(logbook):
    best = [record["max"] for record in logbook.chapters["improvement"]]
    first, last = (f"{value:+.4f}" if math.isfinite(value) else "not known"
                   for value in (best[0], best[-1]))
    return (f"The population by generation: its best improvement over cross entropy is {first} in "
            f"generation {logbook[0]['gen']} and {last} in generation {logbook[-1]['gen']}.")


def _curves_in_words(curves):
    ends = curves.groupby(["task", "loss"], sort=False).last()
    texts = [f"{loss.replace('_', ' ')} on {task} {row.val_accuracy:.4f} after epoch {row.epoch}"
             for (task, loss), row in zip(ends.index, ends.itertuples(), strict=True)]
    return f"Validation accuracy and value by epoch. At the end: {'; '.join(texts)}."
