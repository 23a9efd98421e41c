"""The losses of a run whose values mislead, beside the best: the thesis's figures 4.7 and 4.9."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pandas as pd

from deap_lossgp.found_losses import is_cross_entropy

if TYPE_CHECKING:
    from deap_lossgp.search.evaluation import Evaluation
    from deap_lossgp.training.results import TrainingResult
    from deap_lossgp.trees import LossTree

LOW, HIGH = "low value, fewer right", "high value, more right"
"""The names of the two that mislead most."""


def misleading(results: Iterable[TrainingResult],
               baseline: TrainingResult) -> dict[str, TrainingResult]:
    """Finds the losses whose values say the most wrong things about their networks, on one task.

    Of those whose value after training is lower than cross entropy's, the least accurate (figure
    4.7); of those whose value is higher, the most accurate (figure 4.9). A loss whose accuracy
    agrees with its value, compared with cross entropy, does not mislead. (Figure 4.8 has another
    kind: a good loss that lost to one of lower value. It is not looked for.)

    Args:
        results: ``TrainingResult`` objects on the task; those that are not ``ok`` are left out.
        baseline: Cross entropy's.

    Returns:
        dict from ``LOW`` and ``HIGH`` to a result, without those that there are not.

    Examples:
        >>> from deap_lossgp.training.results import TrainingResult
        >>> def result(loss, accuracy):
        ...     return TrainingResult("digits", 10, "ok", loss, accuracy)
        >>> found = misleading([result(0.01, 0.1), result(0.2, 0.8), result(9.3, 0.95)],
        ...                    result(0.3, 0.9))
        >>> {name: (found[name].loss, found[name].accuracy) for name in found}
        {'low value, fewer right': (0.01, 0.1), 'high value, more right': (9.3, 0.95)}
    """
    done = [result for result in results if result.ok]
    low = [r for r in done if r.loss < baseline.loss and r.accuracy < baseline.accuracy]
    high = [r for r in done if r.loss > baseline.loss and r.accuracy > baseline.accuracy]
    found = {}
    if low:
        found[LOW] = min(low, key=lambda result: result.accuracy)
    if high:
        found[HIGH] = max(high, key=lambda result: result.accuracy)
    return found


def learning_curves(evaluation: Evaluation, best: LossTree) -> pd.DataFrame:
    """Makes the table of ``plot_values_and_accuracies`` for what a run has trained.

    Args:
        evaluation: The run's ``Evaluation``.
        best: The best loss, a ``LossTree`` that was evaluated.

    Returns:
        A DataFrame ``task loss epoch val_accuracy val_loss chance`` with the epochs of the best
        loss, of cross entropy, and of those that mislead, on each task.
    """
    trained = [results for _, results in evaluation.trained()]
    shown_best = not is_cross_entropy(best)
    rows = []
    for i, baseline in enumerate(evaluation.baselines()):
        curves = {"best loss": evaluation.known_results(best)[i]} if shown_best else {}
        curves |= {"cross_entropy": baseline, **misleading([row[i] for row in trained], baseline)}
        rows += [{"task": baseline.task, "loss": name, "epoch": epoch, "val_accuracy": accuracy,
                  "val_loss": loss, "chance": 1.0 / baseline.num_classes}
                 for name, result in curves.items() for epoch, (accuracy, loss) in
                 enumerate(zip(result.accuracies, result.losses, strict=True), 1)]
    return pd.DataFrame(rows)
