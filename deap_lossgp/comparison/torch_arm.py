"""One training as a PyTorch user would write it, to compare the cost with; needs torch."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
from deap import gp

if TYPE_CHECKING:
    from deap_lossgp.training.tasks import Task
    from deap_lossgp.trees import LossTree

_LARGE = 256  # a batch of images that are predicted only


class TorchLoop:
    """An eager loop over ``small_cnn``: fused Adam, a tree's plain operations as the loss.

    Args:
        task: The ``Task``; its network is taken to be ``small_cnn``.
        pset: The primitive set of the trees. Its operators are taken as the plain ones, which are
            cheaper than protected ones.
    """

    def __init__(self, task: Task, pset: gp.PrimitiveSet) -> None:
        import torch

        self._task, self._pset = task, _plain_in_torch(pset)
        train, validation = task.split()
        images = torch.from_numpy(task.data.x_train.transpose(0, 3, 1, 2).copy())
        labels = torch.from_numpy(task.data.y_train.astype(np.int64))
        self._images, self._labels = images[train], labels[train]
        self._held, self._held_labels = images[validation], labels[validation]
        self._model = _small_cnn(task.data.input_shape, task.data.num_classes)
        self._start = {name: value.clone() for name, value in self._model.state_dict().items()}

    def train(self, tree: LossTree, threads: int = 1) -> float:
        """Trains from the beginning for one epoch, and returns the validation accuracy.

        Args:
            tree: The loss.
            threads: Threads of one operation.
        """
        import torch
        from torch.nn.functional import one_hot

        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        loss, size = gp.compile(tree, self._pset), self._task.batch_size
        model, classes = self._model, self._task.data.num_classes
        model.load_state_dict(self._start)
        optimizer = torch.optim.Adam(model.parameters(), self._task.learning_rate, fused=True)
        order = torch.randperm(len(self._images))
        for batch in order[: len(order) // size * size].split(size):
            optimizer.zero_grad()
            y_pred = torch.softmax(model(self._pixels(self._images[batch])), 1)
            y_true = one_hot(self._labels[batch], classes).float()
            loss(y_true, y_pred.clamp(1.2e-7, 1.0 - 1.2e-7)).mean().backward()
            optimizer.step()
        with torch.no_grad():
            right = [model(self._pixels(part)).argmax(1) for part in self._held.split(_LARGE)]
        torch.set_num_threads(before)
        return float((torch.cat(right) == self._held_labels).float().mean())

    def _pixels(self, images):
        return images.float() * self._task.data.scale


def _small_cnn(input_shape, num_classes):
    from torch import nn

    height, width, channels = input_shape
    height, width = (ceil(ceil(side / 3) / 2) for side in (height, width))
    return nn.Sequential(
        nn.Conv2d(channels, 16, 5, 3, 2), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(),
        nn.Flatten(), nn.Linear(32 * height * width, 64), nn.ReLU(), nn.Linear(64, num_classes))


def _plain_in_torch(pset: gp.PrimitiveSet) -> Any:
    """Returns the set for ``gp.compile`` with PyTorch's own operators under the ten names."""
    import copy
    import operator

    import torch

    def of_tensor(function: Callable) -> Callable:
        return lambda a: function(torch.as_tensor(a))

    plain = copy.copy(pset)
    plain.context = {
        **pset.context, "add": operator.add, "sub": operator.sub, "mul": operator.mul,
        "div": lambda a, b: a / torch.as_tensor(b), "neg": operator.neg,
        **{name: of_tensor(getattr(torch, name)) for name in ("sqrt", "log", "exp", "sin", "cos")},
    }
    return plain
