"""The table of primitives against NumPy's formulas, differences and SymPy."""

import itertools
import pickle
from dataclasses import replace

import numpy as np
import pytest

from deap_lossgp.primitives import (
    EPSILON,
    LIMIT,
    PLAIN,
    PROTECTED,
    LossPrimitive,
    value_and_derivative,
)
from deap_lossgp.psets import check_primitive

FORMULAS = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "neg": np.negative,
    "sqrt": np.sqrt, "log": np.log, "exp": np.exp, "sin": np.sin, "cos": np.cos,
}  # fmt: skip
BINARY = ("add", "sub", "mul", "div")
ROWS = [pytest.param(row, id=f"{kind}-{row.name}")
        for kind, table in (("plain", PLAIN), ("protected", PROTECTED)) for row in table.values()]
TOTAL_ROWS = [pytest.param(row, id=row.name) for row in PROTECTED.values()]
POSITIVE = np.concatenate([np.geomspace(1e-4, 1e4, 60), np.linspace(0.1, 40.0, 60)])


def operands_of(row, values):
    """Every combination of the values, as one array per operand."""
    return [axis.ravel() for axis in np.meshgrid(*[values] * row.arity)]


def in_domain(row, operands):
    """Where exp stays far from the limit."""
    return [x[x < 41.0] for x in operands] if row.name == "exp" else operands


def test_both_tables_hold_the_ten_operators_with_their_arities():
    arities = {name: 2 if name in BINARY else 1 for name in FORMULAS}
    for table in PLAIN, PROTECTED:
        assert {name: row.arity for name, row in table.items()} == arities
        assert [name for name, row in table.items() if row.commutative] == ["add", "mul"]


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_value_is_numpys_formula_where_that_is_defined(row, dtype):
    values = POSITIVE if row.name in ("sqrt", "log") else np.concatenate([POSITIVE, -POSITIVE])
    operands = in_domain(row, operands_of(row, values.astype(dtype)))
    got = row(*operands)
    assert got.dtype == dtype
    ulp = 4 * float(np.finfo(dtype).eps) if dtype is np.float32 else 2e-12
    np.testing.assert_allclose(got, FORMULAS[row.name](*operands), rtol=ulp, atol=ulp)


@pytest.mark.parametrize("row", TOTAL_ROWS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_protected_rows_are_total(row, dtype):
    sizes = [0.0, 1e-30, 1e-12, 1e-10, 1e-9, 1e-5, 0.5, 1.0, 41.4, 41.45, 100.0, 1e9, 5e17, LIMIT]
    operands = operands_of(row, np.array([*sizes, *np.negative(sizes)]).astype(dtype))
    with np.errstate(all="raise", under="ignore"):  # no hidden infinity on the way either
        value = row.value(np, *operands)
        partials = row.derivative(np, *operands)
    assert value.dtype == dtype
    assert value.shape == operands[0].shape
    assert (np.abs(value) <= LIMIT).all()
    for partial in partials:
        assert np.isfinite(np.broadcast_to(partial, value.shape)).all()


def differences(row, operands, index, step):
    up, down = (
        row(*(x + sign * step if i == index else x for i, x in enumerate(operands)))
        for sign in (1, -1)
    )
    return (up - down) / (2 * step)


@pytest.mark.parametrize("row", ROWS)
def test_derivatives_are_those_of_the_values(row):
    values = np.linspace(0.3, 4.0, 23)
    if row in PROTECTED.values():
        values = np.concatenate([values, -values])
    operands = operands_of(row, values)
    for index, partial in enumerate(row.derivative(np, *operands)):
        expected = differences(row, operands, index, 1e-5)
        np.testing.assert_allclose(np.broadcast_to(partial, expected.shape), expected,
                                   rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("name", ["div", "sqrt", "log"])
def test_derivatives_are_those_of_the_values_inside_the_guarded_zone(name):
    row, small = PROTECTED[name], EPSILON * np.linspace(-4.0, 4.0, 33)
    operands = [np.full(33, 3.0), small] if name == "div" else [small]
    slope = row.derivative(np, *operands)[-1]
    expected = differences(row, operands, row.arity - 1, EPSILON * 1e-4)
    np.testing.assert_allclose(slope, expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["add", "sub", "mul", "div", "exp"])
def test_a_clipped_value_has_no_slope(name):
    row = PROTECTED[name]
    operands = {"sub": [LIMIT, -LIMIT], "div": [LIMIT, 0.5], "exp": [50.0]}.get(name, [LIMIT] * 2)
    operands = [np.array([x]) for x in operands]
    assert row(*operands) == pytest.approx(LIMIT, rel=1e-4)
    assert row.derivative(np, *operands) == (0.0,) * row.arity


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("size", [1.0, 1e12, LIMIT], ids=["inside", "partly clipped", "clipped"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_value_and_derivative_are_the_same_together_as_alone(row, size, dtype):
    operands = operands_of(row, (size * np.linspace(-1.0, 1.0, 24)).astype(dtype))
    with np.errstate(all="ignore"):
        value, partials = value_and_derivative(row, np, *operands)
        np.testing.assert_array_equal(value, row.value(np, *operands))
        np.testing.assert_equal(partials, row.derivative(np, *operands))


@pytest.mark.parametrize("row", ROWS)
def test_value_and_derivative_are_those_of_keras_too(row):
    ops = pytest.importorskip("keras").ops
    operands = operands_of(row, np.float32([-LIMIT, -3.0, -1e-10, 1e-10, 0.5, 2.0, LIMIT]))
    with np.errstate(all="ignore"):
        ours = value_and_derivative(row, np, *operands)
    theirs = value_and_derivative(row, ops, *map(ops.convert_to_tensor, operands))
    for mine, other in zip([ours[0], *ours[1]], [theirs[0], *theirs[1]], strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(other), mine, rtol=1e-5)


def test_a_row_made_from_another_computes_its_own():
    operands = operands_of(PROTECTED["log"], np.array([0.3, 2.0]))
    raised = replace(PROTECTED["log"], name="raised", value=_raised_log)
    value, (slope,) = value_and_derivative(raised, np, *operands)
    np.testing.assert_allclose(value, np.log(operands[0]) + 1.0)
    np.testing.assert_allclose(slope, 1.0 / operands[0])
    other = replace(PROTECTED["sqrt"], value=square, derivative=d_square)
    value, (slope,) = value_and_derivative(other, np, *operands)
    np.testing.assert_allclose((value, slope), (operands[0]**2, 2.0 * operands[0]))


def _raised_log(ops, a):
    return ops.log(a) + 1.0


@pytest.mark.parametrize("table", [PLAIN, PROTECTED], ids=["plain", "protected"])
def test_symbolic_forms_nest_and_agree_with_the_values(table):
    sympy = pytest.importorskip("sympy")
    compared = 0
    x, y = 1.7, 0.6
    for outer, inner in itertools.product(table.values(), repeat=2):
        second = "-0.8"  # a sign must not come loose
        text = outer.symbolic.format(inner.symbolic.format(x, y), second)
        with np.errstate(invalid="ignore"):
            value = outer(*[inner(*[x, y][: inner.arity]), float(second)][: outer.arity])
        if np.isfinite(value):
            assert float(sympy.sympify(text)) == pytest.approx(float(value), rel=1e-12), text
            compared += 1
    assert compared >= 96  # the plain logarithm and root refuse the negative ones


@pytest.mark.parametrize("row", TOTAL_ROWS)
def test_symbolic_forms_take_negative_operands(row):
    sympy = pytest.importorskip("sympy")
    operands = [-1.7, -0.6][: row.arity]
    assert float(sympy.sympify(row.symbolic.format(*operands))) == pytest.approx(row(*operands))


@pytest.mark.parametrize("row", ROWS)
def test_rows_pickle(row):
    assert pickle.loads(pickle.dumps(row)) == row


# --- check_primitive --------------------------------------------------------------------------


def primitive(value, derivative, arity=1, name="mine"):
    return LossPrimitive(name, arity, value, derivative, "{0}")


def square(ops, a):
    return a * a


def d_square(ops, a):
    return (2 * a,)


@pytest.mark.parametrize("row", TOTAL_ROWS)
def test_the_own_protected_rows_pass_the_check(row):
    check_primitive(row)


@pytest.mark.parametrize(
    "row",
    [
        primitive(lambda ops, a: ops.absolute(a), lambda ops, a: (ops.sign(a),)),
        primitive(lambda ops, a: ops.maximum(a, 0.0), lambda ops, a: (ops.where(a > 0, 1.0, 0.0),)),
        primitive(lambda ops, a, b, c: a * b + c, lambda ops, a, b, c: (b, a, 1.0), arity=3),
    ],
    ids=["abs", "relu", "three operands"],
)
def test_kinks_and_constant_partial_derivatives_are_accepted(row):
    check_primitive(row)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (primitive(square, d_square, name="two words"), "'two words': the name must be"),
        (primitive(square, d_square, name="lambda"), "'lambda': the name must be"),
        (primitive(square, d_square, name="größe"), "'größe': the name must be"),
        (primitive(square, d_square, name=3), "3: the name must be"),
        (primitive(square, d_square, arity=0), "arity must be an integer of at least 1, got 0"),
        (primitive(square, d_square, arity=2), "cannot be called with 2 operands"),
        (primitive(lambda ops, a: ops.sum(a), d_square), r"shape \(25,\), got \(\)"),
        (primitive(lambda ops, a: 1 / a, lambda ops, a: (-1 / a**2,)),
         r"value at \(0.0,\) is not finite"),
        (primitive(square, lambda ops, a: (a,)), "0 at .* should be about -7.4, got -3.7"),
        (primitive(square, lambda ops, a: (a / 0.0,)), "derivative 0 is not finite"),
        (primitive(square, lambda ops, a: (2 * a, 1.0)), "of 1 partial derivatives, got 2"),
        (primitive(square, lambda ops, a: 2 * a), "of 1 partial derivatives, got ndarray"),
        (primitive(square, lambda ops, a: (a[:3],)), r"shape \(25,\), got \(3,\)"),
        (primitive(lambda ops, a, b: a * b, lambda ops, a, b: (b, b), arity=2), "derivative 1 at"),
    ],
)
def test_a_faulty_primitive_is_refused_with_its_name_and_its_fault(row, fault):
    with np.errstate(all="ignore"), pytest.raises(ValueError, match=f"^primitive .*{fault}"):
        check_primitive(row)


def test_anything_but_a_primitive_is_refused():
    with pytest.raises(TypeError, match="a primitive is a LossPrimitive, got ufunc"):
        check_primitive(np.sin)
