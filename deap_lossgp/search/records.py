"""What a run's files say of the winner and of the front: ``best_loss.json`` and ``front.csv``."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pandas as pd

from deap_lossgp.search.evolutions import figures_of

if TYPE_CHECKING:
    from deap_lossgp.search.evaluation import Evaluation
    from deap_lossgp.search.run_results import RunResult
    from deap_lossgp.trees import LossTree


def loss_record(result: RunResult, evaluation: Evaluation) -> dict[str, Any]:
    """Returns what ``best_loss.json`` holds; a number that is not finite is None.

    Args:
        result: The run's ``RunResult``.
        evaluation: The ``Evaluation`` of its search.
    """
    claimed, *gains = (
        {name: None if isinstance(value, float) and not math.isfinite(value) else value
         for name, value in gain.items()} for gain in (result.claimed, *result.gains))
    return {
        **json.loads(result.best.to_json(result.pset)),
        "nodes": len(result.best),
        "found": {"expression": str(result.found), "nodes": len(result.found)},
        **{name: claimed[name] for name in ("wins", "improvement")},
        "fitness": result.settings.fitness, "gains": gains,
        "validation": {
            r.task: {"accuracy": r.accuracy, "loss": r.loss, "status": r.status}
            for r in evaluation.known_results(result.found)
        },
        "test_accuracy": result.tests,
        **({"test_balanced_accuracy": result.balanced_tests} if result.balanced_tests else {}),
        "rate_factor": result.rate_factor,
    }


def front_table(front: Iterable[LossTree], evaluation: Evaluation) -> pd.DataFrame:
    """Returns a ``LossFront`` as a table, the smallest loss first.

    Args:
        front: The ``LossFront``.
        evaluation: The ``Evaluation`` of its losses.
    """
    rows = [{"expression": str(tree), "nodes": len(tree), "improvement": tree.fitness.values[0],
             "wins": evaluation.fitness_of(tree)[0], **figures_of(evaluation, tree)}
            for tree in sorted(front, key=len)]
    return pd.DataFrame(rows, columns=None if rows else ["expression", "nodes", "improvement"])
