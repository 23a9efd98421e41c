"""A loss to work with: read from a run's ``best_loss.json``, an expression, or a known name."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from deap import gp

from deap_lossgp.known_losses import KNOWN_LOSSES
from deap_lossgp.naming import unknown_name
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.trees import LossTree


@dataclass(frozen=True)
class FoundLoss:
    """A loss with a name, and what is known of where it came from.

    Attributes:
        name: The known loss's name, or the file's.
        tree: The ``LossTree``.
        pset: Its primitive set.
        record: The other contents of the file, as a dict; empty for a known loss.
    """

    name: str
    tree: LossTree
    pset: gp.PrimitiveSet
    record: dict = field(default_factory=dict)


def read_loss(source, pset=None):
    """Reads a loss.

    Args:
        source: The path of a JSON file with an ``expression``, such as a run's
            ``best_loss.json``; the folder of a run; or a name of ``KNOWN_LOSSES``.
        pset: The primitive set; None takes the one that the file names, or the protected one.

    Returns:
        A ``FoundLoss``.

    Raises:
        ValueError: No such file or name, or a file that does not hold a loss; names it.

    >>> read_loss("cross_entropy").tree.height
    3
    """
    if str(source) in KNOWN_LOSSES:
        pset = pset or loss_primitive_set()
        return FoundLoss(str(source), LossTree.from_string(KNOWN_LOSSES[source], pset), pset)
    path = Path(source)
    if path.is_dir():
        path /= "best_loss.json"
    if not path.exists():
        raise unknown_name("loss", str(source), KNOWN_LOSSES,
                           hint=f"or give a run's folder or best_loss.json; "
                                f"{str(path)!r} is not there")
    try:
        text = path.read_text("utf-8")
        pset = pset or loss_primitive_set(_primitives(text) != "plain")
        tree = LossTree.from_json(text, pset)
    except (ValueError, OSError) as error:
        raise ValueError(f"{path}: {error}") from None
    record = json.loads(text)
    name = path.parent.resolve().name if path.name == "best_loss.json" else path.stem
    return FoundLoss(name, tree, pset, {
        key: value for key, value in record.items() if key not in ("expression", "primitives")
    })


def _primitives(text):
    """The name of the primitive set in a JSON text; None where there is none to be read."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return content.get("primitives") if isinstance(content, dict) else None
