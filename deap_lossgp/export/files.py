"""A found loss as a file that needs nothing of this package: Keras, PyTorch, SymPy, LaTeX, text."""

import re
import textwrap

from deap_lossgp.curves.loss_curves import LossCurves
from deap_lossgp.errors import unknown_name
from deap_lossgp.export.about import about, filled, finite_number
from deap_lossgp.export.graphs import Node, called_rows, definition, in_order, simplify
from deap_lossgp.export.languages import KERAS, SYMPY, TEXT, TORCH, whole, write
from deap_lossgp.export.latex import LATEX
from deap_lossgp.export.sympy_expressions import SYMPY_SIZE
from deap_lossgp.export.templates import KERAS_FILE, LATEX_FILE, SYMPY_FILE, TEXT_FILE, TORCH_FILE
from deap_lossgp.found_losses import read_loss

ENDINGS = {"keras": "_keras.py", "torch": "_torch.py", "latex": ".tex", "sympy": "_sympy.py",
           "text": ".txt"}  # fmt: skip
"""What a loss can be exported to, and how such a file's name ends."""


def export_loss(found, to, *, scale=1.0):
    """Writes a loss as a file for others.

    The Python files stand alone. They work in the precision of what they are given, but at least
    in float32, and are simplified only as far as that cannot tell (``simplify``). Whatever comes
    from a stranger's file is reduced to numbers and plain names.

    Args:
        found: A ``FoundLoss``, from ``read_loss``.
        to: A key of ``ENDINGS``.
        scale: What the mean over the classes is multiplied by, a positive number; or
            ``"cross_entropy"``: the factor of the sum over the classes that brings its gradient to
            that of cross entropy, as evolution trains it. Cross entropy itself becomes what Keras
            and PyTorch have.

    Returns:
        The file's text.

    Raises:
        ValueError: An unknown target, a scale that is neither, a primitive without a readable
            symbolic form.

    Examples:
        >>> print(export_loss(read_loss("cross_entropy"), "sympy").splitlines()[-1])
        loss = -(y_true * sympy.log(y_pred))
    """
    if to not in ENDINGS:
        raise unknown_name("target", to, ENDINGS)
    return _WRITERS[to](found, simplify(found.tree, found.pset), _scale(found, scale))


def file_name(found, to):
    """The name of a loss's file, which Python can import where it is Python.

    Examples:
        >>> file_name(read_loss("ngl"), "torch")
        'ngl_torch.py'
    """
    return identifier(found.name) + ENDINGS[to]


def _scale(found, scale):
    """(factor, "mean" or "sum" over the classes)."""
    if scale == "cross_entropy":
        ours, theirs = (LossCurves.of(loss.tree, loss.pset).gradient_scale
                        for loss in (found, read_loss("cross_entropy")))
        if not ours:
            raise ValueError("the loss has no gradient to bring to the scale of cross entropy")
        return theirs / ours, "sum"
    number = finite_number(scale)
    if number is None or number <= 0.0:
        raise ValueError(f"the scale is a positive number or 'cross_entropy', got {scale!r}")
    return number, "mean"


def identifier(name):
    """A stranger's name as the name of a module."""
    word = re.sub(r"[^A-Za-z0-9]+", "_", str(name)[:40]).strip("_")
    if not word:
        return "evolved_loss"
    return word if word[0].isalpha() else f"loss_{word}"


def class_name(name):
    """A stranger's name as the name of a class.

    Examples:
        >>> class_name("cross_entropy"), class_name("3: \\"mine\\"")
        ('CrossEntropyLoss', 'Loss3MineLoss')
    """
    words = "".join(word[:1].upper() + word[1:] for word in identifier(name).split("_"))
    return words if words.endswith("Loss") else f"{words}Loss"


# The files


def _python(language, template):
    def writer(found, root, scale):
        return template.substitute(
            about="\n\n".join(about(found, root)),
            scale=repr(scale[0]),
            total=scale[1],
            functions=_functions(root, language),
            class_name=class_name(found.name),
            name=identifier(found.name),
        )

    return writer


def _function(name, parameters, written, docstring=()):
    lines = [*docstring, *(f"{part} = {text}" for part, text in written.parts),
             f"return {written.value}"]
    return f"def {name}({', '.join(parameters)}):\n" + textwrap.indent("\n".join(lines), "    ")


def _helpers(root, language):
    for row in called_rows(root):
        body, parameters = definition(row)
        yield _function(f"_{row.name}", [p.value for p in parameters], write(body, language))


def _functions(root, language):
    written = write(root, language)
    if not any(node.value == "y_pred" for node in in_order(root)):
        written.value += " + 0.0 * y_pred"  # for its shape, and for a gradient of zero
    docstring = ['"""The loss of each label and predicted probability."""']
    loss = _function("elementwise", ["y_true", "y_pred"], written, docstring)
    return "\n\n\n".join([*_helpers(root, language), loss])


def _sympy(found, root, scale):
    sizes = {}
    for node in in_order(root):
        sizes[node] = 1 + sum(sizes[operand] for operand in node.operands)
    written = write(root, SYMPY)
    lines = [f"{name} = {text}" for name, text in [*written.parts, ("loss", written.value)]]
    large = sizes[root] > SYMPY_SIZE
    if large:
        lines = ["with sympy.evaluate(False):", *(f"    {line}" for line in lines)]
    helpers = [*_helpers(root, SYMPY)]
    return SYMPY_FILE.substitute(
        class_name=class_name(found.name),
        about="\n\n".join([*about(found, root), _scaled(*scale)]),
        evaluated=_TOO_LARGE if large else "SymPy simplifies it, which is exact over the reals.",
        functions="".join(f"\n\n{helper}\n" for helper in helpers)
        + "\n" * (1 + bool(helpers)) + "\n".join(lines),
    )


_TOO_LARGE = "It is left as it is: SymPy might take minutes to simplify it."


def _latex(found, root, scale):
    written = write(root, LATEX)
    equations = [(r"\ell(y, \hat{y})", written.value), *written.parts]
    notes = "".join(f"  \\item ${usage}$ stands for ${meaning}$\n" for usage, meaning in
                    _notes(root, LATEX, "uvw"))
    about_lines = "\n\n".join(about(found, root)).splitlines()
    return LATEX_FILE.substitute(
        class_name=class_name(found.name),
        about="\n".join(f"% {line}".rstrip() for line in about_lines),
        scale=_latex_scale(*scale),
        equations=" \\\\\n".join(f"  {name} &= {text}" for name, text in equations),
        notes=f"\\noindent\nHere\n\\begin{{itemize}}\n{notes}\\end{{itemize}}\n" * bool(notes),
    )


def _text(found, root, scale):
    written = write(root, TEXT)
    lines = [f"{name} = {text}" for name, text in [*written.parts, ("loss", written.value)]]
    notes = [f"Here {usage} stands for {meaning}." for usage, meaning in
             _notes(root, TEXT, "abc")]
    return TEXT_FILE.substitute(
        class_name=class_name(found.name),
        about="\n\n".join(about(found, root)),
        scaled=filled(f"{_scaled(*scale)} Probabilities are clipped to [2**-23, 1 - 2**-23]."),
        infix="\n".join([*lines, *([""] * bool(notes)), *notes]),
    )


def _scaled(factor, total):
    times = f"{whole(factor)} times " * (factor != 1.0)
    return f"The loss of a sample is {times}the {total} of this over its classes."


def _latex_scale(factor, total):
    number = LATEX.number(factor)
    if total == "mean":
        return rf"\frac{{{number}}}{{C}}"
    return number if factor != 1.0 else ""


def _notes(root, language, names):
    """(usage, meaning) of the primitives that are written shorter than they are."""
    for row in called_rows(root):
        body, parameters = definition(row, names)
        usage = write(Node("call", parameters, row, index=body.index + 1), language).value
        meaning = write(body, language)
        yield usage, ", with ".join([meaning.value, *map(" = ".join, meaning.parts)])


_WRITERS = {"keras": _python(KERAS, KERAS_FILE), "torch": _python(TORCH, TORCH_FILE),
            "sympy": _sympy, "latex": _latex, "text": _text}  # fmt: skip
