"""A loss as plain text."""

from __future__ import annotations

from string import Template
from typing import TYPE_CHECKING

from deap_lossgp.export.about import filled
from deap_lossgp.export.languages import Language, named_functions, short_number
from deap_lossgp.export.writing import abbreviations, write

if TYPE_CHECKING:
    from deap_lossgp.export.prepared import PreparedLoss

TEXT = Language(
    {**named_functions(), "Abs": "abs({})", "clip": "max({1}, min({2}, {0}))",
     "Max": "max({}, {})", "Min": "min({}, {})"},
    short_number, called=None, deepest=8,
)  # fmt: skip

TEXT_FILE = Template('''\
$class_name

$about

$equations

$scaled
''')


def write_text(loss: PreparedLoss, template: Template, language: Language) -> str:
    """Writes a loss as equations in plain text; see ``Target``."""
    equations = write(loss.root, language).lines("loss = ")
    notes = [f"Here {usage} stands for {meaning}."
             for usage, meaning in abbreviations(loss.root, language, "abc")]
    return template.substitute(
        class_name=loss.class_name,
        about=loss.about,
        equations="\n\n".join("\n".join(lines) for lines in (equations, notes) if lines),
        scaled=filled(f"{loss.scale_sentence} Probabilities are clipped to "
                      "[2**-23, 1 - 2**-23]."),
    )
