"""Intervals: bounds that hold."""

import math

import numpy as np
import pytest

from deap_lossgp.export.forms import FUNCTIONS
from deap_lossgp.export.intervals import WHOLE, bounds, rounded, softened_reciprocal


def random_interval(generator):
    ends = generator.normal(size=2) * 10.0 ** generator.uniform(-9, 9)
    if generator.uniform() < 0.3:
        ends = np.abs(ends)
    if generator.uniform() < 0.15:
        ends[generator.integers(2)] = generator.choice([0.0, math.inf, -math.inf, 1.0])
    return float(ends.min()), float(ends.max())


def inside(generator, interval):
    """Numbers of an interval in float32, its ends among them where float32 holds them."""
    low, high = np.clip(interval, -1e20, 1e20)
    numbers = np.concatenate([generator.uniform(low, high, 20), [low, high],
                              np.clip([0.0, 1.0], low, high)]).astype(np.float32)
    exact = numbers.astype(np.float64)
    return numbers[(exact >= interval[0]) & (exact <= interval[1])]


@pytest.mark.parametrize("kind", sorted(set(FUNCTIONS) - {"clip"}))
def test_no_operation_leaves_its_bounds_in_float32(kind):
    generator = np.random.default_rng(0)
    arity = 2 if kind in ("+", "-", "*", "/", "**", "Max", "Min") else 1
    bounded = 0
    for _ in range(400):
        intervals = [random_interval(generator) for _ in range(arity)]
        if kind == "**":
            intervals[1] = (float(generator.integers(-2, 5)) / 2.0,) * 2
        result = bounds(kind, *intervals)
        if result == WHOLE:
            continue
        bounded += 1
        numbers = [inside(generator, interval) for interval in intervals]
        for axis in (np.float32, np.float64):
            operands = np.meshgrid(*[values.astype(axis) for values in numbers])
            with np.errstate(all="ignore"):
                values = FUNCTIONS[kind](*operands)
            assert values.dtype == axis
            values = values.astype(np.float64)
            assert (values >= result[0]).all() and (values <= result[1]).all(), intervals
    assert bounded > 20 or kind in ("tan", "asin", "acos")


@pytest.mark.parametrize(
    ("value", "interval"),
    [(1.0, (1.0, 1.0)), (0.1, (0.1, float(np.float32(0.1)))), (-1e-50, (-1e-50, 0.0)),
     (1e300, (float(np.finfo(np.float32).max), math.inf)), (math.nan, WHOLE)],
)
def test_a_constant_is_itself_and_what_float32_makes_of_it(value, interval):
    assert rounded(value) == interval


def test_the_softened_reciprocal_is_greatest_at_the_root():
    low, high = softened_reciprocal((-1.0, 1.0), 1e-20)
    assert high == pytest.approx(5e9, rel=1e-6) and low == pytest.approx(-5e9, rel=1e-6)
    low, high = softened_reciprocal((0.5, 2.0), 1e-20)
    assert (low, high) == (pytest.approx(0.5, rel=1e-6), pytest.approx(2.0, rel=1e-6))
    assert softened_reciprocal((1.0, math.inf), 1e-20)[0] == pytest.approx(0.0, abs=1e-30)
