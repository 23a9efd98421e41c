"""A loss as keras.ops operations, one value for each sample and class.

Keras is imported when a loss is computed, not before: a loss is made in the driving process, which
does without it, and computed in another.
"""

from dataclasses import dataclass

from deap import gp

from deap_lossgp.naming import in_one_line


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
        precision. Predictions are taken as they are: clip them first.
    """
    return _ElementwiseLoss(tuple(tree), pset)


@dataclass(frozen=True)
class _ElementwiseLoss:
    nodes: tuple
    pset: gp.PrimitiveSet

    def __call__(self, y_true, y_pred):
        from keras import ops

        dtype, context = y_pred.dtype, self.pset.context
        leaves = {"y_true": ops.cast(y_true, dtype), "y_pred": y_pred}
        stack = []
        for node in reversed(self.nodes):
            if isinstance(node, gp.Primitive):
                operands = [stack.pop() for _ in range(node.arity)]
                stack.append(context[node.name].value(ops, *operands))
            elif node.value in leaves:
                stack.append(leaves[node.value])
            else:
                value = context.get(node.value, node.value)
                stack.append(ops.convert_to_tensor(value, dtype=dtype))
        return ops.broadcast_to(stack[0], ops.shape(y_pred))
