"""The operations of symbolic forms: how a form is read, and within what bounds an operation stays.

An interval is a pair (low, high) of floats. It holds every value that an operation gives for
operands in their intervals, whether computed exactly or in float32 with a few units of error in
the last place. ``WHOLE`` is any number, infinities and NaN included; of another interval with an
infinite end the infinity may be a value, NaN may not.

Reference: R. E. Moore, R. B. Kearfott and M. J. Cloud, Introduction to Interval Analysis, 2009.
"""

import itertools
import math

import numpy as np

from deap_lossgp.export.forms import FUNCTIONS, WHOLE

_ERROR = 2.0**-22
"""Relative error of an operation in float32: 4 units, more than the libraries' own bounds."""

_SMALLEST = 2.0**-126
"""What underflows in float32 may be taken for zero."""

_LARGEST = float(np.finfo(np.float32).max)
_EXACT = ("neg", "Max", "Min", "clip", "Abs", "sign")


def is_finite(interval):
    """Whether neither NaN nor an infinity is among the values."""
    return math.isfinite(interval[0]) and math.isfinite(interval[1])


def distance(interval):
    """The smallest magnitude of the values; 0 where they change sign."""
    low, high = interval
    return max(low, -high, 0.0)


def rounded(value):
    """The interval of a constant: itself, and what float32 makes of it.

    Examples:
        >>> rounded(0.5)
        (0.5, 0.5)
    """
    if math.isnan(value):
        return WHOLE
    with np.errstate(over="ignore", under="ignore"):
        single = float(np.float32(value))
    return min(value, single, _LARGEST), max(value, single, -_LARGEST)


def bounds(kind, *operands):
    """The interval of an operation.

    Args:
        kind: A key of ``FUNCTIONS``.
        operands: The intervals of its operands.

    Returns:
        An interval, ``WHOLE`` where nothing is known.

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
    return interval if kind in _EXACT else widened(interval)


def softened_reciprocal(interval, square):
    """The interval of x / (x**2 + square), which is largest at the root of ``square``."""
    low, high = interval
    ends = [low, high, *(x for x in (-math.sqrt(square), math.sqrt(square)) if low < x < high)]
    values = [0.0 if math.isinf(x) else x / (x * x + square) for x in ends]
    return widened((min(values), max(values)))


def widened(interval):
    """An interval with what rounding to float32 may add to it."""
    low, high = interval
    if math.isnan(low) or math.isnan(high):
        return WHOLE
    below, above = (min(abs(x), _LARGEST) * _ERROR + _SMALLEST for x in interval)
    # Rounding does not change a sign.
    low = max(low - below, 0.0) if low >= 0.0 else low - below
    high = min(high + above, 0.0) if high <= 0.0 else high + above
    return (-math.inf if low < -_LARGEST else min(low, _LARGEST),
            math.inf if high > _LARGEST else max(high, -_LARGEST))


def _corners(kind, *operands):
    """Of an operation that rises or falls in each operand: its extremes lie in the corners."""
    values = [float(FUNCTIONS[kind](*corner)) for corner in itertools.product(*operands)]
    return WHOLE if any(map(math.isnan, values)) else (min(values), max(values))


def _quotient(kind, a, b):
    return _corners(kind, a, b) if distance(b) > 0.0 else WHOLE


def _power(kind, base, exponent):
    # Numbers come with an interval of their own rounding.
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
    """Of an operation that falls below zero and rises above it, alike."""
    largest = max(abs(base[0]), abs(base[1]))
    return _corners(kind, (distance(base), largest), *others)


def _wave(kind, x):
    """Of sine and cosine: the crests lie one period apart."""
    if not is_finite(x):
        return WHOLE
    if max(abs(x[0]), abs(x[1])) > 1e4:
        return (-1.0, 1.0)
    crest = math.pi / 2.0 if kind == "sin" else 0.0
    least, most = _corners(kind, x)
    return (-1.0 if _holds(x, crest + math.pi) else least, 1.0 if _holds(x, crest) else most)


def _holds(interval, phase):
    """Whether phase + 2 pi k lies in an interval, for an integer k."""
    low, high = ((end - phase) / (2.0 * math.pi) for end in interval)
    return math.floor(high + 1e-6) >= math.ceil(low - 1e-6)


_SPECIAL = {
    "/": _quotient, "**": _power, "Abs": _even, "cosh": _even, "sin": _wave, "cos": _wave,
    "tan": lambda kind, x: WHOLE,
}  # fmt: skip
