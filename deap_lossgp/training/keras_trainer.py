"""Trainings in plain Keras, with ``compile`` and ``fit`` as a user would write them.

They run on every backend of Keras: ``KERAS_BACKEND=jax`` or ``torch`` chooses another one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from deap_lossgp.training.initial_state import restore, seeded, values_of
from deap_lossgp.training.networks import build_model
from deap_lossgp.training.process_settings import fixed_settings
from deap_lossgp.training.results import TrainingResult, balanced_accuracy

if TYPE_CHECKING:
    from deap_lossgp.training.tasks import Task


class KerasTrainer:
    """Trains a task's network with one loss by ``fit``, once for each seed.

    All losses with the same seed begin with the same weights, see the same batches in the same
    order and drop the same units. The random streams of Python and NumPy stay as they were;
    Keras is seeded.

    Args:
        task: A ``Task``.
        loss: A ``keras.losses.Loss`` that takes numbers of classes and probabilities, such as
            ``TreeLoss``.
        optimizer: Configuration of a Keras optimizer, as ``keras.optimizers.get`` takes it; None
            for Adam with the task's learning rate.

    Raises:
        ValueError: The network cannot be used, as for ``build_network``.

    Examples:
        >>> from deap_lossgp.losses import TreeLoss
        >>> from deap_lossgp.training.tasks import Task
        >>> loss = TreeLoss("cross_entropy", scale="cross_entropy")
        >>> KerasTrainer(Task.load("digits", epochs=1), loss).train(seed=1).status
        'ok'
    """

    @fixed_settings()
    def __init__(self, task: Task, loss: keras.losses.Loss,
                 optimizer: dict[str, Any] | None = None) -> None:
        self.task = task
        with seeded(0):
            self._network = build_model(task)
        # Pixels are scaled in float32 even under a mixed-precision policy, as in the evolution.
        rescaling = keras.layers.Rescaling(task.data.scale, dtype="float32")
        shape = task.data.input_shape
        self._model = keras.Sequential([keras.Input(shape), rescaling, self._network])
        self._model.compile(
            optimizer=keras.optimizers.get(optimizer or _adam(task)), loss=loss,
            metrics=[keras.metrics.SparseCategoricalAccuracy("accuracy"),
                     keras.metrics.SparseCategoricalCrossentropy("cross_entropy")],
            # Without jit_compile Keras does not compile on JAX.
            jit_compile=task.jit_compile or keras.backend.backend() == "jax",
        )
        self._model.optimizer.build(self._model.trainable_variables)
        self._optimizer_values = values_of(self._model.optimizer.variables)

    @fixed_settings()
    def train(self, seed: int, on_epoch: Callable[[], object] | None = None) -> TrainingResult:
        """Trains the network from its initial weights and tests it.

        Args:
            seed: Seed of the training, from 0 to below 2**32.
            on_epoch: ``on_epoch()`` is called at the end of each epoch.

        Returns:
            A ``TrainingResult`` of status ``ok``, or ``nan`` if the loss or the predictions are not
            finite; the training then ends after that epoch. ``losses`` are means of the given loss
            over the validation images. ``seconds`` are those of ``fit``; in the first training
            they include tracing the network.

        Raises:
            Exception: An error in Keras, whatever its class.
        """
        task, data, (train, validation) = self.task, self.task.data, self.task.split()
        x_validation, y_validation = data.x_train[validation], data.y_train[validation]
        with seeded(seed):
            restore(self._network.variables, values_of(build_model(task).variables))
            restore(self._model.optimizer.variables, self._optimizer_values)
            # Seeded again: the order of batches must not depend on how many weights were drawn.
            keras.utils.set_random_seed(seed)
            start = time.perf_counter()
            history = self._model.fit(
                data.x_train[train], data.y_train[train], batch_size=task.batch_size,
                epochs=task.epochs, validation_data=(x_validation, y_validation), verbose=0,
                callbacks=[*task.callbacks(), _Watch(on_epoch)],
            ).history
            seconds = time.perf_counter() - start
        predictions, tested = (
            self._model.predict(x, batch_size=task.batch_size, verbose=0)
            for x in (x_validation, data.x_test)
        )
        curves = [history[f"val_{name}"] for name in ("loss", "accuracy", "cross_entropy")]
        whole = _finite_epochs(history["loss"], curves[0])
        message = "" if whole == len(curves[0]) else f"the loss is not finite in epoch {whole + 1}"
        if not message and not (np.isfinite(predictions).all() and np.isfinite(tested).all()):
            whole, message = whole - 1, "the predictions are not finite"
        losses, accuracies, entropies = (tuple(map(float, curve[:whole])) for curve in curves)
        n = len(validation)
        accuracies = tuple(round(n * accuracy) / n for accuracy in accuracies)  # beyond float32
        result: dict[str, Any] = {"seconds": seconds, "losses": losses, "accuracies": accuracies,
                                  "cross_entropies": entropies, "message": message}
        if message:
            return TrainingResult(data.name, data.num_classes, "nan", **result)
        balanced, test_balanced = (
            balanced_accuracy(predicted.argmax(1) == y, y)
            for y, predicted in ((y_validation, predictions), (data.y_test, tested)))
        return TrainingResult(
            data.name, data.num_classes, "ok", losses[-1], accuracies[-1], entropies[-1],
            test_accuracy=float(np.mean(tested.argmax(1) == data.y_test)),
            balanced_accuracy=balanced, test_balanced_accuracy=test_balanced, **result,
        )


def _adam(task):
    return {"class_name": "adam", "config": {"learning_rate": task.learning_rate}}


def _finite_epochs(*curves):
    """Returns the number of epochs before the first one in which a loss is not finite."""
    finite = [all(map(math.isfinite, values)) for values in zip(*curves, strict=True)]
    return [*finite, False].index(False)


class _Watch(keras.callbacks.Callback):
    """Calls ``on_epoch`` after each epoch, and ends a training whose loss is not finite.

    The loss is not checked after each batch: a GPU would have to wait for the check.
    """

    def __init__(self, on_epoch):
        super().__init__()
        self._on_epoch = on_epoch or (lambda: None)

    def on_epoch_end(self, epoch, logs=None):
        self._on_epoch()
        if not all(math.isfinite(logs[name]) for name in ("loss", "val_loss")):
            self.model.stop_training = True
