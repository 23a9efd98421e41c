"""Images for the measurements on a GPU, and tables that are written row by row."""

import csv
import os

import numpy as np

IMAGES, VALIDATION, TEST = 8192, 512, 1000


def images_of(path=None, images=IMAGES):
    """Arrays x_train, y_train, x_test, y_test of CIFAR-10's shape.

    Args:
        path: An ``.npz`` with these keys; None for random images.
        images: Training images; a sixteenth of that are added for validation.
    """
    count = images + images // (IMAGES // VALIDATION)
    if path:
        with np.load(path) as file:
            x, y, x_test, y_test = (file[key] for key in ("x_train", "y_train", "x_test", "y_test"))
        return x[:count], y[:count], x_test[:TEST], y_test[:TEST]
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (count, 32, 32, 3)).astype(np.uint8)
    y = np.arange(count) % 10
    return x, y, x[:TEST], y[:TEST]


def task_of(network, arrays, **options):
    """One epoch of a network on such images."""
    from deap_lossgp.training.tasks import Task

    x, y, x_test, y_test = arrays
    return Task.from_arrays("cifar10", x, y, x_test, y_test, network=network, epochs=1,
                            validation_share=1 / (1 + IMAGES // VALIDATION), **options)


def candidate(name, task):
    """A known loss as a ``Candidate``."""
    from deap_lossgp.found_losses import KNOWN_LOSSES
    from deap_lossgp.psets import loss_primitive_set
    from deap_lossgp.training.candidates import candidate_of
    from deap_lossgp.trees import LossTree

    pset = loss_primitive_set()
    return candidate_of(LossTree.from_string(KNOWN_LOSSES[name], pset), pset, task)


def append_rows(path, rows):
    """Adds dicts to a CSV, which is whole after each call."""
    new = not path.exists()
    with open(path, "a", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        if new:
            writer.writeheader()
        writer.writerows(rows)
        file.flush()
        os.fsync(file.fileno())
