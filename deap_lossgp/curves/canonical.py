"""Which expressions are the same loss: a canonical key, and a loss without its scale and shift.

c * L + k with c > 0 trains a network as L does, up to the scale of the gradient. The scale and the
shift are taken off the tree, not divided out of its numbers, so that what is left of two such
losses is equal bit for bit.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import numpy as np
from deap import gp

from deap_lossgp.constants import is_constant
from deap_lossgp.curves.differentiation import evaluate
from deap_lossgp.trees import LossTree


def canonical_key(tree: LossTree, pset: gp.PrimitiveSet) -> str:
    """Returns a digest that does not depend on the order of commutative operands.

    Expressions that are otherwise equal, constants to the last bit, have the same digest. The names
    of the primitive set and of its arguments are part of it.

    Args:
        tree: A ``LossTree``.
        pset: Its primitive set.

    Returns:
        64 hexadecimal digits.

    Examples:
        >>> from deap_lossgp.psets import loss_primitive_set
        >>> pset = loss_primitive_set()
        >>> one, two = (LossTree.from_string(text, pset)
        ...             for text in ("add(y_true, log(y_pred))", "add(log(y_pred), y_true)"))
        >>> canonical_key(one, pset) == canonical_key(two, pset)
        True
    """
    stack = []
    for node in reversed(tree):
        if isinstance(node, gp.Primitive):
            operands = [stack.pop() for _ in range(node.arity)]
            if pset.context[node.name].commutative:
                operands.sort()
            stack.append(_digest(node.name, *operands))
        else:
            stack.append(_digest(float(node.value).hex() if is_constant(node) else node.value))
    return _digest(pset.name, stack[0])


def _digest(*parts):
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()


@dataclass(frozen=True)
class AffineForm:
    """A loss as ``scale * core + shift``.

    Attributes:
        core: The tree without the scale and the shift.
        scale: A positive number.
        shift: A finite number.
    """

    core: LossTree
    scale: float
    shift: float


def affine_form(tree: LossTree, pset: gp.PrimitiveSet) -> AffineForm:
    """Takes the constant summands and factors off the root of a tree.

    Args:
        tree: A ``LossTree``.
        pset: Its primitive set; its primitives named add, sub, mul, div and neg are taken off.

    Returns:
        An ``AffineForm``; its core begins with ``neg`` where the product of the factors is
        negative. The tree itself, with scale 1 and shift 0, where a number would not be finite.

    Examples:
        >>> from deap_lossgp.psets import loss_primitive_set
        >>> pset = loss_primitive_set()
        >>> form = affine_form(LossTree.from_string("sub(3.0, mul(y_true, y_pred))", pset), pset)
        >>> print(form.core, form.scale, form.shift)
        neg(mul(y_true, y_pred)) 1.0 3.0
    """
    core, scale, shift = tree, 1.0, 0.0
    while (step := _unwrap(core, pset)) is not None:
        core, factor, summand = step
        scale, shift = scale * factor, shift + scale * summand
    if scale < 0.0:
        core, scale = [pset.mapping["neg"], *core], -scale
    if not (math.isfinite(scale) and scale > 0.0 and math.isfinite(shift)):
        return AffineForm(tree, 1.0, 0.0)
    return AffineForm(LossTree(core), scale, shift)


def _unwrap(tree, pset):
    """Returns (core, factor, summand) with tree = factor * core + summand, or None."""
    name = tree[0].name
    if name == "neg":
        return tree[1:], -1.0, 0.0
    if name not in ("add", "sub", "mul", "div"):
        return None
    stop = LossTree(tree).searchSubtree(1).stop
    left, right = tree[1:stop], tree[stop:]
    a, b = _constant_value(left, pset), _constant_value(right, pset)
    if (a is None) == (b is None):
        return None
    if name == "add":
        return (left, 1.0, b) if a is None else (right, 1.0, a)
    if name == "sub":
        return (left, 1.0, -b) if a is None else (right, -1.0, a)
    if name == "mul":
        core, factor = (left, b) if a is None else (right, a)
    elif a is None:
        with np.errstate(all="ignore"):
            core, factor = left, float(pset.context["div"](1.0, b))
    else:
        return None
    return (core, factor, 0.0) if factor and math.isfinite(factor) else None


def _constant_value(nodes, pset):
    """Returns the value of a subtree; None if it has arguments or the value is not finite."""
    if any(node.arity == 0 and not is_constant(node) for node in nodes):
        return None
    value = float(evaluate(nodes, pset, 0.0, 0.0))
    return value if math.isfinite(value) else None
