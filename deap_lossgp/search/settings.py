"""The settings of a run, checked before anything is loaded."""

from dataclasses import dataclass

from deap_lossgp.algorithms.sample_tournament import tournament_sizes
from deap_lossgp.errors import at_least, unknown_name
from deap_lossgp.search.arms import ALGORITHMS
from deap_lossgp.search.fitness import FITNESS_MODES, fitness_mode
from deap_lossgp.settings import documented, setting
from deap_lossgp.training.tasks import NETWORK_NAMES, TaskSettings

RESCORING = ("fitness", "mean_over_all")
"""Settings that may change in a run's folder: they rank what the store holds."""


@documented
@dataclass(frozen=True, kw_only=True)
class RunSettings(TaskSettings):
    """Everything that determines a run's results; by default the thesis's P and T, on digits.

    A value out of its range is a ValueError, one of a wrong type a TypeError.
    """

    group = "search"

    model: str = setting(
        "small_cnn", f"the network: {', '.join(NETWORK_NAMES)}, or module:function", group="data")
    algorithm: str = setting("sample-tournament", f"the algorithm: {', '.join(ALGORITHMS)}")
    population: int = setting(8, "P, the size of the population, at least 1")
    generations: int = setting(4, "T, the number of generations, at least 0")
    sample_size: int | None = setting(
        None, "G, the sample of the sample tournament; by default floor(3P/4)")
    parents: int | None = setting(
        None, "N, the parents that the sample tournament selects; by default floor(G/2)")
    crossover: float = setting(
        0.5, "C_r, the probability that both parents come from the population")
    subtree_mutation: float = setting(0.3, "M_ST, the probability of subtree mutation")
    point_mutation: float = setting(0.1, "M_N, the probability of point mutation")
    fitness: str = setting("error", f"{', '.join(FITNESS_MODES)}, or module:function")
    mean_over_all: bool = setting(
        False, "whether the improvement is averaged over all data sets, not only those won")
    protected: bool = setting(
        True, "whether primitives are protected; with --plain they are not", flag="--plain")
    max_size: int = setting(128, "the largest number of nodes of a tree, at least 4")
    max_height: int = setting(100, "the largest height of a tree, at least 2")
    seed: int = setting(0, "the seed of everything")
    test_seeds: int = setting(
        3, "fresh seeds with which the best loss and cross entropy are trained and tested")

    def __post_init__(self):
        super().__post_init__()
        if self.algorithm not in ALGORITHMS:
            raise unknown_name("algorithm", self.algorithm, ALGORITHMS)
        if not isinstance(self.fitness, str):
            raise TypeError(f"fitness must be a name or 'module:function', got {self.fitness!r}")
        fitness_mode(self.fitness)
        for name, least in (("population", 1), ("generations", 0), ("test_seeds", 0), ("seed", 0),
                            ("max_height", 2), ("max_size", 4)):
            at_least(self, name, least)
        if self.seed + self.test_seeds >= 2**32:
            raise ValueError(f"seed and test_seeds must stay below 2**32, got {self.seed} and "
                             f"{self.test_seeds}")
        for name in ("crossover", "subtree_mutation", "point_mutation"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} must lie in [0, 1], got {getattr(self, name)}")
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
