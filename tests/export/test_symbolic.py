"""Symbolic forms: what is read, what is refused, and bounds that hold."""

import math

import numpy as np
import pytest

from deap_lossgp.export.forms import FUNCTIONS, WHOLE, symbolic_form
from deap_lossgp.export.intervals import bounds, rounded, softened_reciprocal
from deap_lossgp.primitives import PLAIN, PROTECTED


@pytest.mark.parametrize("table", [PLAIN, PROTECTED], ids=["plain", "protected"])
def test_the_forms_of_all_primitives_compute_their_values(table):
    operands = [1.7, 0.6]

    def compute(form):
        if isinstance(form, float):
            return form
        if form[0] == "operand":
            return operands[form[1]]
        return FUNCTIONS[form[0]](*map(compute, form[1:]))

    for row in table.values():
        value = compute(symbolic_form(row.name, row.arity, row.symbolic))
        assert value == pytest.approx(float(row(*operands[: row.arity])), rel=1e-14), row.name


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("{0}", ("operand", 0)),
        (" -{1} ", ("neg", ("operand", 1))),
        ("+{0}", None),
        ("Max({0}, {1}, 2)", ("Max", ("operand", 0), ("Max", ("operand", 1), 2.0))),
        ("{0}*{1}/3", ("*", ("operand", 0), ("/", ("operand", 1), 3.0))),
        ("{0}**(1/4)", ("**", ("operand", 0), ("/", 1.0, 4.0))),
    ],
)
def test_a_form_is_read_as_it_stands(text, form):
    if form is None:
        with pytest.raises(ValueError, match="is not arithmetic of its 2 operands"):
            symbolic_form("mine", 2, text)
    else:
        assert symbolic_form("mine", 2, text) == form


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("gamma({0})", "unknown function 'gamma'; known: Abs"),
        ("__import__('os').system('true')", "is not arithmetic"),
        ("open('executed', 'w')", "unknown function 'open'"),
        ("{0}.real", "is not arithmetic"),
        ("[{0}][0]", "is not arithmetic"),
        ("(lambda: {0})()", "is not arithmetic"),
        ("{0} if {0} else 1", "is not arithmetic"),
        ("{0} < 1", "is not arithmetic"),
        ("{0} % 2", "is not arithmetic"),
        ("True*{0}", "is not arithmetic"),
        ("1j*{0}", "is not arithmetic"),
        ("'{0}'", "is not arithmetic"),
        ("other*{0}", "is not arithmetic"),
        ("exp(x={0})", "is not arithmetic"),
        ("exp({0}, 1)", "is not arithmetic"),
        ("Max({0})", "is not arithmetic"),
        ("neg({0})", "unknown function 'neg'"),
        ("{0} +", "cannot be read"),
        ("{2}", "cannot be read"),
        ("{name}", "cannot be read"),
        ("{0.__class__}", "cannot be read|is not arithmetic"),
        ("", "cannot be read"),
        ("(" * 5000, "cannot be read"),
    ],
)
def test_anything_else_is_refused_in_one_line_and_never_run(text, fault, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=f"^primitive 'mine': the symbolic form.*({fault})") as e:
        symbolic_form("mine", 1, text)
    assert "\n" not in str(e.value) and not (tmp_path / "executed").exists()


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
