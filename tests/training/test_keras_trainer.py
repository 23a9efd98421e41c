"""Trainings by Keras's fit: repeatable, paired between losses, and measured as NumPy measures."""

import random
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("tensorflow")

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402
from sklearn.metrics import balanced_accuracy_score  # noqa: E402

from deap_lossgp.data.images import ImageData  # noqa: E402
from deap_lossgp.losses import TreeLoss  # noqa: E402
from deap_lossgp.training.keras_trainer import KerasTrainer  # noqa: E402
from deap_lossgp.training.tasks import Task  # noqa: E402

SEEN = []
"""What trainings saw: models, and labels batch by batch."""


class Keep(keras.callbacks.Callback):
    """Keeps the model and the weights that a training begins with."""

    def on_train_begin(self, logs=None):
        SEEN.append((self.model, [w.copy() for w in self.model.get_weights()]))


def keep():
    return [Keep()]


class Noted(keras.losses.Loss):
    """A loss that notes the labels of each batch."""

    def __init__(self, loss):
        super().__init__()
        self.loss = loss

    def call(self, y_true, y_pred):
        tf.numpy_function(lambda labels: SEEN.append(labels.ravel().tolist()), [y_true], [])
        return self.loss.call(y_true, y_pred)


def drops(input_shape, num_classes):
    """A network with all that a training changes besides weights: dropout and moving means."""
    return keras.Sequential([
        keras.Input(input_shape), keras.layers.Flatten(), keras.layers.BatchNormalization(),
        keras.layers.Dropout(0.3), keras.layers.Dense(num_classes, "softmax"),
    ])  # fmt: skip


def loss_of(name, **options):
    return TreeLoss(name, scale="cross_entropy", **options)


@pytest.fixture(scope="module")
def task():
    return Task.load("digits", drops, epochs=2, train_size=400)


def figures(result):
    return replace(result, seconds=0.0)


@pytest.fixture(scope="module")
def trained(task):
    """NGL on the task, and its training with seed 1."""
    trainer = KerasTrainer(task, loss_of("ngl"))
    return trainer, trainer.train(1)


def test_a_training_depends_on_its_seed_and_on_none_before_it(task, trained):
    trainer, first = trained
    second, again = (figures(trainer.train(seed)) for seed in (2, 1))
    assert figures(first) == again != second
    assert figures(KerasTrainer(task, loss_of("ngl")).train(1)) == again


def test_all_losses_start_alike_and_see_the_same_batches(task):
    task, seen = replace(task, callbacks=keep), {}
    for name in ("cross_entropy", "ngl"):
        trainer = KerasTrainer(task, Noted(loss_of(name)))
        for seed in (1, 2):
            SEEN.clear()
            trainer.train(seed)
            (_, weights), *batches = SEEN
            seen[name, seed] = weights, batches
    for seed in (1, 2):
        (weights, batches), (others, other_batches) = seen["cross_entropy", seed], seen["ngl", seed]
        assert all(np.array_equal(a, b) for a, b in zip(weights, others, strict=True))
        assert len(batches) > 10 and batches == other_batches
    assert seen["ngl", 1][1] != seen["ngl", 2][1]
    assert not np.array_equal(seen["ngl", 1][0][-2], seen["ngl", 2][0][-2])


def test_figures_are_those_of_the_trained_network(task):
    SEEN.clear()
    result = KerasTrainer(replace(task, callbacks=keep), loss_of("ngl")).train(3)
    model, data, validation = SEEN[0][0], task.data, task.split()[1]
    tested = model.predict(data.x_test, verbose=0).argmax(1)
    assert result.test_accuracy == np.mean(tested == data.y_test)
    assert result.test_balanced_accuracy == pytest.approx(
        balanced_accuracy_score(data.y_test, tested)) != result.test_accuracy
    labels = data.y_train[validation]
    predictions = model.predict(data.x_train[validation], verbose=0).astype(float)
    assert result.accuracy == np.mean(predictions.argmax(1) == labels) == result.accuracies[-1]
    assert result.balanced_accuracy == pytest.approx(
        balanced_accuracy_score(labels, predictions.argmax(1)))
    entropy = -np.log(predictions[np.arange(len(labels)), labels]).mean()
    assert result.cross_entropy == pytest.approx(entropy, rel=1e-4)
    assert result.status == "ok" and len(result.losses) == task.epochs


def test_cross_entropy_trains_as_keras_own_does(task):
    ours = KerasTrainer(task, loss_of("cross_entropy")).train(1)
    theirs = KerasTrainer(task, keras.losses.SparseCategoricalCrossentropy()).train(1)
    assert ours.accuracies == theirs.accuracies
    np.testing.assert_allclose(ours.losses, theirs.losses, rtol=1e-5)


def test_pixels_are_brought_to_the_scale_of_the_evolution(task, trained):
    d = task.data
    scaled = ImageData("digits", d.x_train / 255, d.y_train, d.x_test / 255, d.y_test)
    result = KerasTrainer(replace(task, data=scaled), loss_of("ngl")).train(1)
    np.testing.assert_allclose(result.losses, trained[1].losses, rtol=1e-4)


def test_a_loss_that_is_not_finite_ends_the_training_at_the_epoch(task):
    loss = loss_of("neg(mul(y_true, log(sub(y_pred, 0.5))))", primitives="plain")
    epochs = []
    result = KerasTrainer(task, loss).train(1, on_epoch=lambda: epochs.append(1))
    assert (result.status, result.message) == ("nan", "the loss is not finite in epoch 1")
    assert result.test_accuracy is result.accuracy is None and result.accuracies == ()
    assert len(epochs) == 1


def test_the_optimizer_is_the_one_that_is_asked_for(task, trained):
    sgd = {"class_name": "sgd", "config": {"learning_rate": 0.1}}
    trainer = KerasTrainer(task, loss_of("ngl"), sgd)
    random.seed(5)
    np.random.seed(5)
    result = trainer.train(1)
    assert figures(result) != figures(trained[1])
    # The caller's random streams are left as they were.
    assert (random.random(), np.random.random()) == (
        random.Random(5).random(), np.random.RandomState(5).random_sample())
