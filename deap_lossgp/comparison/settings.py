"""The settings of comparisons and confirmations, checked before anything is loaded."""

from dataclasses import dataclass

import numpy as np

from deap_lossgp.comparison.confirmation_results import BASELINE
from deap_lossgp.errors import at_least, unknown_name
from deap_lossgp.search.algorithms import ALGORITHMS
from deap_lossgp.search.fitness import fitness_mode
from deap_lossgp.search.settings import STOPPING, RunSettings
from deap_lossgp.settings import documented, setting
from deap_lossgp.training.tasks import NETWORK_NAMES, TaskSettings

OPTIMIZERS = {"adam": {}, "sgd": {"momentum": 0.9}}
"""Keras's optimizers that can be chosen, each with its options besides the learning rate."""


def number_or_name(text: str) -> float | str:
    """Reads a number; any other text is kept as a name."""
    try:
        return float(text)
    except ValueError:
        return text


@documented
@dataclass(frozen=True, kw_only=True)
class ConfirmationSettings(TaskSettings):
    """Everything but the losses that determines a confirmation.

    A value out of its range is a ValueError, one of a wrong type a TypeError.
    """

    group = "comparison"
    networks_field = "models"

    models: tuple[str, ...] = setting(
        ("small_cnn",), f"networks, each {', '.join(NETWORK_NAMES)}, or module:function",
        flag="--model", metavar="NAME", group="data")
    compare: tuple[str, ...] = setting(
        (BASELINE, "ngl"), "further losses to train; cross entropy always is trained",
        nargs="*", metavar="LOSS")
    seeds: int = setting(
        5, "trainings of each loss on each data set and network, each with another seed")
    seed: int = setting(
        0, "the seed from which these seeds are drawn; an evolution with this seed has others")
    optimizer: str = setting(
        "adam", f"{' or '.join(OPTIMIZERS)} (with momentum 0.9)", group="training")
    scale: float | str = setting(
        BASELINE, "the number that a loss is multiplied by; cross_entropy: gradients become as "
        "large as those of cross entropy, as in the evolution", type=number_or_name,
        metavar="NUMBER|cross_entropy", group="training")

    def __post_init__(self) -> None:
        for name in ("models", "compare"):
            value = getattr(self, name)
            object.__setattr__(self, name, (value,) if isinstance(value, str) else tuple(value))
        super().__post_init__()
        if self.optimizer not in OPTIMIZERS:
            raise unknown_name("optimizer", self.optimizer, OPTIMIZERS)
        for name, least in (("seeds", 1), ("seed", 0)):
            at_least(self, name, least)

    def seed_values(self) -> list[int]:
        """Draws the seeds; more of them leave the first ones as they are.

        Returns:
            list of ``seeds`` integers below 2**32.

        Examples:
            >>> ConfirmationSettings(seeds=2).seed_values()
            [2821894394, 1959213352]
        """
        # SeedSequence(seed) itself gives the replicates of a comparison their seeds.
        children = np.random.SeedSequence([self.seed, 1]).spawn(self.seeds)
        return [int(child.generate_state(1)[0]) for child in children]


@documented
@dataclass(frozen=True, kw_only=True)
class ComparisonSettings(RunSettings):
    """Everything that determines a comparison of algorithms.

    A value out of its range is a ValueError, one of a wrong type a TypeError.
    """

    group = "comparison"

    algorithm: str = "sample-tournament"  # not used: each arm has its own
    arms: tuple[str, ...] = setting(
        ("archive", "sample-tournament", "random"),
        f"algorithms that start from the same populations: {', '.join(ALGORITHMS)}",
        metavar="NAME")
    replicates: int = setting(1, "repetitions, each from another initial population and seed")
    initial: str | None = setting(
        None, "the fitness whose screening the initial populations must pass, so that comparisons "
        "with different fitness can start alike; by default that of the search",
        metavar="FITNESS")
    seed_losses: tuple[str, ...] = setting(
        (), "known losses to put into every initial population", nargs="*", metavar="NAME")
    rungs: bool = setting(
        False, "whether every arm's trainings are stopped if they fall behind those of its earlier "
        "generations", flag="--rungs")
    preselect: bool = setting(
        False, "whether a surrogate chooses the children of every arm that are trained",
        flag="--preselect")
    score_epochs: int | None = setting(
        1, "epochs at the end of a training over which the figures that the fitness compares are "
        "averaged")
    finalists: int = 0  # not used: each arm's winner is the best of its search, and tested as it is
    final_epochs: int | None = None
    final_size: int | None = 0
    select: str = "best"
    tune_constants: int = 0
    rate_factors: tuple[float, ...] = ()
    learn_from: tuple[str, ...] = ()  # not used: every arm knows the same
    audit: float = 0.0  # not used
    max_minutes: float | None = None  # nor are these: all replicates of an arm are as long
    max_trainings: int | None = None
    max_epochs: int | None = None
    patience: int | None = None
    known_losses: tuple[str, ...] = setting(
        (), "known losses to test beside the winners", metavar="NAME")

    def __post_init__(self) -> None:
        super().__post_init__()
        for arm in self.arms:
            if arm not in ALGORITHMS:
                raise unknown_name("arm", arm, ALGORITHMS)
        if not self.arms or len(set(self.arms)) < len(self.arms):
            raise ValueError(f"expected distinct arms, at least 1, got {list(self.arms)}")
        for name in STOPPING:
            if getattr(self, name) is not None:
                raise ValueError(f"{name} belongs to single runs: the arms of a comparison are "
                                 f"compared at equal trainings; choose fewer generations")
        for name in ("replicates", "test_seeds"):
            at_least(self, name, 1)
        if self.initial is not None:
            fitness_mode(self.initial)

    def asked(self, arm: str) -> int:
        """Returns how many evaluations an arm asks for in a replicate."""
        return ALGORITHMS[arm].evaluations(self)
