"""What an exported file says about its loss: where it came from and how good it was."""

from __future__ import annotations

import math
import statistics
import textwrap

from deap_lossgp import __version__
from deap_lossgp.curves.loss_curves import LossCurves
from deap_lossgp.export.graphs import Node, called_primitives, plain_operation
from deap_lossgp.export.names import plain_name
from deap_lossgp.found_losses import KNOWN_LOSSES, FoundLoss

_WIDTH = 86
_MOST_TASKS = 20


def about(found: FoundLoss, root: Node) -> list[str]:
    """Lists paragraphs about a loss: its expression, its origin, its gradient.

    Args:
        found: A ``FoundLoss``.
        root: Its ``Node``, from ``simplify``.

    Returns:
        Texts without blank lines, in ASCII, with lines of at most 86 characters.
    """
    return [
        filled(f"Expression: {found.tree}"),
        filled(f"{len(found.tree)} nodes, height {found.tree.height}. "
               f"Primitives: {_primitives(found, root)}."),
        *_origin(found),
        filled(_gradient(found)),
        f"Exported by deap_lossgp {__version__}.",
    ]


def filled(text: str) -> str:
    """Breaks a paragraph into lines."""
    return textwrap.fill(text, _WIDTH, subsequent_indent="    ", break_on_hyphens=False)


def finite_number(value: object) -> float | None:
    """Returns a value from a file as a float, or None if it is no finite number."""
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300:
        return float(value)
    return None


def _primitives(found, root):
    name = plain_name(found.pset.name)
    guarded = [row.name for row in called_primitives(root) if plain_operation(row)]
    if not guarded and name != "protected":
        return name
    return f"{name}, of which {', '.join(guarded) or 'none'} can differ here from the plain"


def _origin(found):
    record = found.record
    if found.name in KNOWN_LOSSES and not record:
        return ["A known loss."]
    lines = [f"From {plain_name(found.name)}."]
    wins, improvement = finite_number(record.get("wins")), finite_number(record.get("improvement"))
    if wins is not None or improvement is not None:
        fitness = plain_name(record.get("fitness", "unknown"), 20)
        lines.append(f"Fitness ({fitness}): data sets won against cross entropy: "
                     f"{_shown(wins, 'g')}, improvement {_shown(improvement, '+.4f')}.")
    lines += [f"{plain_name(task, 40)}: {', '.join(facts)}." for task, facts in _tasks(record)]
    return ["\n".join(map(filled, lines))]


def _shown(value, form):
    return "unknown" if value is None else format(value, form)


def _tasks(record):
    """Yields (task, facts) for the first data sets of a record."""
    validation, tests = (
        part if isinstance(part, dict) else {}
        for part in (record.get("validation"), record.get("test_accuracy"))
    )
    for task in [*dict.fromkeys([*validation, *tests])][:_MOST_TASKS]:
        facts = []
        result, test = validation.get(task), tests.get(task)
        accuracy = finite_number(result.get("accuracy")) if isinstance(result, dict) else None
        if accuracy is not None:
            facts.append(f"validation accuracy in the search {accuracy:.4f}")
        for arm, words in (("evolved", "test accuracy"), ("cross_entropy", "with cross entropy")):
            accuracies = test.get(arm) if isinstance(test, dict) else None
            known = [finite_number(a) for a in accuracies] if isinstance(accuracies, list) else []
            known = [accuracy for accuracy in known if accuracy is not None]
            if known:
                facts.append(f"{words} {statistics.mean(known):.4f}, mean of {len(known)}")
        if facts:
            yield task, facts


def _gradient(found):
    slopes = LossCurves.of(found.tree, found.pset).derivatives
    ranges = [f"{low:.3g} to {high:.3g}" if math.isfinite(low) and math.isfinite(high)
              else "not finite everywhere"
              for low, high in zip(slopes.min(1) + 0.0, slopes.max(1) + 0.0, strict=True)]
    return (f"Derivative of the expression by y_pred in [2**-23, 1 - 2**-23]: of the true class "
            f"{ranges[1]}, of the others {ranges[0]}.")
