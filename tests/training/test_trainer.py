"""The trainer: its gradients and steps against TensorFlow's and Keras's own, and its verdicts."""

import hashlib
import os
import random
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from deap_lossgp.curves import GRID, LOWEST, LossCurves, is_trainable
from deap_lossgp.data.datasets import load_dataset
from deap_lossgp.operators import genLoss
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.trees import LossTree

tf = pytest.importorskip("tensorflow")

import keras  # noqa: E402
from keras import layers, ops  # noqa: E402

from deap_lossgp.curves.operations import elementwise_loss  # noqa: E402
from deap_lossgp.found_losses import KNOWN_LOSSES  # noqa: E402
from deap_lossgp.training.candidates import Candidate, ExactLoss, candidate_of  # noqa: E402
from deap_lossgp.training.look_up import look_up, table_of  # noqa: E402
from deap_lossgp.training.networks import build_model, small_cnn  # noqa: E402
from deap_lossgp.training.results import balanced_accuracy  # noqa: E402
from deap_lossgp.training.tasks import Task  # noqa: E402
from deap_lossgp.training.trainer import Trainer  # noqa: E402
from deap_lossgp.training.trainer import _exact_gradient as exact_gradient  # noqa: E402

TREES = int(os.environ.get("DEAP_LOSSGP_GRADIENT_TREES", 20))
PSET = loss_primitive_set()
RIPPLED = f"add(mul(y_true, mul(1e-6, sin(mul(1e5, y_pred)))), {KNOWN_LOSSES['cross_entropy']})"


def linear(input_shape, num_classes):
    """A network that costs next to nothing."""
    return keras.Sequential([keras.Input(input_shape), layers.Flatten(),
                             layers.Dense(num_classes, "softmax")])


def regularised(input_shape, num_classes):
    """A network with a state, with random numbers and with a loss of its own."""
    return keras.Sequential([
        keras.Input(input_shape), layers.Flatten(), layers.BatchNormalization(),
        layers.Dense(32, "relu", kernel_regularizer=keras.regularizers.L2(1e-3)),
        layers.Dropout(0.3), layers.Dense(num_classes, "softmax"),
    ])


def task(network=linear, train_size=222, epochs=2, **budget):
    """200 training images: three batches of 64 and one that is filled."""
    return Task(load_dataset("digits"), network, epochs=epochs, train_size=train_size,
                validation_share=0.1, **budget)


def candidate(expression, *, exact=False, pset=PSET):
    tree = LossTree.from_string(expression, pset)
    loss = candidate_of(tree, pset, task())
    return replace(loss, loss=ExactLoss(tuple(tree), pset)) if exact else loss


def known(name, **options):
    return candidate(KNOWN_LOSSES[name], **options)


def weights_of(trainer):
    return [ops.convert_to_numpy(variable) for variable in trainer.loop.model.variables]


def figures(result):
    """What of a result must repeat: all but the seconds."""
    return replace(result, seconds=0.0)


@pytest.fixture(scope="module")
def cnn():
    return Trainer(task(small_cnn, train_size=600))


@pytest.fixture(scope="module")
def untrained(cnn):
    keras.utils.set_random_seed(1)
    return build_model(cnn.task)


@pytest.fixture(scope="module")
def trainer():
    return Trainer(task())


def orders_of(trainer, monkeypatch):
    """A list to which every epoch on curves will add its order of images."""
    orders, train = [], trainer.loop.train_on_curves

    def recording(order, *rest):
        orders.append(np.array(order))
        return train(order, *rest)

    monkeypatch.setattr(trainer.loop, "train_on_curves", recording)
    return orders


# gradients


def gradients(model, images, labels, tree, pset, candidate):
    """The gradient of the weights, in three ways.

    Through the curves, by autodiff of the loss in float64, and by the exact path.
    """
    loss = elementwise_loss(tree, pset)
    weights = model.trainable_variables
    with tf.GradientTape(persistent=True) as tape:
        y_pred = model(images, training=True)
        clipped = tf.cast(tf.clip_by_value(y_pred, LOWEST, 1.0 - LOWEST), tf.float64)
        y_true = tf.one_hot(labels, y_pred.shape[1], dtype=tf.float64)
        values = candidate.gradient_factor * loss(y_true, clipped)
        total = tf.reduce_sum(values) / len(labels)
    table = table_of(candidate.segments, candidate.gradient_factor / len(labels))
    slope = look_up(*table, labels, y_pred)
    exact = exact_gradient(ExactLoss(tuple(tree), pset), candidate.gradient_factor / len(labels),
                           labels.numpy(), y_pred.numpy())
    return [
        np.concatenate([np.float64(part).ravel() for part in parts])
        for parts in (tape.gradient(y_pred, weights, output_gradients=slope),
                      tape.gradient(total, weights, unconnected_gradients="zero"),
                      tape.gradient(y_pred, weights, output_gradients=tf.constant(exact)))
    ]


def gradient_errors(trainer, untrained, tree, pset, curves):
    """Relative errors of the gradient on two batches, before and after training with the loss.

    Pairs: of the curves against float64, and against the exact path.
    """
    data, errors = trainer.task.data, []
    loss = candidate_of(tree, pset, trainer.task, curves=curves)
    trainer.train(loss, seed=1)
    for model in (untrained, trainer.loop.model):
        for batch in (slice(0, 64), slice(64, 128)):
            images = tf.constant(data.x_train[batch], tf.float32) * data.scale
            labels = tf.constant(data.y_train[batch], tf.int32)
            ours, *oracles = gradients(model, images, labels, tree, pset, loss)
            errors.append([np.linalg.norm(ours - oracle) / np.linalg.norm(oracle)
                           if oracle.any() else float(ours.any()) for oracle in oracles])
    return np.array(errors)


@pytest.mark.parametrize("name", KNOWN_LOSSES)
def test_gradients_of_known_losses_equal_autodiff(cnn, untrained, name):
    tree = LossTree.from_string(KNOWN_LOSSES[name], PSET)
    errors = gradient_errors(cnn, untrained, tree, PSET, LossCurves.of(tree, PSET))
    assert errors.max() <= 1e-5


def test_gradients_of_certified_random_losses_equal_autodiff(cnn, untrained):
    random.seed(4)
    errors = []
    for protected in (True, False):
        pset, found = loss_primitive_set(protected), 0
        while found < TREES // 2:
            tree = LossTree(genLoss(pset))
            curves = LossCurves.of(tree, pset)
            if not (curves.certified and curves.gradient_scale > 0.0):
                continue
            if candidate_of(tree, pset, cnn.task, curves=curves).loss is not None:
                continue  # poles of plain primitives that float32 cannot hold
            found += 1
            errors.append(gradient_errors(cnn, untrained, tree, pset, curves)[:, 0])
            assert errors[-1].max() <= 1e-3, str(tree)
    print(f"\n{TREES} certified trees: relative error of the gradient, median "
          f"{np.median(errors):.1e}, worst {np.max(errors):.1e}")
    assert np.median(errors) <= 1e-5


def uneven_losses(count):
    """Valid random losses whose curves are certified because they have knots of their own."""
    random.seed(5)
    found = []
    while len(found) < count:
        tree = LossTree(genLoss(PSET))
        curves = LossCurves.of(tree, PSET)
        if is_trainable(curves) and curves.certified and len(curves.segments.knots) > 1100:
            found.append((tree, curves))
    return found


def test_gradients_of_losses_with_poles_and_kinks_equal_float64_and_the_exact_path(cnn, untrained):
    losses = uneven_losses(TREES // 4)
    errors = np.array([gradient_errors(cnn, untrained, tree, PSET, curves)
                       for tree, curves in losses])
    worst, median = errors.max((0, 1)), np.median(errors, (0, 1))
    print(f"\n{len(losses)} trees with knots of their own: relative error of the gradient against "
          f"float64 and the exact path, median {median}, worst {worst}")
    assert (median <= 1e-4).all() and worst[0] <= 1e-3
    # Beside a pole float32 is off by more, whatever computes there.
    assert np.quantile(errors[..., 1], 0.9) <= 1e-3


@pytest.mark.parametrize("network", [small_cnn, regularised])
def test_cross_entropy_trains_as_in_keras_fit(network, monkeypatch):
    if network is regularised:  # fit draws other units to drop
        monkeypatch.setattr(layers, "Dropout", lambda rate: layers.Activation("linear"))
    trainer = Trainer(task(network, train_size=400, epochs=1))
    orders = orders_of(trainer, monkeypatch)
    trainer.train(known("cross_entropy"), seed=5)
    keras.utils.set_random_seed(5)
    model = build_model(trainer.task)
    model.compile(keras.optimizers.Adam(trainer.task.learning_rate), "categorical_crossentropy")
    data, chosen = trainer.task.data, trainer.task.split()[0][orders[0]]
    start = model.get_weights()
    model.fit(data.x_train[chosen] * np.float32(data.scale), np.eye(10)[data.y_train[chosen]],
              batch_size=64, epochs=1, shuffle=False, verbose=0)
    moved = 0.0
    for before, ours, theirs in zip(start, trainer.loop.model.get_weights(), model.get_weights(),
                                    strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)
        moved = max(moved, np.abs(theirs - before).max())
    assert moved > 3e-3  # six steps of about 1e-3


@pytest.mark.parametrize("expression", [
    *KNOWN_LOSSES.values(), f"mul(1e-9, {KNOWN_LOSSES['cross_entropy']})",
], ids=[*KNOWN_LOSSES, "tiny"])
def test_the_exact_path_trains_as_the_curves_do(cnn, expression):
    ours, exact = (cnn.train(candidate(expression, exact=exact), seed=2)
                   for exact in (False, True))
    assert (ours.exact, exact.exact) == (False, True)
    assert ours.loss == pytest.approx(exact.loss, rel=1e-3)
    assert ours.cross_entropy == pytest.approx(exact.cross_entropy, rel=1e-2)
    assert abs(ours.accuracy - exact.accuracy) <= 0.04  # of 60 images; over seeds it is ±0.08


def test_the_exact_path_trains_where_a_backends_own_derivative_overflows(trainer):
    loss = candidate("div(log(y_pred), div(cos(y_true), div(y_true, y_pred)))", exact=True)
    y_true, y_pred = tf.constant([[1.0, 0.0]]), tf.Variable([[0.4, 0.6]])
    with tf.GradientTape() as tape:
        value = elementwise_loss(loss.loss.nodes, PSET)(y_true, y_pred)
    assert np.isnan(tape.gradient(value, y_pred)).any()
    assert np.isfinite(loss.loss.derivative(y_true.numpy(), y_pred.numpy())).all()
    assert trainer.train(loss, seed=1).status == "ok"


# traces


def test_the_network_is_traced_once_for_all_curves_and_once_for_all_exact_losses():
    calls = []

    class Counted(layers.Layer):
        def call(self, x):
            calls.append(x)
            return x

    def network(**shapes):
        return keras.Sequential([*linear(**shapes).layers[:1], Counted(),
                                 layers.Dense(shapes["num_classes"], "softmax")])

    trainer = Trainer(task(network, epochs=1))
    assert trainer.traces == 0
    random.seed(6)
    losses, sizes = [], set()
    while len(losses) < 12:
        tree = LossTree(genLoss(PSET))
        loss = candidate_of(tree, PSET, trainer.task)
        if loss.loss is None and len(tree) not in sizes:
            losses.append(loss)
            sizes.add(len(tree))
    trainer.train(losses[0], seed=0)
    after_the_first = len(calls)
    for loss in losses[1:]:
        trainer.train(loss, seed=0)
    assert (trainer.traces, len(calls)) == (1, after_the_first)
    trainer.train(known("mse", exact=True), seed=0)
    after_the_first = len(calls)
    for name in ("ngl", "baikal", "mse"):
        trainer.train(known(name, exact=True), seed=0)
    assert (trainer.traces, len(calls)) == (2, after_the_first)


# reproducibility


def fingerprint():
    """What two processes must agree on, bit for bit: weights and figures of two trainings."""
    trainer, digest = Trainer(task(regularised)), hashlib.sha256()
    for loss in (known("ngl"), candidate(RIPPLED)):
        result = trainer.train(loss, seed=3)
        assert result.ok and result.exact == (loss.loss is not None)
        digest.update(repr(figures(result)).encode())
        for value in weights_of(trainer):
            digest.update(value.tobytes())
    return digest.hexdigest()


def test_a_process_of_another_hash_seed_trains_alike():
    script = ("from deap_lossgp.training import prepare_tensorflow;"
              "prepare_tensorflow(); import test_trainer; print(test_trainer.fingerprint())")
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1",
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path]),
    }
    other = subprocess.run([sys.executable, "-c", script], env=environment, text=True,
                           capture_output=True)
    assert other.stdout.strip() == fingerprint(), other.stderr


@pytest.mark.parametrize("exact", [False, True], ids=["curves", "exact"])
@pytest.mark.parametrize("network", [small_cnn, regularised])
def test_a_candidate_and_a_seed_give_the_same_training_whatever_came_before(network, exact):
    trainer = Trainer(task(network))
    first = trainer.train(known("ngl", exact=exact), seed=7)
    weights = weights_of(trainer)
    trainer.train(known("mse"), seed=7)
    other = trainer.train(known("ngl", exact=exact), seed=8)
    assert other.losses != first.losses
    again = trainer.train(known("ngl", exact=exact), seed=7)
    assert figures(again) == figures(first)
    for ours, before in zip(weights_of(trainer), weights, strict=True):
        np.testing.assert_array_equal(ours, before)


def test_the_callers_random_streams_are_left_alone():
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    before = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    trainer = Trainer(task(regularised, epochs=1))
    trainer.train(known("mse"), seed=1)
    trainer.train(known("mse", exact=True), seed=2)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before  # noqa: NPY002


def test_all_candidates_see_the_same_batches(trainer, monkeypatch):
    orders = orders_of(trainer, monkeypatch)
    trainer.train(known("mse"), seed=4)
    trainer.train(known("baikal"), seed=4)
    trainer.train(known("mse"), seed=5)
    for ours, others in zip(orders[:2], orders[2:4], strict=True):
        np.testing.assert_array_equal(ours, others)
    assert not np.array_equal(orders[0], orders[1])
    assert not np.array_equal(orders[0], orders[4])


def test_every_training_image_is_seen_in_each_epoch_and_the_last_batch_is_filled(
    trainer, monkeypatch
):
    orders = orders_of(trainer, monkeypatch)
    trainer.train(known("mse"), seed=4)
    assert len(orders) == 2
    for order in orders:
        assert len(order) == 4 * 64
        np.testing.assert_array_equal(np.sort(order[:200]), np.arange(200))
        np.testing.assert_array_equal(order[200:], order[:56])


def test_a_batch_is_at_most_the_training_images(monkeypatch):
    trainer = Trainer(task(batch_size=1000, epochs=1))
    orders = orders_of(trainer, monkeypatch)
    assert trainer.train(known("mse"), seed=4).ok
    assert [len(order) for order in orders] == [200]


# figures


def test_the_figures_are_those_of_the_trained_network(trainer):
    data = trainer.task.data
    _, validation = trainer.task.split()
    for exact in (False, True):
        result = trainer.train(known("baikal", exact=exact), seed=9)
        p = trainer.loop.model.predict(data.x_train[validation] * np.float32(data.scale),
                                       verbose=0)
        true = np.eye(10)[data.y_train[validation]]
        p = np.clip(p, LOWEST, 1.0 - LOWEST)
        assert result.loss == pytest.approx(np.mean(true / p - np.log(p)), rel=1e-4)
        assert result.accuracy == np.mean(p.argmax(1) == true.argmax(1))
        assert result.balanced_accuracy == pytest.approx(
            balanced_accuracy_score(true.argmax(1), p.argmax(1)), abs=1e-12)
        assert result.cross_entropy == pytest.approx(-np.log(p[true == 1]).mean(), rel=1e-4)
        assert len(result.losses) == len(result.accuracies) == trainer.task.epochs
        assert result.losses[-1] == result.loss and result.losses[0] > result.losses[1]
        assert (result.task, result.num_classes, result.seconds > 0.0) == ("digits", 10, True)
    test = trainer.loop.model.predict(data.x_test * np.float32(data.scale), verbose=0)
    accuracy, balanced = trainer.test_accuracies()
    assert accuracy == np.mean(test.argmax(1) == data.y_test)
    assert balanced == pytest.approx(balanced_accuracy_score(data.y_test, test.argmax(1)))
    assert balanced != accuracy


def test_the_balanced_accuracy_is_scikit_learns_on_any_predictions():
    rng = np.random.default_rng(0)
    for _ in range(200):
        size, classes = rng.integers(1, 60), rng.integers(2, 12)
        shares = rng.dirichlet(np.full(classes, 0.4))  # rare classes, and such as do not occur
        labels, predicted = (rng.choice(classes, size, p=p) for p in (shares, None))
        predicted = np.where(rng.random(size) < 0.5, labels, predicted)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on predicted classes that do not occur
            expected = balanced_accuracy_score(labels, predicted)
        assert balanced_accuracy(predicted == labels, labels) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("count", [1, 255, 256, 300])
def test_predictions_come_in_the_order_of_the_images(trainer, count):
    data = trainer.task.data
    expected = trainer.loop.model(data.x_train[:count] * np.float32(data.scale))
    np.testing.assert_allclose(trainer.loop.predict(data.x_train[:count]), expected, atol=1e-6)


# verdicts


class Rates(keras.callbacks.Callback):
    """Records the learning rate at the beginning of each epoch."""

    def __init__(self, rates):
        super().__init__()
        self.rates = rates

    def on_epoch_begin(self, epoch, logs=None):
        self.rates.append(float(self.model.optimizer.learning_rate))


def exploding(epoch):
    return [keras.callbacks.LearningRateScheduler(lambda e: 3e38 if e == epoch else 1e-3)]


@pytest.mark.parametrize("exact", [False, True], ids=["curves", "exact"])
def test_training_stops_at_the_first_epoch_that_is_not_finite(exact):
    trainer = Trainer(task(epochs=5, callbacks=lambda: exploding(2)))
    for _ in range(2):  # the second begins with finite weights again
        result = trainer.train(known("cross_entropy", exact=exact), seed=1)
        assert (result.status, len(result.losses)) == ("nan", 2)
        assert (result.loss, result.accuracy, result.cross_entropy) == (None, None, None)
        assert result.balanced_accuracy is None
        assert np.isfinite(result.losses).all()


def test_a_loss_that_is_not_finite_is_a_failed_training(trainer):
    loss = known("mse")
    undefined = replace(loss.segments, values=loss.segments.values * np.nan)
    nan = trainer.train(replace(loss, segments=undefined), seed=1)
    assert (nan.status, nan.message, nan.losses) == ("nan", "the loss is not finite", ())
    infinite = candidate("div(y_pred, 0.0)", exact=True, pset=loss_primitive_set(protected=False))
    assert trainer.train(infinite, seed=1).status == "nan"
    assert trainer.train(loss, seed=1).ok


@pytest.mark.parametrize("slope", [np.nan, np.inf, -np.inf])
def test_a_gradient_that_is_not_finite_is_a_failed_training(trainer, slope):
    loss = known("mse")
    result = trainer.train(replace(loss, gradient_factor=slope), seed=1)
    assert (result.status, result.message) == ("nan", "the predictions are not finite")


def test_the_verdict_looks_at_the_predictions_where_the_loss_is_finite():
    """Keras would report the accuracy of an argmax over NaN."""
    class Forgiving:
        def __call__(self, y_true, y_pred):
            return -y_true * np.log(np.where(np.isnan(y_pred), 0.5, y_pred))

        def derivative(self, y_true, y_pred):
            return -y_true / y_pred

    trainer = Trainer(task(epochs=1, learning_rate=3e38))
    result = trainer.train(replace(known("mse"), loss=Forgiving()), seed=1)
    assert (result.status, result.message) == ("nan", "the predictions are not finite")


def test_the_verdict_looks_at_the_weights_where_the_predictions_are_finite():
    """One number that is not finite is enough, beside others of its variable and of another one."""
    def all_but_the_first(shape, dtype=None):
        return ops.convert_to_tensor(np.diag([0.0] + [1.0] * (shape[0] - 1)), dtype)

    def saturating(input_shape, num_classes):
        x = inputs = keras.Input(input_shape)
        x = layers.Dense(num_classes, trainable=False)(layers.Flatten()(x))
        without_gradient = layers.BatchNormalization(scale=False)(x)
        x = layers.Activation("tanh")(layers.BatchNormalization(scale=False)(x))
        x = layers.Dense(num_classes, trainable=False, kernel_initializer=all_but_the_first)(x)
        zero = layers.Dense(num_classes, trainable=False, kernel_initializer="zeros")
        x = layers.Add()([x, zero(without_gradient)])
        return keras.Model(inputs, layers.Softmax()(x))

    trainer = Trainer(task(saturating, epochs=1, learning_rate=3e38))
    result = trainer.train(known("mse"), seed=1)
    assert np.isfinite(trainer.loop.predict(trainer.task.data.x_test)).all()
    finite = [np.isfinite(variable.numpy()).mean()
              for variable in trainer.loop.model.trainable_variables]
    assert 1.0 in finite and any(0.0 < share < 1.0 for share in finite)
    assert (result.status, result.message) == ("nan", "the weights are not finite")


@pytest.mark.parametrize("exact", [False, True], ids=["curves", "exact"])
def test_a_loss_without_gradient_is_a_failed_training(trainer, exact):
    loss = candidate("exp(y_true)", exact=exact)
    result = trainer.train(loss, seed=1)
    assert (result.status, result.message) == ("no_gradient", "the weights did not change")
    assert (result.accuracy, result.losses) == (None, ())


# callbacks


def test_reduce_on_plateau_lowers_the_learning_rate_for_the_rest_of_a_training():
    rates = []
    trainer = Trainer(task(epochs=4, callbacks=lambda: [
        keras.callbacks.ReduceLROnPlateau("val_accuracy", mode="max", factor=1e-6, patience=1,
                                          min_delta=1.0, min_lr=1e-9), Rates(rates)]))
    first = trainer.train(known("cross_entropy"), seed=1)
    assert rates == pytest.approx([1e-3, 1e-3, 1e-9, 1e-9])
    one, two, three, four = first.cross_entropies
    assert one - two > 0.01
    assert (three, four) == pytest.approx((two, two), abs=1e-5)  # the step was really that small
    assert figures(trainer.train(known("cross_entropy"), seed=1)) == figures(first)
    assert rates[4:] == rates[:4]


@pytest.mark.parametrize("exact", [False, True], ids=["curves", "exact"])
def test_another_learning_rate_is_that_of_one_training_and_compiles_nothing(exact):
    rates = []
    trainer = Trainer(task(callbacks=lambda: [Rates(rates)]))
    plain = trainer.train(known("ngl", exact=exact), seed=1)
    traces = trainer.traces
    faster = trainer.train(known("ngl", exact=exact), seed=1, rate_factor=4.0)
    assert trainer.traces == traces
    assert figures(trainer.train(known("ngl", exact=exact), seed=1)) == figures(plain)
    assert rates == pytest.approx([1e-3, 1e-3, 4e-3, 4e-3, 1e-3, 1e-3])
    other = Trainer(task(learning_rate=4e-3))
    assert figures(other.train(known("ngl", exact=exact), seed=1)) == figures(faster)


def test_early_stopping_ends_a_training_and_not_the_next():
    patience = iter([1, 9])
    trainer = Trainer(task(epochs=4, callbacks=lambda: [
        keras.callbacks.EarlyStopping("val_loss", min_delta=9.0, patience=next(patience))]))
    assert len(trainer.train(known("mse"), seed=1).losses) == 2
    assert len(trainer.train(known("mse"), seed=1).losses) == 4


def test_callbacks_get_the_validation_figures():
    seen = []
    trainer = Trainer(task(callbacks=lambda: [keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append((epoch, dict(logs))))]))
    result = trainer.train(known("mse"), seed=1)
    assert seen == [
        (epoch, {"val_loss": result.losses[epoch], "val_accuracy": result.accuracies[epoch],
                 "val_cross_entropy": result.cross_entropies[epoch],
                 "val_balanced_accuracy": seen[epoch][1]["val_balanced_accuracy"]})
        for epoch in (0, 1)
    ]
    assert seen[1][1]["val_balanced_accuracy"] == result.balanced_accuracy



# stops


def test_a_training_is_stopped_after_the_first_epoch_that_is_not_good_enough(trainer):
    whole = trainer.train(known("ngl"), seed=1)
    first, second = whole.accuracies
    for stops in ((), ((1, first),), ((2, second),), ((1, first), (2, second)), ((3, 1.0),)):
        result = trainer.train(known("ngl"), seed=1, stops=stops)
        assert figures(result) == figures(whole), "as good is good enough"
    for stops in (((1, first + 1e-9),), ((1, 1.0), (2, 0.0))):
        result = trainer.train(known("ngl"), seed=1, test=True, stops=stops)
        assert (result.status, result.ok, result.failed) == ("stopped", False, False)
        assert (result.accuracy, result.accuracies) == (first, (first,))
        assert (result.losses, result.cross_entropies) == (
            whole.losses[:1], whole.cross_entropies[:1])
        assert result.test_accuracy is None and result.message == ""
    result = trainer.train(known("ngl"), seed=1, stops=((1, first), (2, second + 1e-9)))
    assert result.status == "stopped" and result.accuracies == (first, second)


def test_after_a_stopped_training_the_next_one_is_as_ever(trainer):
    before = trainer.train(known("ngl"), seed=1)
    assert trainer.train(known("mse"), seed=1, stops=((1, 1.0),)).status == "stopped"
    assert figures(trainer.train(known("ngl"), seed=1)) == figures(before)


def test_callbacks_are_told_of_the_end_of_a_stopped_training():
    told = []

    def callbacks():
        return [keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: told.append(epoch),
            on_train_end=lambda logs: told.append("end"))]

    Trainer(task(epochs=3, callbacks=callbacks)).train(known("ngl"), 1, stops=((1, 1.0),))
    assert told == [0, "end"]


# options for GPUs


@pytest.mark.parametrize(("network", "exact"), [
    (small_cnn, False), (linear, False), (linear, True),
])
def test_mixed_precision_trains_nearly_as_float32(network, exact):
    """``linear`` ends in a softmax of half precision, ``small_cnn`` does not.

    At higher learning rates the two part ways before the third epoch ends.
    """
    options = {"train_size": 600, "epochs": 3, "learning_rate": 3e-3}
    mixed, plain = (
        Trainer(task(network, mixed_precision=mixed, **options)).train(
            known("cross_entropy", exact=exact), seed=1) for mixed in (True, False)
    )
    assert mixed.ok
    assert mixed.cross_entropy != plain.cross_entropy
    assert mixed.cross_entropy == pytest.approx(plain.cross_entropy, rel=0.1)


def test_jit_compilation_does_not_change_a_training():
    compiled, plain = (Trainer(task(jit_compile=jit)) for jit in (True, False))
    ours = compiled.train(known("ngl"), seed=1)
    assert ours.cross_entropies == pytest.approx(
        plain.train(known("ngl"), seed=1).cross_entropies, rel=1e-4)
    compiled.train(known("mse"), seed=1)
    assert compiled.traces == 1


def test_a_candidate_is_brought_to_the_scale_of_cross_entropy_unless_raw():
    tree = LossTree.from_string(f"mul(1e4, {KNOWN_LOSSES['cross_entropy']})", PSET)
    scaled, raw = (candidate_of(tree, PSET, task(), raw=raw) for raw in (False, True))
    np.testing.assert_allclose(scaled.derivatives[1], -1.0 / GRID, rtol=1e-3)
    np.testing.assert_allclose(raw.derivatives[1], -1e4 / GRID / 10, rtol=1e-6)
    assert isinstance(scaled, Candidate) and scaled.gradient_factor == pytest.approx(1e-4, 1e-3)
