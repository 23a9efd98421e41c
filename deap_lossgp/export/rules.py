"""The rules that simplify one operation of a graph.

A rule takes the graph and the operands, and returns a simpler node, or None if it does not apply.
It changes values and slopes by less than float32 resolves; only the sign of a zero may change. In a
graph that is not ``guarded``, the rules also remove the guards of protected operators.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from deap_lossgp.export.intervals import distance, is_finite

if TYPE_CHECKING:
    from deap_lossgp.export.graphs import Node

_RESOLUTION = 2.0**-24
"""Half a unit in the last place of float32: values whose relative difference is less are equal."""

_SLOPE_RESOLUTION = 2.0**-20
"""The same for slopes. The slope of the smoothed log(p) differs most at p = LOWEST, by 7e-7."""

_GREAT = 1e6
"""A limit at least this far from zero is a guard; a nearer one may be the primitive's purpose."""

_LARGE_EXPONENT = 20.0
"""An upper limit of an exponent from here on is a guard."""

_SMALL_SQUARE = 1e-9
"""A constant of at most this size under a root, a logarithm or a fraction smooths a pole."""


def softened(node: Node) -> tuple[Node | None, Any]:
    """Returns (x, c) if a node is x**2 + c with a small constant c, else (None, None)."""
    if node.kind == "+":
        for power, number in (node.operands, node.operands[::-1]):
            if (power.kind == "**" and power.operands[1].is_number(2.0)
                    and number.is_number() and 0.0 < number.value <= _SMALL_SQUARE):
                return power.operands[0], number.value
    return None, None


def _is_plain(graph, x, square, error):
    """Tells whether x can replace the root of x**2 + square.

    Args:
        graph: The ``Graph``.
        x: A node, or None.
        square: The small constant.
        error: A function of square / x**2 and x: the relative error of the value.
    """
    if x is None or not graph.guarded:
        return x is not None
    nearest = distance(x.interval)
    ratio = square / nearest**2 if nearest > 1e-100 else math.inf
    return ratio <= _SLOPE_RESOLUTION and error(ratio, nearest) <= _RESOLUTION


def _log_error(ratio, x):
    # A square of up to half a unit of x**2 is lost in the sum. Where it is not lost, x is far
    # below 1, so that log(x) is large.
    return 0.0 if ratio <= _RESOLUTION / 2.0 else ratio / 2.0 / abs(math.log(x))


def _magnitude(graph, node):
    return graph.apply("neg", node) if graph.guarded and node.interval[1] < 0.0 else node


def _opposite(graph, node):
    """Returns the node whose negative this node is, or None if it is not written as a negative."""
    if node.kind == "neg":
        return node.operands[0]
    return graph.number(-node.value) if node.is_number() and node.value < 0.0 else None


def _sum(graph, a, b):
    for one, other in ((a, b), (b, a)):
        if one.is_number(0.0):
            return other
        opposite = _opposite(graph, other)
        if opposite is not None:
            return graph.apply("-", one, opposite)
    return graph.apply("*", graph.number(2.0), a) if a is b else None


def _difference(graph, a, b):
    if a.is_number(0.0) or b.is_number(0.0):
        return a if b.is_number(0.0) else graph.apply("neg", b)
    if a is b and is_finite(a.interval):
        return graph.number(0.0)
    opposite = _opposite(graph, b)
    return None if opposite is None else graph.apply("+", a, opposite)


def _negation(graph, a):
    if a.kind == "neg":
        return a.operands[0]
    return graph.apply("-", *a.operands[::-1]) if a.kind == "-" else None


def _product(graph, a, b):
    for one, other in ((a, b), (b, a)):
        if one.kind == "neg":
            inner = one.operands[0]
            return graph.apply("neg", graph.apply("*", *((inner, b) if one is a else (a, inner))))
        if one.is_number(1.0, -1.0):
            return other if one.value > 0.0 else graph.apply("neg", other)
        if one.is_number(0.0) and is_finite(other.interval):
            return one
        if one.kind == "/" and one.operands[0].is_number(1.0):
            return graph.apply("/", other, one.operands[1])
    if b.is_number():
        return graph.apply("*", b, a)
    return graph.apply("**", a, graph.number(2.0)) if a is b else None


def _quotient(graph, a, b):
    if a.kind == "neg":
        return graph.apply("neg", graph.apply("/", a.operands[0], b))
    if b.kind == "neg":
        return graph.apply("neg", graph.apply("/", a, b.operands[0]))
    if b.is_number(1.0, -1.0):
        return a if b.value > 0.0 else graph.apply("neg", a)
    if is_finite(a.interval) and distance(b.interval) > 0.0 and (a is b or a.is_number(0.0)):
        return graph.number(1.0) if a is b else a
    x, square = softened(b)
    if x is a and _is_plain(graph, x, square, lambda ratio, x: ratio):
        return graph.apply("/", graph.number(1.0), a)
    if a.kind == "log" and b.is_number(2.0):
        x, square = softened(a.operands[0])
        if _is_plain(graph, x, square, _log_error):
            return graph.apply("log", _magnitude(graph, x))
    return None


def _square_root(graph, a):
    if a.kind == "sqrt":
        x, square = softened(a.operands[0])
        if _is_plain(graph, x, square, lambda ratio, x: ratio / 4.0):
            return graph.apply("sqrt", _magnitude(graph, x))
    return None


def _power(graph, a, exponent):
    roots = {1.0: 0, 0.5: 1, 0.25: 2}.get(exponent.value)
    if roots is not None:
        for _ in range(roots):
            a = graph.apply("sqrt", a)
        return a
    if exponent.is_number(-1.0):
        return graph.apply("/", graph.number(1.0), a)
    if exponent.is_number(2.0) and a.kind in ("neg", "Abs"):
        return graph.apply("**", a.operands[0], exponent)
    return None


def _absolute(graph, a):
    low, high = a.interval
    if low >= 0.0 or high <= 0.0:
        return a if low >= 0.0 else graph.apply("neg", a)
    return graph.apply("Abs", a.operands[0]) if a.kind == "neg" else None


def _even(kind):
    return lambda graph, a: graph.apply(kind, a.operands[0]) if a.kind == "neg" else None


def _odd(kind):
    def rule(graph, a):
        if a.kind != "neg":
            return None
        return graph.apply("neg", graph.apply(kind, a.operands[0]))

    return rule


def _exponential(graph, a):
    if not graph.guarded and a.kind == "Min":
        for limit, other in (a.operands, a.operands[::-1]):
            if limit.is_number() and limit.value >= _LARGE_EXPONENT:
                return graph.apply("exp", other)
    return None


def _maximum(graph, a, b):
    for one, other in ((a, b), (b, a)):
        if one is other or one.interval[0] >= other.interval[1]:
            return one
        if not graph.guarded and one.is_number() and one.value <= -_GREAT:
            return other
    return _clipped(graph, "Min", a, b)


def _minimum(graph, a, b):
    for one, other in ((a, b), (b, a)):
        if one is other or one.interval[1] <= other.interval[0]:
            return one
        if not graph.guarded and one.is_number() and one.value >= _GREAT:
            return other
    return _clipped(graph, "Max", a, b)


def _clipped(graph, kind, a, b):
    """Returns clip(x, low, high) for a limit of a limit of the other kind, else None."""
    for limit, inner in ((a, b), (b, a)):
        if limit.is_number() and inner.kind == kind:
            for second, x in (inner.operands, inner.operands[::-1]):
                ends = (limit, second) if kind == "Min" else (second, limit)
                if second.is_number() and ends[0].value <= ends[1].value:
                    return graph.apply("clip", x, *ends)
    return None


RULES = {
    "+": _sum, "-": _difference, "neg": _negation, "*": _product, "/": _quotient, "**": _power,
    "sqrt": _square_root, "exp": _exponential, "Max": _maximum, "Min": _minimum,
    "Abs": _absolute, "cos": _even("cos"), "cosh": _even("cosh"),
    **{kind: _odd(kind) for kind in ("sin", "tan", "sinh", "tanh", "asin", "atan")},
}  # fmt: skip
"""The rules, by kind of operation; some kinds have none."""
