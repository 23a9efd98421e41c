"""How a language writes one operation: in infix notation, with as few brackets as it needs."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count

from deap_lossgp.export.graphs import Node, plain_operation

SUM, PRODUCT, SIGN, POWER, CALL, ATOM = range(1, 7)
"""How tightly an operation binds its operands."""

_LETTERS = "abcdfghkmnqrstuvwxz"
_INFIX = {
    "+": ("{} + {}", SUM, (SUM, PRODUCT)),
    "-": ("{} - {}", SUM, (SUM, PRODUCT)),
    "*": ("{} * {}", PRODUCT, (PRODUCT, SIGN)),
    "/": ("{} / {}", PRODUCT, (PRODUCT, SIGN)),
    "neg": ("-{}", SIGN, (SIGN,)),
    "**": ("{} ** {}", POWER, (CALL, SIGN)),
    "close **": ("{}**{}", POWER, (CALL, SIGN)),
}
"""By kind: the format, how tightly it binds, and how tightly its operands must bind."""


@dataclass(frozen=True)
class Language:
    """How operations are written.

    Attributes:
        formats: The formats of all operations but arithmetic, by kind. Beside the kinds of
            ``forms.FUNCTIONS`` there are ``lower`` and ``upper``, a Max and a Min with a number,
            and ``square``.
        number: A function that writes a float.
        called: The format of a called primitive's name. None writes a protected operator as the
            plain one.
        differentiated: Whether what is written is differentiated automatically.
        longest: How many characters an expression has before it is broken up.
        deepest: How many nested brackets it has before it is broken up.
    """

    formats: dict
    number: Callable
    called: str | None = "_{}"
    differentiated: bool = False
    longest: int = 72
    deepest: int = 5

    def write(self, node: Node, operands: Sequence[tuple[str, int]]) -> tuple[str, int]:
        """Writes an operation on operands that are written already.

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
        return self.infix(kind, operands)

    def _variant(self, node, operands):
        """Chooses the special form of an operation that has one; returns kind and operands."""
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
            operands = [operands[0], (short_number(exponent), SIGN)]
            if re.fullmatch(r"[\w.]+", operands[0][0]):
                return "close **", operands
        return kind, operands

    def infix(self, kind: str, operands: Sequence[tuple[str, int]]) -> tuple[str, int]:
        """Writes an arithmetic operation, as ``write`` does."""
        form, binding, needed = _INFIX[kind]
        texts = [self.bracketed(*operand, need)
                 for operand, need in zip(operands, needed, strict=True)]
        return signed(kind, form, texts, binding)

    def bracketed(self, text: str, bound: int, needed: int) -> str:
        """Writes an operand, in brackets if it does not bind as tightly as needed."""
        return text if bound >= needed else f"({text})"

    def is_long(self, text: str) -> bool:
        """Tells whether an expression should be broken up."""
        return len(text) > self.longest or depth(text) > self.deepest

    def names(self, node: Node) -> Iterator[str]:
        """Yields names for a part of an expression, the best one first."""
        leaf = node.operands[0] if node.operands else node
        if node.kind.isalpha() and len(node.operands) == 1 and leaf.value in ("y_true", "y_pred"):
            kind = node.value.name if node.kind == "call" else node.kind
            yield f"{kind.lower()}_{leaf.value[2:]}"
        for number in count():
            yield from (f"{letter}{number or ''}" for letter in _LETTERS)


def named_functions(prefix: str = "") -> dict[str, str]:
    """Returns formats of the functions that most languages call by the same name."""
    names = ("sqrt", "exp", "log", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh",
             "tanh", "sign")  # fmt: skip
    return {kind: f"{prefix}{kind}({{}})" for kind in names}


def short_number(value: float, nan: str = "nan", infinity: str = "inf") -> str:
    """Writes a float with all its digits, as an integer where it is one.

    Examples:
        >>> short_number(2.0), short_number(1e18), short_number(-0.1)
        ('2', '1e18', '-0.1')
    """
    if math.isnan(value):
        return nan
    if math.isinf(value):
        return f"-{infinity}" if value < 0.0 else infinity
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    return repr(value).replace("e+", "e")


def signed(kind: str, form: str, texts: Sequence[str], binding: int) -> tuple[str, int]:
    """Writes an arithmetic operation on texts; of two signs in a row one remains.

    Returns:
        A pair (text, how tightly it binds).
    """
    last = texts[-1]
    if kind in ("+", "-") and last.startswith("-"):
        kind, last = "-" if kind == "+" else "+", last[1:]
        return f"{texts[0]} {kind} {last}", binding
    if kind == "neg" and re.match(r"\(\d[^()]*\)$", last) and not re.search(r" [+-] ", last):
        return f"-{last[1:-1]}", PRODUCT
    return form.format(*texts), binding


def depth(text: str) -> int:
    """Counts how many brackets are nested.

    Examples:
        >>> depth("f(a(b) + (c))")
        2
    """
    now = deepest = 0
    for character in text:
        now += (character in "([{") - (character in ")]}")
        deepest = max(deepest, now)
    return deepest
