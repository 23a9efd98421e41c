"""The difference of two arms over pairs of replicates: figures, a test, and a verdict.

A comparison starts several arms from the same initial population and repeats this with other
seeds. The effect of a population on all arms cancels in the differences within a replicate, so
these differences are tested. Larger values are better; -inf is a failure.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import stats

ENUMERATED = 16
"""The most pairs with tied ranks for which all 2^n signs are tried; SciPy's tables have no ties."""

DIGITS = 12
"""Digits in which differences are compared, so that 0.3 - 0.2 and 0.2 - 0.1 tie."""


@dataclass(frozen=True)
class PairedDifference:
    """First minus second over pairs, and what the differences show.

    Attributes:
        n: Pairs compared, failures included.
        mean: Mean difference of the pairs in which neither failed; NaN without such a pair.
        median: Their median difference.
        low, high: Bootstrap interval of the mean; NaN with fewer than two such pairs.
        p_value: Wilcoxon's signed-rank test of all n pairs, two-sided; 1 if all tie, NaN if n = 0.
        effect: Matched-pairs rank-biserial correlation: the share of the rank sum in favour of
            the first minus the share against it, in [-1, 1]; 0 if all tie, NaN if n = 0.
        wins, ties, losses: Pairs by the sign of the difference.
        missing: Pairs left out because one of their values is missing.
        failed: Pairs in which one or both failed (-inf), out of n.
        level: Level of the interval and of the verdict.
    """

    n: int
    mean: float
    median: float
    low: float
    high: float
    p_value: float
    effect: float
    wins: int
    ties: int
    losses: int
    missing: int
    failed: int
    level: float

    @property
    def smallest_p_value(self) -> float:
        """The smallest p-value of Wilcoxon's exact test with so many pairs that do not tie."""
        return min(1.0, 2.0 ** (1 - self.wins - self.losses)) if self.n else math.nan

    @property
    def verdict(self) -> str:
        """A sentence that says what the pairs show at the level.

        A difference is shown if the p-value is below 1 - level and the interval, if there is one,
        lies on the side of zero that the ranks favour. If no difference is shown, there may still
        be one.
        """
        return verdict_of(self, self.p_value, self.smallest_p_value)


def paired_difference(first: Iterable[float | None], second: Iterable[float | None], *,
                      level: float = 0.95, resamples: int = 9999,
                      seed: int = 0) -> PairedDifference:
    """Compares two arms over replicates, pair by pair.

    A pair with a missing value (None or NaN) is left out and counted. A failure (-inf) is below
    every finite value by more than any other difference: it has the largest rank in the test and
    the effect, two failures tie, and the mean, the median and the interval leave such pairs out.

    Differences of zero are dropped, as Wilcoxon did. The p-value is exact for up to 50 pairs that
    do not tie, or 16 if some of their ranks are tied; for more it is the normal approximation. With
    few pairs the bootstrap interval is too short: with 5 pairs of normal values, an interval of
    95 % covers the mean in about 85 % of all cases. Therefore the verdict also depends on the test.

    Args:
        first: Values of one arm, a number or None per replicate.
        second: Values of the other, in the same order of replicates.
        level: Level of the interval and of the verdict, between 0 and 1.
        resamples: Number of bootstrap resamples. The interval is BCa's, or the percentiles' with
            fewer than three pairs or where BCa is not defined.
        seed: Seed of the bootstrap.

    Returns:
        PairedDifference

    Raises:
        ValueError: Different numbers of values, +inf, or a level outside of (0, 1).

    References:
        Wilcoxon (1945), Individual comparisons by ranking methods. Biometrics Bulletin 1(6).
        Efron (1987), Better bootstrap confidence intervals. JASA 82(397).
        Kerby (2014), The simple difference formula: an approach to teaching nonparametric
        correlation. Comprehensive Psychology 3(1).

    Examples:
        >>> result = paired_difference([0.91, 0.93, 0.92, 0.95, 0.90],
        ...                            [0.90, 0.91, 0.89, 0.91, 0.85])
        >>> result.wins, round(result.mean, 6), result.effect, result.p_value
        (5, 0.03, 1.0, 0.0625)
        >>> result.verdict
        'no difference shown: 5 pairs cannot show one at this level: the smallest possible p-value
        is 0.0625'
    """
    first, second = (np.asarray(list(values), dtype=float) for values in (first, second))
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(f"expected two sequences of R numbers each, one per replicate, "
                         f"got shapes {first.shape} and {second.shape}")
    if np.isposinf(first).any() or np.isposinf(second).any():
        raise ValueError("expected numbers, None, NaN or -inf, got inf")
    if not 0.0 < level < 1.0:
        raise ValueError(f"expected a level between 0 and 1, got {level}")
    present = ~(np.isnan(first) | np.isnan(second))
    first, second = first[present], second[present]
    failed = np.isinf(first) | np.isinf(second)
    finite = _differences(first[~failed], second[~failed])
    some_failed = np.where(first[failed] == second[failed], 0.0,
                           np.where(np.isinf(first[failed]), -np.inf, np.inf))  # fmt: skip
    differences = np.concatenate([finite, some_failed])

    nonzero = differences[differences != 0.0]
    ranks = np.sign(nonzero) * stats.rankdata(np.abs(nonzero))
    if len(ranks):
        p_value, effect = _signed_rank_p_value(ranks), ranks.sum() / np.abs(ranks).sum()
    else:
        p_value, effect = (1.0, 0.0) if len(differences) else (math.nan, math.nan)
    low, high = _interval(finite, level, resamples, seed)
    return PairedDifference(
        n=len(differences),
        mean=float(finite.mean()) if len(finite) else math.nan,
        median=float(np.median(finite)) if len(finite) else math.nan,
        low=low, high=high, p_value=float(p_value), effect=float(effect),
        wins=int((ranks > 0).sum()), ties=len(differences) - len(nonzero),
        losses=int((ranks < 0).sum()), missing=int((~present).sum()), failed=int(failed.sum()),
        level=level,
    )  # fmt: skip


def _differences(first, second):
    """Returns first minus second, rounded, so that rounding errors of equal decimals are zero."""
    largest = max(np.abs(first).max(initial=0.0), np.abs(second).max(initial=0.0))
    if largest == 0.0:
        return first - second
    return np.round((first - second) / largest, DIGITS) * largest


def _signed_rank_p_value(ranks):
    """Returns Wilcoxon's two-sided p-value; ranks (n,) have the signs of the differences."""
    if len({*np.abs(ranks)}) == len(ranks) or len(ranks) > ENUMERATED:
        return stats.wilcoxon(ranks).pvalue
    return stats.permutation_test(
        (ranks,), np.sum, permutation_type="samples", vectorized=True, n_resamples=np.inf
    ).pvalue


def _interval(differences, level, resamples, seed):
    """Returns the bootstrap interval (low, high) of the mean."""
    if len(differences) < 2:
        return math.nan, math.nan
    if np.ptp(differences) == 0.0:
        return float(differences[0]), float(differences[0])
    largest = np.abs(differences).max()
    for method in ("BCa", "percentile")[len(differences) < 3 :]:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", stats.DegenerateDataWarning)
            interval = stats.bootstrap(
                (differences / largest,), _mean, n_resamples=resamples, confidence_level=level,
                method=method, random_state=np.random.default_rng(seed),
            ).confidence_interval  # fmt: skip
        if np.isfinite(interval).all():
            break
    return float(interval.low * largest), float(interval.high * largest)


def _mean(values, axis):
    """Returns the mean, rounded: BCa counts the resamples whose mean equals the sample's."""
    return np.round(values.mean(axis=axis), DIGITS)


def verdict_of(result: PairedDifference, p_value: float, smallest: float,
               correction: str = "") -> str:
    """Says in a sentence what a difference shows.

    Args:
        result: A ``PairedDifference``.
        p_value: Its p-value, corrected or not.
        smallest: The smallest p-value that was possible.
        correction: What to say about the correction, after the p-value.
    """
    none, percent = "no difference shown", f"{100.0 * result.level:g}%"
    threshold = round(1.0 - result.level, DIGITS)
    differing = result.wins + result.losses
    if result.n == 0:
        return f"{none}: no pair to compare"
    if differing == 0:
        return f"{none}: {_pairs(result.n)}, all tied"
    if smallest >= threshold:
        return (f"{none}: {_pairs(differing)}{' that differ' if result.ties else ''} cannot show "
                f"one at this level: the smallest possible p-value is {smallest:.3g}{correction}")
    test = f"p = {p_value:.3g}{correction}, {_pairs(result.n)}"
    if result.failed:
        test += f", {result.failed} with a failure"
    by, agree = "", True
    if not math.isnan(result.low):
        by = f" by {abs(result.mean):.3g} on average"
        agree = min(result.effect * result.low, result.effect * result.high) > 0.0
        test = f"{percent} interval of the mean {result.low:.3g} to {result.high:.3g}, {test}"
    if p_value >= threshold or not agree:
        return f"{none} at {percent} ({test})"
    return f"the {'first' if result.effect > 0 else 'second'} is larger{by} ({test})"


def _pairs(number):
    return f"{number} pair{'s' if number > 1 else ''}"
