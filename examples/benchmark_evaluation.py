"""Measures what one candidate costs, in several ways side by side in one run.

It times these ways in turn, for each of several random losses:

* ours: the curves and one training in the compiled trainer, with validation;
* hand-written: cross entropy written out in the same compiled loop;
* exact path: the same loss as operations, in the same trainer;
* plain: DEAP's ``gp.compile``, and Keras's ``compile`` and ``fit`` on the same batches; first the
  training alone, then with the validation accuracy, which all other ways include.

    python examples/benchmark_evaluation.py --data-dir DIR_WITH_FASHION_MNIST_NPZ
"""

import gc
import os
import random
import statistics
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd

from deap_lossgp.commands import CommandParser, fail, refused
from deap_lossgp.search import write_csv
from deap_lossgp.training.tensorflow_setup import import_tensorflow

IMAGES = 8192
VALIDATION = 512
ROUNDS = 5
"""Trainings of each loss in the two cheapest arms, whose times differ by a few per cent only."""


def random_losses(pset, count, sizes, seed):
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


def resized(data, images):
    """Returns the data set with so many training images; they are repeated if there are fewer."""
    import numpy as np

    index = np.resize(np.arange(len(data.x_train)), images)
    return replace(data, x_train=data.x_train[index], y_train=data.y_train[index])


def plain_pset(pset):
    """Returns the same primitives as a DEAP user would register them, for ``gp.compile``."""
    import copy

    from keras import ops

    plain = copy.copy(pset)
    plain.context = {
        name: partial(row.value, ops) if hasattr(row, "derivative") else row
        for name, row in pset.context.items()
    }
    return plain


def train_plainly(tree, pset, task, images, labels):
    """Trains a new network with DEAP's gp.compile and Keras's compile and fit, and returns it."""
    import keras
    from deap import gp
    from keras import ops

    function = gp.compile(tree, pset)
    # Not seeded: it would empty TensorFlow's cache of kernels, at the expense of the next arm.
    model = task.network(input_shape=task.data.input_shape, num_classes=task.data.num_classes)
    model.compile(
        keras.optimizers.Adam(task.learning_rate),
        loss=lambda y_true, y_pred: ops.mean(
            function(y_true, ops.clip(y_pred, 1.2e-7, 1.0 - 1.2e-7)), axis=-1
        ),
    )
    model.fit(images, labels, batch_size=task.batch_size, shuffle=False, verbose=0)
    return model


def seconds(action, *args):
    """Returns the seconds that a call takes."""
    start = time.perf_counter()
    action(*args)
    return time.perf_counter() - start


def measure(task, pset, trees, seed):
    """Returns the first times, the times by arm and tree, and the trainer; the arms take turns."""
    import numpy as np
    from keras import ops

    from deap_lossgp.curves import elementwise_loss
    from deap_lossgp.training import Trainer, candidate_of

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
        candidate = replace(candidate_of(tree, pset, task), loss=elementwise_loss(tree, pset))
        trainer.train(candidate, seed)

    def plainly(tree):
        return train_plainly(tree, compilable, task, images, labels)

    def plainly_validated(tree):
        predictions = plainly(tree).predict(validation_images, batch_size=256, verbose=0)
        return np.mean(predictions.argmax(1) == task.data.y_train[validation])

    anything = candidate_of(trees[0], pset, task)
    arms = {
        "ours": ours,
        "hand-written cross entropy": lambda tree: by_hand.train(anything, seed),
        "exact path": exactly,
        "plain DEAP + Keras fit": plainly,
        "plain, with its validation": plainly_validated,
    }
    first = {name: seconds(arm, trees[0]) for name, arm in arms.items()}
    times = {name: [] for name in arms}
    orders = random.Random(seed)
    cheapest = list(arms)[:2]
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


def report(name, images, first, times):
    ours = times["ours"]
    print(f"\n{name}: 1 epoch of {images} images, small_cnn, {len(ours)} losses; medians")
    print(f"  {'':<28}{'first':>9}{'each':>9}{'ours / it':>12}")
    for arm, values in times.items():
        ratio = statistics.median(a / b for a, b in zip(ours, values, strict=True))
        print(f"  {arm:<28}{first[arm]:>8.2f}s{statistics.median(values):>8.2f}s{ratio:>12.3f}")


def compare_sizes(trainer, pset, rounds, seed):
    """Prints the cost of a tree of about 200 nodes, divided by that of a tree of 10 nodes."""
    from deap_lossgp.training import candidate_of

    small, large = random_losses(pset, 2, [10, 200], seed)

    def train(tree):
        trainer.train(candidate_of(tree, pset, trainer.task), seed)

    median = statistics.median(seconds(train, large) / seconds(train, small)
                               for _ in range(rounds))
    print(f"  a tree of {len(large)} nodes costs {median:.3f} times one of {len(small)}")


def measure_determinism(task, pset, trees, seed):
    """Returns seconds per tree with and without deterministic operations, each in a worker."""
    from deap_lossgp.engines import Job, WorkerProcesses
    from deap_lossgp.training import candidate_of

    engines = {"deterministic": WorkerProcesses([task], pset, determinism=True),
               "not deterministic": WorkerProcesses([task], pset, determinism=False)}
    times = {name: [] for name in engines}
    for number, tree in enumerate([trees[0], *trees]):
        job = Job(0, candidate_of(tree, pset, task), seed)
        for name, engine in engines.items():
            ((_, result),) = engine.train([job])
            if number:  # the first one warms up
                times[name].append(result.seconds)
    for engine in engines.values():
        engine.close()
    ratio = statistics.median(a / b for a, b in zip(*times.values(), strict=True))
    print(f"  deterministic operations cost {ratio:.3f} times others")
    return times


def compare_memory(task, pset, count, seed):
    """Prints traces of the network and growth of the process over many different losses."""
    from deap_lossgp.training import Trainer, candidate_of

    trainer = Trainer(task)
    sizes = []
    warm_up = count // 10
    for number, tree in enumerate(random_losses(pset, count + warm_up, range(10, 60), seed)):
        if number == warm_up:
            before = resident_megabytes()
        trainer.train(candidate_of(tree, pset, task), seed)
        sizes.append(len(tree))
    after = resident_megabytes()
    print(f"\n{count} different losses: the network was traced {trainer.traces} time; memory "
          f"{before:.0f} -> {after:.0f} MB ({after / before - 1.0:+.1%})")


def resident_megabytes():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main(argv=None):
    parser = CommandParser("Measure what evaluating one candidate loss costs.")
    parser.add_argument("--datasets", nargs="+", default=["digits", "fashion_mnist"],
                        metavar="NAME", help="data sets")
    parser.add_argument("--data-dir", metavar="DIR", help="folder with NAME.npz files")
    parser.add_argument("--losses", type=int, default=8, help="different losses per data set")
    parser.add_argument("--memory", type=int, default=300,
                        help="different losses for the memory measurement; 0 to leave it out")
    parser.add_argument("--images", type=int, default=IMAGES, help="training images of an epoch")
    parser.add_argument("--output", default="runs/benchmark_evaluation", metavar="DIR",
                        help="folder for the table of seconds")
    parser.add_argument("--seed", type=int, default=0, help="seed of trees and trainings")
    options = parser.parse_args(argv)
    if options.losses < 2 or options.images < 1024 or options.memory < 0:
        fail(parser.prog, "expected at least 2 --losses, 1024 --images and 0 --memory, "
                          f"got {options.losses}, {options.images} and {options.memory}")
    refused(parser.prog, import_tensorflow)
    run(parser.prog, options)


def run(program, options):
    from deap_lossgp.data import load_dataset
    from deap_lossgp.psets import loss_primitive_set
    from deap_lossgp.training import Task, prepare_tensorflow, small_cnn

    prepare_tensorflow()
    output = Path(options.output)
    refused(program, output.mkdir, parents=True, exist_ok=True)
    pset = loss_primitive_set()
    loaded = [refused(program, load_dataset, name, options.data_dir) for name in options.datasets]
    trees = random_losses(pset, options.losses, [10, 25, 50, 200], options.seed)
    tables = []
    for data in loaded:
        total = options.images + VALIDATION
        task = Task(resized(data, total), small_cnn, epochs=1,
                    validation_share=VALIDATION / total)
        first, times, trainer = measure(task, pset, trees, options.seed)
        report(data.name, options.images, first, times)
        compare_sizes(trainer, pset, options.losses, options.seed)
        times |= measure_determinism(task, pset, trees, options.seed)
        tables.append(pd.DataFrame({"dataset": data.name, "nodes": [len(t) for t in trees],
                                    **times}))
    write_csv(pd.concat(tables), output / "benchmark_evaluation.csv")
    if options.memory:
        task = Task(loaded[0], small_cnn, epochs=1, train_size=1024)
        compare_memory(task, pset, options.memory, options.seed)
    print(f"Results in {output}: benchmark_evaluation.csv, the seconds of every training")


if __name__ == "__main__":
    sys.exit(main())
