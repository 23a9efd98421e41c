"""Forward-mode differentiation of a loss tree with respect to the prediction."""

import numpy as np
from deap import gp

from deap_lossgp.primitives import value_and_derivative


def differentiate(tree, pset, y_true, y_pred, with_reach=False):
    """Evaluates a tree and its derivative with respect to y_pred, in NumPy.

    A loop over the nodes with a stack of arrays, so trees may be of any height; what does not
    depend on y_pred carries no derivative. Overflow and undefined values give inf and NaN.

    Args:
        tree: A ``LossTree``, or any prefix sequence of nodes.
        pset: Its primitive set, whose context holds ``LossPrimitive`` rows.
        y_true, y_pred: Floating arrays that broadcast together; they decide the precision.

    Returns:
        value, derivative: two arrays of the broadcast shape; with ``with_reach`` a third, the sum
        of the magnitudes of what the derivative sums up over all paths from y_pred to the root.
        Rounding, in forward or reverse mode, is in proportion to it and not to the derivative.

    Raises:
        ValueError: A primitive of the set is not a ``LossPrimitive``.
    """
    dtype = np.asarray(y_pred).dtype.type
    one = dtype(1.0)
    leaves = dict(zip(pset.arguments, ((y_true, None, None), (y_pred, one, one)), strict=True))
    stack = []
    with np.errstate(all="ignore"):
        for node in reversed(tree):
            if not isinstance(node, gp.Primitive):
                if node.value in leaves:
                    stack.append(leaves[node.value])
                    continue
                number = dtype(pset.context.get(node.value, node.value))
                stack.append((number, None, None))
                continue
            row = pset.context[node.name]
            if not hasattr(row, "derivative"):
                raise ValueError(f"primitive {node.name!r} has no derivative: add it to the set "
                                 f"with deap_lossgp.psets.add_primitive")
            values, slopes, reaches = zip(*[stack.pop() for _ in range(node.arity)], strict=True)
            if all(inner is None for inner in slopes):
                stack.append((row.value(np, *values), None, None))
                continue
            value, partials = value_and_derivative(row, np, *values)
            slope = reach = None
            for partial, inner, inner_reach in zip(partials, slopes, reaches, strict=True):
                if inner is None:
                    continue
                if type(partial) is not float or partial != 1.0:  # a sum's partials are 1.0
                    partial = np.asarray(partial, dtype)
                    inner = partial * inner
                    if with_reach:
                        inner_reach = np.abs(partial) * inner_reach
                slope = inner if slope is None else slope + inner
                if with_reach:
                    reach = inner_reach if reach is None else reach + inner_reach
            stack.append((value, slope, reach))
    shape = np.broadcast_shapes(np.shape(y_true), np.shape(y_pred))
    return tuple(
        np.broadcast_to(dtype(0.0) if part is None else part, shape)
        for part in stack[0][:3 if with_reach else 2]
    )
