"""Python source of a loss: its functions, and the class that a file defines around them."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator
from string import Template
from typing import TYPE_CHECKING

from deap_lossgp.export.graphs import Node, called_primitives, definition, in_order
from deap_lossgp.export.writing import write

if TYPE_CHECKING:
    from deap_lossgp.export.languages import Language
    from deap_lossgp.export.prepared import PreparedLoss

_LARGEST = 3.4028234663852886e38
"""The largest number in float32."""


def write_class(loss: PreparedLoss, template: Template, language: Language) -> str:
    """Writes a file that defines a loss as a class; see ``Target``."""
    return template.substitute(
        about=loss.about,
        scale=repr(loss.factor),
        total=loss.total,
        functions="\n\n\n".join([*called_functions(loss.root, language),
                                  _elementwise(loss.root, language)]),
        class_name=loss.class_name,
        name=loss.module_name,
    )


def called_functions(root: Node, language: Language) -> Iterator[str]:
    """Yields the source of a function for each primitive that is called in a graph."""
    for primitive in called_primitives(root):
        body, parameters = definition(primitive)
        lines = write(body, language).lines("return ")
        yield _function(f"_{primitive.name}", [each.value for each in parameters], lines)


def python_float(value: float) -> str:
    """Writes a float in Python; a number beyond float32 becomes infinite.

    Examples:
        >>> python_float(2), python_float(-1e39)
        ('2.0', '-float("inf")')
    """
    if math.isnan(value):
        return 'float("nan")'
    if abs(value) > _LARGEST:
        return '-float("inf")' if value < 0.0 else 'float("inf")'
    return repr(value + 0.0).replace("e+", "e")  # no negative zero


def _elementwise(root, language):
    written = write(root, language)
    if not any(node.value == "y_pred" for node in in_order(root)):
        written.value += " + 0.0 * y_pred"  # for its shape, and for a gradient of zero
    docstring = '"""The loss of each label and predicted probability."""'
    return _function("elementwise", ["y_true", "y_pred"], [docstring, *written.lines("return ")])


def _function(name, parameters, lines):
    return f"def {name}({', '.join(parameters)}):\n" + textwrap.indent("\n".join(lines), "    ")
