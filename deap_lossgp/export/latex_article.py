"""A loss as equations in a LaTeX article."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from string import Template
from typing import TYPE_CHECKING

from deap_lossgp.export.graphs import Node, plain_operation
from deap_lossgp.export.languages import (
    ATOM,
    CALL,
    POWER,
    PRODUCT,
    SIGN,
    SUM,
    Language,
    depth,
    short_number,
    signed,
)
from deap_lossgp.export.writing import abbreviations, write

if TYPE_CHECKING:
    from deap_lossgp.export.prepared import PreparedLoss


class Latex(Language):
    """Mathematics in LaTeX: y_true is y, y_pred is y with a hat."""

    def write(self, node: Node, operands: Sequence[tuple[str, int]]) -> tuple[str, int]:
        """Does what ``Language`` describes."""
        if node.kind == "number":
            return _number(node.value)
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
                return self.infix(node.kind, operands)
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
                return _function(_upright(node.value.name), *texts), CALL
        return _function(self.formats.get(node.kind, "\\" + node.kind), *texts), CALL

    def _product(self, left, right):
        left, right = self.bracketed(*left, PRODUCT), self.bracketed(*right, PRODUCT)
        if right.startswith("-"):
            right = _brackets(right)
        if right[0].isdigit():
            return rf"{left} \cdot {right}", PRODUCT
        thin = "" if right.startswith(("(", r"\left(", *_SPACED)) else r"\, "
        return f"{left} {thin}{right}", PRODUCT

    def bracketed(self, text: str, bound: int, needed: int) -> str:
        """Does what ``Language`` describes."""
        return text if bound >= needed else _brackets(text)

    def is_long(self, text: str) -> bool:
        """Does what ``Language`` describes."""
        return self.width(text) > self.longest or depth(text) > self.deepest

    def width(self, text: str) -> int:
        """Estimates how many characters wide it is when it is typeset."""
        return len(re.sub(r"\\left|\\right|\\frac|\\,|\\cdot|\\hat|[{}^ ]", "", text))

    def names(self, node: Node) -> Iterator[str]:
        """Does what ``Language`` describes."""
        for number in count():
            for letter in "abcdfghkmnqrstwxz":
                yield f"{letter}_{{{number}}}" if number else letter


def _brackets(text):
    return rf"\left({text}\right)" if re.search(r"frac|sqrt|\^|left", text) else f"({text})"


def _function(name, *arguments):
    return name + _brackets(", ".join(arguments))


def _upright(name):
    """Writes a name in upright letters."""
    return r"\operatorname{" + name.replace("_", r"\_") + "}"


def _number(value):
    """Writes a float; returns the text and how tightly it binds."""
    if not math.isfinite(value):
        text = r"\mathrm{NaN}" if math.isnan(value) else r"\infty"
        return ("-" + text, SIGN) if value < 0.0 else (text, ATOM)
    mantissa, _, exponent = short_number(value).partition("e")
    if not exponent:
        return mantissa, SIGN if value < 0.0 else ATOM
    power = f"10^{{{int(exponent)}}}"
    if mantissa in ("1", "-1"):
        return mantissa[:-1] + power, SIGN if value < 0.0 else POWER
    return rf"{mantissa} \cdot {power}", PRODUCT


# A product of these needs no thin space.
_SPACED = (r"\ln", r"\sin", r"\cos", r"\tan", r"\exp", r"\max", r"\min", r"\operatorname")

LATEX = Latex(
    {"log": r"\ln", "asin": r"\arcsin", "acos": r"\arccos", "atan": r"\arctan", "Max": r"\max",
     "Min": r"\min", "sign": _upright("sgn")},
    lambda value: _number(value)[0], longest=62, deepest=4,
)  # fmt: skip

LATEX_FILE = Template(r'''% $class_name
%
$about
\documentclass{article}
\usepackage{amsmath}
\usepackage[margin=2.5cm]{geometry}
\allowdisplaybreaks
\begin{document}
\noindent
With labels $$y_c$$ and predicted probabilities $$\hat{y}_c$$ of $$C$$ classes, clipped to
$$[2^{-23}, 1 - 2^{-23}]$$, the loss of a sample is
\begin{align*}
  L &= $scale \sum_{c=1}^C \ell(y_c, \hat{y}_c), \\
$equations
\end{align*}
$notes\end{document}
''')


def write_latex(loss: PreparedLoss, template: Template, language: Language) -> str:
    """Writes a loss as equations in an article; see ``Target``."""
    written = write(loss.root, language)
    equations = [(r"\ell(y, \hat{y})", written.value), *written.parts]
    notes = [f"  \\item ${usage}$ stands for ${meaning}$\n"
             for usage, meaning in abbreviations(loss.root, language, "uvw")]
    if notes:
        notes = ["\\noindent\nHere\n\\begin{itemize}\n", *notes, "\\end{itemize}\n"]
    return template.substitute(
        class_name=loss.class_name,
        about="\n".join(f"% {line}".rstrip() for line in loss.about.splitlines()),
        scale=_scale_text(loss.factor, loss.total, language),
        equations=" \\\\\n".join(f"  {name} &= {text}" for name, text in equations),
        notes="".join(notes),
    )


def _scale_text(factor, total, language):
    number = language.number(factor)
    if total == "mean":
        return rf"\frac{{{number}}}{{C}}"
    return number if factor != 1.0 else ""
