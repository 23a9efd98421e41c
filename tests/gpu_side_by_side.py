"""Several candidates in one compiled step: small_cnn with a leading axis of candidates.

    python tests/gpu_side_by_side.py --candidates 1 4 16 --output DIR

All candidates of a group begin with the same weights and see the same batches, so the step is that
of ``CompiledLoop`` with wider operations: the first convolution has every candidate's filters, on
the images that all share; the second is one of groups, of patches (a batched product), or of
blocks (one large convolution, most of whose weights are zero); the dense layers are batched
products, and the look-up reads one table for each candidate. Prints the seconds of an epoch with
its validation, arms in turn, beside ``CompiledLoop``'s for one candidate, and the largest
difference of a prediction from its. Appends to ``side-by-side.csv``.
"""

import argparse
import os
import statistics
import time
from itertools import product
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from gpu_rows import IMAGES, append_rows, candidate, images_of, task_of  # noqa: E402

from deap_lossgp.found_losses import KNOWN_LOSSES  # noqa: E402
from deap_lossgp.training import Trainer  # noqa: E402
from deap_lossgp.training.adam import FusedAdam  # noqa: E402
from deap_lossgp.training.look_up import look_up_from, table_of  # noqa: E402
from deap_lossgp.training.loop import on_device  # noqa: E402
from deap_lossgp.training.tensorflow_setup import prepare_tensorflow  # noqa: E402


class SideBySide:
    """An epoch of small_cnn for so many candidates at once.

    Args:
        task: The ``Task``.
        weights: The network's initial weights, NumPy arrays, for every candidate.
        count: Candidates, K.
        convolution: How the second one is done: ``groups``, ``patches`` or ``blocks``.
        jit_compile: Whether XLA compiles the epoch.
    """

    def __init__(self, task, weights, count, convolution, jit_compile):
        train, validation = task.split()
        self._count, self._convolution = count, convolution
        self._size, self._scale = task.batch_size, task.data.scale
        self._images = on_device(task.data.x_train[train])
        self._labels = tf.constant(task.data.y_train[train], tf.int64)
        self._validation = on_device(task.data.x_train[validation])
        self._initial = [tf.constant(value) for value in self._stacked(weights)]
        self._weights = [keras.Variable(value) for value in self._initial]
        self._optimizer = FusedAdam(task.learning_rate)
        self._optimizer.build(self._weights)
        self._initial += [keras.ops.copy(variable) for variable in self._optimizer.variables]
        self._begin = tf.function(self._assign, autograph=False)
        self._train = tf.function(self._epoch, jit_compile=jit_compile, autograph=False)
        self._predict = tf.function(self._validate, jit_compile=jit_compile, autograph=False)

    def train(self, order, knots, rows):
        """Trains all from their beginning; predictions (K, validation images, classes)."""
        self._begin()
        self._train(order, knots, rows)
        return self._predict().numpy()

    def _stacked(self, weights):
        """A network's weights, the same for all candidates, in the step's shapes."""
        def alike(value):
            return np.stack([value] * self._count)

        filters, bias, filters2, bias2, *dense = weights
        filters, bias, bias2 = (np.concatenate([value] * self._count, -1)
                                for value in (filters, bias, bias2))
        if self._convolution == "groups":
            filters2 = np.concatenate([filters2] * self._count, -1)
        elif self._convolution == "patches":
            filters2 = alike(filters2.reshape(-1, filters2.shape[-1]))
        else:
            filters2 = alike(filters2)
        return [filters, bias, filters2, bias2,
                *(alike(value if value.ndim > 1 else value[np.newaxis]) for value in dense)]

    def _forward(self, images):
        images = tf.cast(images, tf.float32) * self._scale
        filters, bias, filters2, bias2, *dense = (weight.value for weight in self._weights)
        count = self._count
        x = tf.nn.relu(tf.nn.conv2d(images, filters, 3, "SAME") + bias)
        if self._convolution == "patches":
            x = self._patches(x)
            places = x.shape[2]
            x = tf.reshape(x, [count, -1, x.shape[-1]]) @ filters2
            x = tf.nn.relu(x + tf.reshape(bias2, [count, 1, -1]))
        else:
            if self._convolution == "blocks":
                height, width, each, out = filters2.shape[1:]
                filters2 = tf.einsum("khwio,kl->hwkilo", filters2, tf.eye(count))
                filters2 = tf.reshape(filters2, [height, width, count * each, count * out])
            x = tf.nn.relu(tf.nn.conv2d(x, filters2, 2, "SAME") + bias2)
            places = x.shape[1] * x.shape[2]
            x = tf.reshape(x, [-1, places, count, x.shape[-1] // count])
            x = tf.transpose(x, [2, 0, 1, 3])
        x = tf.reshape(x, [count, -1, places * x.shape[-1]])
        kernel, bias, last, last_bias = dense
        return tf.nn.softmax(tf.nn.relu(x @ kernel + bias) @ last + last_bias)

    def _patches(self, x):
        """Each candidate's 3x3 patches, two pixels apart: (K, n, places, 9 channels)."""
        height, width, channels = x.shape[1:]
        rows, columns = -(-height // 2), -(-width // 2)
        missing = [max((places - 1) * 2 + 3 - side, 0)
                   for places, side in ((rows, height), (columns, width))]
        x = tf.pad(x, [[0, 0], *([pad // 2, pad - pad // 2] for pad in missing), [0, 0]])
        parts = [x[:, i:i + 2 * rows - 1:2, j:j + 2 * columns - 1:2]
                 for i, j in product(range(3), repeat=2)]
        x = tf.reshape(tf.stack(parts, 3),
                       [-1, rows * columns, 9, self._count, channels // self._count])
        x = tf.transpose(x, [3, 0, 1, 2, 4])
        return tf.reshape(x, [self._count, -1, rows * columns, x.shape[-2] * x.shape[-1]])

    def _epoch(self, order, knots, rows):
        # Candidate k's rows follow those of the one before it.
        each = rows.shape[0] // self._count
        first = tf.constant(np.arange(self._count)[:, np.newaxis, np.newaxis] * each)
        on, off = tf.constant(1, tf.int64), tf.constant(0, tf.int64)

        def body(step):
            batch = tf.slice(order, [step * self._size], [self._size])
            labels = tf.gather(self._labels, batch)
            with tf.GradientTape() as tape:
                y_pred = self._forward(tf.gather(self._images, batch))
            curves = first + tf.one_hot(labels, y_pred.shape[-1], on_value=on, off_value=off)
            self._optimizer.apply(
                tape.gradient(y_pred, [weight.value for weight in self._weights],
                              output_gradients=look_up_from(knots, rows, curves, y_pred)),
                self._weights,
            )
            return step + 1

        steps = order.shape[0] // self._size
        tf.while_loop(lambda step: step < steps, body, [0], parallel_iterations=1)

    def _validate(self):
        return self._forward(self._validation.value())

    def _assign(self):
        variables = [*self._weights, *self._optimizer.variables]
        for variable, value in zip(variables, self._initial, strict=True):
            variable.assign(value)


def measure(options, jit_compile, convolutions):
    """Rows of one setting of XLA: seconds of an epoch by candidates in a step."""
    task = task_of("small_cnn", images_of(options.images, options.count), jit_compile=jit_compile)
    trainer, names = Trainer(task), list(KNOWN_LOSSES)
    one = candidate("ngl", task)
    trainer.prepare(one, 1)
    weights = [np.asarray(value) for value in
               trainer._initial_values[:len(trainer.loop.model.variables)]]
    order = trainer._batches(np.random.default_rng(1))
    arms = {(1, "alone"): lambda: trainer.train(one, 1)}
    differences = {(1, "alone"): 0.0}
    trainer.train(one, 1)
    alone = trainer.loop.validate(trainer._validation[0])[0]
    for count, convolution in product(options.candidates, convolutions):
        group = SideBySide(task, weights, count, convolution, jit_compile)
        losses = [candidate(names[(2 + k) % len(names)], task) for k in range(count)]
        tables = [table_of(loss.segments, loss.gradient_factor / task.batch_size)
                  for loss in losses]  # of one shape, as the known losses are smooth
        tables = [np.concatenate(parts) for parts in zip(*tables, strict=True)]
        try:
            start = time.perf_counter()
            predictions = group.train(order, *tables)
        except (tf.errors.OpError, ValueError) as error:
            print(f"{convolution}, {count}: {str(error).splitlines()[0][:200]}", flush=True)
            continue
        print(f"{convolution}, {count}: first {time.perf_counter() - start:.1f} s", flush=True)
        differences[count, convolution] = float(np.abs(predictions[0] - alone).max())
        arms[count, convolution] = (
            lambda group=group, tables=tables: group.train(order, *tables))
    times = {arm: [] for arm in arms}
    for _ in range(options.rounds):
        for arm, action in arms.items():
            start = time.perf_counter()
            action()
            times[arm].append(time.perf_counter() - start)
    rows = []
    for (count, convolution), seconds in times.items():
        median = statistics.median(seconds)
        ratio = statistics.median(
            count * a / b for a, b in zip(times[1, "alone"], seconds, strict=True))
        rows.append({"xla": int(jit_compile), "candidates": count, "convolution": convolution,
                     "seconds": round(median, 4), "candidates_per_second": round(count / median, 2),
                     "times_alone": round(ratio, 3),
                     "difference": f"{differences[count, convolution]:.1e}"})
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--candidates", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--convolutions", nargs="+", default=["groups", "patches", "blocks"])
    parser.add_argument("--xla", nargs="+", choices=["off", "on"], default=["off", "on"])
    parser.add_argument("--images", help="an .npz as CIFAR-10's; random images without")
    parser.add_argument("--count", type=int, default=IMAGES, help="training images of an epoch")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=Path("runs"))
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    device = prepare_tensorflow()["device"]
    for xla in options.xla:
        rows = measure(options, xla == "on", options.convolutions)
        append_rows(options.output / "side-by-side.csv", [{"device": device, **row}
                                                          for row in rows])
        for row in rows:
            print("  ".join(f"{name} {value}" for name, value in row.items()), flush=True)


if __name__ == "__main__":
    main()
