"""The first sentence of a run's report: what came of it, for those who have not seen one before."""

import statistics
from collections.abc import Mapping, Sequence

from deap import gp

from deap_lossgp.curves.loss_curves import LossCurves
from deap_lossgp.curves.similarity import similarities
from deap_lossgp.found_losses import KNOWN_LOSSES
from deap_lossgp.search.reports.accuracy_table import difference
from deap_lossgp.trees import LossTree

ALIKE = 0.99
"""Cosine between the gradients of two losses from which on one is said to be like the other."""

_Accuracies = Mapping[str, Sequence[float | None]]


def headline(tests: Mapping[str, _Accuracies], known: str | None = None,
             balanced: bool = False) -> str:
    """Says in a sentence or two what the tests show.

    Args:
        tests: As a ``RunResult`` has them; at least one task.
        known: The name of the winner, if it is a known loss.
        balanced: Whether the accuracies are means over classes.

    Returns:
        The text; empty if a training failed.

    Examples:
        >>> print(headline({"digits": {"evolved": [0.97, 0.975], "cross_entropy": [0.95, 0.955]}}))
        A loss was found that is better than cross entropy: on digits 97.25% of the test images are
        right, with cross entropy 95.25%.
        >>> print(headline({"digits": {"evolved": [0.95], "cross_entropy": [0.95]}}, "mse"))
        The best loss found is a known one, mse; it is not better than cross entropy: on digits
        95.00% of the test images are right, with cross entropy 95.00%.
    """
    pairs = {task: (of["evolved"], of["cross_entropy"]) for task, of in tests.items()}
    if any(None in accuracies for pair in pairs.values() for accuracies in pair):
        return ""
    better = [task for task, pair in pairs.items() if difference(*pair) > 0.0]
    unsure = [task for task in better if not _is_clear(*pairs[task])]
    tuned = {task: of.get("tuned_cross_entropy") or [None] for task, of in tests.items()}
    untuned = better and all(difference(pairs[task][0], tuned[task]) <= 0.0 for task in better)
    is_better = ("may be" if unsure == better else "is") + " better than cross entropy"
    is_better += " at the same learning rate" if untuned else ""
    if not better:
        is_better = "is not better than cross entropy"
    if known:
        start = f"The best loss found is a known one, {known}; it {is_better}"
    elif better:
        start = f"A loss was found that {is_better}"
    else:
        start = f"The best loss found {is_better}"
    if 0 < len(better) < len(pairs):
        start += f" on {len(better)} of {len(pairs)} data sets"
    right = f" of the test images are right{', in the mean over classes' if balanced else ''}"
    parts = [f"on {task} {_percent(evolved)}{'' if number else right}, with cross entropy "
             f"{_percent(entropy)}" for number, (task, (evolved, entropy)) in enumerate(
                 pairs.items())]
    where = f" on {', '.join(unsure)}" if len(pairs) > 1 else ""
    doubt = "" if not unsure else (
        f" The difference{where} may be luck, as trainings with other seeds differ by as much: "
        f"more --test-seeds would tell.")
    return f"{start}: {'; '.join(parts)}.{doubt}"


def known_name(text: str) -> str | None:
    """Returns the name of a known loss.

    Args:
        text: An expression as the search made it.

    Examples:
        >>> known_name("neg(sub(log(y_pred), div(y_true, y_pred)))"), known_name("y_pred")
        ('baikal', None)
    """
    return next((name for name, known in KNOWN_LOSSES.items() if text == known), None)


def likeness(tree: LossTree, pset: gp.PrimitiveSet) -> str:
    """Names the known loss that a loss hardly differs from, if there is one.

    Args:
        tree: A ``LossTree``.
        pset: Its primitive set.

    Examples:
        >>> from deap_lossgp.psets import loss_primitive_set
        >>> pset = loss_primitive_set()
        >>> text = "sub(exp(sub(2.4092, mul(y_pred, add(1.0, y_true)))), y_pred)"
        >>> likeness(LossTree.from_string(text, pset), pset)
        'the known loss ngl (cosine between their gradients 0.9996)'
    """
    name, cosine = similarities(LossCurves.of(tree, pset), 0)[0]
    if not cosine >= ALIKE:  # NaN where there is nothing to compare
        return ""
    return f"the known loss {name} (cosine between their gradients {cosine:.4f})"


def _percent(accuracies):
    return f"{statistics.fmean(accuracies):.2%}"


def _is_clear(evolved, entropy):
    """Whether a gain is at least two standard errors; of single trainings nobody knows."""
    if min(len(evolved), len(entropy)) < 2:
        return False
    error = sum(statistics.variance(row) / len(row) for row in (evolved, entropy)) ** 0.5
    return difference(evolved, entropy) >= 2.0 * error
