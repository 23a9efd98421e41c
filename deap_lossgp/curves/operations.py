"""A loss as operations of ``keras.ops``, one value for each sample and class.

Keras is imported only when a loss is computed. The driving process, which makes losses, does not
need it; the process that computes them does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deap import gp

from deap_lossgp.curves.differentiation import differentiate, evaluate
from deap_lossgp.errors import in_one_line

if TYPE_CHECKING:
    from deap_lossgp.trees import LossTree


def check_operations(pset: gp.PrimitiveSet) -> None:
    """Refuses a primitive set that NumPy can compute and Keras cannot.

    Args:
        pset: A primitive set of ``LossPrimitive`` rows.

    Raises:
        ValueError: Names the primitive, and why.
    """
    from keras import ops

    operand = ops.convert_to_tensor([0.25, 0.5])
    for primitive in pset.primitives[pset.ret]:
        try:
            value = pset.context[primitive.name].value(ops, *[operand] * primitive.arity)
            same = ops.is_tensor(value) and value.shape == operand.shape
        except Exception as error:
            raise ValueError(f"primitive {primitive.name!r} cannot be computed with keras.ops: "
                             f"{in_one_line(error)}") from error
        if not same:
            raise ValueError(f"primitive {primitive.name!r} leaves keras.ops: its value must be "
                             f"made with the ops that it is given")


def elementwise_loss(tree: LossTree, pset: gp.PrimitiveSet) -> Any:
    """Builds the loss as operations, without ``eval`` or recursion.

    Args:
        tree: A ``LossTree``.
        pset: Its primitive set.

    Returns:
        ``loss(y_true, y_pred)``, which pickles. It takes one-hot labels and predictions, tensors of
        shape (samples, classes), and returns the element-wise loss of that shape in the
        predictions' precision. Predictions are not clipped: clip them first. The backend can
        differentiate it. ``loss.derivative(y_true, y_pred)`` is its derivative with respect to
        y_pred, by the primitives' own derivatives: it is finite where a backend's is not, because
        a backend multiplies by what overflows to infinity before it multiplies by zero.
    """
    return _ElementwiseLoss(tuple(tree), pset)


@dataclass(frozen=True)
class _ElementwiseLoss:
    nodes: tuple
    pset: gp.PrimitiveSet

    def __call__(self, y_true, y_pred):
        from keras import ops

        return evaluate(self.nodes, self.pset, y_true, y_pred, ops=ops)

    def derivative(self, y_true, y_pred):
        from keras import ops

        return differentiate(self.nodes, self.pset, y_true, y_pred, ops=ops)[1]
