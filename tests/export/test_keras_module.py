"""Exported Keras losses, against the float64 reference and Keras's own losses."""

import importlib.util

import numpy as np
import pytest
from exported import (
    CORNERS,
    PLAIN,
    PSET,
    known_and_random_losses,
    logits_and_labels,
    loss_object,
    run_alone,
    softmax_reference,
)
from rounding import assert_agrees, points, reference

from deap_lossgp.export.files import export_loss
from deap_lossgp.found_losses import KNOWN_LOSSES, read_loss


def keras_loss(load, loss, *args, scale=1.0, **kwargs):
    return loss_object(load(loss, "keras", scale=scale), loss, *args, **kwargs)


@pytest.mark.parametrize("pset", [PSET, PLAIN], ids=["protected", "plain"])
def test_values_and_gradients_are_those_of_the_loss(load, pset):
    tf = pytest.importorskip("tensorflow")
    y_true, y_pred = points()
    for loss in known_and_random_losses(pset):
        p = tf.constant(y_pred, "float32")
        with tf.GradientTape() as tape:
            tape.watch(p)
            values = load(loss, "keras").elementwise(tf.constant(y_true, "float32"), p)
        assert values.dtype == p.dtype and values.shape == p.shape
        expected = reference(loss.tree, pset, y_true, y_pred)
        assert_agrees([values.numpy(), tape.gradient(values, p).numpy()], expected, str(loss.tree))


def test_cross_entropy_is_that_of_keras_for_all_kinds_of_labels(load):
    keras = pytest.importorskip("keras")
    logits, labels = logits_and_labels()
    logits = logits.astype("float32")
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    one_hot = np.eye(6)[labels]
    weights = np.linspace(0.5, 2.0, len(labels))
    loss = read_loss("cross_entropy")
    for smoothing in (0.0, 0.3):
        theirs = keras.losses.CategoricalCrossentropy(label_smoothing=smoothing)
        expected = float(theirs(one_hot, probabilities, weights))
        for y_true in (labels, labels[:, None], one_hot, one_hot.astype("int32")):
            for from_logits in (False, True):
                ours = keras_loss(load, loss, from_logits=from_logits, scale="cross_entropy",
                                  label_smoothing=smoothing)
                got = ours(y_true, logits if from_logits else probabilities, weights)
                assert float(got) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", KNOWN_LOSSES)
def test_the_keras_loss_takes_logits_by_the_chain_rule(load, name):
    tf = pytest.importorskip("tensorflow")
    loss = read_loss(name)
    ours = keras_loss(load, loss, from_logits=True, reduction="none", dtype="float64")
    for logits, labels in (logits_and_labels(), (CORNERS, np.array([1, 0, 2, 0, 1]))):
        tensor = tf.constant(logits)
        with tf.GradientTape() as tape:
            tape.watch(tensor)
            losses = ours(labels, tensor)
            mean = tf.reduce_mean(losses)
        slopes = tape.gradient(mean, tensor)
        expected = softmax_reference(loss, logits, labels)
        np.testing.assert_allclose(losses, expected[0], rtol=3e-6)
        np.testing.assert_allclose(slopes, expected[1], rtol=3e-6,
                                   atol=1e-13 * np.abs(expected[1]).max())


def test_keras_losses_have_values_per_sample_at_any_rank_in_half_precision_too(load):
    keras = pytest.importorskip("keras")
    ours = keras_loss(load, read_loss("ngl"), reduction=None)
    y_pred = keras.ops.cast(np.full((2, 3, 4), 0.25), "float16")
    values = ours(np.zeros((2, 3)), y_pred)
    assert values.shape == (2, 3) and keras.backend.standardize_dtype(values.dtype) == "float32"


def test_keras_losses_keep_their_configuration(load):
    pytest.importorskip("keras")
    ours = keras_loss(load, read_loss("baikal"), from_logits=True, label_smoothing=0.1,
                      reduction="sum", dtype="float64", ignore_class=255)
    config = ours.get_config()
    assert config == {"name": "baikal", "reduction": "sum", "from_logits": True,
                      "label_smoothing": 0.1, "dtype": "float64", "ignore_class": 255}
    assert type(ours).from_config(config).get_config() == config


KERAS_HEAD = """
import keras, numpy as np
from ngl_keras import NglLoss

images = np.random.default_rng(0).normal(size=(64, 8)).astype("float32")
labels = images[:, :3].argmax(1)
"""
KERAS_FIT = """
model.fit(images, labels, epochs=15, batch_size=16, verbose=0)
print(*model.evaluate(images, labels, verbose=0))
model.save("model.keras")
"""


@pytest.mark.frameworks
def test_the_keras_file_trains_and_loads_on_every_backend_where_this_package_is_missing(tmp_path):
    pytest.importorskip("tensorflow")
    (tmp_path / "ngl_keras.py").write_text(export_loss(read_loss("ngl"), "keras"))
    value = None
    for backend in ("tensorflow", "jax", "torch"):
        if importlib.util.find_spec(backend) is None:
            continue
        make = """
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(3)])
loss = NglLoss(from_logits=True, label_smoothing=0.01)
model.compile(keras.optimizers.Adam(0.02), loss, metrics=["accuracy"])
print(0, 0)
""" if value is None else """
model = keras.models.load_model("model.keras", safe_mode=True)
assert type(model.loss) is NglLoss and model.loss.from_logits
print(*model.evaluate(images, labels, verbose=0))
"""
        lines = run_alone(KERAS_HEAD + make + KERAS_FIT, ["deap_lossgp", "deap"], tmp_path,
                          KERAS_BACKEND=backend).splitlines()
        before, after = ([float(number) for number in line.split()] for line in lines)
        if value is not None:
            assert before == pytest.approx(value, rel=1e-5)
            assert after[0] < 1.001 * before[0]
        value = after
    assert value[1] > 0.7
