"""Losses as operations, against NumPy, against Keras's own losses and against hand formulas."""

import random

import numpy as np
import pytest

from deap_lossgp.curves.differentiation import differentiate
from deap_lossgp.curves.grid import LOWEST
from deap_lossgp.operators import genLoss
from deap_lossgp.primitives import LossPrimitive
from deap_lossgp.psets import add_primitive, loss_primitive_set
from deap_lossgp.trees import LossTree

pytest.importorskip("tensorflow")

import keras  # noqa: E402
from keras import ops  # noqa: E402

from deap_lossgp.curves.operations import check_operations, elementwise_loss  # noqa: E402
from deap_lossgp.found_losses import KNOWN_LOSSES  # noqa: E402

PSET = loss_primitive_set()


def batch(dtype="float32", samples=50, classes=7):
    """One-hot labels and softmax predictions, some of them nearly 0 and 1."""
    generator = np.random.default_rng(0)
    logits = generator.normal(scale=4.0, size=(samples, classes))
    y_pred = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    y_true = np.eye(classes)[generator.integers(0, classes, samples)]
    return y_true.astype(dtype), np.clip(y_pred.astype(dtype), LOWEST, 1.0 - LOWEST)


def loss_of(expression, y_true, y_pred, pset=PSET):
    loss = elementwise_loss(LossTree.from_string(expression, pset), pset)
    return ops.convert_to_numpy(loss(y_true, ops.convert_to_tensor(y_pred)))


@pytest.mark.parametrize("protected", [True, False], ids=["protected", "plain"])
def test_operations_equal_the_numpy_values(protected):
    pset = loss_primitive_set(protected)
    y_true, y_pred = batch("float64")
    random.seed(1)
    equal = 0
    for _ in range(30):
        tree = LossTree(genLoss(pset, max_size=60))
        values = ops.convert_to_numpy(
            elementwise_loss(tree, pset)(y_true, ops.convert_to_tensor(y_pred))
        )
        expected, _ = differentiate(tree, pset, y_true, y_pred)
        assert values.dtype == np.float64
        # The two libraries' last bits differ; some trees magnify that at a few points.
        same = np.isclose(values, expected, rtol=1e-9, equal_nan=True)
        assert same.mean() > 0.95, str(tree)
        equal += same.all()
    assert equal >= 25


@pytest.mark.parametrize("name", KNOWN_LOSSES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values_have_the_predictions_shape_and_precision(name, dtype):
    y_true, y_pred = batch(dtype)
    values = loss_of(KNOWN_LOSSES[name], y_true, y_pred)
    expected, _ = differentiate(LossTree.from_string(KNOWN_LOSSES[name], PSET), PSET,
                                *batch("float64"))
    assert (values.shape, values.dtype) == (y_pred.shape, dtype)
    np.testing.assert_allclose(values, expected, rtol=1e-5 if dtype == "float32" else 1e-7,
                               atol=1e-6)


def test_a_loss_without_predictions_has_their_shape():
    assert loss_of("exp(y_true)", *batch()).shape == (50, 7)
    np.testing.assert_array_equal(loss_of("add(1, 2)", *batch()), np.full((50, 7), 3.0))


def test_labels_may_be_integers():
    y_true, y_pred = batch()
    np.testing.assert_array_equal(loss_of(KNOWN_LOSSES["mse"], y_true.astype("int32"), y_pred),
                                  loss_of(KNOWN_LOSSES["mse"], y_true, y_pred))


def test_a_primitive_of_ones_own_is_used():
    pset = loss_primitive_set()
    add_primitive(pset, LossPrimitive("square", 1, lambda ops, a: ops.multiply(a, a),
                                      lambda ops, a: (ops.multiply(2.0, a),), "(({0})**2)"))
    y_true, y_pred = batch()
    np.testing.assert_allclose(loss_of("square(sub(y_true, y_pred))", y_true, y_pred, pset),
                               (y_true - y_pred) ** 2, rtol=1e-6)


def test_trees_of_height_3000_are_built():
    values = loss_of("neg(" * 3000 + "y_pred" + ")" * 3000, *batch())
    np.testing.assert_array_equal(values, batch()[1])


# the known losses


def test_cross_entropy_is_that_of_keras():
    y_true, y_pred = batch()
    expected = keras.losses.categorical_crossentropy(y_true, y_pred)
    # Keras divides by the sum of the predictions, which the clipping has moved by 1e-7.
    np.testing.assert_allclose(loss_of(KNOWN_LOSSES["cross_entropy"], y_true, y_pred).sum(1),
                               expected, rtol=1e-5, atol=1e-5)


def test_mse_is_that_of_keras():
    y_true, y_pred = batch()
    np.testing.assert_allclose(loss_of(KNOWN_LOSSES["mse"], y_true, y_pred).mean(1),
                               keras.losses.mean_squared_error(y_true, y_pred), rtol=1e-5)


def test_ngl_is_the_published_formula():
    y_true, y_pred = batch("float64")
    expected = np.exp(2.4092 - y_pred * (1.0 + y_true)) - np.cos(np.cos(np.sin(y_pred)))
    np.testing.assert_allclose(loss_of(KNOWN_LOSSES["ngl"], y_true, y_pred), expected, rtol=1e-9)


def test_baikal_is_the_published_formula():
    y_true, y_pred = batch("float64")
    np.testing.assert_allclose(loss_of(KNOWN_LOSSES["baikal"], y_true, y_pred),
                               -(np.log(y_pred) - y_true / y_pred), rtol=1e-6)


def test_focal_is_that_of_keras():
    y_true, y_pred = batch()
    keras_focal = keras.losses.CategoricalFocalCrossentropy(alpha=1.0, gamma=2.0, reduction=None)
    np.testing.assert_allclose(loss_of(KNOWN_LOSSES["focal"], y_true, y_pred).sum(1),
                               keras_focal(y_true, y_pred), rtol=1e-5, atol=1e-5)


# Value and derivative by p, of the label t, written down by hand.
BY_HAND = {
    "focal": (lambda t, p: -((1 - p) ** 2) * t * np.log(p),
              lambda t, p: t * (2 * (1 - p) * np.log(p) - (1 - p) ** 2 / p)),
    "baikal_cma": (
        lambda t, p: -(2.7278 * 0.9863 * np.log(1.5352 * p) - 1.1135 * 1.3716 / 0.8411 * t / p),
        lambda t, p: -(2.7278 * 0.9863 / p + 1.1135 * 1.3716 / 0.8411 * t / p**2)),
}


@pytest.mark.parametrize("protected", [True, False], ids=["protected", "plain"])
@pytest.mark.parametrize("name", BY_HAND)
def test_published_formulas_have_their_values_and_derivatives(name, protected):
    pset = loss_primitive_set(protected)
    t, p = np.array([[0.0], [1.0]]), np.linspace(0.001, 0.999, 999)
    ours = differentiate(LossTree.from_string(KNOWN_LOSSES[name], pset), pset, t, p)
    for values, formula in zip(ours, BY_HAND[name], strict=True):
        # log(1.5352 p) is 0 near p = 0.65: there only the absolute error is small.
        np.testing.assert_allclose(values, formula(t, p), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", BY_HAND)
def test_protection_changes_published_formulas_by_a_millionth_at_the_lowest_prediction(name):
    """EPSILON**2 / p**2 is 7e-7 at p = LOWEST, where the smoothed pole of 1/p begins to show."""
    t, p = np.array([[0.0], [1.0]]), np.array([LOWEST])
    ours = differentiate(LossTree.from_string(KNOWN_LOSSES[name], PSET), PSET, t, p)
    for values, formula in zip(ours, BY_HAND[name], strict=True):
        np.testing.assert_allclose(values, formula(t, p), rtol=3e-6)


def test_baikal_cma_is_baikal_with_coefficients():
    weights = "neg(sub(mul(1.0, log(mul(1.0, y_pred))), mul(1.0, div(y_true, y_pred))))"
    y_true, y_pred = batch("float64")
    np.testing.assert_array_equal(loss_of(weights, y_true, y_pred),
                                  loss_of(KNOWN_LOSSES["baikal"], y_true, y_pred))
    names = [node.name for node in LossTree.from_string(weights, PSET)]
    assert names == [node.name for node in LossTree.from_string(KNOWN_LOSSES["baikal_cma"], PSET)]


def test_known_losses_at_the_perfect_prediction_of_ten_classes():
    """FACTS: NGL's optimum is near p = 0.39; so its value there is below the perfect one."""
    y_true = np.eye(10)[:1]
    ngl = {p: loss_of(KNOWN_LOSSES["ngl"], y_true,
                      np.where(y_true == 1.0, p, (1.0 - p) / 9.0)).mean()
           for p in (0.1, 0.39, 1.0 - 1e-9)}
    assert ngl[0.39] == pytest.approx(9.32, abs=0.01)
    assert ngl[0.39] < ngl[0.1] < ngl[1.0 - 1e-9]


def test_the_derivative_of_a_loss_of_arrays_is_that_of_the_prediction():
    loss = elementwise_loss(LossTree.from_string("neg(mul(y_true, log(y_pred)))", PSET), PSET)
    y_true, y_pred = np.array([1.0, 0.0, 0.5], "float32"), np.array([0.5, 0.25, 0.25], "float32")
    derivative = loss.derivative(y_true, ops.convert_to_tensor(y_pred))
    assert ops.is_tensor(derivative) and derivative.dtype == "float32"
    np.testing.assert_allclose(derivative, [-2.0, 0.0, -2.0], rtol=1e-6)


# the check of a primitive set


@pytest.mark.parametrize("protected", [True, False], ids=["protected", "plain"])
def test_the_packages_primitives_and_a_sound_one_of_ones_own_can_be_computed(protected):
    pset = loss_primitive_set(protected)
    add_primitive(pset, LossPrimitive("cube", 1, lambda ops, a: ops.multiply(a, ops.square(a)),
                                      lambda ops, a: (3.0 * ops.square(a),), "(({0})**3)"))
    check_operations(pset)


@pytest.mark.parametrize(("value", "message"), [
    (lambda ops, a: np.square(np.asarray(a)), "'mine' leaves keras.ops"),
    (lambda ops, a: ops.sum(a) if ops is not np else np.square(a), "'mine' leaves keras.ops"),
    (lambda ops, a: ops.float_power(a, 2.0), "'mine' cannot be computed with keras.ops: .*power"),
])  # fmt: skip
def test_a_primitive_that_only_numpy_can_compute_is_refused_by_name(value, message):
    pset = loss_primitive_set()
    add_primitive(pset, LossPrimitive("mine", 1, value, lambda ops, a: (ops.multiply(2.0, a),),
                                      "(({0})**2)"))
    with pytest.raises(ValueError, match=f"primitive {message}"):
        check_operations(pset)
