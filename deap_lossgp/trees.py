"""Loss trees: DEAP individuals as ordinary classes, and their text without ``eval``."""

import json
import math
import re

from deap import base, gp

_TOKEN = re.compile(
    r"(?P<name>[A-Za-z_]\w*)|(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|[(),]",
    re.ASCII,
)
_SPACE = re.compile(r"[ \t\r\n]*")


class LossFitness(base.Fitness):
    """(wins, improvement), both maximised; DEAP compares them in this order, as Algorithm 3 does.

    >>> won = LossFitness((2.0, 0.1))
    >>> won > LossFitness((1.0, 0.9)) and won > LossFitness((2.0, 0.0))
    True
    """

    weights = (1.0, 1.0)


class LossTree(gp.PrimitiveTree):
    """A loss as a tree over y_true and y_pred, in prefix order, with a ``fitness``.

    >>> from deap_lossgp.psets import loss_primitive_set
    >>> pset = loss_primitive_set()
    >>> tree = LossTree.from_string("neg(mul(y_true, log(y_pred)))", pset)
    >>> print(tree, len(tree), tree.height)
    neg(mul(y_true, log(y_pred))) 5 3
    """

    def __init__(self, content=()):
        super().__init__(content)
        self.fitness = LossFitness()

    @classmethod
    def from_string(cls, text, pset):
        """Reads an expression; text is parsed, never evaluated.

        Args:
            text: What ``str(tree)`` gives; plain finite numbers become ephemeral constants.
            pset: The ``deap.gp.PrimitiveSet`` that names the primitives and arguments.

        Raises:
            TypeError: ``text`` is not a string.
            ValueError: The fault and the place (characters are counted from 1).

        >>> from deap_lossgp.psets import loss_primitive_set
        >>> LossTree.from_string("add(y_true)", loss_primitive_set())
        Traceback (most recent call last):
            ...
        ValueError: add takes 2 operands, got 1, at character 1 of 'add(y_true)'
        """
        return cls(_parse(text, pset))

    def to_json(self, pset):
        """The tree as a JSON object: its expression and the name of its primitive set."""
        return json.dumps({"expression": str(self), "primitives": pset.name})

    @classmethod
    def from_json(cls, text, pset):
        """Reads a JSON object that holds an ``expression``; other keys may stand beside it.

        Raises:
            ValueError: Not JSON, no expression in it, or made with another primitive set.
        """
        try:
            content = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"expected a JSON object with an expression: {error}") from None
        if not isinstance(content, dict) or not isinstance(content.get("expression"), str):
            raise ValueError("expected a JSON object with the key 'expression', a string")
        if content.get("primitives", pset.name) != pset.name:
            raise ValueError(f"the loss was made with {content['primitives']!r} primitives, "
                             f"the primitive set given is {pset.name!r}")
        return cls.from_string(content["expression"], pset)


def constant(value, pset):
    """A constant leaf: an ephemeral constant of the set where it has one, else a terminal."""
    value = float(value)
    for terminal in pset.terminals[pset.ret]:
        if isinstance(terminal, gp.MetaEphemeral):
            leaf = terminal.__new__(terminal)  # calling the class would draw a random number
            leaf.value = value
            return leaf
    return gp.Terminal(value, False, pset.ret)


def is_constant(node):
    """Whether a leaf holds a number instead of an argument."""
    return node.arity == 0 and not isinstance(node.value, str)


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


def _fault(what, place, text):
    start = max(0, min(place - 40, len(text) - 80))
    shown = f"{'...' * (start > 0)}{_short(text[start:], 80)}"
    return ValueError(f"{what} at character {place + 1} of {shown!r}")


def _short(text, width=40):
    return text if len(text) <= width else text[:width] + "..."


def _parse(text, pset):
    """The nodes of an expression in prefix order; a loop, since trees may be of any height."""
    if not isinstance(text, str):
        raise TypeError(f"an expression is a string, got {type(text).__name__}")
    nodes = []
    calls = []  # of the open calls: [primitive, place, operands read]
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


def _node(match, place, text, pset):
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
