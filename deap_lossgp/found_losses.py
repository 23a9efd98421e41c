"""A loss to work with: read from a run's ``best_loss.json``, or known by name."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from deap import gp

from deap_lossgp.errors import nearest_path, unknown_name
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.trees import LossTree

KNOWN_LOSSES = {
    "cross_entropy": "neg(mul(y_true, log(y_pred)))",
    "mse": "mul(sub(y_true, y_pred), sub(y_true, y_pred))",
    # S. Akhmedova and N. Koerber, Next generation loss function for image classification, 2024.
    "ngl": "sub(exp(sub(2.4092, mul(y_pred, add(1.0, y_true)))), cos(cos(sin(y_pred))))",
    # S. Gonzalez and R. Miikkulainen, Improved training speed, accuracy, and data utilization
    # through loss function optimization, 2020.
    "baikal": "neg(sub(log(y_pred), div(y_true, y_pred)))",
    # From the same paper, with the coefficients that CMA-ES found: -(w0 log(w1 p) - w2 t/p) with
    # w0 = 2.7278 * 0.9863, w1 = 1.5352 and w2 = 1.1135 * 1.3716 / 0.8411.
    "baikal_cma": "neg(sub(mul(2.69042914, log(mul(1.5352, y_pred))), "
                  "mul(1.8158085839971465, div(y_true, y_pred))))",
    # T.-Y. Lin, P. Goyal, R. Girshick, K. He and P. Dollar, Focal loss for dense object detection,
    # 2017: cross entropy times (1 - p)**gamma, with gamma = 2 and no weights of the classes.
    "focal": "neg(mul(mul(sub(1.0, y_pred), sub(1.0, y_pred)), mul(y_true, log(y_pred))))",
}
"""Element-wise losses by name, as expressions; the loss of a sample is their mean over classes."""


def is_cross_entropy(tree: gp.PrimitiveTree) -> bool:
    """Whether a tree is cross entropy as ``KNOWN_LOSSES`` writes it.

    Examples:
        >>> [is_cross_entropy(read_loss(name).tree) for name in ("cross_entropy", "mse")]
        [True, False]
    """
    return str(tree) == KNOWN_LOSSES["cross_entropy"]


@dataclass(frozen=True)
class FoundLoss:
    """A loss with a name, and what its file says about it.

    Attributes:
        name: Name of the known loss, of the file, or of the run's folder.
        tree: The ``LossTree``.
        pset: Its primitive set.
        record: The other contents of the file, a dict; empty for a known loss.
    """

    name: str
    tree: LossTree
    pset: gp.PrimitiveSet
    record: dict = field(default_factory=dict)


def read_loss(source: Path | str, pset: gp.PrimitiveSet | None = None) -> FoundLoss:
    """Reads a loss from a file, or finds a known one.

    Args:
        source: A name of ``KNOWN_LOSSES``, the folder of a run, or the path of a JSON file with an
            ``expression``, such as a run's ``best_loss.json``.
        pset: The primitive set; None takes the one that the file names, or the protected one.

    Returns:
        A ``FoundLoss``.

    Raises:
        ValueError: There is no such file or name, or the file does not hold a loss. The message
            names it.

    Examples:
        >>> read_loss("cross_entropy").tree.height
        3
    """
    if str(source) in KNOWN_LOSSES:
        pset = pset or loss_primitive_set()
        return FoundLoss(str(source), LossTree.from_string(KNOWN_LOSSES[str(source)], pset), pset)
    path = Path(source)
    if path.is_dir():
        path /= "best_loss.json"
    if not path.exists():
        raise unknown_name("loss", str(source), KNOWN_LOSSES, path=nearest_path(path, (".json",)),
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
    """Returns the name of the primitive set in a JSON text; None if there is none."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return content.get("primitives") if isinstance(content, dict) else None
