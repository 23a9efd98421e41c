"""Interval arithmetic: the bounds of an operation's values.

An interval is a pair (low, high) of floats. It holds every value that an operation gives for
operands in their intervals, whether it is computed exactly or in float32 with an error of a few
units in the last place. ``WHOLE`` holds every number, infinities and NaN included. Another interval
with an infinite end may hold that infinity, but not NaN.

References:
    R. E. Moore, R. B. Kearfott and M. J. Cloud, Introduction to Interval Analysis, 2009.
"""

import itertools
import math
from collections.abc import Callable

import numpy as np

from deap_lossgp.export.forms import FUNCTIONS

WHOLE = (-math.inf, math.inf)
"""The interval of a value of which nothing is known."""

_ERROR = 2.0**-22
"""Relative error of an operation in float32: 4 units, more than the libraries state."""

_SMALLEST = 2.0**-126
"""Values below this underflow in float32 and may become zero."""

_LARGEST = float(np.finfo(np.float32).max)
_EXACT = ("neg", "Max", "Min", "clip", "Abs", "sign")


def is_finite(interval: tuple[float, float]) -> bool:
    """Tells whether all values are finite."""
    return math.isfinite(interval[0]) and math.isfinite(interval[1])


def distance(interval: tuple[float, float]) -> float:
    """Returns the smallest magnitude of the values: 0 where they change sign."""
    low, high = interval
    return max(low, -high, 0.0)


def rounded(value: float) -> tuple[float, float]:
    """Returns the interval of a constant, which holds its value in float32 too.

    Examples:
        >>> rounded(0.5)
        (0.5, 0.5)
    """
    if math.isnan(value):
        return WHOLE
    with np.errstate(over="ignore", under="ignore"):
        single = float(np.float32(value))
    return min(value, single, _LARGEST), max(value, single, -_LARGEST)


def bounds(kind: str, *operands: tuple[float, float]) -> tuple[float, float]:
    """Returns the interval of an operation.

    Args:
        kind: A key of ``forms.FUNCTIONS``.
        operands: The intervals of its operands.

    Returns:
        An interval; ``WHOLE`` where nothing is known.

    Examples:
        >>> low, high = bounds("-", (1.0, 1.0), (0.25, 0.75))
        >>> 0.2499 < low <= 0.25 and 0.75 <= high < 0.7501
        True
        >>> bounds("log", (-1.0, 1.0)) == WHOLE
        True
    """
    if WHOLE in operands:
        return WHOLE
    with np.errstate(all="ignore"):
        interval = _SPECIAL.get(kind, _corners)(kind, *operands)
    return interval if kind in _EXACT else _widened(interval)


def softened_reciprocal(interval: tuple[float, float], square: float) -> tuple[float, float]:
    """Returns the interval of x / (x**2 + square), which is largest at the root of ``square``."""
    low, high = interval
    ends = [low, high, *(x for x in (-math.sqrt(square), math.sqrt(square)) if low < x < high)]
    values = [0.0 if math.isinf(x) else x / (x * x + square) for x in ends]
    return _widened((min(values), max(values)))


def _widened(interval):
    """Returns an interval widened by the error of float32."""
    low, high = interval
    if math.isnan(low) or math.isnan(high):
        return WHOLE
    below, above = (min(abs(x), _LARGEST) * _ERROR + _SMALLEST for x in interval)
    # Rounding never changes a sign.
    low = max(low - below, 0.0) if low >= 0.0 else low - below
    high = min(high + above, 0.0) if high <= 0.0 else high + above
    return (-math.inf if low < -_LARGEST else min(low, _LARGEST),
            math.inf if high > _LARGEST else max(high, -_LARGEST))


def _corners(kind, *operands):
    """Bounds of an operation that is monotone in each operand: its extremes are at the ends."""
    values = [float(FUNCTIONS[kind](*corner)) for corner in itertools.product(*operands)]
    return WHOLE if any(map(math.isnan, values)) else (min(values), max(values))


def _quotient(kind, a, b):
    return _corners(kind, a, b) if distance(b) > 0.0 else WHOLE


def _power(kind, base, exponent):
    # The interval of a constant exponent is as wide as its rounding error.
    power = round(exponent[0], 4)
    if abs(exponent[0] - exponent[1]) > 1e-5 * abs(power):
        return WHOLE
    if base[0] > 0.0 or (base[0] == 0.0 and exponent[0] > 0.0):
        return _corners(kind, base, exponent)
    if power <= 0.0 or power % 1.0:
        return WHOLE
    operation = _corners if power % 2.0 else _even
    return operation(kind, base, (power, power))


def _even(kind, base, *others):
    """Bounds of an even operation, which rises with the magnitude of its operand."""
    largest = max(abs(base[0]), abs(base[1]))
    return _corners(kind, (distance(base), largest), *others)


def _wave(kind, x):
    """Bounds of sine and cosine, whose crests lie one period apart."""
    if not is_finite(x):
        return WHOLE
    if max(abs(x[0]), abs(x[1])) > 1e4:
        return (-1.0, 1.0)
    crest = math.pi / 2.0 if kind == "sin" else 0.0
    least, most = _corners(kind, x)
    return (-1.0 if _holds(x, crest + math.pi) else least, 1.0 if _holds(x, crest) else most)


def _holds(interval, phase):
    """Tells whether phase + 2 pi k lies in an interval, for an integer k."""
    low, high = ((end - phase) / (2.0 * math.pi) for end in interval)
    return math.floor(high + 1e-6) >= math.ceil(low - 1e-6)


_SPECIAL: dict[str, Callable] = {
    "/": _quotient, "**": _power, "Abs": _even, "cosh": _even, "sin": _wave, "cos": _wave,
    "tan": lambda kind, x: WHOLE,
}  # fmt: skip
