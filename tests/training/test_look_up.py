"""The look-up of a derivative in a loss's segments, against the derivative itself."""

import numpy as np
import pytest

from deap_lossgp.curves import LOWEST, LossCurves, differentiate
from deap_lossgp.found_losses import KNOWN_LOSSES
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.trees import LossTree

tf = pytest.importorskip("tensorflow")

from deap_lossgp.training.look_up import look_up, look_up_from, table_of  # noqa: E402

PSET = loss_primitive_set()
ENDS = ("neg(add(mul(y_true, log(y_pred)), "  # binary cross entropy: steep at both
        "mul(sub(1.0, y_true), log(sub(1.0, y_pred)))))")
POLES = "mul(add(y_true, 1.0), log(sub(y_pred, add(0.3, mul(0.3, y_true)))))"


def tree_of(text):
    return LossTree.from_string(text, PSET)


def table(text, factor=1.0):
    return table_of(LossCurves.of(tree_of(text), PSET).segments, factor)


def true_slopes(text, labels, y_pred):
    """Derivatives in float64, for the label of each prediction."""
    y_true = np.eye(y_pred.shape[1])[labels]
    return differentiate(tree_of(text), PSET, y_true, y_pred.astype(np.float64))[1]


@pytest.mark.parametrize("factor", [1.0, -0.01])
@pytest.mark.parametrize("text", [KNOWN_LOSSES["ngl"], ENDS, POLES])
def test_the_look_up_is_the_derivative_for_the_label(text, factor):
    generator = np.random.default_rng(0)
    logits = generator.normal(scale=3.0, size=(2000, 5))
    y_pred = (np.exp(logits) / np.exp(logits).sum(1, keepdims=True)).astype(np.float32)
    y_pred = np.clip(y_pred, LOWEST, 1.0 - LOWEST)
    labels = generator.integers(0, 5, 2000).astype(np.int32)
    ours = look_up(*table(text, factor), tf.constant(labels), tf.constant(y_pred))
    np.testing.assert_allclose(ours, factor * true_slopes(text, labels, y_pred), rtol=1e-3,
                               atol=1e-4 * abs(factor))


@pytest.mark.parametrize("jit_compile", [False, True])
def test_the_look_up_is_accurate_at_the_ends(jit_compile):
    ends = np.linspace(LOWEST, 4 * LOWEST, 600).astype(np.float32)
    p = np.concatenate([ends, np.float32(1.0) - ends])
    for label in (0, 1):
        # Of two classes it is the first's derivative that is looked at.
        y_pred = np.stack([p, np.full_like(p, 0.5)], axis=1)
        labels = np.full(len(p), label)
        ours = tf.function(look_up, jit_compile=jit_compile)(
            *table(ENDS), tf.constant(labels), tf.constant(y_pred))
        np.testing.assert_allclose(ours[:, 0], true_slopes(ENDS, labels, y_pred)[:, 0], rtol=1e-5)


def test_a_pole_is_met_to_a_thousandth_at_every_number_beside_it():
    around = (np.float32(0.3) + np.arange(-400, 400) * 2.0**-25).astype(np.float32)
    y_pred = np.stack([around, np.full_like(around, 0.1)], axis=1)
    labels = np.ones(len(around), int)  # the pole of the others, at 0.3
    ours = look_up(*table(POLES), tf.constant(labels), tf.constant(y_pred))
    np.testing.assert_allclose(ours, true_slopes(POLES, labels, y_pred), rtol=1e-3)
    assert np.ptp(ours[:, 0]) > 1e6


def test_several_losses_are_looked_up_in_one_table():
    y_pred = np.random.default_rng(0).uniform(0.01, 0.99, (2, 7, 10)).astype(np.float32)
    labels = tf.constant(np.arange(7))
    apart = [table(text) for text in (ENDS, KNOWN_LOSSES["mse"])]
    assert len({knots.shape for knots, _ in apart}) == 1
    knots, rows = (np.concatenate(parts) for parts in zip(*apart, strict=True))
    beginnings = tf.constant([[[0]], [[len(rows) // 2]]], tf.int64)
    first = tf.one_hot(labels, 10, dtype=tf.int64) + beginnings
    together = look_up_from(knots, rows, first, tf.constant(y_pred))
    for each, predictions, ours in zip(apart, y_pred, together, strict=True):
        np.testing.assert_array_equal(ours, look_up(*each, labels, tf.constant(predictions)))


def test_tables_have_few_shapes():
    sizes = {len(table(text)[1]) for text in (*KNOWN_LOSSES.values(), ENDS)}
    assert sizes == {2048}
    assert len(table(POLES)[1]) in (4096, 8192)


def test_a_prediction_of_nan_has_a_gradient_of_nan():
    y_pred = np.full((64, 10), 0.1, np.float32)
    y_pred[::7, ::3] = np.nan
    slope = look_up(*table(ENDS), tf.zeros(64, tf.int32), tf.constant(y_pred))
    np.testing.assert_array_equal(np.isnan(slope), np.isnan(y_pred))


def test_predictions_that_are_clipped_get_no_gradient():
    y_pred = tf.constant([[0.0, 1e-8, LOWEST, 0.5, 1.0 - LOWEST, 1.0]], tf.float32)
    slope = look_up(*table("mul(3.0, y_pred)"), tf.constant([3]), y_pred)
    np.testing.assert_allclose(slope, [[0.0, 0.0, 3.0, 3.0, 3.0, 0.0]], rtol=1e-6)
