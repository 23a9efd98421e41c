"""The table of primitives: each row has a value, a derivative and a symbolic form.

A row is written for any array namespace ``ops`` (``numpy`` or ``keras.ops``), so the curves of a
loss and the operations that train with it come from the same code. There are two tables of the
thesis's ten operators:

* ``PLAIN``: the mathematics as it is; ``div(x, 0)`` is not finite.
* ``PROTECTED``: total versions. Every row maps [-1e18, 1e18] to itself with a finite derivative,
  also in float32, so every value of a tree is finite, however deep the tree. ``div``, ``sqrt`` and
  ``log`` are smooth near zero: ``x`` is replaced by ``sqrt(x**2 + EPSILON**2)``. So they need no
  ``where``, whose branch that is not taken could give NaN gradients. Away from zero they equal the
  plain ones in float32.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

EPSILON = 1e-10
"""Half-width of the smoothed neighbourhood of zero in protected div, sqrt and log."""

LIMIT = 1e18
"""Bound on the magnitude of every protected value; its square is finite in float32."""


@dataclass(frozen=True)
class LossPrimitive:
    """One row of the table; calling it gives its value in NumPy, as ``gp.compile`` expects.

    Attributes:
        name: The name used in expressions: a Python identifier in ASCII, no keyword.
        arity: Number of operands, at least 1.
        value: ``value(ops, *operands)``: an array of the operands' shape, element by element.
        derivative: ``derivative(ops, *operands)``: a tuple of ``arity`` partial derivatives, each
            an array of that shape or one number.
        symbolic: The value as a SymPy expression with ``{0}``, ``{1}``... for the operands. It has
            parentheses around itself and its operands wherever precedence could change the meaning.
        commutative: Whether the operands may change places.

    Examples:
        >>> float(PLAIN["sub"](5.0, 3.0))
        2.0
    """

    name: str
    arity: int
    value: Callable
    derivative: Callable
    symbolic: str
    commutative: bool = False

    def __call__(self, *operands: Any) -> Any:
        return self.value(np, *operands)


def value_and_derivative(row: Any, ops: Any, *operands: Any) -> tuple:
    """Computes a row's ``value`` and ``derivative``, and only once what they have in common.

    Args:
        row: A ``LossPrimitive``, or any object with these two functions.
        ops: The array namespace.
        *operands: Arrays of one shape.

    Returns:
        (value, partial derivatives)
    """
    derivative = row.derivative
    if isinstance(derivative, _SlopesOf) and derivative.value is row.value:
        return derivative.with_slopes(ops, *operands)
    return row.value(ops, *operands), derivative(ops, *operands)


def _add(ops, a, b):
    return ops.add(a, b)


def _d_add(ops, a, b):
    return 1.0, 1.0


def _sub(ops, a, b):
    return ops.subtract(a, b)


def _d_sub(ops, a, b):
    return 1.0, -1.0


def _mul(ops, a, b):
    return ops.multiply(a, b)


def _d_mul(ops, a, b):
    return b, a


def _div(ops, a, b):
    return ops.divide(a, b)


def _d_div(ops, a, b):
    return ops.divide(1.0, b), -ops.divide(ops.divide(a, b), b)


def _neg(ops, a):
    return ops.negative(a)


def _d_neg(ops, a):
    return (-1.0,)


def _sqrt(ops, a):
    return ops.sqrt(a)


def _d_sqrt(ops, a):
    return (ops.divide(0.5, ops.sqrt(a)),)


def _log(ops, a):
    return ops.log(a)


def _d_log(ops, a):
    return (ops.divide(1.0, a),)


def _exp(ops, a):
    return ops.exp(a)


def _d_exp(ops, a):
    return (ops.exp(a),)


def _sin(ops, a):
    return ops.sin(a)


def _d_sin(ops, a):
    return (ops.cos(a),)


def _cos(ops, a):
    return ops.cos(a)


def _d_cos(ops, a):
    return (-ops.sin(a),)


def _softened(ops, a):
    """a**2 + EPSILON**2: positive and, for |a| <= LIMIT, finite in float32."""
    return ops.add(ops.multiply(a, a), EPSILON**2)


def _soft_div(ops, a, b):
    return ops.multiply(a, ops.divide(b, _softened(ops, b)))


def _soft_div_and_slopes(ops, a, b):
    softened = _softened(ops, b)
    inverse = ops.divide(b, softened)
    # The products are ordered so that no intermediate overflows float32 at |a|, |b| = LIMIT.
    slope = ops.multiply(ops.divide(a, softened), 1.0 - 2.0 * ops.multiply(b, inverse))
    return ops.multiply(a, inverse), (inverse, slope)


def _soft_sqrt(ops, a):
    return ops.sqrt(ops.sqrt(_softened(ops, a)))


def _soft_sqrt_and_slope(ops, a):
    softened = _softened(ops, a)
    root = ops.sqrt(ops.sqrt(softened))
    return root, (ops.divide(ops.multiply(ops.multiply(0.5, a), root), softened),)


def _soft_log(ops, a):
    return ops.multiply(0.5, ops.log(_softened(ops, a)))


def _soft_log_and_slope(ops, a):
    softened = _softened(ops, a)
    return ops.multiply(0.5, ops.log(softened)), (ops.divide(a, softened),)


def _capped_exp(ops, a):
    # The input is capped, not only the output: exp(100) is infinite in float32, and the gradient
    # of a capped infinity is NaN.
    return ops.exp(ops.minimum(a, _LARGEST_EXPONENT))


def _capped_exp_and_slope(ops, a):
    value = _capped_exp(ops, a)
    return value, (ops.where(ops.less(a, _LARGEST_EXPONENT), value, 0.0),)


_LARGEST_EXPONENT = 41.4465  # log(LIMIT) rounded down: to the nearest, float32 would exceed LIMIT


@dataclass(frozen=True)
class _Clipped:
    """A function of the table with its value clipped to [-LIMIT, LIMIT]; pickles, as rows must."""

    function: Callable

    def __call__(self, ops, *operands):
        return ops.clip(self.function(ops, *operands), -LIMIT, LIMIT)


@dataclass(frozen=True)
class _ClippedWithSlopes:
    """The clipped value and its derivative: zero where the value is clipped."""

    with_slopes: Callable

    def __call__(self, ops, *operands):
        value, partials = self.with_slopes(ops, *operands)
        if ops is np and value.min() >= -LIMIT and value.max() <= LIMIT:
            return value, partials
        inside = ops.less_equal(ops.absolute(value), LIMIT)
        return (ops.clip(value, -LIMIT, LIMIT),
                tuple(ops.where(inside, partial, 0.0) for partial in partials))


@dataclass(frozen=True)
class _Both:
    """A value and its derivative that have no computation in common."""

    value: Callable
    derivative: Callable

    def __call__(self, ops, *operands):
        return self.value(ops, *operands), self.derivative(ops, *operands)


@dataclass(frozen=True)
class _SlopesOf:
    """The derivative of ``value``, taken from a function that gives both."""

    value: Callable
    with_slopes: Callable

    def __call__(self, ops, *operands):
        return self.with_slopes(ops, *operands)[1]


def _sharing(name, arity, value, with_slopes, symbolic, commutative=False):
    """A row from a value, and a function that gives the value and its derivative together."""
    derivative = _SlopesOf(value, with_slopes)
    return LossPrimitive(name, arity, value, derivative, symbolic, commutative)


def _clipped(name, arity, value, with_slopes, symbolic, commutative=False):
    """The same, with the value clipped to [-LIMIT, LIMIT]."""
    symbolic = f"Max(-{LIMIT:g}, Min({LIMIT:g}, {symbolic}))"
    return _sharing(name, arity, _Clipped(value), _ClippedWithSlopes(with_slopes), symbolic,
                    commutative)


def _table(*rows):
    return {row.name: row for row in rows}


PLAIN = _table(
    LossPrimitive("add", 2, _add, _d_add, "({0} + {1})", commutative=True),
    LossPrimitive("sub", 2, _sub, _d_sub, "({0} - {1})"),
    LossPrimitive("mul", 2, _mul, _d_mul, "({0}*{1})", commutative=True),
    LossPrimitive("div", 2, _div, _d_div, "({0}/{1})"),
    LossPrimitive("neg", 1, _neg, _d_neg, "(-{0})"),
    LossPrimitive("sqrt", 1, _sqrt, _d_sqrt, "sqrt({0})"),
    LossPrimitive("log", 1, _log, _d_log, "log({0})"),
    LossPrimitive("exp", 1, _exp, _d_exp, "exp({0})"),
    LossPrimitive("sin", 1, _sin, _d_sin, "sin({0})"),
    LossPrimitive("cos", 1, _cos, _d_cos, "cos({0})"),
)
"""By name, the thesis's ten operators as plain mathematics."""

PROTECTED = _table(
    _clipped("add", 2, _add, _Both(_add, _d_add), "({0} + {1})", commutative=True),
    _clipped("sub", 2, _sub, _Both(_sub, _d_sub), "({0} - {1})"),
    _clipped("mul", 2, _mul, _Both(_mul, _d_mul), "({0}*{1})", commutative=True),
    _clipped("div", 2, _soft_div, _soft_div_and_slopes,
             f"({{0}}*{{1}}/(({{1}})**2 + {EPSILON**2:g}))"),
    PLAIN["neg"],
    _sharing("sqrt", 1, _soft_sqrt, _soft_sqrt_and_slope,
             f"((({{0}})**2 + {EPSILON**2:g})**(1/4))"),
    _sharing("log", 1, _soft_log, _soft_log_and_slope, f"(log(({{0}})**2 + {EPSILON**2:g})/2)"),
    _sharing("exp", 1, _capped_exp, _capped_exp_and_slope,
             f"exp(Min({{0}}, {_LARGEST_EXPONENT!r}))"),
    PLAIN["sin"],
    PLAIN["cos"],
)
"""By name, the same operators made total: finite for every finite operand."""
