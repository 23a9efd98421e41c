"""A loss as keras.ops operations, one value for each sample and class.

Keras is imported when a loss is computed, not before: a loss is made in the driving process, which
does without it, and computed in another.
"""

from dataclasses import dataclass
from functools import reduce

from deap import gp

from deap_lossgp.errors import in_one_line
from deap_lossgp.primitives import value_and_derivative


def check_operations(pset):
    """Refuses a primitive that NumPy can compute and Keras cannot.

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


def elementwise_loss(tree, pset):
    """Builds the loss as operations, one after another, without ``eval`` or recursion.

    Args:
        tree: A ``LossTree``.
        pset: Its primitive set.

    Returns:
        ``loss(y_true, y_pred)``, which pickles: takes one-hot labels and predictions of shape
        (samples, classes), returns the element-wise loss of that shape in the predictions'
        precision. Predictions are taken as they are: clip them first. A backend differentiates
        it; ``loss.derivative(y_true, y_pred)`` gives its derivative with respect to y_pred as
        ``differentiation.differentiate`` does, by the primitives' own derivatives. That is
        finite where a backend's is not: theirs multiply by what overflows to infinity before
        they multiply by zero.
    """
    return _ElementwiseLoss(tuple(tree), pset)


@dataclass(frozen=True)
class _ElementwiseLoss:
    nodes: tuple
    pset: gp.PrimitiveSet

    def __call__(self, y_true, y_pred):
        return self._computed(y_true, y_pred, None)[0]

    def derivative(self, y_true, y_pred):
        from keras import ops

        slope = self._computed(y_true, y_pred, ops.ones_like(y_pred))[1]
        return ops.zeros_like(y_pred) if slope is None else slope

    def _computed(self, y_true, y_pred, one):
        """(value, slope); the slope, from ``one`` of y_pred on, is None where it is nothing."""
        from keras import ops

        dtype, context = y_pred.dtype, self.pset.context
        leaves = {"y_true": (ops.cast(y_true, dtype), None), "y_pred": (y_pred, one)}
        stack = []
        for node in reversed(self.nodes):
            if isinstance(node, gp.Primitive):
                row = context[node.name]
                values, slopes = zip(*[stack.pop() for _ in range(node.arity)], strict=True)
                if all(inner is None for inner in slopes):
                    stack.append((row.value(ops, *values), None))
                    continue
                value, partials = value_and_derivative(row, ops, *values)
                terms = [ops.multiply(ops.cast(partial, dtype), inner)
                         for partial, inner in zip(partials, slopes, strict=True)
                         if inner is not None]
                stack.append((value, reduce(ops.add, terms)))
            elif node.value in leaves:
                stack.append(leaves[node.value])
            else:
                value = context.get(node.value, node.value)
                stack.append((ops.convert_to_tensor(value, dtype=dtype), None))
        shape = ops.shape(y_pred)
        return [part if part is None else ops.broadcast_to(part, shape) for part in stack[0]]
