"""Losses that go wrong only in training, each in its own way, and a task for them.

They are in a module of their own because the processes that train import them by name.
"""

import os
import signal
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from deap_lossgp.engines.engine import Job
from deap_lossgp.found_losses import KNOWN_LOSSES
from deap_lossgp.primitives import LossPrimitive
from deap_lossgp.psets import add_primitive, loss_primitive_set
from deap_lossgp.training.candidates import ExactLoss, candidate_of
from deap_lossgp.training.tasks import Task
from deap_lossgp.trees import LossTree

NOTES = "FAULTY_NOTES"
"""Environment variable: the folder in which losses note what they do."""


def linear(input_shape, num_classes):
    """Returns the network that compiles fastest."""
    import keras

    return keras.Sequential([keras.Input(input_shape), keras.layers.Flatten(),
                             keras.layers.Dense(num_classes, "softmax")])  # fmt: skip


def trains_never(input_shape, num_classes):
    """Returns a network that predicts, but raises an error when it is trained."""
    import keras

    class Refusing(keras.layers.Layer):
        def call(self, x, training=False):
            if training:
                raise TypeError("not in training")
            return x

    return keras.Sequential([*linear(input_shape, num_classes).layers, Refusing()])


def note(name):
    """Notes that this process is about to do something, if there is a folder for notes."""
    if NOTES in os.environ:
        with open(Path(os.environ[NOTES], name), "a") as file:
            file.write(f"{os.getpid()}\n")


def noted(name):
    """Returns the ids of the processes that have noted this, in order."""
    path = Path(os.environ[NOTES], name)
    return [int(line) for line in path.read_text().splitlines()] if path.exists() else []


def exits(ops, a):
    os._exit(3)


def kills(ops, a):
    os.kill(os.getpid(), signal.SIGKILL)


def leaves(ops, a):
    sys.exit(3)


def leaves_at_last(ops, a):
    """Exits in validation, where a loss is computed outside of TensorFlow's own calls."""
    if len(a) != 64:  # a batch of training has so many samples
        sys.exit(3)
    return ops.multiply(1.0, a)


def raises(ops, a):
    raise ValueError("the fault\nof this loss")


def loops(ops, a):
    while True:
        pass


def holds(ops, a):
    """Loops for ever and lets no other Python thread run."""
    return sum(range(10**18))


def sleeps(ops, a):
    time.sleep(1e8)


def allocates(ops, a):
    blocks = []
    while True:
        blocks.append(np.empty(2**22))


def hoards(ops, a):
    """Allocates small pieces, until there is no room even for an error's message."""
    pieces = []
    while True:
        pieces.append(bytes(2**16))


def nan(ops, a):
    return ops.multiply(float("nan"), a)


def infinite(ops, a):
    return ops.add(float("inf"), a)


def flat(ops, a):
    return ops.zeros_like(a)


def waits(ops, a):
    """Waits until a note says that it may go on."""
    while not noted("goes_on"):
        time.sleep(0.05)
    return ops.multiply(1.0, a)


def in_training(a):
    """Whether an operand is of a batch of digits; elsewhere a primitive is only checked."""
    return a.dtype == np.float32 and len(a.shape) == 2 and a.shape[-1] == 10


FAULTS = (exits, kills, leaves, leaves_at_last, raises, loops, holds, sleeps, allocates, hoards,
          nan, infinite, flat, waits)  # fmt: skip


@dataclass(frozen=True)
class Faulty:
    """A primitive with a fault in training; it is the identity wherever it is only checked."""

    fault: object

    def __call__(self, ops, a):
        if not in_training(a):
            return ops.multiply(1.0, a)
        note(self.fault.__name__)
        return self.fault(ops, a)


@dataclass(frozen=True)
class Slope:
    """The derivative of a ``Faulty``."""

    slope: float = 1.0

    def __call__(self, ops, a):
        return (self.slope if in_training(a) else 1.0,)


SLOPES = {nan: Slope(float("nan")), flat: Slope(0.0)}


def in_numpy(ops, a):
    return np.multiply(1.0, np.asarray(a))


def row(name, value, slope=Slope()):  # noqa: B008  (it is frozen)
    """Returns a primitive of one operand."""
    return LossPrimitive(name, 1, value, slope, "({0})")


def primitive_set(*rows):
    """Returns the default primitive set, with a primitive for every fault and with further rows."""
    pset = loss_primitive_set()
    for fault in FAULTS:
        add_primitive(pset, row(fault.__name__, Faulty(fault),
                                SLOPES.get(fault, Slope())))
    for further in rows:
        add_primitive(pset, further)
    return pset


def digits(network=linear):
    """Returns a task on 200 images of digits, with one epoch."""
    return Task.load("digits", network, epochs=1, train_size=200)


def job(expression, pset, task, seed=1, *, exact=False, test=False):
    """Returns the job that trains an expression on task 0; ``exact`` forces the exact path."""
    tree = LossTree.from_string(expression, pset)
    candidate = candidate_of(tree, pset, task)
    if exact:
        candidate = replace(candidate, loss=ExactLoss(tuple(tree), pset))
    return Job(0, candidate, seed, test)


def faulty_job(name, pset, task):
    """Returns a job: cross entropy with a fault, on the exact path (curves would not show it)."""
    return job(f"{name}({KNOWN_LOSSES['cross_entropy']})", pset, task, exact=True)
