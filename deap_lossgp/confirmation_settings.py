"""The settings of a confirmation: how losses are trained side by side, checked before anything."""

import os
from dataclasses import dataclass, replace

import numpy as np

from deap_lossgp.confirmation_results import BASELINE
from deap_lossgp.errors import unknown_name
from deap_lossgp.image_folders import check_image_mode, read_size
from deap_lossgp.tasks import Task

OPTIMIZERS = {"adam": {}, "sgd": {"momentum": 0.9}}
"""Keras's optimizers that can be asked for, each with its options besides the learning rate."""

CHANGEABLE = ("losses", "compare", "tasks", "datasets", "data_dir", "models", "seeds")
"""What may be other in a folder that holds trainings: what is there already is kept."""

TASK_OPTIONS = ("image_size", "image_mode", "epochs", "batch_size", "learning_rate", "train_size",
                "validation_share", "augmentation", "mixed_precision")
"""Settings that describe the tasks besides the data sets and models; arguments of ``Task.load``."""


@dataclass(frozen=True, kw_only=True)
class ConfirmationSettings:
    """Everything but the losses that determines a confirmation.

    Attributes:
        datasets, data_dir, image_size, image_mode: As for ``RunSettings``.
        models: Names of networks, or ``module:function``.
        compare: Known losses, or others, to train beside; cross entropy always is.
        seeds: Trainings of each loss on each data set and network, each from another seed.
        seed: From which these are drawn. They are not those of an evolution with this seed.
        optimizer: A name of ``OPTIMIZERS``.
        scale: As for ``TreeLoss``: by default gradients are brought to that of cross entropy, as in
            the evolution.
        epochs, batch_size, learning_rate, train_size, validation_share, augmentation,
            mixed_precision: As for ``Task``.
    """

    datasets: tuple[str, ...] = ("digits",)
    data_dir: str | None = None
    image_size: tuple[int, int] | None = None
    image_mode: str | None = None
    models: tuple[str, ...] = ("small_cnn",)
    compare: tuple[str, ...] = (BASELINE, "ngl")
    seeds: int = 5
    seed: int = 0
    optimizer: str = "adam"
    scale: float | str = BASELINE
    epochs: int = 15
    batch_size: int = 64
    learning_rate: float = 1e-3
    train_size: int | None = None
    validation_share: float = 0.1
    augmentation: bool = False
    mixed_precision: bool = False

    def __post_init__(self):
        if self.optimizer not in OPTIMIZERS:
            raise unknown_name("optimizer", self.optimizer, OPTIMIZERS)
        for name, least in (("seeds", 1), ("seed", 0)):
            if not getattr(self, name) >= least:
                raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}")
        if self.data_dir is not None:
            object.__setattr__(self, "data_dir", os.path.abspath(self.data_dir))
        if self.image_size is not None:
            object.__setattr__(self, "image_size", read_size(self.image_size))
        check_image_mode(self.image_mode)
        if (self.image_size or self.image_mode) and not any(map(os.path.isdir, self.datasets)):
            raise ValueError(f"image_size and image_mode belong to folders of images, "
                             f"got the data sets {', '.join(self.datasets)}")

    def seed_values(self):
        """The seeds themselves; more of them leave the first ones as they are.

        >>> ConfirmationSettings(seeds=2).seed_values()
        [2821894394, 1959213352]
        """
        # SeedSequence(seed) itself gives the replicates of a comparison their seeds.
        children = np.random.SeedSequence([self.seed, 1]).spawn(self.seeds)
        return [int(child.generate_state(1)[0]) for child in children]

    def tasks(self):
        """A ``Task`` for each data set and network, on data that is loaded once."""
        budget, tasks = {name: getattr(self, name) for name in TASK_OPTIONS}, []
        for dataset in self.datasets:
            first = Task.load(dataset, self.models[0], data_dir=self.data_dir, **budget)
            tasks += [first, *(replace(first, network=model) for model in self.models[1:])]
        return tasks
