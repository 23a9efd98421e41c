"""The look-up of a derivative in the curves, against their interpolation."""

import numpy as np
import pytest

from deap_lossgp.curves import GRID, KNOTS, LOWEST, interpolate

tf = pytest.importorskip("tensorflow")

from deap_lossgp.training.look_up import lines_of, look_up  # noqa: E402


def test_the_look_up_is_the_interpolation_of_the_label():
    generator = np.random.default_rng(0)
    logits = generator.normal(scale=3.0, size=(200, 5))
    y_pred = (np.exp(logits) / np.exp(logits).sum(1, keepdims=True)).astype(np.float32)
    labels = generator.integers(0, 5, 200).astype(np.int32)
    curves = np.sin(np.linspace(0.0, 9.0, 2 * KNOTS)).reshape(2, KNOTS)
    other, true = interpolate(curves, y_pred)
    expected = np.where(np.arange(5) == labels[:, None], true, other)
    ours = look_up(lines_of(np.float32(curves)), tf.constant(labels), tf.constant(y_pred))
    np.testing.assert_allclose(ours, expected, atol=2e-6)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_the_look_up_is_accurate_at_the_ends_of_the_grid(jit_compile):
    ends = np.linspace(LOWEST, 4 * LOWEST, 600).astype(np.float32)
    p = np.concatenate([ends, np.float32(1.0) - ends])
    curves = np.stack([1.0 / (1.0 - GRID), -1.0 / GRID])
    for label, expected in ((1, 1.0 / (1.0 - p.astype(np.float64))), (0, -1.0 / p)):
        # Of two classes it is the first's derivative that is looked at.
        y_pred = tf.constant(np.stack([p, np.full_like(p, 0.5)], axis=1))
        ours = tf.function(look_up, jit_compile=jit_compile)(
            lines_of(np.float32(curves)), tf.fill([len(p)], label), y_pred)
        np.testing.assert_allclose(ours[:, 0], expected, rtol=1e-5)


def test_a_prediction_of_nan_has_a_gradient_of_nan():
    y_pred = np.full((64, 10), 0.1, np.float32)
    y_pred[::7, ::3] = np.nan
    slope = look_up(lines_of(np.ones((2, KNOTS), np.float32)), tf.zeros(64, tf.int32),
                    tf.constant(y_pred))
    np.testing.assert_array_equal(np.isnan(slope), np.isnan(y_pred))


def test_predictions_that_are_clipped_get_no_gradient():
    y_pred = tf.constant([[0.0, 1e-8, LOWEST, 0.5, 1.0 - LOWEST, 1.0]], tf.float32)
    slope = look_up(lines_of(np.ones((2, KNOTS), np.float32)), tf.constant([3]), y_pred)
    np.testing.assert_allclose(slope, [[0.0, 0.0, 1.0, 1.0, 1.0, 0.0]], rtol=1e-6)
