"""A loss as a SymPy expression, in a Python file that needs only ``sympy``."""

from __future__ import annotations

from functools import partial
from string import Template
from typing import TYPE_CHECKING

from deap_lossgp.export.graphs import in_order
from deap_lossgp.export.languages import Language, named_functions, short_number
from deap_lossgp.export.python_code import called_functions
from deap_lossgp.export.writing import write

if TYPE_CHECKING:
    from deap_lossgp.export.prepared import PreparedLoss

_MOST_OPERATIONS = 20
"""SymPy simplifies expressions of up to as many operations and leaves; of 80 it takes minutes."""

# SymPy's own comparison of what Max and Min hold may never end.
SYMPY = Language(
    {**named_functions("sympy."), "Abs": "sympy.Abs({})",
     "clip": "sympy.Max({1}, sympy.Min({2}, {0}, evaluate=False), evaluate=False)",
     "Max": "sympy.Max({}, {}, evaluate=False)", "Min": "sympy.Min({}, {}, evaluate=False)"},
    partial(short_number, nan="sympy.nan", infinity="sympy.oo"),
)  # fmt: skip

SYMPY_FILE = Template('''\
"""$class_name for SymPy; needs nothing but sympy.

``loss`` is an expression in the symbols ``y_true`` and ``y_pred``. For its values use
``sympy.lambdify([y_true, y_pred], loss)``: SymPy's own ``subs`` fails on some Min and Max.
$evaluated

$about

$scaled
"""

import sympy

y_true = sympy.Symbol("y_true", nonnegative=True)
y_pred = sympy.Symbol("y_pred", positive=True)
$expression
''')


def write_sympy(loss: PreparedLoss, template: Template, language: Language) -> str:
    """Writes a file that defines an expression named ``loss``; see ``Target``."""
    functions = [*called_functions(loss.root, language)]
    lines = write(loss.root, language).lines("loss = ")
    evaluated = "SymPy simplifies it, which is exact over the reals."
    if _size(loss.root) > _MOST_OPERATIONS:
        evaluated = "It is left as it is: SymPy might take minutes to simplify it."
        lines = ["with sympy.evaluate(False):", *(f"    {line}" for line in lines)]
    blank = "\n\n" if functions else "\n"
    return template.substitute(
        class_name=loss.class_name,
        about=loss.about,
        scaled=loss.scale_sentence,
        evaluated=evaluated,
        expression=blank + "\n\n\n".join([*functions, "\n".join(lines)]),
    )


def _size(root):
    """Counts operations and leaves; those of a part count as often as it is used."""
    sizes = {}
    for node in in_order(root):
        sizes[node] = 1 + sum(sizes[operand] for operand in node.operands)
    return sizes[root]
