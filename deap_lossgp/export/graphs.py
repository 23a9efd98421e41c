"""A loss as a graph of plain operations, without the guards that never act.

Every primitive becomes the operations of its symbolic form, and equal operations become one node.
A node knows the interval of its values, for all labels in [0, 1] and predictions in
[LOWEST, 1 - LOWEST]. So a clip whose limits no value reaches is dropped, and a smoothed operator
becomes the plain one where the two agree in float32. All other simplifications are exact in
floating point, except for the sign of a zero: double signs, factors of one, a difference of equals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from deap import gp

from deap_lossgp.curves.grid import LOWEST
from deap_lossgp.export.forms import FUNCTIONS, symbolic_form
from deap_lossgp.export.intervals import WHOLE, bounds, rounded, softened_reciprocal
from deap_lossgp.export.rules import RULES, softened

if TYPE_CHECKING:
    from deap_lossgp.primitives import LossPrimitive
    from deap_lossgp.trees import LossTree

_DOMAINS = {"y_true": (0.0, 1.0), "y_pred": (LOWEST, 1.0 - LOWEST)}


@dataclass(frozen=True, eq=False)
class Node:
    """A node of a graph; the same operation on the same operands is the same node.

    Attributes:
        kind: ``"number"``, ``"name"``, ``"call"`` or a key of ``forms.FUNCTIONS``.
        operands: The nodes that it works on.
        value: The float of a number, the text of a name, the ``LossPrimitive`` of a call.
        interval: (low, high) of its values.
        index: Its place in the order of creation; operands come before it.
    """

    kind: str
    operands: tuple[Node, ...] = ()
    value: Any = None
    interval: tuple[float, float] = WHOLE
    index: int = field(default=0, repr=False)

    def is_number(self, *values: float) -> bool:
        """Tells whether it is a constant and, if values are given, one of them."""
        return self.kind == "number" and (not values or self.value in values)


def in_order(root: Node) -> list[Node]:
    """Lists all nodes below a node, and the node itself; operands come before what uses them."""
    found, stack = {}, [root]
    while stack:
        node = stack.pop()
        if node.index not in found:
            found[node.index] = node
            stack += node.operands
    return [found[index] for index in sorted(found)]


def called_primitives(root: Node) -> list[LossPrimitive]:
    """Lists the primitives that are calls in a graph, in the order of their use."""
    calls = {node.value.name: node.value for node in in_order(root) if node.kind == "call"}
    return [*calls.values()]


def simplify(tree: LossTree, pset: gp.PrimitiveSet) -> Node:
    """Turns a loss into a graph of plain operations.

    A primitive of which several operations remain is a call of that primitive.

    Args:
        tree: A ``LossTree``.
        pset: Its primitive set.

    Returns:
        The ``Node`` of the loss, over the names ``y_true`` and ``y_pred``.

    Raises:
        ValueError: A primitive has no symbolic form, or one that cannot be read.

    Examples:
        >>> from deap_lossgp.found_losses import read_loss
        >>> loss = read_loss("cross_entropy")
        >>> [node.kind for node in in_order(simplify(loss.tree, loss.pset))]
        ['name', 'name', 'log', '*', 'neg']
    """
    return Graph().tree(tree, pset)


def definition(primitive: LossPrimitive, names: Sequence[str] = "abcdfghk", *,
               guarded: bool = True) -> tuple[Node, tuple[Node, ...]]:
    """Turns a primitive into a graph of plain operations on named operands.

    Args:
        primitive: A ``LossPrimitive``.
        names: A name for each operand. If there are too few, the first one is numbered.
        guarded: Whether its guards are kept.

    Returns:
        root, parameters: The ``Node`` of its value, and those of its operands.
    """
    if primitive.arity > len(names):
        names = [f"{names[0]}{index}" for index in range(primitive.arity)]
    graph = Graph(guarded=guarded, calls=False)
    parameters = tuple(graph.name(name, WHOLE) for name in names[: primitive.arity])
    return graph.primitive(primitive, parameters), parameters


def plain_operation(primitive: LossPrimitive) -> str | None:
    """Returns the kind of the one operation that a primitive is without its guards, or None.

    Examples:
        >>> from deap_lossgp.primitives import PROTECTED
        >>> plain_operation(PROTECTED["div"])
        '/'
    """
    root, parameters = definition(primitive, guarded=False)
    return root.kind if root.operands == parameters else None


class Graph:
    """Creates each node once, and simplifies it by the ``RULES`` when it is created.

    Args:
        guarded: Whether the guards of protected operators are kept where they can act. Without
            them a graph is the mathematics as it stands, which may be undefined in places.
        calls: Whether a primitive of which several operations remain is one node, a call.
    """

    def __init__(self, *, guarded: bool = True, calls: bool = True) -> None:
        self.guarded = guarded
        self.calls = calls
        self._nodes = {}
        self._primitives = {}

    def tree(self, tree: LossTree, pset: gp.PrimitiveSet) -> Node:
        """Adds a loss, as ``simplify`` describes; returns its node."""
        arguments = [self.name(*argument) for argument in _DOMAINS.items()]
        leaves = dict(zip(pset.arguments, arguments, strict=True))
        stack = []
        for node in reversed(tree):
            if isinstance(node, gp.Primitive):
                operands = tuple(stack.pop() for _ in range(node.arity))
                primitive = pset.context[node.name]
                if not isinstance(getattr(primitive, "symbolic", None), str):
                    raise ValueError(f"primitive {node.name!r} has no symbolic form: add it to "
                                     f"the set with deap_lossgp.psets.add_primitive")
                stack.append(self.primitive(primitive, operands))
            elif node.value in leaves:
                stack.append(leaves[node.value])
            else:
                stack.append(self.number(pset.context.get(node.value, node.value)))
        return stack[0]

    def number(self, value: float) -> Node:
        """Returns the node of a constant."""
        value = float(value)
        return self._node("number", value=value, interval=rounded(value))

    def name(self, text: str, interval: tuple[float, float]) -> Node:
        """Returns the node of a variable with values in an interval."""
        return self._node("name", value=text, interval=interval)

    def primitive(self, primitive: LossPrimitive, operands: Sequence[Node]) -> Node:
        """Returns the node of a primitive: its operations or, if several remain, a call."""
        key = (primitive.name, *(node.index for node in operands))
        if key not in self._primitives:
            self._primitives[key] = self._primitive(primitive, operands)
        return self._primitives[key]

    def _primitive(self, primitive, operands):
        form = symbolic_form(primitive.name, primitive.arity, primitive.symbolic)
        guarded = self.guarded
        # The protected operator itself computes its value for constants.
        self.guarded = guarded or all(node.is_number() for node in operands)
        root = self._instance(form, operands)
        self.guarded = guarded
        near = {*operands, *(self.apply("neg", operand) for operand in operands)}
        for _ in range(2):  # the rules look as deep as this into their operands
            near |= {inner for outer in near for inner in outer.operands}
        if not self.calls or _takes_numbers(form, operands) or _operations(root, near) <= 1:
            return root
        return self._node("call", operands, primitive, root.interval)

    def _instance(self, form, operands):
        if isinstance(form, float):
            return self.number(form)
        if form[0] == "operand":
            return operands[form[1]]
        return self.apply(form[0], *(self._instance(inner, operands) for inner in form[1:]))

    def apply(self, kind: str, *operands: Node) -> Node:
        """Returns the node of an operation, simplified.

        Args:
            kind: A key of ``forms.FUNCTIONS``.
            operands: Its nodes.
        """
        if all(node.is_number() for node in operands):
            with np.errstate(all="ignore"):
                return self.number(FUNCTIONS[kind](*(np.float64(node.value) for node in operands)))
        simpler = RULES[kind](self, *operands) if kind in RULES else None
        if simpler is not None:
            return simpler
        x, square = softened(operands[1]) if kind == "/" else (None, 0.0)
        if x is not None and x is operands[0]:
            interval = softened_reciprocal(x.interval, square)
        else:
            interval = bounds(kind, *(node.interval for node in operands))
        return self._node(kind, operands, interval=interval)

    def _node(self, kind, operands=(), value=None, interval=WHOLE):
        indices = [node.index for node in operands]
        if kind in ("+", "*", "Max", "Min"):
            indices.sort()
        key = (kind, repr(value) if kind == "number" else value, *indices)
        if key not in self._nodes:
            self._nodes[key] = Node(kind, operands, value, interval, len(self._nodes))
        return self._nodes[key]


def _takes_numbers(form, operands):
    """Tells whether a function or a power in a form has only constants as operands."""
    if isinstance(form, float) or form[0] == "operand":
        return False
    alone = form[0] == "**" or (form[0].isalpha() and form[0] != "neg")
    return (alone and _is_constant(form, operands)) or any(
        _takes_numbers(inner, operands) for inner in form[1:])


def _is_constant(form, operands):
    if isinstance(form, float):
        return True
    if form[0] == "operand":
        return operands[form[1]].is_number()
    return all(_is_constant(inner, operands) for inner in form[1:])


def _operations(root, near):
    """Counts the operations above the nodes in ``near``; signs do not count."""
    count, stack = 0, [root]
    while stack:
        node = stack.pop()
        if node not in near and node.operands:
            if node.kind != "neg":
                count += 1
            stack += node.operands
    return count
