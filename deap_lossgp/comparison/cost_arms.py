"""What one training of a loss costs, in several ways side by side, which take turns."""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras
    import numpy as np
    from deap import gp

    from deap_lossgp.data.images import ImageData
    from deap_lossgp.training.tasks import Task
    from deap_lossgp.training.trainer import Trainer
    from deap_lossgp.trees import LossTree

ROUNDS = 5
"""Trainings of each loss in every arm that compiles nothing for it; their median counts."""


def drawn_losses(pset: gp.PrimitiveSet, count: int, seed: int) -> list[LossTree]:
    """Returns valid random trees, as a search draws them with the default generator."""
    from deap_lossgp.curves import LossCurves, is_trainable
    from deap_lossgp.toolbox import make_toolbox

    random.seed(seed)
    toolbox = make_toolbox(pset, valid=lambda tree: is_trainable(LossCurves.of(tree, pset)))
    return [toolbox.individual() for _ in range(count)]


def random_losses(pset: gp.PrimitiveSet, count: int, sizes: Sequence[int],
                  seed: int) -> list[LossTree]:
    """Returns certified, trainable random trees whose sizes run through ``sizes``."""
    from deap_lossgp.curves import LossCurves, is_trainable
    from deap_lossgp.operators import genLoss
    from deap_lossgp.trees import LossTree

    random.seed(seed)
    found = []
    while len(found) < count:
        size = sizes[len(found) % len(sizes)]
        # Python's own parser, which gp.compile goes through, gives up on deeply nested calls.
        tree = LossTree(genLoss(pset, max_=40, max_size=size))
        if len(tree) < 0.9 * size:
            continue
        curves = LossCurves.of(tree, pset)
        if curves.certified and is_trainable(curves):
            found.append(tree)
    return found


def resized(data: ImageData, images: int) -> ImageData:
    """Returns the data set with so many training images; they are repeated if there are fewer."""
    import numpy as np

    index = np.resize(np.arange(len(data.x_train)), images)
    return replace(data, x_train=data.x_train[index], y_train=data.y_train[index])


def plain_pset(pset: gp.PrimitiveSet) -> gp.PrimitiveSet:
    """Returns the same primitives as a DEAP user would register them, for ``gp.compile``."""
    import copy

    from keras import ops

    plain = copy.copy(pset)
    plain.context = {
        name: partial(row.value, ops) if hasattr(row, "derivative") else row
        for name, row in pset.context.items()
    }
    return plain


def train_plainly(tree: LossTree, pset: gp.PrimitiveSet, task: Task, images: np.ndarray,
                  labels: np.ndarray) -> keras.Model:
    """Trains a new network with DEAP's gp.compile and Keras's compile and fit, and returns it."""
    import keras
    from deap import gp
    from keras import ops

    function = gp.compile(tree, pset)
    # Not seeded: it would empty TensorFlow's cache of kernels, at the expense of the next arm.
    network: Any = task.network
    model = network(input_shape=task.data.input_shape, num_classes=task.data.num_classes)
    model.compile(
        keras.optimizers.Adam(task.learning_rate),
        loss=lambda y_true, y_pred: ops.mean(
            function(y_true, ops.clip(y_pred, 1.2e-7, 1.0 - 1.2e-7)), axis=-1
        ),
    )
    model.fit(images, labels, batch_size=task.batch_size, shuffle=False, verbose=0)
    return model


def seconds(action: Callable, *args: Any) -> float:
    """Returns the seconds that a call takes."""
    start = time.perf_counter()
    action(*args)
    return time.perf_counter() - start


def measure(task: Task, pset: gp.PrimitiveSet, trees: Sequence[LossTree],
            seed: int) -> tuple[dict[str, float], dict[str, list[float]], Trainer]:
    """Measures the arms, which take turns.

    Args:
        task: A ``Task`` with ``small_cnn`` and one epoch.
        pset: The primitive set.
        trees: The losses.
        seed: Seed of trainings and turns.

    Returns:
        (first, times, trainer): the seconds of each arm's first training; by arm those of each
        tree, medians; and the ``Trainer``. The arms of PyTorch are there if it is installed.
    """
    import numpy as np
    from keras import ops

    from deap_lossgp.comparison.torch_arm import TorchLoop
    from deap_lossgp.found_losses import KNOWN_LOSSES
    from deap_lossgp.training import Trainer, candidate_of
    from deap_lossgp.training.candidates import ExactLoss
    from deap_lossgp.trees import LossTree

    def cross_entropy(labels, y_pred):
        y_true = ops.one_hot(labels, y_pred.shape[-1])
        return y_true / ops.maximum(y_pred, 1.2e-7) * (-1.0 / task.batch_size)

    class HandWritten(Trainer):
        def __init__(self, task):
            super().__init__(task)
            self._epoch = self.loop.compile_epoch(cross_entropy)

        def _epoch_of(self, candidate):
            return self._epoch

    trainer, by_hand = Trainer(task), HandWritten(task)
    train, validation = task.split()
    images, validation_images = (
        (task.data.x_train[part] * task.data.scale).astype(np.float32)
        for part in (train, validation)
    )
    labels = np.eye(task.data.num_classes, dtype=np.float32)[task.data.y_train[train]]
    compilable = plain_pset(pset)

    def ours(tree):
        trainer.train(candidate_of(tree, pset, task), seed)

    def exactly(tree):
        trainer.train(replace(anything, loss=ExactLoss(tuple(tree), pset)), seed)

    def plainly(tree):
        return train_plainly(tree, compilable, task, images, labels)

    def plainly_validated(tree):
        predictions = plainly(tree).predict(validation_images, batch_size=256, verbose=0)
        return np.mean(predictions.argmax(1) == task.data.y_train[validation])

    entropy = LossTree.from_string(KNOWN_LOSSES["cross_entropy"], pset)
    anything = candidate_of(entropy, pset, task)
    arms = {
        "ours": ours,
        "hand-written cross entropy": lambda tree: by_hand.train(anything, seed),
        "exact path": exactly,
        "plain DEAP + Keras fit": plainly,
        "plain, with its validation": plainly_validated,
    }
    if find_spec("torch") is not None:
        loop = TorchLoop(task, pset)
        arms |= {"PyTorch, 1 thread": loop.train,
                 "PyTorch, 2 threads": partial(loop.train, threads=2)}
    first = {name: seconds(arm, trees[0]) for name, arm in arms.items()}
    times = {name: [] for name in arms}
    orders = random.Random(seed)
    cheapest = [name for name in arms if not name.startswith("plain")]
    turns = [*arms, *cheapest * (ROUNDS - 1)]
    for tree in trees:
        taken = {name: [] for name in arms}
        # In random order, because caches and memory of an arm slow the next one down.
        for name in orders.sample(turns, len(turns)):
            taken[name].append(seconds(arms[name], tree))
            if name not in cheapest:
                gc.collect()  # an arm's models are freed here, not during the next arm
        for name in arms:
            times[name].append(statistics.median(taken[name]))
    return first, times, trainer
