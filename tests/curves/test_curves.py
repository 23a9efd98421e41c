"""Curves: the grid's derivative against TensorFlow's autodiff, and what is not certified."""

import copy
import os
import random

import numpy as np
import pytest
from scipy.ndimage import minimum_filter1d

from deap_lossgp.constants import constant
from deap_lossgp.curves.differentiation import differentiate
from deap_lossgp.curves.grid import (
    GRID,
    HIGHEST_LOGIT,
    KNOTS,
    LOWEST,
    interpolate,
    logit,
    probability,
)
from deap_lossgp.curves.loss_curves import TOLERANCE, LossCurves
from deap_lossgp.operators import genLoss
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.trees import LossTree

tf = pytest.importorskip("tensorflow")

from deap_lossgp.curves.operations import elementwise_loss  # noqa: E402
from deap_lossgp.found_losses import KNOWN_LOSSES  # noqa: E402

TREES = int(os.environ.get("DEAP_LOSSGP_TREES", 60))
LABELS = np.array([[0.0], [1.0]])
PSET = loss_primitive_set()


def curves_of(text, pset=PSET):
    return LossCurves.of(LossTree.from_string(text, pset), pset)


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


def test_the_grid_is_uniform_in_logit_and_ends_at_the_clipping():
    assert (len(GRID), GRID[0], GRID[-1]) == (KNOTS, pytest.approx(LOWEST), 1.0 - LOWEST)
    np.testing.assert_allclose(logit(GRID), np.linspace(-HIGHEST_LOGIT, HIGHEST_LOGIT, KNOTS),
                               atol=1e-8)


# the certificate


@pytest.mark.parametrize("protected", [True, False], ids=["protected", "plain"])
@pytest.mark.parametrize("name", KNOWN_LOSSES)
def test_known_losses_are_certified(name, protected):
    assert curves_of(KNOWN_LOSSES[name], loss_primitive_set(protected)).certified


@pytest.mark.parametrize(("expression", "what"), [
    ("mul(y_true, div(sin(mul(4, y_pred)), cos(mul(4, y_pred))))", "the poles of tan(4 p)"),
    ("mul(y_true, div(1.0, sub(y_pred, 0.3)))", "a pole"),
    ("mul(y_true, sqrt(sub(y_pred, 0.5)))", "a kink"),
    ("mul(y_true, log(sub(y_pred, 0.7)))", "a logarithm's pole"),
    ("mul(y_true, sin(mul(1000.0, y_pred)))", "an oscillation"),
    ("mul(y_true, sin(div(1.0, y_pred)))", "an oscillation near 0"),
])
def test_what_the_grid_cannot_resolve_is_not_certified(expression, what):
    curves = curves_of(expression)
    assert curves.finite
    assert curves.error > TOLERANCE, what
    assert not curves.certified


@pytest.mark.parametrize(("expression", "what"), [
    ("mul(y_true, log(sub(1e4, sub(1e4, y_pred))))", "digits lost in a difference"),
    ("mul(y_true, sub(mul(1e5, log(y_pred)), mul(99999.0, log(y_pred))))", "slopes that cancel"),
    ("add(mul(1e5, y_pred), neg(mul(y_true, log(y_pred))))", "a common slope, lost in softmax"),
    ("add(y_true, neg(sqrt(y_pred)))", "a label-blind loss"),
    ("sub(y_true, y_pred)", "a label-blind loss without gradient"),
])
def test_what_float32_cannot_differentiate_is_not_certified(expression, what):
    curves = curves_of(expression)
    p = probability(np.linspace(-10.0, 10.0, 1000))
    exact = differentiate(LossTree.from_string(expression, PSET), PSET, LABELS, p)[1]
    np.testing.assert_allclose(interpolate(curves.derivatives, p), exact, rtol=1e-3)
    assert curves.error > TOLERANCE, what
    assert not curves.certified


@pytest.mark.parametrize("expression", [
    "mul(y_true, log(sub(y_pred, 0.5)))",
    "mul(y_true, exp(exp(div(1.0, y_pred))))",
    f"add(log(sub(y_true, y_true)), {KNOWN_LOSSES['cross_entropy']})",  # finite derivatives
])
def test_curves_that_are_not_finite_are_not_certified(expression):
    curves = curves_of(expression, loss_primitive_set(protected=False))
    assert not curves.finite
    assert not curves.certified


# interpolation


def test_interpolation_is_exact_at_the_knots():
    curves = np.random.default_rng(0).normal(size=(2, KNOTS))
    # Near p = 1 a knot's own position is rounded, to 1e-7 of the distance between two.
    np.testing.assert_allclose(interpolate(curves, GRID), curves, rtol=0, atol=1e-5)


def test_interpolation_clips_predictions_to_the_grid():
    curves = curves_of(KNOWN_LOSSES["cross_entropy"])
    np.testing.assert_array_equal(interpolate(curves.values, [0.0, 1.0]),
                                  interpolate(curves.values, GRID[[0, -1]]))


def test_between_the_knots_certified_derivatives_are_within_the_certified_error():
    random.seed(3)
    p = np.float64(np.float32(probability(np.random.default_rng(0).uniform(-15.0, 15.0, 3000))))
    checked = 0
    while checked < 25:
        tree = LossTree(genLoss(PSET))
        curves = LossCurves.of(tree, PSET)
        if not curves.certified:
            continue
        checked += 1
        value, slope = differentiate(tree, PSET, LABELS, p)
        # Relative to the largest magnitude within a quarter of a unit of logit(p).
        near = probability(logit(p) + np.linspace(-0.25, 0.25, 9)[:, None, None])
        size = np.abs(differentiate(tree, PSET, LABELS[None], near)[1]).max(0)
        error = np.abs(interpolate(curves.derivatives, p) - slope)
        assert (error <= 1.2 * curves.error * size + 1e-12 * size).all(), str(tree)
        np.testing.assert_allclose(interpolate(curves.values[1], p), value[1], rtol=1e-3,
                                   atol=1e-3 * np.ptp(value[1]), err_msg=str(tree))


# the scale


def test_the_gradient_scale_of_cross_entropy_is_one_half():
    assert curves_of(KNOWN_LOSSES["cross_entropy"]).gradient_scale == pytest.approx(0.5, abs=1e-3)


@pytest.mark.parametrize("c", [1e-6, 0.3, -2.0, 1e6])
@pytest.mark.parametrize("name", KNOWN_LOSSES)
def test_the_gradient_scale_is_proportional_to_the_loss(name, c):
    scaled = curves_of(f"add(7.0, mul({c}, {KNOWN_LOSSES[name]}))")
    assert scaled.gradient_scale == pytest.approx(
        abs(c) * curves_of(KNOWN_LOSSES[name]).gradient_scale, rel=1e-9
    )


def test_the_gradient_scale_of_what_does_not_depend_on_predictions_is_zero():
    assert curves_of("exp(y_true)").gradient_scale == 0.0


# differentiate


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
