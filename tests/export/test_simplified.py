"""A loss as a smaller tree: the same curves, by the oracle of the curves themselves."""

import random

import numpy as np
import pytest

from deap_lossgp.curves.loss_curves import LossCurves
from deap_lossgp.export import simplified
from deap_lossgp.found_losses import KNOWN_LOSSES
from deap_lossgp.operators import genLoss
from deap_lossgp.primitives import LossPrimitive
from deap_lossgp.psets import add_primitive, loss_primitive_set
from deap_lossgp.trees import LossTree

PROTECTED, PLAIN = loss_primitive_set(), loss_primitive_set(protected=False)


def text_of(text, pset=PROTECTED):
    return str(simplified(LossTree.from_string(text, pset), pset))


@pytest.mark.parametrize(("text", "smaller"), [
    ("neg(neg(sub(y_pred, y_true)))", "sub(y_pred, y_true)"),
    ("neg(sub(y_pred, y_true))", "sub(y_true, y_pred)"),
    ("mul(1.0, log(div(y_pred, 1.0)))", "log(y_pred)"),
    ("add(y_true, mul(y_pred, add(1.5, 2.0)))", "add(y_true, mul(3.5, y_pred))"),
    ("add(exp(y_pred), mul(sub(y_true, y_true), y_pred))", "exp(y_pred)"),
    ("sub(sin(neg(y_pred)), cos(neg(y_true)))", "sub(neg(sin(y_pred)), cos(y_true))"),
    (KNOWN_LOSSES["baikal"], "sub(div(y_true, y_pred), log(y_pred))"),
])
def test_what_changes_nothing_is_left_out(text, smaller):
    assert text_of(text) == smaller
    assert text_of(smaller) == smaller


@pytest.mark.parametrize("text", [
    KNOWN_LOSSES["cross_entropy"], KNOWN_LOSSES["ngl"],
    "mul(exp(y_pred), exp(y_pred))",  # a square is no primitive
    "sqrt(sub(y_true, y_pred))",  # its guard acts
])
def test_a_loss_that_is_no_larger_than_needed_stays_the_same_tree(text):
    tree = LossTree.from_string(text, PROTECTED)
    assert simplified(tree, PROTECTED) is tree


@pytest.mark.parametrize("pset", [PROTECTED, PLAIN], ids=["protected", "plain"])
def test_random_losses_keep_their_curves(pset):
    random.seed(3)
    smaller = 0
    for _ in range(80):
        tree = LossTree(genLoss(pset, 2, 7))
        text, new = str(tree), simplified(tree, pset)
        assert str(tree) == text and len(new) <= len(tree)
        assert str(LossTree.from_string(str(new), pset)) == str(new)
        if new is tree:
            continue
        smaller += 1
        with np.errstate(all="ignore"):
            before, after = (LossCurves.of(each, pset) for each in (tree, new))
            for name in ("values", "derivatives"):
                one, other = (getattr(curves, name) for curves in (before, after))
                scale = np.abs(one[np.isfinite(one)]).max(initial=0.0)
                np.testing.assert_allclose(other, one, rtol=1e-6, atol=1e-9 * scale)
    assert smaller > 30


def test_primitives_of_ones_own_are_kept():
    pset = loss_primitive_set()
    add_primitive(pset, LossPrimitive(
        "half", 1, lambda ops, a: ops.multiply(a, 0.5),
        lambda ops, a: (0.5 + ops.multiply(a, 0.0),), "(sqrt({0}**2)/2)"))
    assert text_of("neg(neg(half(y_true)))", pset) == "half(y_true)"


def test_without_a_symbolic_form_the_loss_stays_as_it_is():
    pset = loss_primitive_set()
    pset.addPrimitive(np.tanh, 1, name="tanh")
    tree = LossTree.from_string("neg(neg(tanh(y_pred)))", pset)
    assert simplified(tree, pset) is tree


def test_what_is_used_twice_is_written_twice():
    part = "sub(log(add(y_pred, y_true)), neg(neg(y_true)))"
    text = f"mul({part}, {part})"
    assert text_of(text) == text.replace("neg(neg(y_true))", "y_true")
