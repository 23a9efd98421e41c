"""A loss as a smaller tree that is the same loss: by the rules of the exports, and back to a tree.

What an export writes is a graph without double signs, factors of one, computed constants and guards
that never act. Here such a graph becomes a tree of the primitive set again.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from deap_lossgp.constants import constant
from deap_lossgp.export.graphs import Graph, in_order

if TYPE_CHECKING:
    from deap import gp

    from deap_lossgp.trees import LossTree

_PRIMITIVES = {"+": "add", "-": "sub", "*": "mul", "/": "div", "neg": "neg", "sqrt": "sqrt",
               "exp": "exp", "log": "log", "sin": "sin", "cos": "cos"}
"""The primitives that compute the operations of a graph, by name."""


def simplified(tree: LossTree, pset: gp.PrimitiveSet) -> LossTree:
    """Returns the smallest tree that is known to be the same loss.

    A smaller tree is returned only if the rules turn both trees into one and the same graph. So the
    two differ by less than float32 resolves, in their values and in their slopes.

    Args:
        tree: A ``LossTree``; not changed.
        pset: Its primitive set.

    Returns:
        A new ``LossTree`` without fitness; or the tree itself, if no smaller one is found: because
        there is none, because a primitive has no symbolic form, or because what is left is no tree
        of the set.

    Examples:
        >>> from deap_lossgp.psets import loss_primitive_set
        >>> from deap_lossgp.trees import LossTree
        >>> pset = loss_primitive_set()
        >>> text = "neg(sub(mul(1.0, log(y_pred)), div(y_true, add(y_pred, sin(0.0)))))"
        >>> print(simplified(LossTree.from_string(text, pset), pset))
        sub(div(y_true, y_pred), log(y_pred))
    """
    graph = Graph()
    try:
        root = graph.tree(tree, pset)
    except ValueError:  # a user's primitive need not have a symbolic form
        return tree
    nodes = _nodes_of(root, pset, fewer_than=len(tree))
    smaller = tree if nodes is None else type(tree)(nodes)
    return smaller if graph.tree(smaller, pset) is root else tree


def _nodes_of(root, pset, fewer_than):
    """Returns a graph's nodes in prefix order, None if it is no tree of the set or too large."""
    written = {}
    for node in in_order(root):
        first = _first(node, pset)
        operands = _operands(node)
        # What several nodes use is written for each of them, so a tree may be far larger.
        size = 1 + sum(len(written[operand]) for operand in operands)
        if first is None or first.arity != len(operands) or size >= fewer_than:
            return None
        written[node] = [first, *(part for operand in operands for part in written[operand])]
    return written[root]


def _first(node, pset):
    """Returns the terminal or the primitive that stands for one node of a graph, or None."""
    if node.kind == "number":
        return constant(node.value, pset) if math.isfinite(node.value) else None
    if node.kind == "name":  # the graph has its own names for the arguments
        index = ("y_true", "y_pred").index(node.value)
        return pset.mapping[pset.arguments[index]]
    if node.kind == "call":
        return pset.mapping.get(node.value.name)
    name = "mul" if _is_square(node) else _PRIMITIVES.get(node.kind)
    return pset.mapping.get(name)


def _operands(node):
    return node.operands[:1] * 2 if _is_square(node) else node.operands


def _is_square(node):
    return node.kind == "**" and node.operands[1].is_number(2.0)
