"""Losses as keras.ops operations, and the known losses as expressions.

Keras is imported when a loss is computed, not before: a loss is made in the driving process, which
does without it, and computed in another.
"""

from dataclasses import dataclass

from deap import gp

from deap_lossgp.naming import in_one_line

KNOWN_LOSSES = {
    "cross_entropy": "neg(mul(y_true, log(y_pred)))",
    "mse": "mul(sub(y_true, y_pred), sub(y_true, y_pred))",
    # S. Akhmedova and N. Koerber, Next generation loss function for image classification, 2024.
    "ngl": "sub(exp(sub(2.4092, mul(y_pred, add(1.0, y_true)))), cos(cos(sin(y_pred))))",
    # S. Gonzalez and R. Miikkulainen, Improved training speed, accuracy, and data utilization
    # through loss function optimization, 2020.
    "baikal": "neg(sub(log(y_pred), div(y_true, y_pred)))",
    # The same, with the coefficients that CMA-ES found: -(w0 log(w1 p) - w2 t/p) with
    # w0 = 2.7278 * 0.9863, w1 = 1.5352 and w2 = 1.1135 * 1.3716 / 0.8411.
    "baikal_cma": "neg(sub(mul(2.69042914, log(mul(1.5352, y_pred))), "
                  "mul(1.8158085839971465, div(y_true, y_pred))))",
    # T.-Y. Lin, P. Goyal, R. Girshick, K. He and P. Dollar, Focal loss for dense object detection,
    # 2017: cross entropy times (1 - p)**gamma, with gamma = 2 and no weights of the classes.
    "focal": "neg(mul(mul(sub(1.0, y_pred), sub(1.0, y_pred)), mul(y_true, log(y_pred))))",
}
"""Element-wise losses by name, as expressions; a loss is the mean of them over classes."""


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
