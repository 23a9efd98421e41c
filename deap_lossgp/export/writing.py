"""A graph of operations as text in a language, with named parts where it would be long.

A part that is used more than once gets a name, and so does the longest operand where a line is too
long or has too many nested brackets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from deap_lossgp.export.graphs import Node, called_primitives, definition, in_order
from deap_lossgp.export.languages import ATOM, Language
from deap_lossgp.export.rules import softened


@dataclass
class Written:
    """An expression in a language.

    Attributes:
        parts: Pairs (name, text) of its named parts, in the order of their use.
        value: The text of its value.
    """

    parts: list = field(default_factory=list)
    value: str = ""

    def lines(self, before: str) -> list[str]:
        """Lists a line for each part, and one for the value with a text before it."""
        return [*(f"{name} = {text}" for name, text in self.parts), f"{before}{self.value}"]


def write(root: Node, language: Language) -> Written:
    """Writes a graph.

    Args:
        root: A ``Node``.
        language: A ``Language``.

    Returns:
        A ``Written``.

    Examples:
        >>> from deap_lossgp.export.graphs import simplify
        >>> from deap_lossgp.export.torch_module import TORCH
        >>> from deap_lossgp.found_losses import read_loss
        >>> loss = read_loss("cross_entropy")
        >>> write(simplify(loss.tree, loss.pset), TORCH).value
        '-(y_true * torch.log(y_pred))'
    """
    nodes = in_order(_in_two_steps(root) if language.differentiated else root)
    uses = Counter(operand for node in nodes for operand in node.operands)
    taken = {node.value for node in nodes if node.kind == "name"}
    written, texts = Written(), {}

    def name_part(node):
        name = next(name for name in language.names(node) if name not in taken)
        taken.add(name)
        written.parts.append((name, texts[node][0]))
        texts[node] = (name, ATOM)

    for node in nodes:
        while True:
            texts[node] = language.write(node, [texts[operand] for operand in node.operands])
            longest = max((operand for operand in node.operands if texts[operand][1] != ATOM
                           and not _is_simple(operand)),
                          key=lambda operand: len(texts[operand][0]), default=None)
            if longest is None or node.kind == "neg" or not language.is_long(texts[node][0]):
                break
            name_part(longest)
        if uses[node] > 1 and not _is_simple(node):
            name_part(node)
    written.value = texts[nodes[-1]][0]
    return written


def abbreviations(root: Node, language: Language,
                  names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yields (usage, meaning) for the primitives that are written in short.

    Args:
        root: A ``Node``.
        language: A ``Language``.
        names: A letter for each operand of a primitive.
    """
    for primitive in called_primitives(root):
        body, parameters = definition(primitive, names)
        call = Node("call", parameters, primitive, index=body.index + 1)
        meaning = write(body, language)
        yield write(call, language).value, ", with ".join(
            [meaning.value, *map(" = ".join, meaning.parts)])


def _in_two_steps(root):
    """Writes x / (x**2 + c) as (x / r) / r, where r is the root of the divisor.

    The derivative of the plain quotient has the square of the divisor, which is not finite in
    float32.
    """
    made, place = {}, count()
    for node in in_order(root):
        operands = tuple(made[operand] for operand in node.operands)
        if node.kind == "/" and softened(node.operands[1])[0] is node.operands[0]:
            x, divisor = operands
            divisor = Node("sqrt", (divisor,), index=next(place))
            operands = Node("/", (x, divisor), index=next(place)), divisor
        made[node] = replace(node, operands=operands, index=next(place))
    return made[root]


def _is_simple(node):
    """Tells whether a node is a leaf, or a leaf with a sign."""
    return not node.operands or (node.kind == "neg" and not node.operands[0].operands)
