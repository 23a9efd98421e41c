"""What is sent to a training: a candidate loss as two curves, and the job it belongs to."""

from dataclasses import dataclass

import numpy as np

from deap_lossgp.curves.loss_curves import CROSS_ENTROPY_SCALE, LossCurves
from deap_lossgp.curves.operations import elementwise_loss


@dataclass(frozen=True, eq=False)
class Candidate:
    """A loss as the trainer takes it; it knows neither trees nor primitives.

    Attributes:
        derivatives: Of one sample's loss with respect to each of its predictions, on the grid of
            ``deap_lossgp.curves.loss_curves``; float32 of shape (2, KNOTS).
        values: The element-wise loss on the grid, float64 of shape (2, KNOTS); what is reported,
            while only ``derivatives`` train.
        loss: For the exact path: an ``elementwise_loss``, ``loss(y_true, y_pred)`` and
            ``loss.derivative(y_true, y_pred)`` in keras.ops; None to train on the curves.
        gradient_factor: On the exact path, what the element-wise loss is multiplied by.
    """

    derivatives: np.ndarray
    values: np.ndarray
    loss: object = None
    gradient_factor: float = 1.0


def candidate_of(tree, pset, task, *, raw=False, curves=None):
    """What the trainer is given for a loss.

    By default the gradient is brought to the common scale: the median gradient that reaches a
    logit is that of cross entropy, so an optimizer tuned for cross entropy suits every loss. A
    raw loss is trained as it stands: the mean over classes.

    Args:
        tree: A ``LossTree``.
        pset: Its primitive set.
        task: The ``Task``; its number of classes matters to a raw loss.
        raw: Whether to leave the scale alone.
        curves: The tree's ``LossCurves``, where they are known already.

    Returns:
        A ``Candidate``, on the exact path where the curves are not certified.
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
