"""Losses as SymPy expressions."""

import math

from deap_lossgp.export.graphs import in_order, simplify

SYMPY_SIZE = 20
"""Operations and leaves up to which SymPy simplifies: over 80 of them it may take minutes."""


def to_sympy(tree, pset, *, guarded=True):
    """A loss as a SymPy expression.

    Guards that never act are left out, as ``simplify`` does. SymPy simplifies subexpressions of up
    to ``SYMPY_SIZE`` operations and leaves as they are built, which is exact over the reals;
    larger ones are left alone, for the sake of time.

    Args:
        tree: A ``LossTree``.
        pset: Its primitive set.
        guarded: Whether the guards of protected operators that can act are written out; else it
            is the mathematics as it stands, which may be undefined in places.

    Returns:
        An expression in the symbols ``y_true`` (nonnegative) and ``y_pred`` (positive).

    Raises:
        ImportError: SymPy is not installed; names the command that installs it.
        ValueError: A primitive has no symbolic form, or one that cannot be read.

    Examples:
        >>> from deap_lossgp.found_losses import KNOWN_LOSSES
        >>> from deap_lossgp.psets import loss_primitive_set
        >>> from deap_lossgp.trees import LossTree
        >>> pset = loss_primitive_set()
        >>> to_sympy(LossTree.from_string(KNOWN_LOSSES["cross_entropy"], pset), pset)
        -y_true*log(y_pred)
    """
    sympy = import_sympy()
    symbols = {"y_true": sympy.Symbol("y_true", nonnegative=True),
               "y_pred": sympy.Symbol("y_pred", positive=True)}
    root = simplify(tree, pset, guarded=guarded, calls=False)
    expressions, sizes = {}, {}
    for node in in_order(root):
        operands = [expressions[operand] for operand in node.operands]
        sizes[node] = 1 + sum(sizes[operand] for operand in node.operands)
        if node.kind == "number":
            expressions[node] = _sympy_number(sympy, node.value)
        elif node.kind == "name":
            expressions[node] = symbols[node.value]
        else:
            with sympy.evaluate(sizes[node] <= SYMPY_SIZE):
                expressions[node] = _sympy_operation(sympy, node.kind, operands)
    return expressions[root]


def import_sympy():
    """Imports SymPy, or says how to install it."""
    try:
        import sympy
    except ImportError:
        raise ImportError("this needs SymPy: pip install sympy") from None
    return sympy


def _sympy_number(sympy, value):
    if math.isnan(value):
        return sympy.nan
    if math.isinf(value):
        return sympy.oo if value > 0.0 else -sympy.oo
    return sympy.Integer(int(value)) if value == int(value) else sympy.Float(value)


def _sympy_operation(sympy, kind, operands):
    a, b = (*operands, None)[:2]
    match kind:
        case "+":
            return a + b
        case "-":
            return a - b
        case "*":
            return a * b
        case "/":
            return a / b
        case "**":
            return a**b
        case "neg":
            return -a
        case "clip":
            # SymPy's own comparison of what Max and Min hold may take for ever.
            inner = sympy.Min(operands[2], a, evaluate=False)
            return sympy.Max(b, inner, evaluate=False)
        case "Max" | "Min":
            return getattr(sympy, kind)(a, b, evaluate=False)
    return getattr(sympy, kind)(a)
