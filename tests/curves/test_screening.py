"""Which losses are valid, by each of the two rules."""

import math

import numpy as np
import pytest

from deap_lossgp.curves.loss_curves import LossCurves
from deap_lossgp.curves.screening import accuracy_gain, in_value_range, is_trainable, start_value
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.trees import LossTree

PSETS = [loss_primitive_set(True), loss_primitive_set(False)]
KNOWN = {
    "cross_entropy": "neg(mul(y_true, log(y_pred)))",
    "mse": "mul(sub(y_true, y_pred), sub(y_true, y_pred))",
    "ngl": "sub(exp(sub(2.4092, mul(y_pred, add(1.0, y_true)))), cos(cos(sin(y_pred))))",
    "baikal": "neg(sub(log(y_pred), div(y_true, y_pred)))",
}
USELESS = {
    "wrong sign": "mul(y_true, y_pred)",
    "wrong sign of cross entropy": "mul(y_true, log(y_pred))",
    "label only": "exp(y_true)",
    "constant": "add(mul(0.0, y_pred), 1.0)",
    "label-blind": "exp(neg(y_pred))",
    "label-blind but for a constant": "add(y_true, log(y_pred))",
}


def curves_of(text, pset=PSETS[0]):
    return LossCurves.of(LossTree.from_string(text, pset), pset)


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("pset", PSETS, ids=["protected", "plain"])
def test_known_losses_are_valid_by_both_notions(name, pset):
    curves = curves_of(KNOWN[name], pset)
    assert is_trainable(curves)
    assert accuracy_gain(curves) > 0.9
    assert in_value_range(curves, 10)
    assert in_value_range(curves, 100)


@pytest.mark.parametrize("name", USELESS)
def test_useless_losses_cannot_be_trained(name):
    curves = curves_of(USELESS[name])
    assert not is_trainable(curves)
    assert curves.gradient_scale == 0.0 or accuracy_gain(curves) < 0.1


def test_the_first_step_moves_each_logit_by_the_learning_rate():
    # Adam's do, by its authors. The logits start within 0.2 of 0: 0.3 each way decides them all.
    curves = curves_of(KNOWN["cross_entropy"])
    assert accuracy_gain(curves, steps=1, learning_rate=0.3) == accuracy_gain(curves)
    assert 0.0 <= accuracy_gain(curves, steps=1, learning_rate=0.001) < 0.05


@pytest.mark.parametrize("steps", [2, 3, 5, 10])
def test_small_steps_go_as_far_as_one_large_step_while_the_gradient_stays_the_same(steps):
    curves = curves_of(KNOWN["cross_entropy"])
    for way in (0.03, 0.05, 0.08):
        small = accuracy_gain(curves, steps=steps, learning_rate=way / steps)
        large = accuracy_gain(curves, steps=1, learning_rate=way)
        assert small == pytest.approx(large, abs=0.03) and 0.2 < large < 0.9


def test_a_loss_that_is_not_finite_everywhere_cannot_be_trained():
    sound = KNOWN["mse"]
    assert not is_trainable(curves_of(f"add({sound}, log(neg(y_pred)))", PSETS[1]))
    assert not is_trainable(curves_of(f"mul({sound}, exp(div(9.0, y_pred)))", PSETS[1]))


def test_the_gain_is_0_where_the_optimisation_leaves_the_finite_numbers():
    for text in ("exp(y_true)", "div(y_pred, sub(y_pred, y_pred))"):
        assert accuracy_gain(curves_of(text, PSETS[1])) == 0.0


def mean_of_classes(other, true, classes):
    return ((classes - 1) * other + true) / classes


@pytest.mark.parametrize("classes", [2, 10, 100])
def test_start_value_is_the_mean_over_classes_at_the_uniform_prediction(classes):
    p = 1.0 / classes
    by_hand = {
        "cross_entropy": mean_of_classes(0.0, math.log(classes), classes),
        "mse": mean_of_classes(p**2, (1 - p) ** 2, classes),
        "ngl": mean_of_classes(math.exp(2.4092 - p), math.exp(2.4092 - 2 * p), classes)
        - math.cos(math.cos(math.sin(p))),
        "baikal": math.log(classes) + 1.0,
    }
    for name, text in KNOWN.items():
        assert start_value(curves_of(text), classes) == pytest.approx(by_hand[name], rel=1e-6)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("add(mul(0.0, y_pred), 1.1e-5)", True),
        ("add(mul(0.0, y_pred), 0.9e-5)", False),
        ("add(mul(0.0, y_pred), 0.9e5)", True),
        ("add(mul(0.0, y_pred), 1.1e5)", False),
        ("neg(y_pred)", False),
        ("sub(y_pred, y_pred)", False),
        ("exp(add(709.0, y_pred))", False),  # finite, but the sum over the classes is not
        ("log(neg(y_pred))", False),  # NaN
        ("div(y_pred, sub(y_pred, y_pred))", False),  # infinite
        ("mul(y_true, y_pred)", True),  # the thesis asks for no more than the value
    ],
)
def test_the_thesiss_validity_is_the_range_of_the_start_value(text, valid):
    assert in_value_range(curves_of(text, PSETS[1]), 10) is valid


@pytest.mark.parametrize("name", [*KNOWN, *USELESS])
@pytest.mark.parametrize("factor", [1e-6, 0.3, 1e6])
def test_scale_and_shift_of_a_loss_do_not_decide_whether_it_can_be_trained(name, factor):
    text = {**KNOWN, **USELESS}[name]
    wrapped = curves_of(f"add(-7.0, mul({factor}, {text}))")
    assert is_trainable(wrapped) is is_trainable(curves_of(text))
    if wrapped.gradient_scale:
        np.testing.assert_allclose(accuracy_gain(wrapped), accuracy_gain(curves_of(text)))


def test_screening_draws_nothing_from_the_callers_random_numbers():
    np.random.seed(1)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first = accuracy_gain(curves_of(KNOWN["mse"]))
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002
    assert accuracy_gain(curves_of(KNOWN["mse"])) == first
