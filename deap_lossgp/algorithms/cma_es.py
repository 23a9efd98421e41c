"""CMA-ES over numbers of which individuals are made, such as the constants of one tree."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from deap import cma, tools

from deap_lossgp.algorithms.loop import Stats, check_arguments, check_integer, run_generations
from deap_lossgp.constants import constants_of, with_constants
from deap_lossgp.primitives import LIMIT

if TYPE_CHECKING:
    from deap import base, gp


def eaConstants(individual: gp.PrimitiveTree, toolbox: base.Toolbox, ngen: int, sigma: float = 0.5,
                lambda_: int | None = None, stats: Stats | None = None,
                halloffame: tools.HallOfFame | None = None,
                verbose: bool = __debug__) -> tuple[list, tools.Logbook]:
    """Tunes the constants of one tree by CMA-ES, in the manner of DEAP's ``eaGenerateUpdate``.

    The pseudocode::

        evaluate(individual)
        strategy = Strategy(constants of individual, sigma)
        for g in range(ngen):
            population = trees with the constants that strategy generates
            evaluate(population)
            update strategy with the ranking of population

    A run asks for 1 + ngen·``lambda_`` evaluations, the first only if the individual's fitness is
    not known. CMA-ES reads nothing but the ranking, so any fitness serves that DEAP can compare:
    with :class:`~deap_lossgp.trees.LossFitness` the wins count first, and a failed training, of
    fitness -inf, is last. NaN counts as the worst value. The strategy draws from a stream of its
    own, seeded by one draw from ``random``. NumPy's global stream is neither read nor moved. Where
    the strategy has converged so far that its covariance is lost in rounding, it begins anew.

    Args:
        individual: The tree to start from: a ``deap.gp.PrimitiveTree`` with a ``fitness`` and at
            least one constant, such as :func:`~deap_lossgp.constants.insert_coefficients` makes.
            Not changed.
        toolbox: Uses ``evaluate``, ``clone`` and ``map``.
        ngen: Number of generations, at least 0.
        sigma: Initial standard deviation of every constant, positive. With 0.5 a coefficient of 1
            changes its sign in one of 44 draws.
        lambda_: Trees in each generation, at least 2; floor(4 + 3 log n) by default, for n
            constants.
        stats: A ``Statistics`` or ``MultiStatistics`` of the population, optional.
        halloffame: A ``HallOfFame``, updated with all that is evaluated and the individual,
            optional; without one the best of earlier generations is lost.
        verbose: Whether to print the logbook as it grows.

    Returns:
        The last generation, the best first, and a ``Logbook`` of one record per generation, 0
        being a copy of the individual.

    Raises:
        ValueError: The tree has no constants, or an argument is outside its range; nothing has
            been evaluated.

    Examples:
        >>> from deap import base
        >>> from deap_lossgp.constants import insert_coefficients
        >>> from deap_lossgp.psets import loss_primitive_set
        >>> from deap_lossgp.trees import LossTree
        >>> pset = loss_primitive_set()
        >>> baikal = LossTree.from_string("sub(div(y_true, y_pred), log(y_pred))", pset)
        >>> tree = insert_coefficients(baikal, pset)
        >>> print(tree)
        sub(mul(1.0, div(y_true, y_pred)), mul(1.0, log(mul(1.0, y_pred))))
        >>> toolbox = base.Toolbox()
        >>> toolbox.register("evaluate",
        ...                  lambda tree: (0.0, -sum((c - 3.0) ** 2 for c in constants_of(tree))))
        >>> random.seed(1)
        >>> best = tools.HallOfFame(1)
        >>> population, logbook = eaConstants(tree, toolbox, 40, halloffame=best, verbose=False)
        >>> [round(c, 2) for c in constants_of(best[0])], logbook.select("nevals")[:3]
        ([3.0, 3.0, 3.0], [1, 7, 7])

    References:
        N. Hansen and A. Ostermeier, "Completely derandomized self-adaptation in evolution
        strategies", Evolutionary Computation 9(2), 2001.
    """
    start = constants_of(individual)
    if not start:
        raise ValueError(f"individual must have at least one constant to tune, got a tree of "
                         f"{len(individual)} nodes with none: insert_coefficients gives it some")
    check_arguments([individual], ngen)
    tuning = NumbersTuning(start, partial(with_constants, individual), sigma, lambda_)

    def survive(_population, offspring):
        tuning.learn(offspring)
        return tools.selBest(offspring, len(offspring))

    # The strategy learns from a sample of its own distribution, so none of it may be left out.
    return run_generations([toolbox.clone(individual)], toolbox, ngen,
                           lambda _population: tuning.vary(), survive, stats, halloffame, verbose,
                           preselects=False)


class NumbersTuning:
    """CMA-ES over the numbers of individuals, a generation at a time.

    When it has converged so far that its covariance is lost in rounding, or run away from all
    numbers, it begins anew around its centre, with the initial standard deviation. No number is
    beyond ``deap_lossgp.primitives.LIMIT``.

    Args:
        start: The numbers to start from.
        express: ``express(numbers) -> individual``, without fitness.
        sigma, lambda_: As for :func:`eaConstants`.

    Raises:
        TypeError: ``lambda_`` is not an integer.
        ValueError: ``sigma`` or ``lambda_`` is outside its range.
    """

    def __init__(self, start: Sequence[float] | np.ndarray, express: Callable[[Any], Any],
                 sigma: float, lambda_: int | None = None) -> None:
        check_sigma(sigma)
        options = {}
        if lambda_ is not None:
            check_integer("lambda_", lambda_, 2)
            options["lambda_"] = lambda_
        self._express, self._numbers = express, []
        self._new_strategy = partial(cma.Strategy, sigma=sigma, **options)
        self._strategy = self._new_strategy(start)
        self._stream = _Stream(random.getrandbits(32))

    def vary(self) -> list:
        """Returns a generation of individuals drawn from the strategy's distribution."""
        with self._stream:
            self._numbers = [_bounded(row) for row in self._strategy.generate(list)]
        return [self._express(numbers) for numbers in self._numbers]

    def learn(self, offspring: list) -> None:
        """Updates the strategy with the individuals of the last ``vary``, evaluated by now."""
        with np.errstate(invalid="ignore", over="ignore"):
            self._strategy.update([_Vector(numbers, individual.fitness) for numbers, individual
                                   in zip(self._numbers, offspring, strict=True)])
        strategy = self._strategy
        if not all(np.isfinite(part).all() for part in (strategy.BD, strategy.centroid,
                                                        strategy.sigma)):
            self._strategy = self._new_strategy(_bounded(strategy.centroid))

    def centre(self) -> Any:
        """Returns the individual in the middle of the distribution, without fitness."""
        return self._express(_bounded(self._strategy.centroid))


def _bounded(numbers):
    return list(np.clip(np.nan_to_num(numbers), -LIMIT, LIMIT))


def check_sigma(sigma: float) -> None:
    """Refuses a standard deviation that is not positive and finite.

    Raises:
        ValueError: It is not.
    """
    if not (sigma > 0 and math.isfinite(sigma)):
        raise ValueError(f"sigma must be positive and finite, got {sigma}")


class _Vector(list):
    """Numbers with the fitness of their individual: what the strategy learns from."""

    def __init__(self, numbers, fitness):
        super().__init__(numbers)
        self.fitness = fitness


class _Stream:
    """A stream of random numbers that replaces NumPy's global one inside ``with``."""

    def __init__(self, seed):
        self.state = np.random.RandomState(seed).get_state()

    def __enter__(self):
        self.outside = np.random.get_state()
        np.random.set_state(self.state)

    def __exit__(self, *_exception):
        self.state = np.random.get_state()
        np.random.set_state(self.outside)
