"""The compiled loop: all that is specific to TensorFlow (the tape, tf.function, the device).

Each function is traced once per task. What a candidate brings is an argument, so a new one costs
no tracing, whatever its size.
"""

import math
import os
import platform

import keras
import numpy as np
import tensorflow as tf
from keras import ops
from tensorflow.python.eager.context import function_executor_type  # no public way

from deap_lossgp.curves.grid import HIGHEST_LOGIT, KNOTS, LOWEST

_OUTSIDE = 180
"""Cells on either side of the grid, for predictions from LOWEST down to half of it."""

CELLS = KNOTS - 1 + 2 * _OUTSIDE
"""Cells that ``look_up`` tells apart: one between each two knots, and those outside."""

_WORTH_SHARING = 2**22
"""Multiplications of a step from which on a second thread helps more than its hand-overs cost.

One alone takes 0.8 of the time at 1.9 million and 1.7 times as long at 13 million."""

# A little wider than the knots' spacing, so that rounding leaves LOWEST and 1 - LOWEST inside.
_CELLS_PER_LOGIT = (KNOTS - 1.02) / (2 * HIGHEST_LOGIT)


def prepare_tensorflow(threads=1, determinism=None):
    """Sets what TensorFlow takes once per process, before it is first used.

    Args:
        threads: Threads of one operation on the CPU. One is fastest for small networks, whose
            operations are shorter than sharing them out, and makes results independent of the
            number of cores; large networks want more.
        determinism: Whether operations are deterministic, so that a training is bit-identical
            when repeated. By default where there is no GPU: on GPUs it can be very slow.

    GPUs get memory growth. Where TensorFlow has been used in this process already, as in a
    notebook, its threads and memory stay as they are.

    Returns:
        What the bits of a training depend on besides seed and code: a dict with the keys
        ``tensorflow keras threads determinism device``.
    """
    gpus = tf.config.list_physical_devices("GPU")
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        # Two at least: the exact path's loss runs inside an operation of the loop.
        tf.config.threading.set_inter_op_parallelism_threads(max(2, threads))
        for gpu in gpus:
            tf.config.experimental.set_memory_growth(gpu, True)
    except RuntimeError:
        threads = tf.config.threading.get_intra_op_parallelism_threads() or _usable_cpus()
    determinism = not gpus if determinism is None else determinism
    if determinism:
        tf.config.experimental.enable_op_determinism()
    return {
        "tensorflow": tf.__version__, "keras": keras.__version__, "threads": threads,
        "determinism": determinism, "device": _device_name(gpus),
    }


def _device_name(gpus):
    if not gpus:
        return f"CPU {platform.machine()}"
    details = tf.config.experimental.get_device_details(gpus[0])
    return details.get("device_name", gpus[0].name)


def lines_of(curves):
    """What ``look_up`` takes: the line through each two neighbouring knots, over its position.

    Args:
        curves: Array of shape (2, KNOTS).

    Returns:
        float32 of shape (2 * CELLS, 2): intercepts and slopes; zeros in the cells outside.
    """
    highest = HIGHEST_LOGIT * _CELLS_PER_LOGIT
    knots = np.linspace(-highest, highest, KNOTS)
    with np.errstate(invalid="ignore", over="ignore"):
        slopes = np.diff(curves.astype(np.float64)) / np.diff(knots)
        lines = np.stack([curves[:, :-1] - slopes * knots[:-1], slopes], axis=-1)
        lines = lines.astype(np.float32)
    return np.pad(lines, ((0, 0), (_OUTSIDE, _OUTSIDE), (0, 0))).reshape(-1, 2)


def look_up(lines, labels, y_pred):
    """The derivative of a loss at predictions, from its curves; zero where they are clipped.

    It stands between the network's way forward and its way back, where nothing else can be done
    meanwhile, so it is written in as few operations as may be.

    Args:
        lines: Of the derivatives, as ``lines_of`` gives them.
        labels: int32 of shape (samples,).
        y_pred: float32 of shape (samples, classes).

    Returns:
        float32 of shape (samples, classes): linear interpolation in logit(y_pred).
    """
    p = tf.raw_ops.ClipByValue(
        t=y_pred, clip_value_min=LOWEST / 2, clip_value_max=1.0 - LOWEST / 2
    )
    position = tf.math.xlogy(_CELLS_PER_LOGIT, p / (1.0 - p))  # 0 in the middle
    cell = tf.cast(position + CELLS / 2, tf.int32)
    first = tf.one_hot(labels, y_pred.shape[-1], on_value=CELLS, off_value=0)
    line = tf.gather(lines, first + tf.maximum(cell, 0))  # 0 for what is not a number
    intercept, slope = tf.unstack(line, axis=-1)
    return intercept + slope * position


class FusedAdam(keras.optimizers.Adam):
    """Adam whose step of a variable is one kernel, not a dozen; ``amsgrad`` it has not."""

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        step = ops.cast(self.iterations + 1, variable.dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=self.beta_1**step,
            beta2_power=self.beta_2**step,
            lr=ops.cast(learning_rate, variable.dtype),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=gradient,
        )


class _Epoch:
    """A compiled epoch; where steps are small one thread runs it ``alone``.

    A second thread then costs more by its hand-overs than it helps. TensorFlow compiles otherwise
    for one, so it has to know when it traces.
    """

    def __init__(self, function, alone):
        self.alone = alone
        self._function = function

    def __call__(self, *args):
        with self._executor():
            self._function(*args)

    def trace(self, *specs):
        """Traces it, and runs nothing."""
        with self._executor():
            self._function.get_concrete_function(*specs)

    def _executor(self):
        return function_executor_type("SINGLE_THREADED_EXECUTOR" if self.alone else "")


class CompiledLoop:
    """The training and prediction steps of one network on one data set.

    Args:
        model: A Keras model that ends in softmax.
        optimizer: A Keras optimizer, built on the model's variables.
        images, labels: Training data, kept on the device as they are (uint8 images).
        scale: What brings pixel values to [0, 1], applied on the device.
        batch_size: Images per step.
        jit_compile: Whether XLA compiles the training loop; for GPUs.

    Attributes:
        traces: How often the network's training step was traced.
    """

    def __init__(self, model, optimizer, images, labels, scale, batch_size, jit_compile=False):
        self.model = model
        self.optimizer = optimizer
        self.traces = 0
        self._images = tf.constant(images)
        self._labels = tf.constant(labels, tf.int32)
        self._scale = scale
        self._batch_size = batch_size
        self._exact_gradient = None
        self._small = (not tf.config.list_physical_devices("GPU")
                       and batch_size * multiplications(model) < _WORTH_SHARING)
        self._train_on_curves = self.compile_epoch(look_up, jit_compile)
        self._train_exactly = self.compile_epoch(self._call_exact_gradient, calls_out=True)
        self._predict_batch = tf.function(self._predict_batch, autograph=False)
        self._weights_are_finite = tf.function(self._weights_are_finite, autograph=False)

    def prepare(self, steps, exact):
        """Traces the epoch of so many steps, and runs nothing."""
        order = tf.TensorSpec([steps * self._batch_size], tf.int32)
        if exact:
            self._train_exactly.trace(order)
        else:
            lines = tf.TensorSpec([2 * CELLS, 2], tf.float32)
            self._train_on_curves.trace(order, lines)

    def train_on_curves(self, order, derivatives):
        """An epoch on a candidate's derivative curves, in the given order of images."""
        self._train_on_curves(order, lines_of(derivatives / np.float32(self._batch_size)))

    def train_exactly(self, order, gradient):
        """An epoch on a loss's own operations: ``gradient(labels, y_pred)`` is a batch's.

        The compiled loop calls out to them, so the network is not traced again for each loss.
        """
        self._exact_gradient = gradient
        self._train_exactly(order)

    def predict(self, images, batch_size=256):
        """Predictions for images, float32 of shape (len(images), classes)."""
        batch_size = min(batch_size, len(images))
        starts = [min(start, len(images) - batch_size)
                  for start in range(0, len(images), batch_size)]
        parts = [self._predict_batch(images[start:start + batch_size]) for start in starts]
        overlap = len(parts) * batch_size - len(images)
        return tf.concat([*parts[:-1], parts[-1][overlap:]], 0).numpy()

    def weights_are_finite(self):
        """Whether every weight of the network is a finite number."""
        return bool(self._weights_are_finite())

    def compile_epoch(self, output_gradient, jit_compile=False, calls_out=False):
        """Compiles ``epoch(order, *candidate)``.

        Args:
            output_gradient: ``output_gradient(*candidate, labels, y_pred)``, the derivative of
                the batch's loss, the mean over its samples, with respect to the predictions.
            jit_compile: Whether XLA compiles it.
            calls_out: Whether ``output_gradient`` calls out of the loop, to Python.

        Returns:
            An ``_Epoch``: a function of the order of images (int32, as many as whole batches hold)
            and of what makes up a candidate; it trains the network for one epoch.
        """
        model, optimizer, size = self.model, self.optimizer, self._batch_size

        def train_batch(batch, candidate):
            images = self._normalised(tf.gather(self._images, batch))
            labels = tf.gather(self._labels, batch)
            with tf.GradientTape() as tape:
                # A network of the user's may end in half precision.
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

        # Without AutoGraph, whose files a killed process would leave in the temporary folder.
        @tf.function(jit_compile=jit_compile, autograph=False)
        def epoch(order, *candidate):
            self.traces += 1

            def body(step):
                train_batch(tf.slice(order, [step * size], [size]), candidate)
                return step + 1

            steps = tf.size(order) // size
            tf.while_loop(lambda step: step < steps, body, [0], parallel_iterations=1)

        return _Epoch(epoch, alone=self._small and not jit_compile and not calls_out)

    def _call_exact_gradient(self, labels, y_pred):
        slope = tf.py_function(
            lambda *batch: self._exact_gradient(*batch), [labels, y_pred], tf.float32
        )
        return tf.ensure_shape(slope, y_pred.shape)

    def _predict_batch(self, images):
        return tf.cast(self.model(self._normalised(images), training=False), tf.float32)

    def _weights_are_finite(self):
        weights = self.model.trainable_variables
        return ops.all([ops.all(ops.isfinite(weight)) for weight in weights])

    def _normalised(self, images):
        return tf.cast(images, tf.float32) * self._scale


def multiplications(model):
    """About how many a network makes for one image: each kernel's, at each place where it is put.

    Args:
        model: A Keras model.

    Returns:
        int; infinity where a layer does not tell what it puts out.

    >>> from deap_lossgp.training.networks import small_cnn
    >>> 3 * 3 * (25 * 16) + 2 * 2 * (9 * 16 * 32) + 128 * 64 + 64 * 10
    30864
    >>> multiplications(small_cnn((8, 8, 1), 10))
    30864
    """
    total = 0
    for layer in model._flatten_layers():
        kernel = getattr(layer, "kernel", None)
        if kernel is None:
            continue
        try:
            total += math.prod(layer.output.shape[1:-1]) * math.prod(kernel.shape)
        except (AttributeError, TypeError, ValueError):
            return math.inf
    return total


def compiled(function):
    """The function as a graph, traced when first called.

    Left to eager operations where the one thread there is would wait for itself: the loop calls
    the function while it runs.
    """
    threads = tf.config.threading.get_inter_op_parallelism_threads() or _usable_cpus()
    return tf.function(function, autograph=False) if threads > 1 else function


def _usable_cpus():
    """TensorFlow sizes its pool by these, not by the machine's."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()
