"""The settings of a run and how it is executed, checked before anything is loaded."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass

from deap_lossgp.algorithms.sample_tournament import tournament_sizes
from deap_lossgp.data.folders import check_image_mode, read_size
from deap_lossgp.data.names import dataset_name, is_path
from deap_lossgp.errors import at_least
from deap_lossgp.search.algorithms import ALGORITHMS, check_algorithm
from deap_lossgp.search.fitness import fitness_mode

RESCORING = ("fitness", "mean_over_all")
"""Settings that may change in a run's folder: they rank what the store holds."""
TASK_SETTINGS = ("datasets", "data_dir", "model", "epochs", "batch_size", "learning_rate",
                 "train_size", "validation_share", "augmentation", "mixed_precision",
                 "jit_compile", "image_size", "image_mode")
"""Settings that describe the tasks; from the second on they are arguments of ``Task.load``."""


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """Everything that determines a run's results; by default the thesis's P and T, on digits.

    Attributes:
        algorithm: A name of ``search.algorithms.ALGORITHMS``.
        datasets: Names of data sets, and paths of folders of images or of ``.npz`` files.
        data_dir: Folder with ``NAME.npz`` files; None for what is embedded or in Keras's cache.
        image_size: N, ``HxW`` or (h, w), to which images in folders are brought; None for 32.
        image_mode: ``grey`` or ``rgb``, to which they are brought; None for grey if all are.
        model: A name of ``training.networks.NETWORKS``, or ``module:function``.
        population, generations: P, at least 1, and T, at least 0.
        sample_size, parents: G and N of the sample tournament; None for floor(3P/4), floor(G/2).
        crossover: C_r, the probability that both parents come from the population.
        subtree_mutation, point_mutation: M_ST and M_N.
        fitness: A name of ``search.fitness.FITNESS_MODES``, or ``module:function``.
        mean_over_all: As for ``search.fitness.compare``.
        epochs, batch_size, learning_rate, train_size, validation_share, augmentation,
            mixed_precision, jit_compile: As for ``Task``.
        protected: Whether the primitives are protected.
        max_size, max_height: Limits on trees.
        seed: Of everything.
        test_seeds: Fresh seeds on which the best loss and cross entropy are trained and tested.
    """

    algorithm: str = "sample-tournament"
    datasets: tuple[str, ...] = ("digits",)
    data_dir: str | None = None
    image_size: tuple[int, int] | None = None
    image_mode: str | None = None
    model: str = "small_cnn"
    population: int = 8
    generations: int = 4
    sample_size: int | None = None
    parents: int | None = None
    crossover: float = 0.5
    subtree_mutation: float = 0.3
    point_mutation: float = 0.1
    fitness: str = "error"
    mean_over_all: bool = False
    epochs: int = 15
    batch_size: int = 64
    learning_rate: float = 1e-3
    train_size: int | None = None
    validation_share: float = 0.1
    augmentation: bool = False
    mixed_precision: bool = False
    jit_compile: bool = False
    protected: bool = True
    max_size: int = 128
    max_height: int = 100
    seed: int = 0
    test_seeds: int = 3

    def __post_init__(self):
        check_algorithm(self)
        if not isinstance(self.fitness, str):
            raise TypeError(f"fitness must be a name or 'module:function', got {self.fitness!r}")
        fitness_mode(self.fitness)
        # A path has one spelling, with or without a slash at its end.
        object.__setattr__(self, "datasets", tuple(
            os.path.normpath(name) if is_path(name) else name for name in self.datasets))
        if self.data_dir is not None:
            object.__setattr__(self, "data_dir", os.path.abspath(self.data_dir))
        if self.image_size is not None:
            object.__setattr__(self, "image_size", read_size(self.image_size))
        check_image_mode(self.image_mode)
        if (self.image_size or self.image_mode) and not any(map(os.path.isdir, self.datasets)):
            raise ValueError(f"image_size and image_mode belong to folders of images, "
                             f"got the data sets {', '.join(self.datasets)}")
        for name, least in (("population", 1), ("generations", 0), ("test_seeds", 0), ("seed", 0)):
            at_least(self, name, least)
        if self.seed + self.test_seeds >= 2**32:
            raise ValueError(f"seed and test_seeds must stay below 2**32, got {self.seed} and "
                             f"{self.test_seeds}")
        for name in ("crossover", "subtree_mutation", "point_mutation"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} must lie in [0, 1], got {getattr(self, name)}")
        if self.max_height < 2 or self.max_size < 4:
            raise ValueError(f"max_height must be at least 2 and max_size at least 4, "
                             f"got {self.max_height} and {self.max_size}")
        tournament_sizes(self.population, self.sample_size, self.parents)

    @property
    def evaluations(self):
        """How many evaluations the run asks for."""
        return ALGORITHMS[self.algorithm].evaluations(self)

    @property
    def folder(self):
        """A folder name of its own for these settings."""
        digest = hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()
        names = map(dataset_name, self.datasets)
        return "-".join([*names, self.algorithm, f"seed{self.seed}", digest[:6]])
