"""The compiled loop: an epoch, a validation and a reset are one call of a compiled function each.

Each function is traced once per task, and predicting once per number of images. A candidate is an
argument of the epoch, so a new candidate costs no tracing, whatever its size. On a GPU nothing is
copied to the host while a call runs: images, labels and their order are on the device, and integers
are int64, because TensorFlow does the arithmetic of int32 on the host. Only the exact path calls
Python: the loss's own operations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from keras import ops

from deap_lossgp.training.look_up import COLUMNS, look_up, table_of

if TYPE_CHECKING:
    import keras

    from deap_lossgp.curves import Segments

CURVES = (tf.TensorSpec([1, None], tf.float32), tf.TensorSpec([None, COLUMNS], tf.float32))
"""The tensors of a candidate on curves."""


def on_device(images: np.ndarray) -> tf.Variable:
    """Copies images to the device once, for all later calls.

    Args:
        images: Array of shape (n, h, w, c).

    Returns:
        tf.Variable: Not a tensor, because gathering uint8 from a tensor has no kernel on a GPU.
    """
    return tf.Variable(images, trainable=False)


class CompiledLoop:
    """The training and prediction steps of one network on one data set.

    Args:
        model: A Keras model that ends in softmax.
        optimizer: A Keras optimizer, built on the model's variables.
        images: Training images, shape (n, h, w, c); kept on the device in their own type (uint8).
        labels: Their classes, shape (n,).
        scale: Factor that brings pixel values to [0, 1], applied on the device.
        batch_size: Images per step.
        jit_compile: Whether XLA compiles the training loop; for GPUs.

    Attributes:
        model: The model.
        optimizer: The optimizer.
        traces: How often the network's training step was traced.
    """

    def __init__(self, model: keras.Model, optimizer: keras.Optimizer, images: np.ndarray,
                 labels: np.ndarray, scale: float, batch_size: int,
                 jit_compile: bool = False) -> None:
        self.model = model
        self.optimizer = optimizer
        self.traces = 0
        self._images = on_device(images)
        self._labels = tf.constant(labels, tf.int64)
        self._scale = scale
        self._batch_size = batch_size
        self._exact_gradient: Callable | None = None
        self._train_on_curves = self.compile_epoch(look_up, jit_compile, CURVES)
        self._train_exactly = self.compile_epoch(self._call_exact_gradient)
        # Without AutoGraph: it writes temporary files, which a killed process would leave behind.
        self._begin = tf.function(self._assign, autograph=False)
        self._differ = tf.function(self._weights_differ, autograph=False)
        self._predict = tf.function(self._predict_all, autograph=False)

    def prepare(self, exact: bool) -> None:
        """Traces an epoch, of the exact path or on curves, without running it."""
        (self._train_exactly if exact else self._train_on_curves).get_concrete_function()

    def begin(self, values: Sequence) -> None:
        """Assigns values to the variables of the network and the optimizer.

        Args:
            values: Values of the network's variables, then of the optimizer's, in their order.
        """
        self._begin(values)

    def weights_differ(self, values: Sequence) -> bool:
        """Returns whether a trainable weight differs from its value in what ``begin`` took."""
        return bool(self._differ(values[:len(self.model.variables)]))

    def train_on_curves(self, order: np.ndarray, segments: Segments, factor: float) -> None:
        """Trains one epoch on the curves of a loss.

        Args:
            order: Indices of the training images, int64; a whole number of batches.
            segments: The loss's ``Segments``.
            factor: What its derivatives are multiplied by.
        """
        self._train_on_curves(order, *table_of(segments, factor / self._batch_size))

    def train_exactly(self, order: np.ndarray,
                      gradient: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> None:
        """Trains one epoch on a loss's own operations.

        The compiled loop calls them in NumPy, so nothing is traced for a loss.

        Args:
            order: As for ``train_on_curves``.
            gradient: ``gradient(labels, y_pred)`` returns the derivative of a batch's loss with
                respect to ``y_pred``, float32 of shape (batch size, classes).
        """
        self._exact_gradient = gradient
        self._train_exactly(order)

    def predict(self, images: np.ndarray | tf.Variable, batch_size: int = 256) -> np.ndarray:
        """Returns the predictions for images, float32 of shape (len(images), classes)."""
        return self.validate(images, batch_size)[0]

    def validate(self, images: np.ndarray | tf.Variable,
                 batch_size: int = 256) -> tuple[np.ndarray, bool]:
        """Predicts from images and checks the network's weights.

        Args:
            images: Images of the same form as the training images, or ``on_device`` of them.
            batch_size: Images per step.

        Returns:
            tuple: The predictions, float32 of shape (len(images), classes), and whether every
            trainable weight is a finite number.
        """
        images = images if isinstance(images, tf.Variable) else on_device(images)
        predictions, finite = self._predict(images, min(batch_size, images.shape[0]))
        return predictions.numpy(), bool(finite)

    def compile_epoch(self, output_gradient: Callable[..., tf.Tensor],
                      jit_compile: bool = False, candidate: Sequence = ()) -> Any:
        """Compiles ``epoch(order, *candidate)``.

        Args:
            output_gradient: ``output_gradient(*candidate, labels, y_pred)`` returns the derivative
                of the batch's loss, the mean over its samples, with respect to the predictions.
            jit_compile: Whether XLA compiles the epoch.
            candidate: The ``tf.TensorSpec`` of each tensor of a candidate.

        Returns:
            callable: Trains the network for one epoch, given the order of images (int64, a whole
            number of batches) and the tensors of a candidate.
        """
        model, optimizer, size = self.model, self.optimizer, self._batch_size

        def train_batch(batch, candidate):
            images = self._normalised(tf.gather(self._images, batch))
            labels = tf.gather(self._labels, batch)
            with tf.GradientTape() as tape:
                # A user's own network may end in half precision.
                y_pred = tf.cast(model(images, training=True), tf.float32)
                penalties = tf.add_n(model.losses) if model.losses else None
            targets, slopes = [y_pred], [output_gradient(*candidate, labels, y_pred)]
            if penalties is not None:
                targets, slopes = [*targets, penalties], [*slopes, tf.ones_like(penalties)]
            optimizer.apply(
                tape.gradient(targets, model.trainable_variables, output_gradients=slopes,
                              unconnected_gradients=tf.UnconnectedGradients.ZERO),
                model.trainable_variables,
            )

        # A signature, so that candidates with more knots or fewer share one trace.
        @tf.function(input_signature=[tf.TensorSpec([None], tf.int64), *candidate],
                     jit_compile=jit_compile, autograph=False)
        def epoch(order, *candidate):
            self.traces += 1

            def body(step):
                train_batch(tf.slice(order, [step * size], [size]), candidate)
                return step + 1

            steps = tf.shape(order)[0] // size
            tf.while_loop(lambda step: step < steps, body, [0], parallel_iterations=1)

        return epoch

    def _call_exact_gradient(self, labels, y_pred):
        slope = tf.numpy_function(
            lambda *batch: self._exact_gradient(*batch), [labels, y_pred], tf.float32
        )
        return tf.ensure_shape(slope, y_pred.shape)

    def _assign(self, values):
        variables = [*self.model.variables, *self.optimizer.variables]
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)

    def _weights_differ(self, values):
        trained = {id(variable) for variable in self.model.trainable_variables}
        pairs = zip(self.model.variables, values, strict=True)
        return ops.any([ops.any(ops.not_equal(variable, value)) for variable, value in pairs
                        if id(variable) in trained])

    def _predict_all(self, images, size):
        count = images.shape[0]
        # The last batch is as large as the others; it starts with images of the batch before it.
        starts = np.minimum(np.arange(0, count, size), count - size)
        order = tf.constant(starts[:, np.newaxis] + np.arange(size), tf.int64)
        batches = len(starts)

        def body(number, parts):
            batch = self._normalised(tf.gather(images, order[number]))
            y_pred = tf.cast(self.model(batch, training=False), tf.float32)
            return number + 1, parts.write(number, y_pred)

        parts = tf.TensorArray(tf.float32, batches)
        _, parts = tf.while_loop(lambda number, _: number < batches, body, [0, parts],
                                 parallel_iterations=1)
        parts = parts.stack()
        overlap = batches * size - count
        whole = tf.reshape(parts[:-1], [(batches - 1) * size, tf.shape(parts)[-1]])
        predictions = tf.concat([whole, parts[-1, overlap:]], 0)
        weights = self.model.trainable_variables
        finite = ops.all([ops.all(ops.isfinite(weight)) for weight in weights])
        return predictions, finite

    def _normalised(self, images):
        return tf.cast(images, tf.float32) * self._scale
