"""TreeLoss against Keras's own losses and the NumPy values, on each of Keras's backends."""

import importlib.util
import os
import random
import subprocess
import sys

import numpy as np
import pytest
from deap import gp

from deap_lossgp.curves.differentiation import differentiate
from deap_lossgp.curves.grid import LOWEST
from deap_lossgp.curves.loss_curves import LossCurves
from deap_lossgp.found_losses import KNOWN_LOSSES, read_loss
from deap_lossgp.operators import genLoss
from deap_lossgp.primitives import LossPrimitive
from deap_lossgp.psets import add_primitive, loss_primitive_set
from deap_lossgp.trees import LossTree

pytest.importorskip("tensorflow")

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402
from keras import layers, ops  # noqa: E402

from deap_lossgp.losses import TreeLoss  # noqa: E402

PSET = loss_primitive_set()
CLASSES = 7
# Certified, but where y_true is 0 the backends' own differentiation is NaN: 1e20 * 1e20 * 0 on the
# way back from the root; and in JAX, which differentiates a / b with b**-2, 1e40 * 0.
OVERFLOWING = ["div(log(y_pred), div(cos(y_true), div(y_true, y_pred)))",
               "div(y_pred, div(y_true, log(y_pred)))"]


def batch(samples=40, *, classes=CLASSES, seed=0):
    """Class numbers and softmax predictions, the first of them on and beyond the bounds."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(scale=3.0, size=(samples, classes))
    y_pred = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = generator.integers(0, classes, samples)
    for row, (low, high) in enumerate([(0.0, 1.0), (LOWEST, 1.0 - LOWEST)]):
        y_pred[2 * row : 2 * row + 2] = low
        y_pred[2 * row : 2 * row + 2, 0] = high
        labels[2 * row : 2 * row + 2] = 0, 1
    return labels, y_pred.astype("float32")


def one_hot(labels, classes=CLASSES):
    return np.eye(classes, dtype="float32")[labels]


def reference(expression, y_true, y_pred, pset=PSET):
    """In float64: the mean over the classes, and its derivative."""
    y_pred = np.asarray(y_pred, np.float64)
    clipped = np.clip(y_pred, LOWEST, 1.0 - LOWEST)
    tree = LossTree.from_string(KNOWN_LOSSES.get(expression, expression), pset)
    values, slopes = differentiate(tree, pset, np.asarray(y_true, np.float64), clipped)
    return values.mean(-1), np.where(clipped == y_pred, slopes, 0.0) / y_pred.shape[-1]


def values_of(loss, y_true, y_pred, **options):
    return ops.convert_to_numpy(TreeLoss(loss, reduction="none", **options)(y_true, y_pred))


def entropy(**options):
    return TreeLoss("cross_entropy", scale="cross_entropy", **options)


def classifier(features=5, classes=CLASSES, **last):
    model = keras.Sequential([
        keras.Input((features,)), layers.Dense(8, activation="relu"),
        layers.Dense(classes, activation="softmax", **last),
    ])  # fmt: skip
    generator = np.random.default_rng(1)
    model.set_weights([generator.normal(size=weight.shape) for weight in model.get_weights()])
    return model


@pytest.fixture(autouse=True)
def _seeded():
    """Deterministic operations refuse to draw without a seed."""
    states = random.getstate(), np.random.get_state()
    keras.utils.set_random_seed(0)
    yield
    random.setstate(states[0])
    np.random.set_state(states[1])


def images(samples=40, features=5):
    return np.random.default_rng(2).normal(size=(samples, features)).astype("float32")


# values


@pytest.mark.parametrize("primitives", ["protected", "plain"])
@pytest.mark.parametrize("name", KNOWN_LOSSES)
def test_a_value_is_the_mean_over_classes_of_the_clipped_predictions(name, primitives):
    labels, y_pred = batch()
    pset = loss_primitive_set(primitives == "protected")
    expected, _ = reference(name, one_hot(labels), y_pred, pset)
    values = values_of(name, labels, y_pred, primitives=primitives)
    assert (values.shape, values.dtype) == ((40,), "float32")
    np.testing.assert_allclose(values, expected, rtol=1e-5)


def test_mse_is_that_of_keras():
    labels, y_pred = batch()
    expected = keras.losses.MeanSquaredError()(one_hot(labels), y_pred)
    np.testing.assert_allclose(TreeLoss("mse")(labels, y_pred), expected, rtol=1e-5)


@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("label_smoothing", [0.0, 0.2])
def test_cross_entropy_at_its_own_scale_is_that_of_keras(from_logits, label_smoothing):
    labels, y_pred = batch()
    y_pred = y_pred[4:]  # Keras clips elsewhere
    if from_logits:
        y_pred = 3.0 + np.log(y_pred)
    options = {"from_logits": from_logits, "label_smoothing": label_smoothing}
    theirs = keras.losses.CategoricalCrossentropy(**options, reduction="none")
    expected = theirs(one_hot(labels[4:]), y_pred)
    for y_true in (labels[4:], one_hot(labels[4:])):
        values = values_of("cross_entropy", y_true, y_pred, scale="cross_entropy", **options)
        np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-6)


def test_cross_entropy_as_it_stands_is_that_of_keras_by_the_number_of_classes():
    labels, y_pred = batch()
    expected = keras.losses.SparseCategoricalCrossentropy()(labels[4:], y_pred[4:])
    np.testing.assert_allclose(TreeLoss("cross_entropy", scale=CLASSES)(labels[4:], y_pred[4:]),
                               expected, rtol=1e-5)


def test_focal_is_that_of_keras():
    labels, y_pred = batch()
    theirs = keras.losses.CategoricalFocalCrossentropy(alpha=1.0, gamma=2.0)
    np.testing.assert_allclose(TreeLoss("focal", scale=float(CLASSES))(labels[4:], y_pred[4:]),
                               theirs(one_hot(labels[4:]), y_pred[4:]), rtol=1e-5)


@pytest.mark.parametrize("name", KNOWN_LOSSES)
def test_at_the_scale_of_cross_entropy_a_median_gradient_at_a_logit_is_a_half(name):
    """``call`` on a single sample of two classes: the gradient by p, times p (1 - p)."""
    loss = TreeLoss(name, scale="cross_entropy")
    p = tf.constant(1.0 / (1.0 + np.exp(-np.linspace(-4.6, 4.6, 2001))), "float32")
    slopes = []
    for label in (0.0, 1.0):
        with tf.GradientTape() as tape:
            tape.watch(p)
            y_pred = tf.stack([p, tf.zeros_like(p) + 0.5], -1)
            y_true = tf.stack([tf.zeros_like(p) + label, tf.zeros_like(p)], -1)
            value = tf.reduce_sum(loss.call(y_true, y_pred))
        slopes.append(np.abs((p * (1.0 - p) * tape.gradient(value, p)).numpy()))
    slopes = np.concatenate(slopes)
    assert np.median(slopes[slopes > 0.0]) == pytest.approx(0.5, rel=0.01)


def test_trees_of_a_thousand_nodes_are_computed_and_differentiated():
    text = KNOWN_LOSSES["cross_entropy"]
    for _ in range(249):
        text = f"add({text}, mul(0.001, y_pred))"
    loss = TreeLoss(text, scale=float(CLASSES))
    assert len(loss.tree) == 1001
    labels, y_pred = (array[4:] for array in batch())

    variable = tf.Variable(y_pred)
    with tf.GradientTape() as tape:
        value = loss(labels, variable)
    gradient = tape.gradient(value, variable)
    expected = -np.log((one_hot(labels) * y_pred).sum(1)).mean() + 0.249
    np.testing.assert_allclose(value, expected, rtol=1e-4)
    np.testing.assert_allclose(gradient, (0.249 - one_hot(labels) / y_pred) / len(labels),
                               rtol=1e-4)


def test_a_gradient_is_differentiated_again():
    p = tf.Variable([[0.2, 0.5, 0.3]])
    with tf.GradientTape() as outer:
        with tf.GradientTape() as inner:
            value = entropy()([1], p)
        gradient = inner.gradient(value, p)
    np.testing.assert_allclose(gradient, [[0.0, -1.0 / 0.5, 0.0]], rtol=1e-6)
    np.testing.assert_allclose(outer.gradient(gradient, p), [[0.0, 1.0 / 0.5**2, 0.0]], rtol=1e-6)


# labels


@pytest.mark.parametrize("y_true", [
    lambda labels: labels, lambda labels: labels[:, None], lambda labels: labels.astype("uint8"),
    lambda labels: labels.astype("float32"), lambda labels: one_hot(labels).astype("bool"),
    lambda labels: one_hot(labels).astype("int64"), lambda labels: tf.constant(labels),
    lambda labels: labels.tolist(), lambda labels: one_hot(labels).tolist(),
])  # fmt: skip
def test_labels_are_class_numbers_or_one_hot_by_their_shape(y_true):
    labels, y_pred = batch()
    np.testing.assert_allclose(values_of("ngl", y_true(labels), y_pred),
                               values_of("ngl", one_hot(labels), y_pred))


def test_two_samples_of_two_classes_are_told_apart_by_rank():
    y_pred = np.array([[0.9, 0.1], [0.4, 0.6]], "float32")
    expected = reference("ngl", [[0, 1], [1, 0]], y_pred)[0]
    np.testing.assert_allclose(values_of("ngl", np.array([1, 0]), y_pred), expected, rtol=1e-6)
    np.testing.assert_allclose(values_of("ngl", np.array([[0, 1], [1, 0]]), y_pred), expected,
                               rtol=1e-6)


def test_soft_labels_are_taken_as_they_are():
    y_true = np.random.default_rng(3).dirichlet(np.ones(CLASSES), 36)
    y_pred = batch()[1][4:]
    expected = keras.losses.CategoricalCrossentropy()(y_true, y_pred)
    np.testing.assert_allclose(entropy()(y_true, y_pred), expected, rtol=1e-5)


@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("label_smoothing", [0.0, 0.2])
def test_a_single_output_is_the_probability_of_the_second_of_two_classes(
        from_logits, label_smoothing):
    generator = np.random.default_rng(4)
    logits, labels = generator.normal(size=(20, 1)), generator.integers(0, 2, 20)
    y_pred = logits if from_logits else 1.0 / (1.0 + np.exp(-logits))
    options = {"from_logits": from_logits, "label_smoothing": label_smoothing}
    expected = keras.losses.BinaryCrossentropy(**options)(labels[:, None], y_pred)
    for y_true in (labels, labels[:, None]):
        np.testing.assert_allclose(entropy(**options)(y_true, y_pred), expected, rtol=1e-5)


@pytest.mark.parametrize("label", [-1, CLASSES, 1.5])
def test_a_label_of_no_class_is_refused_and_in_a_graph_gives_its_sample_nan_and_no_other(label):
    labels, y_pred = batch()
    labels = labels.astype("float32")
    labels[5] = label
    loss = TreeLoss("ngl", reduction="none")
    with pytest.raises(ValueError, match=f"^expected labels from 0 to 6, or -100, got {label}$"):
        loss(labels, y_pred)
    assert np.flatnonzero(np.isnan(tf.function(loss)(labels, y_pred))).tolist() == [5]


def test_a_prediction_that_is_nan_gives_nan():
    labels, y_pred = batch()
    y_pred[5] = np.nan
    assert np.flatnonzero(np.isnan(values_of("ngl", labels, y_pred))).tolist() == [5]


def test_dense_predictions_keep_their_leading_dimensions():
    labels, y_pred = batch(24)
    expected = values_of("ngl", labels, y_pred).reshape(2, 3, 4)
    y_pred, labels = y_pred.reshape(2, 3, 4, CLASSES), labels.reshape(2, 3, 4)
    channels_first = np.moveaxis(y_pred, -1, 1)
    for y_true in (labels, labels[..., None], one_hot(labels)):
        np.testing.assert_array_equal(values_of("ngl", y_true, y_pred), expected)
    for y_true in (labels, labels[:, None], np.moveaxis(one_hot(labels), -1, 1)):
        np.testing.assert_array_equal(values_of("ngl", y_true, channels_first, axis=1), expected)


def test_labels_of_unknown_shape_are_one_hot_or_an_error():
    labels, y_pred = batch()
    loss = TreeLoss("ngl")
    traced = tf.function(loss, input_signature=[tf.TensorSpec((None, None)),
                                                tf.TensorSpec((None, CLASSES))])
    np.testing.assert_allclose(traced(one_hot(labels), y_pred), loss(labels, y_pred), rtol=1e-6)
    with pytest.raises(tf.errors.InvalidArgumentError):
        traced(labels[:, None].astype("float32"), y_pred)


# as every Keras loss


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight",
                                       None])
@pytest.mark.parametrize("shape", [(36,), (36, 1)])
def test_sample_weights_and_reductions_are_keras_own(reduction, shape):
    labels, y_pred = (array[4:] for array in batch())
    weights = np.random.default_rng(5).random(shape).astype("float32")
    theirs = keras.losses.SparseCategoricalCrossentropy(reduction=reduction)
    np.testing.assert_allclose(entropy(reduction=reduction)(labels, y_pred, weights),
                               theirs(labels, y_pred, weights), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight"])
@pytest.mark.parametrize("compiled", [False, True], ids=["", "compiled"])
def test_ignored_labels_do_not_count_as_in_keras(reduction, compiled):
    labels, y_pred = (array[4:] for array in batch())
    labels[::3] = 255
    weights = np.random.default_rng(5).random(len(labels)).astype("float32")
    options = {"reduction": reduction, "ignore_class": 255}
    ours, theirs = entropy(**options), keras.losses.SparseCategoricalCrossentropy(**options)
    for more in ((), (weights,)):
        value = (tf.function(ours) if compiled else ours)(labels, y_pred, *more)
        np.testing.assert_allclose(value, theirs(labels, y_pred, *more), rtol=1e-5)
    with pytest.raises(ValueError, match="^expected labels from 0 to 6, got 255$"):
        entropy(ignore_class=None)(labels, y_pred)


def test_masked_steps_do_not_count():
    words = np.random.default_rng(6).integers(0, 4, (6, 9))
    labels = np.random.default_rng(7).integers(0, CLASSES, (6, 9))
    model = keras.Sequential([keras.Input((9,)), layers.Embedding(4, 3, "normal", mask_zero=True),
                              layers.Dense(CLASSES, "softmax", kernel_initializer="normal")])
    model.set_weights([20.0 * weight for weight in model.get_weights()])
    values = []
    for loss in (entropy(), "sparse_categorical_crossentropy", entropy(reduction="sum"),
                 keras.losses.SparseCategoricalCrossentropy(reduction="sum")):
        model.compile(loss=loss)
        values.append(model.evaluate(words, labels, verbose=0))
    np.testing.assert_allclose(values[::2], values[1::2], rtol=1e-5)
    everything = keras.losses.SparseCategoricalCrossentropy()(labels, model.predict(words,
                                                                                    verbose=0))
    assert abs(values[0] - float(everything)) > 0.01


def test_fitting_with_cross_entropy_and_class_weights_is_fitting_with_that_of_keras():
    x, labels = images(), batch()[0]
    weights = []
    for loss in (entropy(), keras.losses.SparseCategoricalCrossentropy()):
        model = classifier()
        model.compile("sgd", loss, metrics=["accuracy"])
        model.fit(x, labels, 16, 3, shuffle=False, verbose=0, class_weight={
            label: 1.0 + label for label in range(CLASSES)})  # fmt: skip
        weights.append(model.get_weights())
    for ours, theirs in zip(*weights, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_several_outputs_have_their_own_losses():
    inputs = keras.Input((5,))
    model = keras.Model(inputs, {
        name: layers.Dense(CLASSES, activation="softmax", name=name)(inputs) for name in "ab"
    })
    model.compile(loss={"a": TreeLoss("ngl"), "b": entropy()})
    x, labels = images(), batch()[0]
    history = model.fit(x, {"a": labels, "b": one_hot(labels)}, len(x), verbose=0).history
    assert np.isfinite(history["a_loss"][0])
    assert history["loss"][0] == pytest.approx(history["a_loss"][0] + history["b_loss"][0])


# precision


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "mixed_float16", None])
def test_half_precision_is_computed_in_float32(dtype):
    labels, y_pred = batch()
    loss = TreeLoss("exp(exp(div(3.0, sqrt(y_pred))))", dtype=dtype)  # up to 1e18
    value = loss(labels, tf.cast(y_pred, "float16"))
    assert (loss.dtype, value.dtype) == ("float32", "float32")
    assert float(value) > 1e16 and np.isfinite(value)


def test_class_numbers_above_256_survive_a_half_precision_dtype():
    y_true, y_pred = np.arange(300), np.full((300, 300), 1.0 / 300.0, "float32")
    assert np.isfinite(values_of("cross_entropy", y_true, y_pred, dtype="bfloat16")).all()


def test_double_precision_is_computed_in_float64():
    labels, y_pred = batch()
    y_pred = y_pred.astype("float64")
    values = values_of("ngl", labels, y_pred, dtype="float64")
    np.testing.assert_allclose(values, reference("ngl", one_hot(labels), y_pred)[0],
                               rtol=1e-14)


@pytest.mark.parametrize("last", [{"dtype": "float32"}, {}], ids=["float32", "half"])
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_a_network_of_mixed_precision_learns(policy, last):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = classifier(**last)
        model.compile(keras.optimizers.Adam(0.02), TreeLoss("ngl", scale="cross_entropy"))
    finally:
        keras.config.set_dtype_policy(before)
    x = images()
    labels = x[:, :CLASSES].argmax(1)
    losses = model.fit(x, labels, 20, 20, verbose=0).history["loss"]
    assert np.isfinite(losses).all() and losses[-1] < losses[0]
    assert np.isfinite(model.predict(x, verbose=0).astype("float32")).all()
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


# saving


@pytest.mark.parametrize("options", [
    {}, {"primitives": "plain", "from_logits": True, "scale": 0.1 + 0.2, "axis": 1},
    {"label_smoothing": 1.0 / 3.0, "scale": "cross_entropy", "reduction": "sum", "name": "mine",
     "dtype": "float64"},
])  # fmt: skip
def test_a_loss_is_restored_from_its_config_with_exact_constants(options):
    text = ("sub(exp(mul(-0.30000000000000004, y_pred)), "
            "mul(mul(y_true, 5e-324), 1.7976931348623157e+308))")
    loss = TreeLoss(text, **options)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(again) is TreeLoss
    assert again.get_config() == loss.get_config()
    assert str(again.tree) == text
    assert {**loss.get_config(), **options} == loss.get_config()


def test_random_trees_are_restored_from_their_configs():
    random.seed(8)
    for _ in range(50):
        tree = LossTree(genLoss(PSET, max_size=80))
        assert str(TreeLoss.from_config(TreeLoss(tree).get_config()).tree) == str(tree)


def square_set(name):
    pset = loss_primitive_set()
    add_primitive(pset, LossPrimitive("square", 1, lambda ops, a: ops.multiply(a, a),
                                      lambda ops, a: (ops.multiply(2.0, a),), "(({0})**2)"))
    pset.name = name
    return pset


def test_a_loss_of_ones_own_primitives_is_saved_with_their_name_and_loaded_with_them(tmp_path):
    pset = square_set("mine")
    model = classifier()
    model.compile(loss=TreeLoss("square(sub(y_true, y_pred))", primitives=pset))
    x, labels = images(), batch()[0]
    np.testing.assert_allclose(values_of("square(sub(y_true, y_pred))", labels, model(x),
                                         primitives=pset),
                               values_of("mse", labels, model(x)), rtol=1e-6)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras", custom_objects={"mine": pset})
    assert again.evaluate(x, labels, verbose=0) == model.evaluate(x, labels, verbose=0)
    with pytest.raises(ValueError, match="^unknown primitive set 'mine': known: plain, protected; "
                                         "to load a loss made with another, give custom_objects"):
        keras.models.load_model(tmp_path / "model.keras")


def test_ones_own_primitives_under_a_name_of_the_packages_are_not_saved():
    pset = square_set("protected")
    with pytest.raises(ValueError, match="^the loss uses 'square', which is not in the protected "
                                         "primitives: to save it, give the primitive set another"):
        TreeLoss("square(y_pred)", primitives=pset).get_config()
    # What the package's own set reads equally may be saved under its name.
    assert TreeLoss("ngl", primitives=pset).get_config() == TreeLoss("ngl").get_config()


# arguments


def test_a_found_loss_brings_its_primitives(tmp_path):
    path = tmp_path / "loss.json"
    pset = loss_primitive_set(False)
    path.write_text(LossTree.from_string("div(y_true, y_pred)", pset).to_json(pset))
    found = read_loss(path)
    assert TreeLoss(found).get_config()["primitives"] == "plain"
    with pytest.raises(ValueError, match="^primitives: the loss 'loss' was made with 'plain' "
                                         "primitives, got 'protected'$"):
        TreeLoss(found, primitives="protected")


@pytest.mark.parametrize("arguments, error, message", [
    ({"loss": 3}, TypeError, "loss must be an expression, a known loss's name, a LossTree or a "
                             "FoundLoss, got int"),
    ({"loss": "nlg"}, ValueError, "unknown loss 'nlg': did you mean 'ngl'? known: baikal, "),
    ({"loss": "add(y_true)"}, ValueError, "add takes 2 operands, got 1, at character 1"),
    ({"primitives": "protect"}, ValueError, "unknown primitive set 'protect': did you mean "
                                            "'protected'?"),
    ({"primitives": 1}, TypeError, "primitives must be 'protected', 'plain' or a primitive set"),
    ({"primitives": gp.PrimitiveSet("own", 2)}, ValueError,
     "the primitive set 'own' must have the arguments y_true and y_pred, got ARG0, ARG1"),
    ({"label_smoothing": 1.1}, ValueError, "label_smoothing must be in [0, 1], got 1.1"),
    ({"label_smoothing": "0.1"}, ValueError, "label_smoothing must be in [0, 1], got '0.1'"),
    ({"scale": 0.0}, ValueError, "scale must be a positive finite number, or 'cross_entropy', got "
                                 "0.0"),
    ({"scale": float("nan")}, ValueError, "scale must be a positive finite number"),
    ({"scale": None}, ValueError, "scale must be a positive finite number"),
    ({"scale": "entropy"}, ValueError, "unknown scale 'entropy': did you mean 'cross_entropy'?"),
    ({"loss": "exp(y_true)", "scale": "cross_entropy"}, ValueError,
     "scale 'cross_entropy': the loss has no gradient to be scaled"),
    ({"from_logits": "no"}, TypeError, "from_logits must be bool, got 'no'"),
    ({"axis": 1.0}, TypeError, "axis must be int, got 1.0"),
    ({"ignore_class": "void"}, TypeError, "ignore_class must be int, got 'void'"),
    ({"dtype": "int32"}, ValueError, "dtype must be 'float32' or 'float64', got 'int32'"),
])  # fmt: skip
def test_bad_arguments_are_refused_in_one_line(arguments, error, message):
    with pytest.raises(error) as caught:
        TreeLoss(**{"loss": "ngl", **arguments})
    assert str(caught.value).startswith(message) and "\n" not in str(caught.value)


@pytest.mark.parametrize("labels, predictions, message", [
    ((8, 3), (8, 10), "expected labels of shape (8, 10), or class numbers of shape (8,) or (8, 1),"
                      " for predictions of shape (8, 10), got (8, 3)"),
    ((9,), (8, 10), "expected labels of shape (8, 10), or class numbers of shape (8,) or (8, 1)"),
    ((8, 1), (8, 4, 4, 10), "expected labels of shape (8, 4, 4, 10)"),
    ((8,), (8,), "expected predictions of shape (batch, ..., classes), the classes on axis -1"),
])  # fmt: skip
def test_shapes_that_do_not_fit_are_refused_in_one_line(labels, predictions, message):
    with pytest.raises(ValueError) as caught:
        TreeLoss("ngl")(np.zeros(labels), np.zeros(predictions))
    assert str(caught.value).startswith(message) and "\n" not in str(caught.value)


@pytest.mark.parametrize("axis", [0, 2, -3])
def test_an_axis_that_the_predictions_lack_is_refused(axis):
    with pytest.raises(ValueError, match=f"the classes on axis {axis}, got"):
        TreeLoss("ngl", axis=axis)(*batch())


# the backends, each in a process of its own

ON_BACKEND = """
import sys
import keras
import numpy as np
from keras import layers
from deap_lossgp.losses import TreeLoss

folder, backend = sys.argv[1], keras.backend.backend()
given = dict(np.load(f"{folder}/given.npz"))
results = {}


def value_and_gradient(loss, y_true, y_pred):
    if backend == "jax":
        import jax

        def summed(y_pred):
            values = loss(y_true, y_pred)
            return values.sum(), values

        gradient, values = jax.jit(jax.grad(summed, has_aux=True))(y_pred)
        return values, gradient
    if backend == "torch":
        import torch

        y_pred = torch.tensor(y_pred, requires_grad=True)
        values = loss(y_true, y_pred)
        values.sum().backward()
        return values.detach().numpy(), y_pred.grad.numpy()
    import tensorflow as tf

    y_pred = tf.Variable(y_pred)
    with tf.GradientTape() as tape:
        values = loss(y_true, y_pred)
    return values, tape.gradient(values, y_pred)


class Counted(TreeLoss):
    calls = 0

    def call(self, y_true, y_pred):
        Counted.calls += 1
        return super().call(y_true, y_pred)


for i, expression in enumerate(given["expressions"]):
    loss = TreeLoss(str(expression), reduction="none")
    pair = value_and_gradient(loss, given["labels"], given["y_pred"])
    results[f"values{i}"], results[f"gradient{i}"] = map(np.asarray, pair)
    if i >= 6:
        continue
    loss = TreeLoss(str(expression), reduction="none", from_logits=True)
    pair = value_and_gradient(loss, given["one_hot"], given["logits"])
    results[f"logit_values{i}"], results[f"logit_gradient{i}"] = map(np.asarray, pair)

model = keras.Sequential([keras.Input(given["x"].shape[1:]),
                          layers.Dense(given["weights"].shape[1], activation="softmax")])
model.set_weights([given["weights"], given["biases"]])
model.compile(keras.optimizers.SGD(0.1), Counted("ngl", scale="cross_entropy"))
batches = {"batch_size": len(given["x"]), "shuffle": False, "verbose": 0}
model.fit(given["x"], given["labels"], epochs=1, **batches)
results["calls"], Counted.calls = Counted.calls, 0
model.fit(given["x"], given["labels"], epochs=4, **batches)
results["later_calls"] = Counted.calls
results["weights"], results["biases"] = model.get_weights()

model = keras.models.load_model(f"{folder}/model.keras", safe_mode=True)
results["evaluated"] = model.evaluate(given["x"], given["labels"], verbose=0)
np.savez(f"{folder}/{backend}.npz", **results)
"""


def conditioned_trees(count):
    """Random losses whose values and gradients float32 can resolve."""
    labels, y_pred = batch()
    found = []
    random.seed(9)
    while len(found) < count:
        tree = LossTree(genLoss(PSET, max_size=60))
        single, double = (differentiate(tree, PSET, one_hot(labels), np.clip(
            y_pred.astype(dtype), LOWEST, 1.0 - LOWEST)) for dtype in ("float32", "float64"))
        if LossCurves.of(tree, PSET).certified and np.allclose(single[0], double[0], rtol=1e-5):
            found.append(str(tree))
    return found


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """What the processes compute with, and a saved model in the folder."""
    generator = np.random.default_rng(10)
    labels, y_pred = batch()
    model = classifier()
    model.compile("sgd", TreeLoss("ngl", scale="cross_entropy", label_smoothing=0.1))
    folder = tmp_path_factory.mktemp("backends")
    model.save(folder / "model.keras")
    x = images()
    arrays = {
        "expressions": [*KNOWN_LOSSES.values(), *OVERFLOWING, *conditioned_trees(4)],
        "x": x, "labels": labels,
        "one_hot": one_hot(labels), "y_pred": y_pred, "biases": generator.normal(size=CLASSES),
        "logits": generator.normal(scale=2.0, size=y_pred.shape).astype("float32"),
        "weights": generator.normal(size=(x.shape[1], CLASSES)),
    }
    np.savez(folder / "given.npz", **arrays)
    return {**arrays, "folder": folder, "evaluated": model.evaluate(x, labels, verbose=0)}


@pytest.fixture(scope="module", params=[
    "tensorflow", *(pytest.param(name, marks=pytest.mark.frameworks) for name in ("jax", "torch"))])
def backend(request, given):
    """A backend's name, and what a process computed on it."""
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    environment = {**os.environ, "KERAS_BACKEND": request.param}
    if request.param == "jax":
        environment["JAX_PLATFORMS"] = "cpu"
    result = subprocess.run([sys.executable, "-c", ON_BACKEND, str(given["folder"])],
                            env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return request.param, dict(np.load(given["folder"] / f"{request.param}.npz"))


def test_values_and_gradients_are_the_references_on_every_backend(given, backend):
    for i, expression in enumerate(given["expressions"]):
        values, gradient = reference(expression, given["one_hot"], given["y_pred"])
        np.testing.assert_allclose(backend[1][f"values{i}"], values, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(backend[1][f"gradient{i}"], gradient, rtol=1e-4,
                                   atol=1e-4 * np.abs(gradient[4:]).max())


def test_beyond_the_bounds_the_gradient_is_zero_and_on_them_it_is_not(given, backend):
    for i, _ in enumerate(given["expressions"]):
        assert (backend[1][f"gradient{i}"][:2] == 0.0).all()
        assert np.isfinite(backend[1][f"values{i}"][:2]).all()
    ngl = backend[1][f"gradient{list(KNOWN_LOSSES).index('ngl')}"]
    assert (ngl[2:4] != 0.0).all()


def test_values_and_gradients_by_logits_are_the_references_on_every_backend(given, backend):
    y_pred = np.exp(given["logits"].astype("float64"))
    y_pred /= y_pred.sum(1, keepdims=True)
    for i, expression in enumerate(given["expressions"][:6]):
        values, slopes = reference(expression, given["one_hot"], y_pred)
        gradient = y_pred * (slopes - (y_pred * slopes).sum(1, keepdims=True))
        np.testing.assert_allclose(backend[1][f"logit_values{i}"], values, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(backend[1][f"logit_gradient{i}"], gradient, rtol=1e-4,
                                   atol=1e-4 * np.abs(gradient).max())


def test_fitting_is_gradient_descent_by_hand_on_every_backend(given, backend):
    x, ngl = given["x"].astype("float64"), LossTree.from_string(KNOWN_LOSSES["ngl"], PSET)
    factor = CLASSES * 0.5 / LossCurves.of(ngl, PSET).gradient_scale
    weights, biases = given["weights"], given["biases"]
    for _ in range(5):
        y_pred = np.exp(x @ weights + biases)
        y_pred /= y_pred.sum(1, keepdims=True)
        slopes = factor * reference("ngl", given["one_hot"], y_pred)[1] / len(x)
        by_logits = y_pred * (slopes - (y_pred * slopes).sum(1, keepdims=True))
        weights, biases = weights - 0.1 * x.T @ by_logits, biases - 0.1 * by_logits.sum(0)
    assert np.abs(weights - given["weights"]).max() > 0.01
    np.testing.assert_allclose(backend[1]["weights"], weights, atol=1e-5)
    np.testing.assert_allclose(backend[1]["biases"], biases, atol=1e-5)


def test_later_epochs_trace_nothing_on_backends_that_compile(backend):
    if backend[0] == "torch":
        pytest.skip("PyTorch does not compile")
    assert backend[1]["calls"] > 0 and backend[1]["later_calls"] == 0


def test_a_saved_model_evaluates_to_the_same_in_a_fresh_process_on_every_backend(given, backend):
    assert backend[1]["evaluated"] == pytest.approx(given["evaluated"], rel=1e-6)

