"""The table of a run's tests: accuracies with their spread, and the gain over cross entropy."""

import math
import statistics
from collections.abc import Mapping, Sequence

_Accuracies = Sequence[float | None]


def accuracy_table(tests: Mapping[str, Mapping[str, _Accuracies]], rate_factor: float | None
                   ) -> tuple[list[str], list[tuple[str, list[str], float]]]:
    """Makes the table of tests.

    Args:
        tests, rate_factor: As a ``RunResult`` has them; at least one task.

    Returns:
        (names of the losses in words, a list with (task, texts, gain) for each task): a text has
        the mean of the accuracies and their standard deviation; the gain is NaN if a training
        failed.

    Examples:
        >>> accuracy_table({"digits": {"evolved": [0.5, 0.7], "cross_entropy": [None]}}, None)
        (['best loss', 'cross entropy'], [('digits', ['0.6000 ± 0.1414', '1 failed'], nan)])
    """
    titles = {"evolved": "best loss", "cross_entropy": "cross entropy",
              "tuned_cross_entropy": f"entropy, lr x {rate_factor or 1:g}"}
    names = list(next(iter(tests.values())))
    return [titles.get(name, name) for name in names], [
        (task, [_mean_text(accuracies[name]) for name in names],
         difference(accuracies["evolved"], accuracies["cross_entropy"]))
        for task, accuracies in tests.items()]


def difference(evolved: _Accuracies, entropy: _Accuracies) -> float:
    """Returns the difference of two means of accuracies, NaN if a training failed."""
    if None in evolved or None in entropy:
        return math.nan
    return statistics.mean(evolved) - statistics.mean(entropy)


def _mean_text(accuracies):
    known = [accuracy for accuracy in accuracies if accuracy is not None]
    if len(known) < len(accuracies):
        return f"{len(accuracies) - len(known)} failed"
    if len(known) == 1:
        return f"{known[0]:.4f}"
    return f"{statistics.mean(known):.4f} ± {statistics.stdev(known):.4f}"
