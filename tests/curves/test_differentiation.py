"""Values and derivatives of trees: against TensorFlow's autodiff, by hand, NumPy against Keras."""

import copy
import os
import random

import numpy as np
import pytest
from scipy.ndimage import minimum_filter1d

from deap_lossgp.constants import constant
from deap_lossgp.curves.differentiation import differentiate, differentiate_with_signs, evaluate
from deap_lossgp.curves.grid import GRID, KNOTS
from deap_lossgp.curves.loss_curves import LossCurves
from deap_lossgp.operators import genLoss
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.trees import LossTree

tf = pytest.importorskip("tensorflow")

from deap_lossgp.curves.operations import elementwise_loss  # noqa: E402

TREES = int(os.environ.get("DEAP_LOSSGP_TREES", 60))
LABELS = np.array([[0.0], [1.0]])
PSET = loss_primitive_set()


def autodiff(tree, pset, p):
    """The derivative of the loss as operations, float64 of shape (2, len(p))."""
    loss = elementwise_loss(tree, pset)
    y_pred = tf.constant(np.broadcast_to(p, (2, len(p))).copy())
    with tf.GradientTape() as tape:
        tape.watch(y_pred)
        values = loss(np.broadcast_to(LABELS, y_pred.shape), y_pred)
    return tape.gradient(values, y_pred, unconnected_gradients="zero").numpy()


class Noisy:
    """A primitive whose value is off by up to 8 units in the last place."""

    generator = np.random.default_rng(0)

    def __init__(self, row):
        self.derivative = row.derivative
        self._value = row.value

    def value(self, ops, *operands):
        value = self._value(ops, *operands)
        return value * (1.0 + 2.0**-49 * self.generator.uniform(-1.0, 1.0, value.shape))


def determined(tree, pset, p):
    """Where float64 determines the derivative, to 1e-7; elsewhere no two programs need agree.

    Every operation may round its value and every sum of the chain rule its terms. So noise of a
    few units in the last place at each node must not show, neither in our derivative nor in the
    oracle's, and the sum's terms must not cancel (``reach`` is the sum of their magnitudes).
    """
    noisy = copy.copy(pset)
    noisy.context = {name: Noisy(row) if hasattr(row, "derivative") else row
                     for name, row in pset.context.items()}
    _, slope, reach = differentiate(tree, pset, LABELS, p, with_reach=True)
    with np.errstate(all="ignore"):
        sure = np.isfinite(slope) & (reach * 2.0**-50 <= 1e-8 * np.abs(slope))
        for _ in range(5):
            _, other = differentiate(tree, noisy, LABELS, p)
            sure &= np.abs(other - slope) <= 1e-7 * np.abs(slope)
        one, two = autodiff(tree, noisy, p), autodiff(tree, noisy, p)
        sure &= np.abs(one - two) <= 1e-7 * np.abs(two)
    # Where neighbours are undetermined, a point that seven samples spared is so by chance.
    return minimum_filter1d(sure.astype(np.int8), 17, axis=1).astype(bool)


@pytest.mark.parametrize("protected", [True, False], ids=["protected", "plain"])
def test_derivatives_on_the_grid_equal_autodiff(protected):
    random.seed(0)
    pset = loss_primitive_set(protected)
    p = GRID[::8]
    worst, finite_points, compared, certified = 0.0, 0, 0, 0
    for _ in range(TREES // 2):
        tree = LossTree(genLoss(pset, 2, 100, 2000))
        _, slope = differentiate(tree, pset, LABELS, p)
        oracle = autodiff(tree, pset, p)
        finite = np.isfinite(slope) & np.isfinite(oracle)
        assert not protected or finite.all(), str(tree)
        sure = determined(tree, pset, p)
        np.testing.assert_allclose(slope[sure], oracle[sure], 1e-6, 1e-37, err_msg=str(tree))
        error = np.abs(slope[sure] - oracle[sure]) / np.maximum(np.abs(oracle[sure]), 1e-37)
        worst = max(worst, error.max(initial=0.0))
        finite_points, compared = finite_points + finite.sum(), compared + sure.sum()
        certified += LossCurves.of(tree, pset).certified
    print(f"\n{pset.name}: {TREES // 2} trees, worst relative error {worst:.1e} at the "
          f"{compared / finite_points:.1%} of {finite_points} finite points that float64 "
          f"determines; {certified} trees certified at {KNOTS} knots")
    assert compared > finite_points / 2


def test_trees_of_height_3000_are_differentiated():
    sines = LossTree.from_string("sin(" * 3000 + "y_pred" + ")" * 3000, PSET)
    p = np.array([0.2, 0.9])
    value, slope = p.copy(), np.ones(2)
    for _ in range(3000):
        value, slope = np.sin(value), slope * np.cos(value)
    for ours, expected in zip(differentiate(sines, PSET, LABELS, p), (value, slope), strict=True):
        np.testing.assert_allclose(ours, np.broadcast_to(expected, (2, 2)), rtol=1e-12)
    assert LossCurves.of(sines, PSET).finite


def test_values_and_derivatives_have_the_predictions_precision_and_shape():
    tree = LossTree.from_string("add(exp(y_true), mul(2.5, y_true))", PSET)
    for dtype in (np.float32, np.float64):
        parts = differentiate(tree, PSET, LABELS.astype(dtype), np.full(5, 0.5, dtype))
        assert [(part.shape, part.dtype) for part in parts] == [((2, 5), dtype)] * 2
        assert not parts[1].any()


def test_a_primitive_without_derivative_is_refused_by_name():
    pset = loss_primitive_set()
    pset.addPrimitive(np.tanh, 1, name="tanh")
    tree = LossTree([pset.mapping["tanh"], pset.mapping["y_pred"]])
    with pytest.raises(ValueError, match="'tanh' has no derivative.*add_primitive"):
        LossCurves.of(tree, pset)


def test_a_single_leaf_is_differentiated():
    for leaf, expected in ((PSET.mapping["y_pred"], 1.0), (constant(2.0, PSET), 0.0)):
        _, slope = differentiate(LossTree([leaf]), PSET, LABELS, GRID)
        np.testing.assert_array_equal(slope, np.full((2, KNOTS), expected))


def test_a_value_alone_is_the_value_that_comes_with_the_derivative():
    random.seed(4)
    for protected in (True, False):
        pset = loss_primitive_set(protected)
        for _ in range(20):
            tree = LossTree(genLoss(pset))
            np.testing.assert_array_equal(evaluate(tree, pset, LABELS, GRID[::64]),
                                          differentiate(tree, pset, LABELS, GRID[::64])[0])


@pytest.mark.parametrize("protected", [True, False], ids=["protected", "plain"])
@pytest.mark.parametrize(("expression", "crossed"), [
    *((f"{name}(sub(y_pred, 0.5), 2.0)", False) for name in ("add", "sub", "mul")),
    *((f"{name}(sub(y_pred, 0.5))", False) for name in ("neg", "exp", "sin", "cos")),
    *((f"{name}(sub(y_pred, 0.5))", True) for name in ("sqrt", "log")),
    ("div(2.0, sub(y_pred, 0.5))", True), ("exp(log(sub(0.5, y_pred)))", True),
])  # fmt: skip
def test_signs_change_where_an_operand_crosses_zero_unless_all_is_smooth_there(
    expression, crossed, protected
):
    pset = loss_primitive_set(protected)
    p = np.array([0.1, 0.4, 0.6, 0.9])
    tree = LossTree.from_string(expression, pset)
    values, derivatives, signs = differentiate_with_signs(tree, pset, LABELS, p)
    np.testing.assert_array_equal([values, derivatives], differentiate(tree, pset, LABELS, p))
    assert signs.shape == (2, 4) and (signs[:, 0] == signs[:, 1]).all()
    assert (signs[:, 2] == signs[:, 3]).all()
    assert ((signs[:, 1] != signs[:, 2]) == crossed).all()


def test_a_sign_is_told_whatever_number_of_operands_comes_after_it():
    crossing = "log(sub(y_pred, 0.5))"
    for _ in range(100):
        crossing = f"add(log(y_pred), {crossing})"
    tree = LossTree.from_string(crossing, PSET)
    _, _, signs = differentiate_with_signs(tree, PSET, LABELS, np.array([0.4, 0.6]))
    assert (signs[:, 0] != signs[:, 1]).all()


def test_labels_take_the_predictions_precision():
    tree = LossTree.from_string("mul(y_true, log(y_pred))", PSET)
    p = GRID[::64].astype(np.float32)
    for labels in (LABELS, LABELS.astype(int), LABELS.astype(bool)):
        for part, expected in zip(differentiate(tree, PSET, labels, p),
                                  differentiate(tree, PSET, LABELS.astype(np.float32), p),
                                  strict=True):
            assert part.dtype == np.float32
            np.testing.assert_array_equal(part, expected)


@pytest.mark.parametrize("with_reach", [False, True])
def test_one_walk_gives_the_same_in_numpy_and_in_keras(with_reach):
    from keras import ops

    random.seed(5)
    equal = 0
    for _ in range(30):
        tree = LossTree(genLoss(PSET, max_size=60))
        p = GRID[::64]
        ours = differentiate(tree, PSET, LABELS, p, with_reach=with_reach)
        keras = differentiate(tree, PSET, LABELS, ops.convert_to_tensor(p), ops=ops,
                              with_reach=with_reach)
        assert len(ours) == len(keras) == 2 + with_reach
        same = [np.isclose(ops.convert_to_numpy(one), two, rtol=1e-9, atol=1e-30)
                for one, two in zip(keras, ours, strict=True)]
        # The two libraries' last bits differ; some trees magnify that at a few points.
        assert np.mean(same) > 0.95, str(tree)
        equal += np.all(same)
    assert equal >= 25
