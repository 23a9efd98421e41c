"""The primitive set: DEAP's own class, its names, and primitives of one's own."""

import pickle
import random
from dataclasses import replace

import numpy as np
import pytest
from deap import gp

from deap_lossgp.curves.canonical import canonical_key
from deap_lossgp.curves.grid import GRID
from deap_lossgp.curves.loss_curves import LossCurves
from deap_lossgp.operators import genLoss
from deap_lossgp.primitives import LossPrimitive
from deap_lossgp.psets import add_primitive, check_primitive, loss_primitive_set
from deap_lossgp.trees import LossTree

TEN = {"add", "sub", "mul", "div", "neg", "sqrt", "log", "exp", "sin", "cos"}


def tanh_value(ops, a):
    return ops.tanh(a)


def tanh_derivative(ops, a):
    return (1.0 - ops.tanh(a) ** 2,)


def smallest_value(ops, a, b):
    return ops.minimum(a, b)


def smallest_derivative(ops, a, b):
    return ops.where(a <= b, 1.0, 0.0), ops.where(a <= b, 0.0, 1.0)


TANH = LossPrimitive("tanh", 1, tanh_value, tanh_derivative, "tanh({0})")
SMALLEST = LossPrimitive(
    "smallest", 2, smallest_value, smallest_derivative, "Min({0}, {1})", commutative=True
)


def ephemeral_of(pset):
    (ephemeral,) = (t for t in pset.terminals[pset.ret] if isinstance(t, gp.MetaEphemeral))
    return ephemeral


@pytest.mark.parametrize("protected", [True, False])
def test_the_set_holds_the_ten_primitives_two_arguments_and_real_constants(protected):
    pset = loss_primitive_set(protected)
    assert type(pset) is gp.PrimitiveSet
    assert {p.name for p in pset.primitives[pset.ret]} == TEN
    arguments = [t for t in pset.terminals[pset.ret] if not isinstance(t, gp.MetaEphemeral)]
    assert [(t.name, t.value) for t in arguments] == [("y_true",) * 2, ("y_pred",) * 2]
    assert [pset.mapping[name] for name in pset.arguments] == arguments
    values = [ephemeral_of(pset)().value for _ in range(300)]
    assert all(isinstance(value, float) for value in values)
    assert min(values) < -4.5
    assert max(values) > 4.5


def test_protected_is_the_default_and_plain_on_request():
    zero = "div(y_true, y_pred)"
    with np.errstate(divide="ignore"):
        results = [gp.compile(zero, pset)(np.float64(1), np.float64(0))
                   for pset in (loss_primitive_set(), loss_primitive_set(False))]
    assert results == [0.0, np.inf]


def test_constants_come_from_the_range_asked_for():
    ephemeral = ephemeral_of(loss_primitive_set(constants=(2.0, 3.0)))
    assert all(2.0 <= ephemeral().value <= 3.0 for _ in range(200))


def test_a_pickled_constant_is_small_and_still_draws_from_random():
    constant = ephemeral_of(loss_primitive_set())
    assert len(pickle.dumps(constant())) < 1000
    draw = pickle.loads(pickle.dumps(constant.func))
    random.seed(7)
    first = draw()
    random.seed(7)
    assert draw() == first
    assert pickle.loads(pickle.dumps(constant())).__class__ is constant


def test_a_primitive_of_ones_own_works_from_text_to_curves():
    pset = loss_primitive_set()
    add_primitive(pset, TANH)
    add_primitive(pset, SMALLEST)
    tree = LossTree.from_string("neg(tanh(smallest(y_true, y_pred)))", pset)
    curves = LossCurves.of(tree, pset)
    np.testing.assert_allclose(curves.values, [0 * GRID, -np.tanh(GRID)])
    np.testing.assert_allclose(curves.derivatives, [0 * GRID, np.tanh(GRID) ** 2 - 1.0])
    assert curves.certified
    swapped = LossTree.from_string("neg(tanh(smallest(y_pred, y_true)))", pset)
    assert canonical_key(tree, pset) == canonical_key(swapped, pset)
    assert gp.compile(tree, pset)(1.0, 0.25) == -np.tanh(0.25)
    random.seed(1)
    assert {"tanh", "smallest"} <= {n.name for _ in range(50) for n in genLoss(pset)}


@pytest.mark.parametrize("name", ["add", "tanh", "y_true", "constant"])
def test_a_name_that_the_set_has_is_refused(name):
    pset = loss_primitive_set()
    add_primitive(pset, TANH)
    row = LossPrimitive(name, 1, tanh_value, tanh_derivative, "tanh({0})")
    with pytest.raises(ValueError, match=f"primitive '{name}': the primitive set has this name"):
        add_primitive(pset, row)
    assert pset.mapping["y_true"].value == "y_true"


def test_a_primitive_of_many_operands_is_checked_too():
    def total(ops, *xs):
        return sum(xs[1:], start=xs[0])

    ones = LossPrimitive("total", 6, total, lambda ops, *xs: (1.0,) * 6, "({0})")
    check_primitive(ones)
    with pytest.raises(ValueError, match="partial derivative 5 at .* should be about 1, got 2"):
        check_primitive(replace(ones, derivative=lambda ops, *xs: (1.0,) * 5 + (2.0,)))


def test_a_faulty_primitive_does_not_enter_the_set():
    pset = loss_primitive_set()
    with pytest.raises(ValueError, match="expected a tuple of 1 partial derivatives"):
        add_primitive(pset, LossPrimitive("wrong", 1, tanh_value, tanh_value, "tanh({0})"))
    assert {p.name for p in pset.primitives[pset.ret]} == TEN
