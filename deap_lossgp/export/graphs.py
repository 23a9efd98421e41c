"""A loss as a graph of plain operations, without the guards that can never act.

Every primitive becomes the operations of its symbolic form, equal operations become one node, and
a node knows the interval of its values for all labels in [0, 1] and predictions in
[LOWEST, 1 - LOWEST]. So a clip that no value reaches is dropped, and a smoothed operator becomes
the plain one where the two agree in float32. What else is rewritten is exact in floating point,
the sign of zero aside: double signs, factors of one, a difference of equals.
"""

from dataclasses import dataclass, field

import numpy as np
from deap import gp

from deap_lossgp.curves.grid import LOWEST
from deap_lossgp.export.forms import FUNCTIONS, WHOLE, symbolic_form
from deap_lossgp.export.intervals import bounds, rounded, softened_reciprocal
from deap_lossgp.export.rules import RULES, softened

DOMAINS = {"y_true": (0.0, 1.0), "y_pred": (LOWEST, 1.0 - LOWEST)}
"""The intervals of the arguments."""


@dataclass(frozen=True, eq=False)
class Node:
    """An operation of a graph; the same operation on the same operands is the same node.

    Attributes:
        kind: ``"number"``, ``"name"``, ``"call"`` or a key of ``export.forms.FUNCTIONS``.
        operands: The nodes it works on.
        value: Of a number its float, of a name its text, of a call the ``LossPrimitive``.
        interval: (low, high) of its values.
        index: Its place in the order of making; operands come before.
    """

    kind: str
    operands: tuple = ()
    value: object = None
    interval: tuple = WHOLE
    index: int = field(default=0, repr=False)

    def is_number(self, *values):
        """Whether it is a constant and, where values are given, one of them."""
        return self.kind == "number" and (not values or self.value in values)


def in_order(root):
    """The nodes that a node stands on, and itself; operands before what is made of them."""
    found, stack = {}, [root]
    while stack:
        node = stack.pop()
        if node.index not in found:
            found[node.index] = node
            stack += node.operands
    return [found[index] for index in sorted(found)]


def simplify(tree, pset, *, guarded=True, calls=True):
    """Writes a loss as plain operations.

    Args:
        tree: A ``LossTree``.
        pset: Its primitive set.
        guarded: Whether the guards of protected operators that can act are kept; else it is the
            mathematics as it stands, which may be undefined in places.
        calls: Whether a primitive of several operations stays one, a call.

    Returns:
        The ``Node`` of the loss, over the names ``y_true`` and ``y_pred``.

    Raises:
        ValueError: A primitive has no symbolic form, or one that cannot be read.

    Examples:
        >>> from deap_lossgp.found_losses import KNOWN_LOSSES
        >>> from deap_lossgp.psets import loss_primitive_set
        >>> from deap_lossgp.trees import LossTree
        >>> pset = loss_primitive_set()
        >>> root = simplify(LossTree.from_string(KNOWN_LOSSES["cross_entropy"], pset), pset)
        >>> [node.kind for node in in_order(root)]
        ['name', 'name', 'log', '*', 'neg']
    """
    graph = Graph(guarded=guarded, calls=calls)
    arguments = [graph.name(*argument) for argument in DOMAINS.items()]
    leaves = dict(zip(pset.arguments, arguments, strict=True))
    stack = []
    for node in reversed(tree):
        if isinstance(node, gp.Primitive):
            operands = tuple(stack.pop() for _ in range(node.arity))
            row = pset.context[node.name]
            if not isinstance(getattr(row, "symbolic", None), str):
                raise ValueError(f"primitive {node.name!r} has no symbolic form: add it to the "
                                 f"set with deap_lossgp.psets.add_primitive")
            stack.append(graph.primitive(row, operands))
        elif node.value in leaves:
            stack.append(leaves[node.value])
        else:
            stack.append(graph.number(pset.context.get(node.value, node.value)))
    return stack[0]


def definition(row, names="abcdfghk", *, guarded=True):
    """A primitive as operations on named operands.

    Args:
        row: A ``LossPrimitive``.
        names: A name for each operand; where they do not suffice, the first is numbered.
        guarded: As for ``simplify``.

    Returns:
        root, parameters: The ``Node`` of its value, and those of its operands.
    """
    if row.arity > len(names):
        names = [f"{names[0]}{index}" for index in range(row.arity)]
    graph = Graph(guarded=guarded, calls=False)
    parameters = tuple(graph.name(name, WHOLE) for name in names[: row.arity])
    return graph.primitive(row, parameters), parameters


def plain_operation(row):
    """The kind of the one operation that a primitive is without its guards; None for others.

    Examples:
        >>> from deap_lossgp.primitives import PROTECTED
        >>> plain_operation(PROTECTED["div"])
        '/'
    """
    root, parameters = definition(row, guarded=False)
    return root.kind if root.operands == parameters else None


class Graph:
    """Makes nodes, each once, and simplifies them as they are made; for arguments see above."""

    def __init__(self, *, guarded=True, calls=True):
        self.guarded = guarded
        self.calls = calls
        self._nodes = {}
        self._primitives = {}

    def number(self, value):
        value = float(value)
        return self._node("number", value=value, interval=rounded(value))

    def name(self, text, interval):
        return self._node("name", value=text, interval=interval)

    def primitive(self, row, operands):
        """A row of the table on operands: its operations or, if several remain, a call."""
        key = (row.name, *(node.index for node in operands))
        if key not in self._primitives:
            self._primitives[key] = self._primitive(row, operands)
        return self._primitives[key]

    def _primitive(self, row, operands):
        form = symbolic_form(row.name, row.arity, row.symbolic)
        guarded = self.guarded
        # A constant is what the protected operator makes of it.
        self.guarded = guarded or all(node.is_number() for node in operands)
        root = self._instance(form, operands)
        self.guarded = guarded
        near = {*operands, *(self.apply("neg", operand) for operand in operands)}
        for _ in range(2):  # as deep as a rule looks into its operands
            near |= {inner for outer in near for inner in outer.operands}
        if not self.calls or _takes_numbers(form, operands) or _operations(root, near) <= 1:
            return root
        return self._node("call", operands, row, root.interval)

    def _instance(self, form, operands):
        if isinstance(form, float):
            return self.number(form)
        if form[0] == "operand":
            return operands[form[1]]
        return self.apply(form[0], *(self._instance(inner, operands) for inner in form[1:]))

    def apply(self, kind, *operands):
        """An operation, simplified."""
        if all(node.is_number() for node in operands):
            with np.errstate(all="ignore"):
                return self.number(FUNCTIONS[kind](*(np.float64(node.value) for node in operands)))
        simpler = RULES[kind](self, *operands) if kind in RULES else None
        if simpler is not None:
            return simpler
        x, square = softened(operands[1]) if kind == "/" else (None, None)
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
    """Whether a function or a power in a form would be left with constants only."""
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
    """How many operations a node has on top of those that were there before; signs are free."""
    count, stack = 0, [root]
    while stack:
        node = stack.pop()
        if node not in near and node.operands:
            count += node.kind != "neg"
            stack += node.operands
    return count


def called_rows(root):
    """The primitives that stayed calls, in the order of their use."""
    return [*{node.value.name: node.value for node in in_order(root) if node.kind == "call"}
            .values()]
