"""The files that a loss is exported to: one table of targets.

To add a target, write a file with its template and its language, and add a row here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from string import Template
from typing import TYPE_CHECKING

from deap_lossgp.errors import unknown_name
from deap_lossgp.export.keras_module import KERAS, KERAS_FILE
from deap_lossgp.export.languages import Language
from deap_lossgp.export.latex_article import LATEX, LATEX_FILE, write_latex
from deap_lossgp.export.names import identifier
from deap_lossgp.export.plain_text import TEXT, TEXT_FILE, write_text
from deap_lossgp.export.prepared import prepare
from deap_lossgp.export.python_code import write_class
from deap_lossgp.export.sympy_module import SYMPY, SYMPY_FILE, write_sympy
from deap_lossgp.export.torch_module import TORCH, TORCH_FILE

if TYPE_CHECKING:
    from deap_lossgp.found_losses import FoundLoss


@dataclass(frozen=True)
class Target:
    """A kind of file that a loss is exported to.

    Attributes:
        name: What ``export_loss`` and the command call it.
        ending: How the name of such a file ends.
        writer: A function that takes a ``PreparedLoss``, the template and the language, and returns
            the file's text.
        template: The file, with ``$names`` for what differs from loss to loss.
        language: How the file writes expressions.
    """

    name: str
    ending: str
    writer: Callable
    template: Template
    language: Language

    @property
    def defines_class(self) -> bool:
        """Whether the file defines the loss as a class, to be imported."""
        return "\nclass $class_name" in self.template.template


TARGETS = {target.name: target for target in (
    Target("keras", "_keras.py", write_class, KERAS_FILE, KERAS),
    Target("torch", "_torch.py", write_class, TORCH_FILE, TORCH),
    Target("latex", ".tex", write_latex, LATEX_FILE, LATEX),
    Target("sympy", "_sympy.py", write_sympy, SYMPY_FILE, SYMPY),
    Target("text", ".txt", write_text, TEXT_FILE, TEXT),
)}  # fmt: skip
"""What a loss can be exported to, by name."""


def export_loss(found: FoundLoss, to: str, *, scale: float | str = 1.0) -> str:
    """Writes a loss as a file for others.

    The Python files stand alone. They compute in the precision of their arguments, but at least in
    float32, and are simplified only as far as float32 does not show it. Whatever comes from
    a stranger's file is reduced to numbers and plain names.

    Args:
        found: A ``FoundLoss``, from ``read_loss``.
        to: A key of ``TARGETS``.
        scale: A positive number, by which the mean over the classes is multiplied; or
            ``"cross_entropy"``, which multiplies the sum over the classes by the factor that gives
            the loss the gradient of cross entropy, as evolution trains it. Cross entropy itself
            becomes what Keras and PyTorch have.

    Returns:
        The file's text.

    Raises:
        ValueError: The target is unknown, the scale is neither of the two, or a primitive has no
            readable symbolic form.

    Examples:
        >>> from deap_lossgp.found_losses import read_loss
        >>> print(export_loss(read_loss("cross_entropy"), "sympy").splitlines()[-1])
        loss = -(y_true * sympy.log(y_pred))
    """
    if to not in TARGETS:
        raise unknown_name("target", to, TARGETS)
    target = TARGETS[to]
    return target.writer(prepare(found, scale), target.template, target.language)


def file_name(found: FoundLoss, to: str) -> str:
    """Returns the name of a loss's file. Python can import it, if it is a Python file.

    Examples:
        >>> from deap_lossgp.found_losses import read_loss
        >>> file_name(read_loss("ngl"), "torch")
        'ngl_torch.py'
    """
    return identifier(found.name) + TARGETS[to].ending
