"""Losses as typeset formulas: MathML, which browsers show without a script."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from deap_lossgp.export.graphs import in_order, simplify
from deap_lossgp.export.latex_article import LATEX
from deap_lossgp.export.writing import abbreviations, write
from deap_lossgp.pages.sections import Formula

if TYPE_CHECKING:
    from deap import gp

    from deap_lossgp.trees import LossTree

_CALLED = re.compile(
    r"(</(?:mi|mn|mrow|mfrac|msup|mover|msqrt)>|&#x00029;</mo>)(<mi>[a-z]{2,}</mi>)")
"""A factor before a function's name, between which TeX leaves a little room, and MathML none."""


def typeset(tree: LossTree, pset: gp.PrimitiveSet) -> Formula:
    """Makes a formula of a loss: y are labels, ŷ predictions, and constants have four digits.

    Args:
        tree: A ``LossTree``.
        pset: Its primitive set.

    Returns:
        A ``Formula``: the loss of an element, then its named parts if it is long.

    Raises:
        ValueError: A primitive has no readable symbolic form.

    Examples:
        >>> from deap_lossgp.found_losses import read_loss
        >>> loss = read_loss("focal")
        >>> typeset(loss.tree, loss.pset).equations
        ('\\\\ell(y, \\\\hat{y}) = -(1 - \\\\hat{y})^{2} \\\\, y \\\\ln(\\\\hat{y})',)
    """
    root = _rounded(simplify(tree, pset))
    written = write(root, LATEX)
    equations = [(r"\ell(y, \hat{y})", written.value), *written.parts]
    return Formula(tuple(f"{name} = {text}" for name, text in equations),
                   tuple(abbreviations(root, LATEX, "uvw")))


def _rounded(root):
    """Returns a graph whose constants have four digits."""
    made = {}
    for node in in_order(root):
        value = float(f"{node.value:.4g}") if node.kind == "number" else node.value
        made[node] = replace(node, value=value, operands=tuple(map(made.get, node.operands)))
    return made[root]


def mathml(latex: str) -> str:
    """Returns a formula in LaTeX as a MathML element.

    Examples:
        >>> mathml("y")
        '<math display="inline"><mrow><mi>y</mi></mrow></math>'
    """
    from latex2mathml.converter import convert  # it reads a table of symbols first

    if r"\frac" not in latex:  # brackets that grow need a font for mathematics
        latex = latex.replace(r"\left", "").replace(r"\right", "")
    text = convert(latex).replace(' xmlns="http://www.w3.org/1998/Math/MathML"', "", 1)
    return _CALLED.sub(r'\1<mspace width="0.167em"/>\2', text)
