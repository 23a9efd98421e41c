"""A loss that is ready to be written: what the files of all targets have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deap_lossgp.curves.loss_curves import LossCurves
from deap_lossgp.export.about import about, finite_number
from deap_lossgp.export.graphs import Node, simplify
from deap_lossgp.export.languages import short_number
from deap_lossgp.export.names import class_name, identifier

if TYPE_CHECKING:
    from deap_lossgp.found_losses import FoundLoss


@dataclass(frozen=True)
class PreparedLoss:
    """A loss that is ready to be written; its names and texts are safe in any file.

    Attributes:
        root: The ``Node`` of its element-wise expression.
        class_name: Its name as a class.
        module_name: Its name as a module.
        about: What is known of it, as paragraphs with blank lines between them.
        factor: What the mean or sum over the classes is multiplied by.
        total: ``"mean"`` or ``"sum"`` over the classes.
    """

    root: Node
    class_name: str
    module_name: str
    about: str
    factor: float
    total: str

    @property
    def scale_sentence(self) -> str:
        """How a sample's loss follows from the expression, in words."""
        times = f"{short_number(self.factor)} times " if self.factor != 1.0 else ""
        return f"The loss of a sample is {times}the {self.total} of this over its classes."


def prepare(found: FoundLoss, scale: float | str) -> PreparedLoss:
    """Simplifies a loss, finds its scale and writes what is known of it.

    Args:
        found: A ``FoundLoss``.
        scale: As for ``export_loss``.

    Returns:
        A ``PreparedLoss``.

    Raises:
        ValueError: As ``export_loss`` does, except for the target.
    """
    root = simplify(found.tree, found.pset)
    factor, total = _factor_and_total(found, scale)
    return PreparedLoss(root, class_name(found.name), identifier(found.name),
                        "\n\n".join(about(found, root)), factor, total)


def _factor_and_total(found, scale):
    if scale == "cross_entropy":
        factor = LossCurves.of(found.tree, found.pset).scale_factor
        if factor is None:
            raise ValueError("the loss has no gradient to bring to the scale of cross entropy")
        return factor, "sum"
    number = finite_number(scale)
    if number is None or number <= 0.0:
        raise ValueError(f"the scale is a positive number or 'cross_entropy', got {scale!r}")
    return number, "mean"
