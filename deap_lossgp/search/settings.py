"""The settings of a run, checked before anything is loaded."""

import math
import os
from dataclasses import dataclass, fields

from deap_lossgp.algorithms.loop import check_integer
from deap_lossgp.algorithms.sample_tournament import tournament_sizes
from deap_lossgp.errors import at_least, unknown_name
from deap_lossgp.operators import LEAVES
from deap_lossgp.search.algorithms import ALGORITHMS, check_algorithm
from deap_lossgp.search.fitness import FITNESS_MODES, fitness_mode
from deap_lossgp.search.race import seeds_needed
from deap_lossgp.settings import documented, setting
from deap_lossgp.training.tasks import NETWORK_NAMES, TaskSettings

SEED_LOSSES = ("baikal_cma", "ngl", "baikal", "focal", "mse")
"""Known losses that are in the initial population by default, the most promising first."""

RESCORING = ("fitness", "mean_over_all", "score_epochs")
"""Settings that may change in a run's folder: they rank what the store holds."""

FINAL = ("final_epochs", "final_size", "rate_factors", "select")
"""Settings that may change in a run's folder: the search does not depend on them."""

GROWING = ("generations", "population", "test_seeds")
"""Settings that may grow in a run's folder: the run is executed again, with what is stored."""

STOPPING = ("max_minutes", "max_trainings", "max_epochs", "patience")
"""Settings that may end a run before its last generation; they may change in its folder, too."""

OF_NETWORKS = ("rungs", "preselect", "finalists", "select", "rate_factors")
"""Settings for a fitness that compares networks, as all but ``thesis`` do; it makes no use of them.
"""

_CHOICES = 8  # finalists, or learning rates, for which there are always seeds

SELECTIONS = ("best", "simplest")
"""Which of the finalists is the result."""


@documented
@dataclass(frozen=True, kw_only=True)
class RunSettings(TaskSettings):
    """Everything that determines a run's results; by default the thesis's P and T, on digits.

    A value out of its range is a ValueError, one of a wrong type a TypeError.
    """

    group = "search"

    model: str = setting(
        "small_cnn", f"the network: {', '.join(NETWORK_NAMES)}, or module:function", group="data")
    algorithm: str = setting("sample-tournament", "the algorithm: " + "; ".join(
        f"{name} ({algorithm.description})" for name, algorithm in ALGORITHMS.items()))
    population: int = setting(8, "P, the size of the population, at least 1")
    generations: int = setting(4, "T, the number of generations, at least 0")
    max_minutes: float | None = setting(
        None, "minutes that the generations may take, all starts of the run together; then no "
        "further one begins, and race and tests follow")
    max_trainings: int | None = setting(
        None, "trainings after which no further generation begins, one for each loss and data set; "
        "those of race and tests are not counted")
    max_epochs: int | None = setting(
        None, "epochs of training after which no further generation begins, cross entropy's among "
        "them; those of race and tests are not counted")
    patience: int | None = setting(
        None, "generations without a better best after which no further one begins")
    sample_size: int | None = setting(
        None, "G, the sample of the sample tournament; by default floor(3P/4)")
    parents: int | None = setting(
        None, "N, the parents that the sample tournament selects; by default floor(G/2)")
    crossover: float = setting(
        0.5, "C_r, the probability that both parents come from the population")
    subtree_mutation: float = setting(0.3, "M_ST, the probability of subtree mutation")
    point_mutation: float = setting(0.1, "M_N, the probability of point mutation")
    leaf_mutation: str = setting(
        "terminal", "what point mutation makes of a leaf: an operator with new leaves, as in the "
        "thesis (and of a node any operator, perhaps the same), or another terminal",
        metavar="operator|terminal")
    root_mutation: bool = setting(
        True, "whether subtree mutation may replace the whole tree; with --keep-root it may not, "
        "as in the thesis", flag="--keep-root")
    child_attempts: int = setting(
        10, "how often a child that is not valid is made, before a new tree takes its place; 1 "
        "with --search thesis")
    fitness: str = setting("error", f"{', '.join(FITNESS_MODES)}, or module:function")
    mean_over_all: bool = setting(
        False, "whether the improvement is averaged over all data sets, not only those won")
    score_epochs: int | None = setting(
        None, "epochs at the end of a training over which the figures that the fitness compares "
        "are averaged; by default the second half of them, with fitness thesis the last one "
        "(balanced accuracy is always that of the last)")
    protected: bool = setting(
        True, "whether primitives are protected; with --plain they are not", flag="--plain")
    max_size: int = setting(128, "the largest number of nodes of a tree, at least 4")
    max_height: int = setting(100, "the largest height of a tree, at least 2")
    seed_losses: tuple[str, ...] | None = setting(
        None, "losses in the initial population: known ones by name, files, or folders of runs; by "
        f"default {', '.join(SEED_LOSSES)}, in about a quarter of it", nargs="*",
        metavar="LOSS")
    rungs: bool = setting(
        True, "whether trainings are stopped after 1 or 3 epochs if they fall behind those of "
        "earlier generations; with --no-rungs they are not", flag="--no-rungs")
    audit: float = setting(
        0.0, "share of the stopped trainings that are finished when the search is over, to report "
        "what stopping would have lost; the search does not see them", metavar="SHARE")
    preselect: bool = setting(
        True, "whether a surrogate, which learns from the atlas and from the run, chooses the "
        "children that are trained, and the finalists where their budget is another one; with "
        "--no-preselect all children are trained", flag="--no-preselect")
    prior: bool = setting(
        True, "whether the surrogate learns from the atlas before the run has any trainings; with "
        "--no-prior it learns from the run alone", flag="--no-prior")
    learn_from: tuple[str, ...] = setting(
        (), "folders of earlier runs, of any data sets and networks but with the same primitives, "
        "from whose trainings the surrogate learns, too", nargs="*", metavar="RUN")
    finalists: int = setting(
        4, "losses, cross entropy and the best known one among them, that are trained again with "
        "fresh seeds before the best is chosen; 0 takes the best of the search")
    final_epochs: int | None = setting(
        None, "epochs of the trainings of finalists and of the tests; by default those of the "
        "search")
    final_size: int | None = setting(
        None, "training images of these; by default all that are not kept for validation, 0 for "
        "as many as in the search")
    select: str = setting(
        "best", "the finalist that is the result: best, or simplest (the fewest nodes within a "
        "standard error of the best)", choices=SELECTIONS)
    tune_constants: int = setting(
        0, "further evaluations with which CMA-ES tunes the constants of the best loss before the "
        "race, 0 or at least 2")
    rate_factors: tuple[float, ...] = setting(
        (0.5, 1.0, 2.0, 4.0), "multiples of the learning rate among which cross entropy's best is "
        "chosen, for one more column in the table of tests; without numbers there is none",
        nargs="*", type=float, metavar="FACTOR")
    seed: int = setting(0, "the seed of everything")
    test_seeds: int = setting(
        3, "further fresh seeds with which the best loss and cross entropy are trained and tested")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_algorithm(self)
        if not isinstance(self.fitness, str):
            raise TypeError(f"fitness must be a name or 'module:function', got {self.fitness!r}")
        fitness_mode(self.fitness)
        if self.leaf_mutation not in LEAVES:
            raise ValueError(f"leaf_mutation must be {' or '.join(LEAVES)}, "
                             f"got {self.leaf_mutation!r}")
        for name, least in (("population", 1), ("generations", 0), ("test_seeds", 0), ("seed", 0),
                            ("finalists", 0), ("max_height", 2), ("max_size", 4),
                            ("child_attempts", 1)):
            at_least(self, name, least)
        if self.max_minutes is not None and not 0.0 <= self.max_minutes < math.inf:
            raise ValueError(f"max_minutes must be at least 0 and finite, got {self.max_minutes}")
        for name in ("score_epochs", "max_trainings", "max_epochs", "patience"):
            if getattr(self, name) is not None:
                check_integer(name, getattr(self, name), 1)
        if self.seed_losses is not None and len(self.seed_losses) > self.population:
            raise ValueError(f"seed_losses must be at most the population, {self.population}, "
                             f"got {len(self.seed_losses)}")
        object.__setattr__(self, "learn_from", _names(self.learn_from))
        if self.learn_from and (not self.preselect or self.fitness == "thesis"):
            raise ValueError("learn_from needs a surrogate to teach: it cannot be combined with "
                             f"{'fitness thesis' if self.preselect else '--no-preselect'}")
        if self.finalists == 1:
            raise ValueError("finalists must be 0 or at least 2, got 1: a race takes two")
        self._check_finals()
        if self.fresh_seeds()[-1].stop > 2**32:
            raise ValueError(f"seed, and the seeds after it for tests and race, must stay below "
                             f"2**32, got {self.seed}")
        if self.audit and (not self.rungs or self.fitness == "thesis"):
            raise ValueError("audit needs trainings that are stopped: it cannot be combined with "
                             f"{'fitness thesis' if self.rungs else '--no-rungs'}")
        for name in ("crossover", "subtree_mutation", "point_mutation", "audit"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} must lie in [0, 1], got {getattr(self, name)}")
        sample_size, _ = tournament_sizes(self.population, self.sample_size)
        if self.parents is not None:
            check_integer("parents", self.parents, 1, sample_size, "G, the sample_size")

    def _check_finals(self):
        for name, least in (("final_epochs", 1), ("final_size", 0)):
            if getattr(self, name) is not None:
                check_integer(name, getattr(self, name), least)
        if self.select not in SELECTIONS:
            raise unknown_name("select", self.select, SELECTIONS)
        check_integer("tune_constants", self.tune_constants, 0)
        if self.tune_constants == 1:
            raise ValueError("tune_constants must be 0 or at least 2, got 1: CMA-ES makes two "
                             "losses at a time")
        for factor in self.rate_factors:
            if not 0.0 < factor < float("inf"):
                raise ValueError(f"rate_factors must be positive and finite, got {factor!r}")

    def fresh_seeds(self) -> tuple[range, range]:
        """Returns the seeds of choices, in the race and among learning rates, and of the tests.

        Returns:
            Two ranges, in which no seed occurs twice, nor that of the search. The second does not
            depend on how many finalists and learning rates there are, up to eight of each, and the
            first not on how many tests: so each can change in a run's folder without the other.
        """
        arms = max(self.finalists, len({1.0, *self.rate_factors}), _CHOICES)
        tests = self.seed + 1 + seeds_needed(arms)
        return range(self.seed + 1, tests), range(tests, tests + self.test_seeds)

    @property
    def initial_losses(self) -> tuple[str, ...]:
        """The losses of ``seed_losses``, by default a quarter of all: more of them find less."""
        if self.seed_losses is None:
            return SEED_LOSSES[: (self.population + 2) // 4]
        return self.seed_losses

    @property
    def without_effect(self) -> list[str]:
        """Names of settings that were asked for and of which the fitness makes no use."""
        if self.fitness != "thesis":
            return []
        usual = {field.name: field.default for field in fields(self)}
        return [name for name in OF_NETWORKS if getattr(self, name) not in (usual[name], 0, ())]

    @property
    def scored_epochs(self) -> int | None:
        """``score_epochs``, but the last one by default in mode ``thesis``."""
        return 1 if self.fitness == "thesis" and not self.score_epochs else self.score_epochs

    @property
    def evaluations(self) -> int:
        """How many evaluations the run asks for."""
        return ALGORITHMS[self.algorithm].evaluations(self)


def _names(paths):
    """Returns one path, or several, as a tuple of texts."""
    paths = (paths,) if isinstance(paths, str | os.PathLike) else paths
    return tuple(os.fspath(path) for path in paths)
