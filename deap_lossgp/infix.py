"""Expressions as they are written by hand, for people to read."""

from deap_lossgp.trees import is_constant

_SUM, _PRODUCT, _ATOM = 1, 2, 3


def infix(tree, digits=4):
    """Writes a loss with signs between the operands and as few parentheses as these allow.

    A minus moves outwards as far as it can, which changes no value: two cancel, and adding what is
    negative is subtracting.

    Args:
        tree: A ``LossTree``, or any prefix sequence of nodes, of any height.
        digits: Significant digits of its constants.

    Returns:
        str: Primitives other than add, sub, mul, div and neg are called by name. A protected
        operator is written as the plain one.

    >>> from deap_lossgp.known_losses import KNOWN_LOSSES
    >>> from deap_lossgp.psets import loss_primitive_set
    >>> from deap_lossgp.trees import LossTree
    >>> for name in ("cross_entropy", "ngl"):
    ...     print(infix(LossTree.from_string(KNOWN_LOSSES[name], loss_primitive_set())))
    -y_true*log(y_pred)
    exp(2.409 - y_pred*(1 + y_true)) - cos(cos(sin(y_pred)))
    """
    stack = []
    for node in reversed(tree):
        operands = [stack.pop() for _ in range(node.arity)]
        if not operands:
            stack.append(_leaf(node, digits))
        elif node.name == "neg":
            text, rank, minus = operands[0]
            stack.append((text, rank, not minus))
        elif node.name in ("add", "sub"):
            (first, _, minus), (second, rank, negated) = operands
            falls = negated != (node.name == "sub")
            torn = rank == _SUM and (falls or second.startswith("-"))
            second = f"({second})" if torn else second
            first = _with_sign(operands[0]) if minus else first
            stack.append((f"{first} {'-' if falls else '+'} {second}", _SUM, False))
        elif node.name in ("mul", "div"):
            (first, left, minus), (second, right, negated) = operands
            first = f"({first})" if left == _SUM else first
            tight = right == _SUM or (node.name == "div" and right == _PRODUCT)
            second = f"({second})" if tight else second
            sign = "*" if node.name == "mul" else "/"
            stack.append((f"{first}{sign}{second}", _PRODUCT, minus != negated))
        else:
            texts = [_with_sign(operand) for operand in operands]
            stack.append((f"{node.name}({', '.join(texts)})", _ATOM, False))
    return _with_sign(stack[0])


def number_text(value, digits=4):
    """A constant, rounded to a few digits."""
    return f"{float(value):.{digits}g}"


def _leaf(node, digits):
    """(text, rank, whether a minus belongs before it)."""
    if not is_constant(node):
        return node.value, _ATOM, False
    text = number_text(node.value, digits)
    return text.removeprefix("-"), _ATOM, text.startswith("-")


def _with_sign(operand):
    text, rank, minus = operand
    if not minus:
        return text
    return f"-({text})" if rank == _SUM else f"-{text}"
