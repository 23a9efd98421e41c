"""What a primitive must be before it may enter a set: checked once, when it is registered."""

from keyword import iskeyword

import numpy as np

from deap_lossgp.primitives import LossPrimitive

_PROBES = np.concatenate([np.linspace(-3.7, 2.9, 22), [-1.0, 0.0, 1.0]])
_STEP = 1e-6


def check_primitive(row):
    """Refuses a primitive whose arity, shape, values or derivative are wrong.

    Values and partial derivatives must be finite and have the operands' shape on a grid of
    operands that holds negative numbers, zero and one; each partial derivative must agree with the
    central difference of the value within 1e-4 (relative to 1 + its magnitude) at nine of ten
    points at least, since a kink may fall on some.

    Args:
        row: A ``LossPrimitive``.

    Raises:
        TypeError: ``row`` is not a ``LossPrimitive``.
        ValueError: What was expected, and what came instead.

    >>> import numpy as np
    >>> square = LossPrimitive("square", 1, lambda ops, a: a * a, lambda ops, a: (a,), "(({0})**2)")
    >>> check_primitive(square)
    Traceback (most recent call last):
        ...
    ValueError: primitive 'square': partial derivative 0 at (-3.7,) should be about -7.4, got -3.7
    """
    if not isinstance(row, LossPrimitive):
        raise TypeError(f"a primitive is a LossPrimitive, got {type(row).__name__}")
    place = f"primitive {row.name!r}"
    if not (isinstance(row.name, str) and row.name.isascii() and row.name.isidentifier()
            and not iskeyword(row.name)):
        raise ValueError(f"{place}: the name must be a Python identifier in ASCII, no keyword")
    if not isinstance(row.arity, int) or row.arity < 1:
        raise ValueError(f"{place}: the arity must be an integer of at least 1, got {row.arity!r}")
    operands = [axis.ravel() for axis in np.meshgrid(*[_PROBES] * row.arity)]
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
    for index, (partial, slope) in enumerate(zip(partials, slopes, strict=True)):
        if np.shape(partial) not in ((), shape):
            raise ValueError(f"{place}: partial derivative {index} should be one number or of the "
                             f"operands' shape {shape}, got {np.shape(partial)}")
        partial = np.broadcast_to(partial, shape)
        wrong = ~(np.abs(partial - slope) <= 1e-4 * (1.0 + np.abs(slope)))
        if not np.isfinite(partial).all():
            raise ValueError(f"{place}: partial derivative {index} is not finite everywhere")
        if wrong.mean() > 0.1:
            at = int(np.argmax(wrong))
            where = tuple(float(operand[at]) for operand in operands)
            raise ValueError(f"{place}: partial derivative {index} at {where} should be about "
                             f"{slope[at]:.4g}, got {partial[at]:.4g}")


def _difference(row, operands, index):
    shifted = [
        row.value(np, *(x + sign * _STEP if i == index else x for i, x in enumerate(operands)))
        for sign in (1.0, -1.0)
    ]
    return (shifted[0] - shifted[1]) / (2 * _STEP)
