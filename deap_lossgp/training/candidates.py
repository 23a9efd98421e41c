"""A candidate loss in the form that the trainer takes: as two curves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from deap_lossgp.curves.loss_curves import CROSS_ENTROPY_SCALE, LossCurves
from deap_lossgp.curves.operations import elementwise_loss

if TYPE_CHECKING:
    from deap import gp

    from deap_lossgp.training.tasks import Task
    from deap_lossgp.trees import LossTree


@dataclass(frozen=True, eq=False)
class Candidate:
    """A loss for the trainer, without its tree and primitives.

    Attributes:
        derivatives: Derivatives of one sample's loss with respect to its predictions, on the grid
            of ``deap_lossgp.curves.grid``; float32 of shape (2, KNOTS). They train the network.
        values: The element-wise loss on the grid, float64 of shape (2, KNOTS). They give the
            reported validation loss.
        loss: The ``elementwise_loss`` that the exact path calls, with ``loss(y_true, y_pred)`` and
            ``loss.derivative(y_true, y_pred)`` in keras.ops; None to train on the curves.
        gradient_factor: Factor by which the exact path multiplies the element-wise loss.
    """

    derivatives: np.ndarray
    values: np.ndarray
    loss: object = None
    gradient_factor: float = 1.0


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
    if raw:
        factor = 1.0 / task.data.num_classes
    else:
        factor = CROSS_ENTROPY_SCALE / (curves.gradient_scale or CROSS_ENTROPY_SCALE)
    with np.errstate(all="ignore"):
        derivatives = (factor * curves.derivatives).astype(np.float32)
    loss = None if curves.certified else elementwise_loss(tree, pset)
    return Candidate(derivatives, curves.values, loss, factor)
