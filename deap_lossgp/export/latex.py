"""A loss as mathematics: a SymPy expression, and a language for LaTeX."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count

from deap_lossgp.export.graphs import plain_operation
from deap_lossgp.export.languages import (
    ATOM,
    CALL,
    POWER,
    PRODUCT,
    SIGN,
    SUM,
    Language,
    depth,
    signed,
    whole,
)


@dataclass(frozen=True)
class Latex(Language):
    """LaTeX's mathematics."""

    formats: dict = field(default_factory=dict)
    number: Callable = lambda value: _latex_number(value)[0]
    longest: int = 62
    deepest: int = 4

    def write(self, node, operands):
        """See ``Language``."""
        if node.kind == "number":
            return _latex_number(node.value)
        if node.kind == "name":
            return {"y_true": "y", "y_pred": r"\hat{y}"}.get(node.value, node.value), ATOM
        texts = [text for text, _ in operands]
        match node.kind:
            case "+":
                return signed("+", "{} + {}", texts, SUM)
            case "neg":
                text = self.bracketed(*operands[0], PRODUCT)
                return f"-{text}", min(operands[0][1], SIGN)
            case "-":
                return self._infix(node.kind, operands)
            case "/":
                return rf"\frac{{{texts[0]}}}{{{texts[1]}}}", CALL
            case "*":
                return self._product(*operands)
            case "**":
                base = self.bracketed(*operands[0], ATOM)
                return f"{base}^{{{texts[1]}}}", POWER
            case "exp" if not re.search(r"frac|sqrt|\^", texts[0]) and self.width(texts[0]) < 30:
                return f"e^{{{texts[0]}}}", POWER
            case "sqrt":
                return rf"\sqrt{{{texts[0]}}}", CALL
            case "Abs":
                return rf"\left|{texts[0]}\right|", CALL
            case "clip":
                inner = _function(r"\min", texts[2], texts[0])
                return _function(r"\max", texts[1], inner), CALL
            case "call":
                plain = plain_operation(node.value)
                if plain:
                    return self.write(replace(node, kind=plain), operands)
                return _function(operator_name(node.value.name), *texts), CALL
        return _function(_LATEX_NAMES.get(node.kind, "\\" + node.kind), *texts), CALL

    def _product(self, left, right):
        left, right = self.bracketed(*left, PRODUCT), self.bracketed(*right, PRODUCT)
        if right.startswith("-"):
            right = _brackets(right)
        if right[0].isdigit():
            return rf"{left} \cdot {right}", PRODUCT
        thin = "" if right.startswith(("(", r"\left(", *_SPACED)) else r"\, "
        return f"{left} {thin}{right}", PRODUCT

    def bracketed(self, text, bound, needed):
        """See ``Language``."""
        return text if bound >= needed else _brackets(text)

    def is_long(self, text):
        """See ``Language``."""
        return self.width(text) > self.longest or depth(text) > self.deepest

    def width(self, text):
        """About as many characters as it will be wide."""
        return len(re.sub(r"\\left|\\right|\\frac|\\,|\\cdot|\\hat|[{}^ ]", "", text))

    def names(self, node):
        """See ``Language``."""
        for number in count():
            for letter in "abcdfghkmnqrstwxz":
                yield f"{letter}_{{{number}}}" if number else letter


def _brackets(text):
    return rf"\left({text}\right)" if re.search(r"frac|sqrt|\^|left", text) else f"({text})"


def _function(name, *arguments):
    return name + _brackets(", ".join(arguments))


def operator_name(name):
    """A name, upright."""
    return r"\operatorname{" + name.replace("_", r"\_") + "}"


def _latex_number(value):
    if not math.isfinite(value):
        text = r"\mathrm{NaN}" if math.isnan(value) else r"\infty"
        return ("-" + text, SIGN) if value < 0.0 else (text, ATOM)
    mantissa, _, exponent = whole(value).partition("e")
    if not exponent:
        return mantissa, SIGN if value < 0.0 else ATOM
    power = f"10^{{{int(exponent)}}}"
    if mantissa in ("1", "-1"):
        return mantissa[:-1] + power, SIGN if value < 0.0 else POWER
    return rf"{mantissa} \cdot {power}", PRODUCT


_LATEX_NAMES = {
    "log": r"\ln", "asin": r"\arcsin", "acos": r"\arccos", "atan": r"\arctan", "Max": r"\max",
    "Min": r"\min", "sign": operator_name("sgn"),
}  # fmt: skip
_SPACED = (r"\ln", r"\sin", r"\cos", r"\tan", r"\exp", r"\max", r"\min", r"\operatorname")

LATEX = Latex()
"""The language; y_true is y, y_pred is y with a hat."""
