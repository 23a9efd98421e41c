"""Loss curves: which are certified, how exact they are then, and their scale."""

import random

import numpy as np
import pytest

from deap_lossgp.curves.differentiation import differentiate
from deap_lossgp.curves.grid import LOWEST, interpolate, logit, probability
from deap_lossgp.curves.loss_curves import TOLERANCE, LossCurves
from deap_lossgp.found_losses import KNOWN_LOSSES
from deap_lossgp.operators import genLoss
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.trees import LossTree

LABELS = np.array([[0.0], [1.0]])
PSET = loss_primitive_set()


def curves_of(text, pset=PSET):
    return LossCurves.of(LossTree.from_string(text, pset), pset)


def derivative_of(segments, p):
    """The derivatives that the parabolas have at p."""
    cell = np.searchsorted(segments.knots, p, side="right") - 1
    left, right = np.float64(segments.knots[cell]), np.float64(segments.knots[cell + 1])
    powers = ((p - left) / (right - left))[:, None] ** np.arange(3)
    return (segments.derivatives[:, cell] * powers).sum(-1)


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
    ("mul(y_true, log(sub(1.0, sqrt(y_pred))))", "digits lost in float32 near 1"),
])
def test_what_adaptive_knots_resolve_is_certified(expression, what):
    curves = curves_of(expression)
    assert curves.error <= TOLERANCE, what
    assert curves.certified


@pytest.mark.parametrize(("expression", "what"), [
    ("mul(y_true, sin(mul(1e5, y_pred)))", "a fast oscillation"),
    ("mul(y_true, sin(div(1.0, y_pred)))", "an oscillation near 0"),
])
def test_what_needs_too_many_knots_is_not_certified(expression, what):
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
        # Relative to its own magnitude or the typical one within a quarter of a unit of logit(p).
        near = probability(logit(p) + np.linspace(-0.25, 0.25, 9)[:, None, None])
        typical = np.exp(np.log(np.abs(differentiate(tree, PSET, LABELS[None], near)[1])
                                + 1e-300).mean(0))
        size = np.maximum(np.maximum(np.abs(slope), typical),
                          1e-3 * curves.gradient_scale / (p * (1.0 - p)))
        error = np.abs(derivative_of(curves.segments, p) - slope)
        assert (error <= TOLERANCE * size).all(), str(tree)
        assert np.quantile(error / size, 0.99) <= TOLERANCE / 4.0
        np.testing.assert_allclose(curves.segments.value(1, p), value[1], rtol=1e-3,
                                   atol=1e-3 * np.ptp(value[1]), err_msg=str(tree))


def test_values_hold_at_both_ends_too_where_predictions_are_clipped():
    entropy = LossTree.from_string(KNOWN_LOSSES["cross_entropy"], PSET)
    p = np.array([LOWEST, 1.0 - LOWEST])
    segments = LossCurves.of(entropy, PSET).segments
    expected = differentiate(entropy, PSET, LABELS, p)[0]
    for label in (0, 1):
        np.testing.assert_allclose(segments.value(label, p), expected[label], rtol=1e-6)
        np.testing.assert_array_equal(segments.value(label, np.array([0.0, 1.0])),
                                      segments.value(label, p))
    np.testing.assert_array_equal(segments.value(np.array([True, False]), p),
                                  [segments.value(1, p)[0], segments.value(0, p)[1]])


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
