"""The settings of comparisons and confirmations, checked before anything is loaded."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass, replace

import numpy as np

from deap_lossgp.comparison.confirmation_results import BASELINE
from deap_lossgp.data.folders import check_image_mode, read_size
from deap_lossgp.data.names import dataset_name
from deap_lossgp.errors import at_least, unknown_name
from deap_lossgp.search.algorithms import ALGORITHMS
from deap_lossgp.search.fitness import fitness_mode
from deap_lossgp.search.settings import RunSettings
from deap_lossgp.training.tasks import Task

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

        Examples:
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


@dataclass(frozen=True, kw_only=True)
class ComparisonSettings(RunSettings):
    """Everything that determines a comparison of algorithms; ``algorithm`` is left aside.

    Attributes:
        arms: Names of ``ALGORITHMS``, each started from the same populations.
        replicates: How often, each time from another initial population and seed.
        initial: The fitness mode whose notion of validity the initial populations are drawn by, so
            that comparisons under different modes can start alike; None for ``fitness``.
        seed_losses: Names of known losses that are put into every initial population.
        known_losses: Names of known losses that are tested beside the winners.
    """

    arms: tuple[str, ...] = ("archive", "sample-tournament", "random")
    replicates: int = 1
    initial: str | None = None
    seed_losses: tuple[str, ...] = ()
    known_losses: tuple[str, ...] = ()

    def __post_init__(self):
        super().__post_init__()
        for arm in self.arms:
            if arm not in ALGORITHMS:
                raise unknown_name("arm", arm, ALGORITHMS)
        if not self.arms or len(set(self.arms)) < len(self.arms):
            raise ValueError(f"expected distinct arms, at least 1, got {list(self.arms)}")
        at_least(self, "replicates", 1)
        if self.initial is not None:
            fitness_mode(self.initial)
        if len(self.seed_losses) > self.population:
            raise ValueError(f"seed_losses must be at most the population, {self.population}, "
                             f"got {len(self.seed_losses)}")

    def asked(self, arm):
        """How many evaluations an arm asks for in a replicate."""
        return ALGORITHMS[arm].evaluations(self)

    @property
    def folder(self):
        """A folder name of its own for these settings, but for those that may change."""
        fixed = {k: v for k, v in asdict(self).items()
                 if k not in ("arms", "replicates", "known_losses")}
        digest = hashlib.sha256(json.dumps(fixed, sort_keys=True).encode()).hexdigest()
        names = map(dataset_name, self.datasets)
        return "-".join([*names, "comparison", f"seed{self.seed}", digest[:6]])
