"""A candidate loss in the form that the trainer takes: as two curves, or as operations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from deap_lossgp.curves.differentiation import differentiate, evaluate
from deap_lossgp.curves.loss_curves import LossCurves
from deap_lossgp.curves.segments import Segments

if TYPE_CHECKING:
    from deap import gp

    from deap_lossgp.training.tasks import Task
    from deap_lossgp.trees import LossTree


@dataclass(frozen=True)
class ExactLoss:
    """A loss's own operations in NumPy, in the precision of the predictions.

    Attributes:
        nodes: The nodes of its tree.
        pset: Its primitive set.
    """

    nodes: tuple
    pset: gp.PrimitiveSet

    def __call__(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """Returns the element-wise loss, of the predictions' shape."""
        return evaluate(self.nodes, self.pset, y_true, y_pred)

    def derivative(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """Returns its derivative with respect to the predictions, of their shape."""
        return differentiate(self.nodes, self.pset, y_true, y_pred)[1]


@dataclass(frozen=True, eq=False)
class Candidate:
    """A loss for the trainer: its curves, or its operations for the exact path.

    Attributes:
        derivatives: Derivatives of the element-wise loss with respect to the predictions times
            ``gradient_factor``, on the grid of ``deap_lossgp.curves.grid``; float32 of shape
            (2, KNOTS). They describe the loss to engines that predict.
        gradient_factor: What the element-wise loss is multiplied by for training.
        segments: Its ``Segments``, with which the network is trained and which give the reported
            validation loss; None on the exact path.
        loss: The ``ExactLoss`` that the exact path calls; None to train on the segments.
    """

    derivatives: np.ndarray
    gradient_factor: float
    segments: Segments | None = None
    loss: Any = None


def candidate_of(tree: LossTree, pset: gp.PrimitiveSet, task: Task, *, raw: bool = False,
                 curves: LossCurves | None = None) -> Candidate:
    """Makes the candidate for a loss tree.

    By default the gradient is scaled so that the median gradient that reaches a logit is that of
    cross entropy: an optimizer tuned for cross entropy then suits every loss. A raw loss is not
    scaled; it is the mean of the element-wise loss over the classes.

    Args:
        tree: A ``LossTree``.
        pset: Its primitive set.
        task: The ``Task``; its number of classes is used for a raw loss.
        raw: Whether the loss is trained without scaling.
        curves: The tree's ``LossCurves`` if they are known already.

    Returns:
        A ``Candidate``. It takes the exact path if the curves are not certified.
    """
    curves = LossCurves.of(tree, pset) if curves is None else curves
    factor = 1.0 / task.data.num_classes if raw else curves.scale_factor or 1.0
    with np.errstate(all="ignore"):
        derivatives = (factor * curves.derivatives).astype(np.float32)
    if curves.certified and _fits_float32(factor * curves.segments.derivatives):
        return Candidate(derivatives, factor, segments=curves.segments)
    return Candidate(derivatives, factor, loss=ExactLoss(tuple(tree), pset))


def _fits_float32(numbers):
    return bool(np.abs(numbers).max() < np.finfo(np.float32).max)
