"""Losses for the tests of exported files, and functions that run their files."""

import os
import random
import subprocess
import sys

import numpy as np

from deap_lossgp.curves.differentiation import differentiate
from deap_lossgp.curves.grid import LOWEST
from deap_lossgp.export.names import class_name
from deap_lossgp.found_losses import KNOWN_LOSSES, FoundLoss
from deap_lossgp.operators import genLoss
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.trees import LossTree

TREES = int(os.environ.get("DEAP_LOSSGP_TREES", 40))
PSET = loss_primitive_set()
PLAIN = loss_primitive_set(protected=False)


def found(text, pset=PSET, name="mine", **record):
    return FoundLoss(name, LossTree.from_string(text, pset), pset, record)


def known_and_random_losses(pset, seed=1, count=TREES):
    random.seed(seed)
    yield from (found(text, pset, name) for name, text in KNOWN_LOSSES.items())
    yield from (FoundLoss(f"random{index}", LossTree(genLoss(pset)), pset)
                for index in range(count))


def loss_object(module, loss, *args, **kwargs):
    """An object of the class that an exported module defines."""
    return getattr(module, class_name(loss.name))(*args, **kwargs)


def softmax_reference(loss, logits, labels):
    """Per-sample losses in float64 and the slopes of their mean by the logits."""
    y_pred = np.exp(logits - logits.max(1, keepdims=True))
    y_pred /= y_pred.sum(1, keepdims=True)
    inside = (y_pred >= LOWEST) & (y_pred <= 1.0 - LOWEST)
    y_true = np.eye(logits.shape[1])[labels]
    values, slopes = differentiate(loss.tree, loss.pset, y_true,
                                   np.clip(y_pred, LOWEST, 1.0 - LOWEST))
    slopes = np.where(inside, slopes, 0.0) / values.size
    return values.mean(1), y_pred * (slopes - (slopes * y_pred).sum(1, keepdims=True))


def logits_and_labels(samples=40, classes=6, scale=3.0):
    generator = np.random.default_rng(0)
    return (generator.normal(scale=scale, size=(samples, classes)),
            generator.integers(0, classes, samples))


CORNERS = np.array([[200.0, 0.0, 0.0], [-200.0, 200.0, 0.0], [0.0, 0.0, 0.0], [14.0, 0.0, -14.0],
                    [17.0, 0.0, -1.0]])  # fmt: skip


WALL = """
import sys
from importlib.machinery import ModuleSpec

class Wall:
    def find_spec(self, name, path=None, target=None):
        return ModuleSpec(name, self) if name.split(".")[0] in BLOCKED else None

    def create_module(self, spec):
        raise ModuleNotFoundError(f"No module named {spec.name!r}", name=spec.name)

    def exec_module(self, module):
        pass

sys.meta_path.insert(0, Wall())
for name in BLOCKED:
    try:
        __import__(name)
        sys.exit("the wall is open")
    except ModuleNotFoundError:
        pass
"""


def run_alone(code, blocked, cwd, **environment):
    process = subprocess.run(
        [sys.executable, "-c", f"BLOCKED = {blocked!r}\n{WALL}\n{code}"], cwd=cwd,
        capture_output=True, text=True, check=False,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
    )
    assert process.returncode == 0, process.stderr[-3000:]
    return process.stdout
