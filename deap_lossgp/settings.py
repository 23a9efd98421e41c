"""The settings of a run and how it is executed, checked before anything is loaded."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass, fields
from numbers import Real

from deap_lossgp.algorithms import tournament_sizes
from deap_lossgp.dataset_names import dataset_name, is_path
from deap_lossgp.fitness import fitness_mode
from deap_lossgp.image_folders import check_image_mode, read_size
from deap_lossgp.naming import unknown_name

ALGORITHMS = ("sample-tournament", "archive", "random", "regularized", "glo")
ENGINES = ("local", "ray")
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
        algorithm: A name of ``ALGORITHMS``.
        datasets: Names of data sets, and paths of folders of images or of ``.npz`` files.
        data_dir: Folder with ``NAME.npz`` files; None for what is embedded or in Keras's cache.
        image_size: N, ``HxW`` or (h, w), to which images in folders are brought; None for 32.
        image_mode: ``grey`` or ``rgb``, to which they are brought; None for grey if all are.
        model: A name of ``networks.NETWORKS``, or ``module:function``.
        population, generations: P, at least 1, and T, at least 0.
        sample_size, parents: G and N of the sample tournament; None for floor(3P/4), floor(G/2).
        crossover: C_r, the probability that both parents come from the population.
        subtree_mutation, point_mutation: M_ST and M_N.
        fitness: A name of ``fitness.FITNESS_MODES``, or ``module:function``.
        mean_over_all: As for ``fitness.compare``.
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
        if self.algorithm not in ALGORITHMS:
            raise unknown_name("algorithm", self.algorithm, ALGORITHMS)
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
            _at_least(self, name, least)
        if self.seed + self.test_seeds >= 2**32:
            raise ValueError(f"seed and test_seeds must stay below 2**32, got {self.seed} and "
                             f"{self.test_seeds}")
        for name in ("crossover", "subtree_mutation", "point_mutation"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} must lie in [0, 1], got {getattr(self, name)}")
        if self.max_height < 2 or self.max_size < 4:
            raise ValueError(f"max_height must be at least 2 and max_size at least 4, "
                             f"got {self.max_height} and {self.max_size}")
        if self.algorithm == "archive" and (self.sample_size or self.parents):
            raise ValueError("sample_size and parents belong to the sample tournament, "
                             "the archive algorithm has none")
        tournament_sizes(self.population, self.sample_size, self.parents)

    @property
    def children(self):
        """N, the children of a generation; every algorithm's but the archive's."""
        return tournament_sizes(self.population, self.sample_size, self.parents)[1]

    @property
    def stages(self):
        """Generations of GLO's two stages; the second has one more record, its start."""
        second = self.generations // 2
        return self.generations - second, second

    @property
    def evaluations(self):
        """How many evaluations the run asks for: P + T N, or P + T P for the archive.

        GLO asks for one more, the start of its second stage, and for at least 2 there at a time.
        """
        if self.algorithm == "archive":
            return self.population * (1 + self.generations)
        if self.algorithm == "glo":
            first, second = self.stages
            tuned = 1 + second * max(2, self.children)
            return self.population + first * self.children + tuned
        return self.population + self.generations * self.children

    @property
    def folder(self):
        """A folder name of its own for these settings."""
        digest = hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()
        names = map(dataset_name, self.datasets)
        return "-".join([*names, self.algorithm, f"seed{self.seed}", digest[:6]])


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
        _at_least(self, "replicates", 1)
        if self.initial is not None:
            fitness_mode(self.initial)
        if len(self.seed_losses) > self.population:
            raise ValueError(f"seed_losses must be at most the population, {self.population}, "
                             f"got {len(self.seed_losses)}")

    def asked(self, arm):
        """How many evaluations an arm asks for in a replicate."""
        settings = {f.name: getattr(self, f.name) for f in fields(RunSettings)}
        if arm == "archive":
            settings |= {"sample_size": None, "parents": None}
        return RunSettings(**{**settings, "algorithm": arm}).evaluations

    @property
    def folder(self):
        """A folder name of its own for these settings, but for those that may change."""
        fixed = {k: v for k, v in asdict(self).items()
                 if k not in ("arms", "replicates", "known_losses")}
        digest = hashlib.sha256(json.dumps(fixed, sort_keys=True).encode()).hexdigest()
        names = map(dataset_name, self.datasets)
        return "-".join([*names, "comparison", f"seed{self.seed}", digest[:6]])


@dataclass(frozen=True, kw_only=True)
class Execution:
    """How a run is executed; another time, or on another machine, it may be otherwise.

    Attributes:
        workers: Processes that train; 0 for none but this one, which then nothing can interrupt.
            Ray has as many as its cluster has room for.
        engine: A name of ``ENGINES``.
        address: As for ``clusters.RayTasks``.
        gpus_per_training: GPUs that Ray gives each training, in parts of one if need be.
        threads, determinism: As for ``tensorflow_setup.prepare_tensorflow``.
        time_limit: Seconds of one training, compiling aside; None for no limit.
    """

    workers: int = 1
    engine: str = "local"
    address: str | None = None
    gpus_per_training: float = 0.0
    threads: int = 1
    determinism: bool | None = None
    time_limit: float | None = None

    def __post_init__(self):
        if self.engine not in ENGINES:
            raise unknown_name("engine", self.engine, ENGINES)
        for name, least in (("workers", 0), ("threads", 1), ("gpus_per_training", 0)):
            _at_least(self, name, least)
        if self.time_limit is not None and not 0.0 < self.time_limit < float("inf"):
            raise ValueError(f"time_limit must be positive and finite, got {self.time_limit}")
        if self.time_limit and self.engine == "local" and not self.workers:
            raise ValueError("time_limit needs workers, at least 1, got 0")
        if self.engine == "local" and (self.address or self.gpus_per_training):
            raise ValueError("address and gpus_per_training belong to the engine 'ray', "
                             "got engine 'local'")


def _at_least(settings, name, least):
    value = getattr(settings, name)
    if not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not value >= least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
