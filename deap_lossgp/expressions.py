"""Expressions: the text of a loss, read without evaluating it, and written for people."""

import math
import re
from collections.abc import Sequence

from deap import gp

from deap_lossgp.constants import constant, is_constant

_TOKEN = re.compile(
    r"(?P<name>[A-Za-z_]\w*)|(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|[(),]",
    re.ASCII,
)
_SPACE = re.compile(r"[ \t\r\n]*")
_SUM, _PRODUCT, _ATOM = 1, 2, 3  # how tightly the parts of a written expression hold together


def parse(text: str, pset: gp.PrimitiveSet) -> list:
    """Reads an expression; the text is never evaluated.

    Args:
        text: A call like ``add(y_true, 2)``, an argument or a number, of any height.
        pset: The ``deap.gp.PrimitiveSet`` that names the primitives and arguments.

    Returns:
        The nodes, a list in prefix order. Numbers become ephemeral constants if the set has one.

    Raises:
        TypeError: ``text`` is not a string.
        ValueError: Names the fault and its place; characters are counted from 1.
    """
    if not isinstance(text, str):
        raise TypeError(f"an expression is a string, got {type(text).__name__}")
    nodes = []
    calls = []  # those still open: [primitive, place, operands read]
    expected = "an operand"
    for match, place in _tokens(text):
        token = match[0] if match else ""
        if expected == "an operand" and match and match.lastgroup:
            nodes.append(_node(match, place, text, pset))
            if calls:
                calls[-1][2] += 1
            if nodes[-1].arity:
                calls.append([nodes[-1], place, 0])
                expected = "'('"
            else:
                expected = "',' or ')'" if calls else "the end"
        elif (expected, token) in (("'('", "("), ("',' or ')'", ",")):
            expected = "an operand"
        elif expected == "',' or ')'" and token == ")":
            primitive, opened, count = calls.pop()
            if count != primitive.arity:
                raise _fault(f"{primitive.name} takes {primitive.arity} operands, got {count},",
                             opened, text)
            expected = "',' or ')'" if calls else "the end"
        elif expected != "the end" or match:
            got = repr(_short(token)) if match else "the end"
            raise _fault(f"expected {expected}, got {got}", place, text)
    return nodes


def infix(tree: Sequence, digits: int = 4) -> str:
    """Writes a loss as people do, with signs between the operands and few parentheses.

    A minus sign moves outwards as far as it can, which changes no value: two of them cancel, and to
    add a negative term is to subtract.

    Args:
        tree: A ``LossTree``, or any sequence of nodes in prefix order, of any height.
        digits: Significant digits of its constants.

    Returns:
        The text. Primitives other than add, sub, mul, div and neg are called by name. A protected
        operator is written as the plain one.

    Examples:
        >>> from deap_lossgp.found_losses import KNOWN_LOSSES
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
            subtracted = negated != (node.name == "sub")
            if rank == _SUM and (subtracted or second.startswith("-")):
                second = f"({second})"
            first = _with_sign(operands[0]) if minus else first
            stack.append((f"{first} {'-' if subtracted else '+'} {second}", _SUM, False))
        elif node.name in ("mul", "div"):
            (first, left, minus), (second, right, negated) = operands
            first = f"({first})" if left == _SUM else first
            if right == _SUM or (node.name == "div" and right == _PRODUCT):
                second = f"({second})"
            sign = "*" if node.name == "mul" else "/"
            stack.append((f"{first}{sign}{second}", _PRODUCT, minus != negated))
        else:
            texts = [_with_sign(operand) for operand in operands]
            stack.append((f"{node.name}({', '.join(texts)})", _ATOM, False))
    return _with_sign(stack[0])


def in_short(tree: Sequence, width: int, digits: int = 4) -> str:
    """Writes a loss as ``infix`` does, with dots for what lies too deep for a line.

    Args:
        tree, digits: As for ``infix``.
        width: The greatest length of the text, in characters; a text of one operator may be longer.

    Examples:
        >>> from deap_lossgp.found_losses import KNOWN_LOSSES
        >>> from deap_lossgp.psets import loss_primitive_set
        >>> from deap_lossgp.trees import LossTree
        >>> ngl = LossTree.from_string(KNOWN_LOSSES["ngl"], loss_primitive_set())
        >>> in_short(ngl, 60), in_short(ngl, 50), in_short(ngl, 20)
        ('exp(2.409 - y_pred*(1 + y_true)) - cos(cos(sin(y_pred)))',
         'exp(2.409 - y_pred*…) - cos(cos(sin(y_pred)))', 'exp(…) - cos(…)')
    """
    text, depth = infix(tree, digits), 1
    if len(text) <= width:
        return text
    shown = infix(_cut(tree, depth), digits)
    while len(deeper := infix(_cut(tree, depth + 1), digits)) <= width:
        shown, depth = deeper, depth + 1
    return shown


def number_text(value: float, digits: int = 4) -> str:
    """Returns the text of a constant, rounded to a few significant digits."""
    return f"{float(value):.{digits}g}"


def _tokens(text):
    """Yields (match, place) for each token, then (None, place of the end)."""
    position = _SPACE.match(text).end()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _fault(f"unexpected {text[position]!r}", position, text)
        yield match, position
        position = _SPACE.match(text, match.end()).end()
    yield None, len(text)


def _node(match, place, text, pset):
    """Returns the node that a name or a number stands for."""
    if match.lastgroup == "number":
        if not math.isfinite(float(match[0])):
            raise _fault(f"the constant {_short(match[0])} is not finite", place, text)
        return constant(match[0], pset)
    node = pset.mapping.get(match[0])
    if isinstance(node, gp.Primitive) or (isinstance(node, gp.Terminal) and not is_constant(node)):
        return node
    known = ", ".join(name for name, node in pset.mapping.items() if isinstance(name, str)
                      and isinstance(node, gp.Primitive | gp.Terminal))
    raise _fault(f"unknown name {_short(match[0])!r} (known: {known})", place, text)


def _fault(what, place, text):
    """Returns the error for a fault at a place, with 80 characters of the text around it."""
    start = max(0, min(place - 40, len(text) - 80))
    shown = ("..." if start else "") + _short(text[start:], 80)
    return ValueError(f"{what} at character {place + 1} of {shown!r}")


def _short(text, width=40):
    return text if len(text) <= width else text[:width] + "..."


def _cut(tree, depth):
    """Returns the nodes down to a depth; what operates below it is a leaf of dots."""
    cut, waiting = [], []  # the depths of the operands to come
    skipped = 0
    for node in tree:
        if skipped:
            skipped += node.arity - 1
            continue
        level = waiting.pop() if waiting else 0
        if node.arity and level > depth:
            cut.append(gp.Terminal("…", True, object))
            skipped = node.arity
            continue
        cut.append(node)
        waiting += [level + 1] * node.arity
    return cut


def _leaf(node, digits):
    """Writes a leaf as (text, rank, whether a minus belongs before it)."""
    if not is_constant(node):
        return node.value, _ATOM, False
    text = number_text(node.value, digits)
    return text.removeprefix("-"), _ATOM, text.startswith("-")


def _with_sign(operand):
    text, rank, minus = operand
    if not minus:
        return text
    return f"-({text})" if rank == _SUM else f"-{text}"
