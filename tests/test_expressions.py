"""Written expressions mean what the tree means, and look as people write them."""

import random

import numpy as np
import pytest

from deap_lossgp.curves.differentiation import differentiate
from deap_lossgp.expressions import infix
from deap_lossgp.operators import genLoss
from deap_lossgp.primitives import LossPrimitive
from deap_lossgp.psets import add_primitive, loss_primitive_set
from deap_lossgp.trees import LossTree

PSET = loss_primitive_set()


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("add(y_true, add(y_pred, 1))", "y_true + y_pred + 1"),
        ("sub(y_true, sub(y_pred, 1))", "y_true - (y_pred - 1)"),
        ("sub(y_true, add(y_pred, 1))", "y_true - (y_pred + 1)"),
        ("mul(add(y_true, 1), y_pred)", "(y_true + 1)*y_pred"),
        ("div(y_true, mul(y_pred, 2))", "y_true/(y_pred*2)"),
        ("mul(y_true, div(y_pred, 2))", "y_true*y_pred/2"),
        ("div(div(y_true, 2), y_pred)", "y_true/2/y_pred"),
        ("neg(add(y_true, y_pred))", "-(y_true + y_pred)"),
        ("neg(neg(y_pred))", "y_pred"),
        ("add(y_true, neg(y_pred))", "y_true - y_pred"),
        ("sub(y_true, neg(y_pred))", "y_true + y_pred"),
        ("sub(y_true, -2.5)", "y_true + 2.5"),
        ("add(y_true, add(neg(y_pred), 1))", "y_true + (-y_pred + 1)"),
        ("mul(neg(y_true), neg(y_pred))", "y_true*y_pred"),
        ("neg(sin(neg(y_pred)))", "-sin(-y_pred)"),
        ("mul(1.23456789, y_pred)", "1.235*y_pred"),
        ("y_pred", "y_pred"),
        ("-3", "-3"),
    ],
)
def test_expressions_are_written_as_people_write_them(expression, text):
    assert infix(LossTree.from_string(expression, PSET)) == text


def test_random_trees_mean_the_same_as_python():
    plain = loss_primitive_set(protected=False)
    names = {name: getattr(np, name) for name in ("sqrt", "log", "exp", "sin", "cos")}
    names |= {"y_true": np.float64(0.75), "y_pred": np.float64(0.4), "__builtins__": {}}
    random.seed(4)
    compared = 0
    for _ in range(300):
        tree = LossTree(genLoss(plain, max_size=40))
        value = differentiate(tree, plain, names["y_true"], names["y_pred"])[0]
        with np.errstate(all="ignore"):
            text = infix(tree, digits=17)
            written = eval(text, names)  # what the tests made themselves
        if np.isfinite(value) and abs(value) < 1e6:
            compared += 1
            assert written == pytest.approx(value, rel=1e-6, abs=1e-9), text
    assert compared > 100


def test_trees_of_any_height():
    tree = LossTree([PSET.mapping["sin"]] * 3000 + [PSET.mapping["y_pred"]])
    assert infix(tree) == "sin(" * 3000 + "y_pred" + ")" * 3000


def _smaller(ops, a, b):
    return ops.minimum(a, b)


def _d_smaller(ops, a, b):
    return ops.where(ops.less(a, b), 1.0, 0.0), ops.where(ops.less(a, b), 0.0, 1.0)


def test_a_primitive_of_ones_own_is_called_by_name():
    pset = loss_primitive_set()
    add_primitive(pset, LossPrimitive("smaller", 2, _smaller, _d_smaller, "Min({0}, {1})"))
    tree = LossTree.from_string("neg(smaller(neg(y_true), add(y_pred, 1)))", pset)
    assert infix(tree) == "-smaller(-y_true, y_pred + 1)"
