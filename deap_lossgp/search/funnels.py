"""The funnel of a search: how many losses were made, and how many reached each later stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from deap_lossgp.search.rungs import RUNGS

if TYPE_CHECKING:
    from deap_lossgp.search.evaluation import Evaluation


def trees_made(counts: Mapping[str, int]) -> int:
    """Returns how many trees were made, whether they were refused, left behind or trained.

    Losses that were given count as made, too.

    Args:
        counts: The counts of an ``Evaluation``.
    """
    evaluated = sum(counts[name] for name in ("ntrained", "ncached", "nscreened"))
    if not counts["offered"]:
        return evaluated + counts["discarded"]
    # Those that no preselection has chosen were given, or made by CMA-ES.
    return counts["refused"] + counts["offered"] + evaluated - counts["chosen"]


def funnel_of(evaluation: Evaluation, race: Sequence) -> list[dict[str, Any]]:
    """Counts the losses of a search at each stage.

    Args:
        evaluation: The ``Evaluation``, when the search is over.
        race: The finalists; empty if there was no race.

    Returns:
        list of dicts ``stage losses``, in the order of the stages; those that the search does not
        have are left out. Losses that are trained alike are one from the training on.
    """
    counts = evaluation.counts
    refused = counts["refused"] + counts["discarded"] + counts["nscreened"]
    made = trees_made(counts)
    reached = [results for _, results in evaluation.trained()]
    rungs = [rung for rung in RUNGS if rung < max(task.epochs for task in evaluation.tasks)]
    stages = {"made": made, "valid": made - refused}
    if counts["offered"]:
        stages["preselected"] = counts["ntrained"] + counts["ncached"]
    stages["trained"] = len(reached)
    for rung in rungs:
        stages[f"past epoch {rung}"] = sum(
            all(len(result.accuracies) > rung or result.ok for result in results)
            for results in reached)
    stages["to the end"] = sum(all(result.ok for result in results) for results in reached)
    if race:
        stages["finalists"] = len(race)
    return [{"stage": name, "losses": count} for name, count in {**stages, "winner": 1}.items()]
