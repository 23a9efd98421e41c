"""The primitive set of losses, a plain ``deap.gp.PrimitiveSet``, and primitives added to it."""

import random
from functools import partial
from keyword import iskeyword

import numpy as np
from deap import gp

from deap_lossgp.primitives import PLAIN, PROTECTED, LossPrimitive

ARGUMENTS = ("y_true", "y_pred")
"""What a loss is a function of, in Keras's order."""

_PROBES = np.concatenate([np.linspace(-3.7, 2.9, 22), [-1.0, 0.0, 1.0]])
_STEP = 1e-6


def loss_primitive_set(protected: bool = True, *,
                       constants: tuple[float, float] = (-5.0, 5.0)) -> gp.PrimitiveSet:
    """Returns the thesis's ten operators over y_true, y_pred and real constants.

    Args:
        protected: Whether the operators are total (the default) or the plain mathematics.
        constants: Range from which ephemeral constants are drawn uniformly.

    Returns:
        A ``deap.gp.PrimitiveSet`` with arguments ``y_true`` and ``y_pred``. Its context holds the
        ``LossPrimitive`` rows, so ``gp.compile`` gives a NumPy function.

    Examples:
        >>> pset = loss_primitive_set()
        >>> sorted(primitive.name for primitive in pset.primitives[pset.ret])
        ['add', 'cos', 'div', 'exp', 'log', 'mul', 'neg', 'sin', 'sqrt', 'sub']
        >>> pset.arguments
        ['y_true', 'y_pred']

    References:
        Thesis, section 3.2.3: leaves are real numbers, y_pred or y_true; inner nodes are
        ``+``, ``-``, ``*``, ``/``, ``*(-1)``, sqrt, log, exp, sin or cos.
    """
    low, high = constants
    pset = gp.PrimitiveSet("protected" if protected else "plain", len(ARGUMENTS))
    pset.renameArguments(ARG0=ARGUMENTS[0], ARG1=ARGUMENTS[1])
    for name in ARGUMENTS:
        # renameArguments leaves the terminal's name behind, and genetic operators read it.
        pset.mapping[name].name = name
    for row in (PROTECTED if protected else PLAIN).values():
        pset.addPrimitive(row, row.arity, name=row.name)
    pset.addEphemeralConstant("constant", partial(_uniform, low, high))
    return pset


def add_primitive(pset: gp.PrimitiveSet, row: LossPrimitive) -> None:
    """Adds a primitive of the user's own to a set, if ``check_primitive`` accepts it.

    Args:
        pset: A primitive set from ``loss_primitive_set``; changed.
        row: A ``LossPrimitive``. It can be pickled only if its functions are functions of a module,
            not lambdas.

    Raises:
        TypeError: ``row`` is not a ``LossPrimitive``.
        ValueError: The row is faulty, or the set already has its name.
    """
    check_primitive(row)
    if row.name in pset.context or row.name in pset.mapping:
        raise ValueError(f"primitive {row.name!r}: the primitive set has this name already")
    pset.addPrimitive(row, row.arity, name=row.name)


def check_primitive(row: LossPrimitive) -> None:
    """Refuses a primitive whose name, arity, shape, values or derivative are wrong.

    Values and partial derivatives must be finite and have the operands' shape on a grid of
    operands that holds negative numbers, zero and one. Each partial derivative must agree with the
    central difference of the value within 1e-4 (relative to 1 + its magnitude), at nine of ten
    points at least, because some points may lie on a kink.

    Args:
        row: A ``LossPrimitive``.

    Raises:
        TypeError: ``row`` is not a ``LossPrimitive``.
        ValueError: The row is faulty; the message says what was expected and what came instead.

    Examples:
        >>> import numpy as np
        >>> square = LossPrimitive("square", 1, lambda ops, a: a * a, lambda ops, a: (a,),
        ...                        "(({0})**2)")
        >>> check_primitive(square)
        Traceback (most recent call last):
            ...
        ValueError: primitive 'square': partial derivative 0 at (-3.7,) should be about -7.4, got
        -3.7
    """
    if not isinstance(row, LossPrimitive):
        raise TypeError(f"a primitive is a LossPrimitive, got {type(row).__name__}")
    place = f"primitive {row.name!r}"
    if not (isinstance(row.name, str) and row.name.isascii() and row.name.isidentifier()
            and not iskeyword(row.name)):
        raise ValueError(f"{place}: the name must be a Python identifier in ASCII, no keyword")
    if not isinstance(row.arity, int) or row.arity < 1:
        raise ValueError(f"{place}: the arity must be an integer of at least 1, got {row.arity!r}")
    operands = _probes(row.arity)
    try:
        with np.errstate(all="ignore"):
            value = np.asarray(row.value(np, *operands))
            partials = row.derivative(np, *operands)
            slopes = [_difference(row, operands, index) for index in range(row.arity)]
    except TypeError as error:
        raise ValueError(f"{place}: cannot be called with {row.arity} operands: {error}") from None
    if not isinstance(partials, tuple | list) or len(partials) != row.arity:
        got = len(partials) if isinstance(partials, tuple | list) else type(partials).__name__
        raise ValueError(f"{place}: expected a tuple of {row.arity} partial derivatives, got {got}")
    shape = operands[0].shape
    if value.shape != shape:
        raise ValueError(f"{place}: expected values of the operands' shape {shape}, "
                         f"got {value.shape}")
    if not np.isfinite(value).all():
        where = tuple(float(operand[~np.isfinite(value)][0]) for operand in operands)
        raise ValueError(f"{place}: the value at {where} is not finite")
    for index, (given, slope) in enumerate(zip(partials, slopes, strict=True)):
        if np.shape(given) not in ((), shape):
            raise ValueError(f"{place}: partial derivative {index} should be one number or of the "
                             f"operands' shape {shape}, got {np.shape(given)}")
        given = np.broadcast_to(given, shape)
        wrong = ~(np.abs(given - slope) <= 1e-4 * (1.0 + np.abs(slope)))
        if not np.isfinite(given).all():
            raise ValueError(f"{place}: partial derivative {index} is not finite everywhere")
        if wrong.mean() > 0.1:
            at = int(np.argmax(wrong))
            where = tuple(float(operand[at]) for operand in operands)
            raise ValueError(f"{place}: partial derivative {index} at {where} should be about "
                             f"{slope[at]:.4g}, got {given[at]:.4g}")


def _probes(arity):
    """Returns operands: all combinations of ``_PROBES``, or of more than three operands some."""
    if arity <= 3:
        return [axis.ravel() for axis in np.meshgrid(*[_PROBES] * arity)]
    return [*np.random.default_rng(0).choice(_PROBES, (arity, len(_PROBES) ** 3))]


def _uniform(low, high):
    # random.uniform itself would pickle with the state of its generator, and draw from that copy.
    return random.uniform(low, high)


def _difference(row, operands, index):
    """Returns the central difference of a row's value by one of its operands."""
    shifted = [
        row.value(np, *(x + sign * _STEP if i == index else x for i, x in enumerate(operands)))
        for sign in (1.0, -1.0)
    ]
    return (shifted[0] - shifted[1]) / (2 * _STEP)
