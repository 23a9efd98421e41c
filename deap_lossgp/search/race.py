"""The race of the finalists: who is best is decided with seeds that the search did not rank by.

The best of many losses at one seed is mostly a lucky one: near the top, losses differ by less than
seeds do. So the best few are trained again with fresh seeds, in rounds; after each round the worse
half leaves, and those that stay get twice as many seeds. Every round costs about the same: 8 arms
have 1 seed each, the best 4 of them 2 more, and the best 2 of these 4 more. Unlike in the paper, an
arm's figures of all rounds count together, because there are so few.

References:
    Z. Karnin, T. Koren and O. Somekh, Almost optimal exploration in multi-armed bandits, ICML 2013
    (sequential halving).
    L. Breiman, J. Friedman, R. Olshen and C. Stone, Classification and regression trees, 1984,
    section 3.4.3 (the rule of one standard error).
"""

import math
import statistics
from collections.abc import Callable, Sequence
from typing import Any


def sequential_halving(arms: Sequence[Any],
                       measure: Callable[[list[Any], Sequence[int]], Sequence[Sequence[float]]],
                       seeds: Sequence[int]) -> tuple[int, list[list[float]]]:
    """Finds the best of a few arms.

    Args:
        arms: The arms, at least 1; of equals the first is taken to be better.
        measure: ``measure(arms, seeds)`` returns for each arm a list of figures, one per seed;
            smaller is better, infinite for what has failed.
        seeds: As many seeds as ``seeds_needed`` says; the same ones measure all arms.

    Returns:
        (index of the best arm, list of the figures of each arm).

    Raises:
        ValueError: There are no arms, or too few seeds.

    Examples:
        >>> def measure(arms, seeds):
        ...     return [[arm + seed / 10 for seed in seeds] for arm in arms]
        >>> sequential_halving([3, 1, 2, 4], measure, seeds=[0, 1, 2])
        (1, [[3.0], [1.0, 1.1, 1.2], [2.0, 2.1, 2.2], [4.0]])
    """
    if not arms or len(seeds) < seeds_needed(len(arms)):
        raise ValueError(f"expected at least 1 arm and {seeds_needed(len(arms))} seeds, got "
                         f"{len(arms)} and {len(seeds)}")
    alive, figures, used = list(range(len(arms))), [[] for _ in arms], 0
    for size in _rounds(len(arms)):
        fresh, used = seeds[used:used + size], used + size
        for index, new in zip(alive, measure([arms[i] for i in alive], fresh), strict=True):
            figures[index] += new
        alive.sort(key=lambda index: (statistics.fmean(figures[index]), index))
        alive = alive[: math.ceil(len(alive) / 2)]
    return alive[0], figures


def within_standard_error(figures: Sequence[Sequence[float]], best: int) -> list[int]:
    """Finds the arms that a race does not tell from its best one.

    Args:
        figures: The figures of each arm, as ``sequential_halving`` returns them.
        best: Index of the best arm.

    Returns:
        list of indices, the best among them: an arm's mean exceeds that of the best, over the seeds
        that both have, by at most the standard error of the best one's mean.

    Examples:
        >>> within_standard_error([[0.3, 0.5], [0.2, 0.4], [0.45]], best=1)
        [0, 1]
    """
    own = figures[best]
    error = 0.0
    if len(own) > 1 and all(map(math.isfinite, own)):
        error = statistics.stdev(own) / math.sqrt(len(own))
    near = []
    for index, row in enumerate(figures):
        shared = min(len(row), len(own))
        if index == best or (shared and statistics.fmean(row[:shared])
                             - statistics.fmean(own[:shared]) <= error):
            near.append(index)
    return near


def seeds_needed(arms: int) -> int:
    """Returns how many seeds a race of so many arms takes: 0, 1, 3, 3, 7... for 1, 2, 3, 4, 5."""
    return sum(_rounds(arms))


def trainings_needed(arms: int) -> int:
    """Returns how many trainings a race of so many arms takes on a task."""
    total, alive = 0, arms
    for size in _rounds(arms):
        total, alive = total + alive * size, math.ceil(alive / 2)
    return total


def _rounds(arms):
    """The numbers of seeds of the rounds."""
    return [2**index for index in range(math.ceil(math.log2(max(arms, 1))))]
