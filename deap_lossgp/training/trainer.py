"""The compiled trainer: trains a task's network with any loss, on its curves."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import keras
import numpy as np
from keras import ops

from deap_lossgp.curves import LOWEST
from deap_lossgp.training.adam import FusedAdam
from deap_lossgp.training.initial_state import seeded
from deap_lossgp.training.loop import CompiledLoop, on_device
from deap_lossgp.training.networks import build_model
from deap_lossgp.training.process_settings import fixed_settings
from deap_lossgp.training.results import TrainingResult, balanced_accuracy

if TYPE_CHECKING:
    from deap_lossgp.training.candidates import Candidate
    from deap_lossgp.training.tasks import Task


class Trainer:
    """Trains one task's network with any number of candidates; the network is compiled once.

    All candidates with the same seed begin with the same weights, see the same batches in the
    same order and drop the same units.

    Args:
        task: A ``Task``.

    Attributes:
        task: The task.
        loop: Its ``CompiledLoop``.

    Raises:
        ValueError: The network cannot be used, as for ``build_network``.

    Examples:
        >>> from deap_lossgp.found_losses import KNOWN_LOSSES
        >>> from deap_lossgp.psets import loss_primitive_set
        >>> from deap_lossgp.training import Task, candidate_of
        >>> from deap_lossgp.trees import LossTree
        >>> pset = loss_primitive_set()
        >>> trainer = Trainer(Task.load("digits", epochs=2))
        >>> mse = LossTree.from_string(KNOWN_LOSSES["mse"], pset)
        >>> trainer.train(candidate_of(mse, pset, trainer.task), seed=1).status
        'ok'
    """

    @fixed_settings()
    def __init__(self, task: Task) -> None:
        self.task = task
        train, validation = task.split()
        data = task.data
        self._train_size = len(train)
        self._batch_size = min(task.batch_size, len(train))
        self._validation = on_device(data.x_train[validation]), data.y_train[validation]
        self._initial_seed: int | None = None
        self._initial_values: list[np.ndarray] = []
        with seeded(0):
            self._model = build_model(task)
        self._optimizer = FusedAdam(task.learning_rate)
        self._model.compile(optimizer=self._optimizer)
        self._optimizer.build(self._model.trainable_variables)
        self._optimizer_values = _copies(self._optimizer.variables)
        self.loop = CompiledLoop(
            self._model,
            self._optimizer,
            data.x_train[train],
            data.y_train[train],
            data.scale,
            self._batch_size,
            task.jit_compile,
        )

    @property
    def traces(self) -> int:
        """How often the network was traced: at most once for curves and once for exact losses."""
        return self.loop.traces

    @fixed_settings()
    def prepare(self, candidate: Candidate, seed: int) -> None:
        """Traces the path that the candidate takes and draws the seed's weights, each only once."""
        self.loop.prepare(exact=candidate.loss is not None)
        if seed != self._initial_seed:
            with seeded(seed):
                twin = build_model(self.task)
            self._initial_values = [*_copies(twin.variables), *self._optimizer_values]
            self._initial_seed = seed

    @fixed_settings()
    def train(self, candidate: Candidate, seed: int, test: bool = False,
              stops: Sequence[tuple[int, float]] = (), rate_factor: float = 1.0) -> TrainingResult:
        """Trains the network from its beginning.

        Args:
            candidate: A ``Candidate``.
            seed: An integer; initial weights, order of batches and dropout follow from it.
            test: Whether to add the accuracies on the test set.
            stops: Pairs of an epoch, from 1, and an accuracy: the training is stopped after this
                epoch unless its validation accuracy is at least as high.
            rate_factor: What the task's learning rate is multiplied by; nothing is compiled anew.

        Returns:
            A ``TrainingResult`` of status ``ok``, or ``stopped``; ``nan`` as soon as the loss, the
            weights or the predictions at the end of an epoch are not finite; ``no_gradient`` if the
            first epoch left the weights as they were. Anything else that goes wrong is raised. The
            seconds are the training's own: what ``prepare`` does is not among them.
        """
        self.prepare(candidate, seed)
        start = time.perf_counter()
        self.loop.begin(self._initial_values)
        if rate_factor != 1.0:
            self._optimizer.learning_rate = rate_factor * self.task.learning_rate
        order = np.random.default_rng(seed)
        train_epoch = self._epoch_of(candidate)
        callbacks = keras.callbacks.CallbackList(self.task.callbacks(), model=self._model)
        self._model.stop_training = False
        callbacks.on_train_begin()
        history, status, message, least = [], "ok", "", dict(stops)
        for epoch in range(self.task.epochs):
            callbacks.on_epoch_begin(epoch)
            train_epoch(self._batches(order))
            figures, message = self._validate(candidate)
            if message:
                status = "nan"
                break
            if epoch == 0 and not self.loop.weights_differ(self._initial_values):
                status, message = "no_gradient", "the weights did not change"
                break
            history.append(figures)
            loss, accuracy, cross_entropy, balanced_accuracy = figures
            callbacks.on_epoch_end(epoch, {"val_loss": loss, "val_accuracy": accuracy,
                                           "val_cross_entropy": cross_entropy,
                                           "val_balanced_accuracy": balanced_accuracy})
            if accuracy < least.get(epoch + 1, -1.0):
                status = "stopped"
                break
            if self._model.stop_training:
                break
        callbacks.on_train_end()
        columns = zip(*history, strict=True) if history else ((),) * 4
        losses, accuracies, cross_entropies, _ = columns
        has_figures = status in ("ok", "stopped")
        *last, balanced_accuracy = history[-1] if has_figures else (None,) * 4
        if status == "stopped":  # as of a longer training that is cut here (search.rungs)
            balanced_accuracy = None
        seconds = time.perf_counter() - start
        tested = self.test_accuracies() if test and status == "ok" else (None, None)
        return TrainingResult(  # type: ignore[misc]
            self.task.name, self.task.data.num_classes, status, *last, seconds=seconds,
            losses=losses, accuracies=accuracies, cross_entropies=cross_entropies,
            exact=candidate.loss is not None, message=message,
            test_accuracy=tested[0], balanced_accuracy=balanced_accuracy,
            test_balanced_accuracy=tested[1],
        )

    @fixed_settings()
    def test_accuracies(self) -> tuple[float, float]:
        """Tests the network that was trained last.

        Returns:
            tuple: Its accuracy on the test set and its balanced accuracy there, in [0, 1].
        """
        data = self.task.data
        right = self.loop.predict(data.x_test).argmax(1) == data.y_test
        return float(np.mean(right)), balanced_accuracy(right, data.y_test)

    def _epoch_of(self, candidate):
        """Returns ``epoch(order)``, which trains one epoch on the candidate."""
        if candidate.loss is None:
            return lambda order: self.loop.train_on_curves(order, candidate.segments,
                                                           candidate.gradient_factor)
        factor = candidate.gradient_factor / self._batch_size
        gradient = partial(_exact_gradient, candidate.loss, factor)
        return lambda order: self.loop.train_exactly(order, gradient)

    def _batches(self, generator):
        """Draws an order of the training images; its first ones are repeated to fill a batch."""
        order = generator.permutation(self._train_size)
        missing = -len(order) % self._batch_size
        return np.concatenate([order, order[:missing]])

    def _validate(self, candidate):
        """Returns ((loss, accuracy, cross entropy, balanced accuracy), "") or (None, message)."""
        images, labels = self._validation
        predictions, weights_are_finite = self.loop.validate(images)
        if not np.isfinite(predictions).all():
            return None, "the predictions are not finite"
        if not weights_are_finite:
            return None, "the weights are not finite"
        true = np.arange(predictions.shape[1]) == labels[:, None]
        if candidate.loss is None:
            values = candidate.segments.value(true, predictions)
        else:
            values = candidate.loss(true.astype(np.float32), _clipped(predictions))
        loss = float(np.mean(values, dtype=np.float64))
        if not np.isfinite(loss):
            return None, "the loss is not finite"
        right = predictions.argmax(1) == labels
        accuracy = float(np.mean(right))
        chosen = predictions[np.arange(len(labels)), labels].astype(np.float64)
        cross_entropy = float(-np.mean(np.log(np.clip(chosen, LOWEST, 1.0))))
        return (loss, accuracy, cross_entropy, balanced_accuracy(right, labels)), ""


def _exact_gradient(loss, factor, labels, y_pred):
    """Returns ``factor`` times the loss's derivative; zero where predictions are clipped."""
    p = _clipped(y_pred)
    y_true = (np.arange(y_pred.shape[-1]) == labels[:, None]).astype(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        slopes = np.float32(factor) * loss.derivative(y_true, p)
    return np.where(p == y_pred, slopes, np.float32(0.0) * y_pred)


def _clipped(predictions):
    return np.clip(predictions, np.float32(LOWEST), np.float32(1.0 - LOWEST))


def _copies(variables):
    """Returns copies of the variables' values, on the device."""
    return [ops.copy(variable) for variable in variables]
