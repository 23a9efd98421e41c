"""A loss tree evaluated, with its derivative carried along: forward-mode differentiation.

The same walk computes in NumPy and in ``keras.ops``.
"""

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np
from deap import gp

from deap_lossgp.primitives import value_and_derivative


def evaluate(tree: Sequence, pset: gp.PrimitiveSet, y_true: Any, y_pred: Any, *,
             ops: Any = np) -> Any:
    """Evaluates a tree.

    Args:
        tree: A ``LossTree``, or any prefix sequence of nodes, of any height.
        pset: Its primitive set, whose context holds ``LossPrimitive`` rows.
        y_true: Array of labels; it is brought to the type of ``y_pred``.
        y_pred: Array of floats that broadcasts with ``y_true``; it decides the precision.
        ops: The array namespace, ``numpy`` or ``keras.ops``.

    Returns:
        The value, an array of the broadcast shape. Overflow and undefined values give inf and NaN.

    Raises:
        ValueError: A primitive of the set is not a ``LossPrimitive``.

    Examples:
        >>> from deap_lossgp.psets import loss_primitive_set
        >>> from deap_lossgp.trees import LossTree
        >>> pset = loss_primitive_set()
        >>> evaluate(LossTree.from_string("mul(2, y_pred)", pset), pset, 1.0, [0.25, 0.5])
        array([0.5, 1. ])
    """
    return _walk(tree, pset, y_true, y_pred, ops, 0)[0]


def differentiate(tree: Sequence, pset: gp.PrimitiveSet, y_true: Any, y_pred: Any, *, ops: Any = np,
                  with_reach: bool = False) -> tuple:
    """Evaluates a tree and its derivative with respect to the prediction.

    The derivative is made of the primitives' own derivatives, by the chain rule.

    Args:
        tree, pset, y_true, y_pred, ops: As for ``evaluate``.
        with_reach: Whether to return the reach too.

    Returns:
        (value, derivative): two arrays of the broadcast shape. With ``with_reach`` a third, the
        sum of the magnitudes of the terms that the derivative is the sum of, one for each path
        from y_pred to the root. Rounding errors, in forward and in reverse mode, are in proportion
        to it and not to the derivative.

    Raises:
        ValueError: A primitive of the set is not a ``LossPrimitive``.

    References:
        Griewank and Walther: Evaluating Derivatives, 2nd ed., 2008, section 3.1 (forward mode).

    Examples:
        >>> from deap_lossgp.psets import loss_primitive_set
        >>> from deap_lossgp.trees import LossTree
        >>> pset = loss_primitive_set()
        >>> square = LossTree.from_string("mul(y_pred, y_pred)", pset)
        >>> [array.tolist() for array in differentiate(square, pset, 1.0, [0.25, 0.5])]
        [[0.0625, 0.25], [0.5, 1.0]]
    """
    return _walk(tree, pset, y_true, y_pred, ops, 2 if with_reach else 1)


def differentiate_with_signs(tree: Sequence, pset: gp.PrimitiveSet, y_true: Any,
                             y_pred: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Does ``differentiate`` in NumPy, and tells where the loss may have poles and kinks.

    Args:
        tree, pset, y_true, y_pred: As for ``evaluate``.

    Returns:
        (value, derivative, signs): three arrays of the broadcast shape. ``signs`` is a number of
        uint64 that stands for the signs of all operands of divisions, roots, logarithms and
        primitives of the user's own. Where two points differ in it, such an operand is zero between
        them.

    Raises:
        ValueError: A primitive of the set is not a ``LossPrimitive``.

    Examples:
        >>> from deap_lossgp.psets import loss_primitive_set
        >>> from deap_lossgp.trees import LossTree
        >>> pset = loss_primitive_set()
        >>> pole = LossTree.from_string("log(sub(y_pred, 0.3))", pset)
        >>> differentiate_with_signs(pole, pset, 1.0, [0.2, 0.29, 0.31])[2].tolist()
        [0, 0, 1]
    """
    applied = []
    value, derivative = _walk(tree, pset, y_true, y_pred, np, 1, applied)
    signs = np.zeros(value.shape, np.uint64)
    for name, operands in applied:
        if name not in _SMOOTH:
            for operand in operands:
                signs = signs * np.uint64(3) + (operand > 0.0)  # a sum of other powers of 3 each
    return value, derivative, signs


_SMOOTH = frozenset(["add", "sub", "mul", "neg", "exp", "sin", "cos"])


def _walk(tree, pset, y_true, y_pred, ops, count, applied=None):
    """Returns the value, and ``count`` further arrays: first the derivative, then its reach.

    To ``applied`` it adds the names of the primitives that it applies, and their operands.

    It loops over the nodes with a stack, because trees may be of any height. The stack holds pairs
    (value, carried); ``carried`` is empty if the value does not depend on y_pred.
    """
    as_array = np.asarray if ops is np else ops.convert_to_tensor
    y_pred = as_array(y_pred)
    dtype = y_pred.dtype
    y_true = as_array(y_true, dtype)
    seeds = (as_array(1.0, dtype),) * count
    leaves = dict(zip(pset.arguments, ((y_true, ()), (y_pred, seeds)), strict=True))

    def scaled(partial, carried):
        if isinstance(partial, float) and partial == 1.0:  # those of a sum
            return carried
        partial = as_array(partial, dtype)
        factors = (partial,) if count == 1 else (partial, ops.absolute(partial))
        return [ops.multiply(factor, part) for factor, part in zip(factors, carried, strict=True)]

    stack = []
    with np.errstate(all="ignore"):
        for node in reversed(tree):
            if not isinstance(node, gp.Primitive):
                number = pset.context.get(node.value, node.value)
                stack.append(leaves.get(node.value) or (as_array(number, dtype), ()))
                continue
            row = pset.context[node.name]
            if not hasattr(row, "derivative"):
                raise ValueError(f"primitive {node.name!r} has no derivative: add it to the set "
                                 f"with deap_lossgp.psets.add_primitive")
            values, inner = zip(*[stack.pop() for _ in range(node.arity)], strict=True)
            if applied is not None:
                applied.append((node.name, values))
            if not any(inner):
                stack.append((row.value(ops, *values), ()))
                continue
            value, partials = value_and_derivative(row, ops, *values)
            terms = [scaled(partial, carried)
                     for partial, carried in zip(partials, inner, strict=True) if carried]
            stack.append((value, [reduce(ops.add, parts) for parts in zip(*terms, strict=True)]))
        shape = ops.shape(ops.add(y_true, y_pred))
    value, carried = stack.pop()
    zeros = (as_array(0.0, dtype),) * count
    return tuple(ops.broadcast_to(part, shape) for part in (value, *(carried or zeros)))
