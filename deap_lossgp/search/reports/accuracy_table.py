"""The table of a run's tests: accuracies with their spread, and the gain over cross entropy."""

import math
import statistics
from collections.abc import Mapping, Sequence

_Accuracies = Sequence[float | None]


_Tests = Mapping[str, Mapping[str, _Accuracies]]


def accuracy_table(tests: _Tests, rate_factor: float | None, balanced: _Tests | None = None
                   ) -> tuple[list[str], list[tuple[str, list[str], float]]]:
    """Makes the table of tests.

    Args:
        tests, rate_factor, balanced: As a ``RunResult`` has them; at least one task.

    Returns:
        (names of the losses in words, a list with (task, texts, gain) for each task, and one more
        for its balanced accuracies): a text has the mean of the accuracies and their standard
        deviation; the gain is NaN if a training failed.

    Examples:
        >>> accuracy_table({"digits": {"evolved": [0.5, 0.7], "cross_entropy": [None]}}, None)
        (['best loss', 'cross entropy'], [('digits', ['0.6000 ± 0.1414', '1 failed'], nan)])
    """
    titles = {"evolved": "best loss", "cross_entropy": "cross entropy",
              "tuned_cross_entropy": f"entropy, lr x {rate_factor or 1:g}"}
    names = list(next(iter(tests.values())))
    labelled = [row for task in tests for row in (
        (task, tests[task]), *([(f"{task}, balanced", balanced[task])] if balanced else []))]
    return [titles.get(name, name) for name in names], [
        (label, [_mean_text(accuracies[name]) for name in names],
         difference(accuracies["evolved"], accuracies["cross_entropy"]))
        for label, accuracies in labelled]


def text_lines(titles: Sequence[str], rows: Sequence[tuple[str, Sequence[str], float]]
               ) -> list[str]:
    """Writes what ``accuracy_table`` returns as lines of text.

    Examples:
        >>> for line in text_lines(["best loss"], [("digits, balanced", ["0.9"], 0.1)]):
        ...     print(line)
          data set                  best loss        gain
          digits, balanced                0.9     +0.1000
        >>> for line in text_lines(["a-run-of-a-long-name", "x"], [("a", ["0.9", "1"], 0.1)]):
        ...     print(line)
          data set          a-run-of-a-long-name                 x        gain
          a                                  0.9                 1     +0.1000
    """
    width = max(15, *(len(label) for label, *_ in rows)) + 1
    widths = [max(18, len(title) + 2) for title in titles]
    return [f"  {'data set':<{width}}" + _aligned(titles, widths) + f"{'gain':>12}",
            *(f"  {label:<{width}}" + _aligned(texts, widths)
              + ("" if math.isnan(gain) else f"{gain:>+12.4f}") for label, texts, gain in rows)]


def difference(evolved: _Accuracies, entropy: _Accuracies) -> float:
    """Returns the difference of two means of accuracies, NaN if a training failed."""
    if None in evolved or None in entropy:
        return math.nan
    return statistics.mean(evolved) - statistics.mean(entropy)


def _aligned(texts, widths):
    return "".join(f"{text:>{width}}" for text, width in zip(texts, widths, strict=True))


def _mean_text(accuracies):
    known = [accuracy for accuracy in accuracies if accuracy is not None]
    if len(known) < len(accuracies):
        return f"{len(accuracies) - len(known)} failed"
    if len(known) == 1:
        return f"{known[0]:.4f}"
    return f"{statistics.mean(known):.4f} ± {statistics.stdev(known):.4f}"
