"""A graph of operations in infix: as Python with PyTorch, Keras or SymPy, as LaTeX, as text.

An expression that a reader would break up is broken up: what is used more than once gets a name,
and so does the longest operand where a line grows too long or brackets too deep.
"""

import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count

from deap_lossgp.export.graphs import Node, in_order, plain_operation
from deap_lossgp.export.rules import softened

SUM, PRODUCT, SIGN, POWER, CALL, ATOM = range(1, 7)
"""How tightly an operation binds."""

_LARGEST = 3.4028234663852886e38
_LETTERS = "abcdfghkmnqrstuvwxz"
_INFIX = {
    "+": ("{} + {}", SUM, (SUM, PRODUCT)),
    "-": ("{} - {}", SUM, (SUM, PRODUCT)),
    "*": ("{} * {}", PRODUCT, (PRODUCT, SIGN)),
    "/": ("{} / {}", PRODUCT, (PRODUCT, SIGN)),
    "neg": ("-{}", SIGN, (SIGN,)),
    "**": ("{} ** {}", POWER, (CALL, SIGN)),
    "hugged": ("{}**{}", POWER, (CALL, SIGN)),
}


@dataclass(frozen=True)
class Language:
    """How operations are written.

    Attributes:
        formats: By kind, the format of an operation without infix; beside the kinds of
            ``forms.FUNCTIONS`` there are ``lower`` and ``upper``, a Max and Min with a number,
            and ``square``.
        number: Writes a float.
        called: The format of a primitive's name where it is called; None writes a protected
            operator as the plain one.
        differentiated: Whether what is written is differentiated there.
        longest: Characters of an expression that is not broken up.
        deepest: Brackets in one another, likewise.
    """

    formats: dict
    number: Callable
    called: str | None = "_{}"
    differentiated: bool = False
    longest: int = 72
    deepest: int = 5

    def write(self, node, operands):
        """An operation on written operands.

        Args:
            node: The ``Node``.
            operands: A pair (text, how tightly it binds) for each of its operands.

        Returns:
            Such a pair.
        """
        if node.kind == "number":
            text = self.number(node.value)
            return text, SIGN if text.startswith("-") else ATOM
        if node.kind == "name":
            return node.value, ATOM
        if node.kind == "call":
            plain = plain_operation(node.value) if self.called is None else None
            if plain:
                return self.write(replace(node, kind=plain), operands)
            arguments = ", ".join(text for text, _ in operands)
            return f"{(self.called or '{}').format(node.value.name)}({arguments})", CALL
        kind, operands = self._variant(node, operands)
        if kind in self.formats:
            return self.formats[kind].format(*(text for text, _ in operands)), CALL
        return self._infix(kind, operands)

    def _variant(self, node, operands):
        """The kind as ``formats`` has it, and its operands."""
        kind = node.kind
        numbers = [operand.is_number() for operand in node.operands]
        if kind in ("Max", "Min") and any(numbers):
            variant = "lower" if kind == "Max" else "upper"
            if variant in self.formats:
                return variant, operands[::-1] if numbers[0] else operands
        if kind == "**" and numbers[1]:
            exponent = node.operands[1].value
            if exponent == 2.0 and "square" in self.formats:
                return "square", operands[:1]
            operands = [operands[0], (whole(exponent), SIGN)]
            if re.fullmatch(r"[\w.]+", operands[0][0]):
                return "hugged", operands
        return kind, operands

    def _infix(self, kind, operands):
        form, binding, needed = _INFIX[kind]
        texts = [self.bracketed(*operand, need)
                 for operand, need in zip(operands, needed, strict=True)]
        return signed(kind, form, texts, binding)

    def bracketed(self, text, bound, needed):
        """An operand, in brackets where it does not bind as tightly as it needs to."""
        return text if bound >= needed else f"({text})"

    def is_long(self, text):
        """Whether an expression should be broken up."""
        return len(text) > self.longest or depth(text) > self.deepest

    def names(self, node):
        """Names for a part, the best first."""
        leaf = node.operands[0] if node.operands else node
        if node.kind.isalpha() and len(node.operands) == 1 and leaf.value in ("y_true", "y_pred"):
            kind = node.value.name if node.kind == "call" else node.kind
            yield f"{kind.lower()}_{leaf.value[2:]}"
        for number in count():
            yield from (f"{letter}{number or ''}" for letter in _LETTERS)


def signed(kind, form, texts, binding):
    """An infix operation on texts; of two signs in a row one remains."""
    last = texts[-1]
    if kind in ("+", "-") and last.startswith("-"):
        kind, last = "-" if kind == "+" else "+", last[1:]
        return f"{texts[0]} {kind} {last}", binding
    if kind == "neg" and re.match(r"\(\d[^()]*\)$", last) and not re.search(r" [+-] ", last):
        return f"-{last[1:-1]}", PRODUCT
    return form.format(*texts), binding


def depth(text):
    """How many brackets stand in one another.

    Examples:
        >>> depth("f(a(b) + (c))")
        2
    """
    now = deepest = 0
    for character in text:
        now += (character in "([{") - (character in ")]}")
        deepest = max(deepest, now)
    return deepest


@dataclass
class Written:
    """An expression in a language: named parts, in the order of their use, and the value."""

    parts: list = field(default_factory=list)
    value: str = ""


def write(root, language):
    """Writes a node with all that it stands on.

    Args:
        root: A ``Node``.
        language: A ``Language``.

    Returns:
        A ``Written``, its parts as pairs (name, text).

    Examples:
        >>> from deap_lossgp.found_losses import KNOWN_LOSSES
        >>> from deap_lossgp.psets import loss_primitive_set
        >>> from deap_lossgp.export.graphs import simplify
        >>> from deap_lossgp.trees import LossTree
        >>> pset = loss_primitive_set()
        >>> tree = LossTree.from_string(KNOWN_LOSSES["cross_entropy"], pset)
        >>> write(simplify(tree, pset), TORCH).value
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


def _in_two_steps(root):
    """With x / (x**2 + c) as (x / r) / r, r the root: the square of that divisor, in the plain
    quotient's derivative, is not finite in float32."""
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
    """A leaf, with or without a sign."""
    return not node.operands or (node.kind == "neg" and not node.operands[0].operands)


def whole(value):
    """A float, as an integer where it is one; with all its digits."""
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    return repr(value).replace("e+", "e")


def _float(value):
    """A float in Python; what float32 cannot hold is infinite."""
    if not math.isfinite(value) or abs(value) > _LARGEST:
        text = "nan" if math.isnan(value) else "inf"
        return f'{"-" * (value < 0.0)}float("{text}")'
    return repr(value + 0.0).replace("e+", "e")


def _integer(not_finite):
    def number(value):
        if math.isfinite(value):
            return whole(value)
        return not_finite["nan"] if math.isnan(value) else f'{"-" * (value < 0)}{not_finite["inf"]}'

    return number


_FUNCTIONS = ("sqrt", "exp", "log", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh",
              "tanh", "sign")  # fmt: skip

TORCH = Language(
    {**{kind: f"torch.{kind}({{}})" for kind in _FUNCTIONS}, "Abs": "torch.abs({})",
     "clip": "torch.clamp({}, {}, {})", "lower": "torch.clamp({}, min={})",
     "upper": "torch.clamp({}, max={})", "Max": "torch.maximum({}, {})",
     "Min": "torch.minimum({}, {})"},
    _float, differentiated=True,
)  # fmt: skip

KERAS = Language(
    {**{kind: f"ops.{re.sub('^a(?=sin|cos|tan)', 'arc', kind)}({{}})" for kind in _FUNCTIONS},
     "Abs": "ops.abs({})", "square": "ops.square({})", "clip": "ops.clip({}, {}, {})",
     "lower": "ops.maximum({}, {})", "upper": "ops.minimum({}, {})",
     "Max": "ops.maximum({}, {})", "Min": "ops.minimum({}, {})"},
    _float, differentiated=True,
)  # fmt: skip

SYMPY = Language(
    {**{kind: f"sympy.{kind}({{}})" for kind in (*_FUNCTIONS, "Abs")},
     "clip": "sympy.Max({1}, sympy.Min({2}, {0}, evaluate=False), evaluate=False)",
     "Max": "sympy.Max({}, {}, evaluate=False)", "Min": "sympy.Min({}, {}, evaluate=False)"},
    _integer({"nan": "sympy.nan", "inf": "sympy.oo"}),
)  # fmt: skip

TEXT = Language(
    {**{kind: f"{kind}({{}})" for kind in _FUNCTIONS}, "Abs": "abs({})",
     "clip": "max({1}, min({2}, {0}))", "Max": "max({}, {})", "Min": "min({}, {})"},
    _integer({"nan": "nan", "inf": "inf"}), called=None, deepest=8,
)  # fmt: skip
