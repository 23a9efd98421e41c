"""The statistics of replicates: arms compared two at a time, and the noise floor."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from deap_lossgp.comparison.pairs import paired_difference, verdict_of
from deap_lossgp.errors import unknown_name

COLUMNS = ["first", "second", "n", "mean", "median", "low", "high", "p_value", "p_holm", "effect",
           "wins", "ties", "losses", "missing", "failed", "verdict"]  # fmt: skip
"""The columns of ``compare_arms``."""


@dataclass(frozen=True)
class NoiseFloor:
    """How much the seed alone changes the accuracy of one training.

    Attributes:
        n: Trainings with a finite accuracy.
        mean: Their mean.
        std: Their standard deviation, with n - 1.
        difference: 1.96 sqrt(2) std: a smaller difference of two single trainings shows nothing.
    """

    n: int
    mean: float
    std: float
    difference: float

    @property
    def text(self) -> str:
        """The noise floor as a sentence."""
        if self.n < 2:
            return f"noise floor unknown: it takes two trainings or more, not {self.n}"
        return (f"two single trainings that differ by less than {self.difference:.3g} show no "
                f"difference: the standard deviation over {self.n} seeds is {self.std:.3g}")


def noise_floor(accuracies: Iterable[float | None]) -> NoiseFloor:
    """Estimates the noise of single trainings from one loss trained with several seeds.

    The difference of two independent trainings has standard deviation sqrt(2) std, and of normal
    noise only 5 % exceeds 1.96 times that. With few seeds std is uncertain itself: with 5 seeds it
    is often wrong by a third.

    Args:
        accuracies: One per seed, in [0, 1]; None and values that are not finite are left out.

    Returns:
        A ``NoiseFloor``; its figures are NaN if too few accuracies are left.

    Examples:
        >>> noise_floor([0.90, 0.92, 0.94]).text
        'two single trainings that differ by less than 0.0554 show no difference: the standard
        deviation over 3 seeds is 0.02'
    """
    values = np.asarray(list(accuracies), dtype=float)
    values = values[np.isfinite(values)]
    std = float(values.std(ddof=1)) if len(values) > 1 else math.nan
    mean = float(values.mean()) if len(values) else math.nan
    return NoiseFloor(len(values), mean, std, 1.96 * math.sqrt(2.0) * std)


def holm(p_values: Iterable[float]) -> np.ndarray:
    """Corrects p-values for the number of tests, after Holm and Bonferroni.

    The k-th smallest of m is multiplied by m + 1 - k, and is at least as large as those before it.
    Below a threshold t, the chance of one false alarm or more among all of them is at most t.

    Args:
        p_values: Sequence of m numbers in [0, 1]; a NaN stays NaN and does not count.

    Returns:
        Array (m,), in the same order, at most 1.

    Raises:
        ValueError: A p-value is outside of [0, 1].

    References:
        Holm (1979), A simple sequentially rejective multiple test procedure.
        Scandinavian Journal of Statistics 6(2).

    Examples:
        >>> holm([0.01, 0.04, 0.03]).round(6).tolist()
        [0.03, 0.06, 0.06]
    """
    p_values = np.array(list(p_values), dtype=float)
    if ((p_values < 0.0) | (p_values > 1.0)).any():
        raise ValueError(f"expected p-values between 0 and 1, got {p_values.tolist()}")
    order = np.argsort(p_values)[: np.count_nonzero(~np.isnan(p_values))]
    raised = p_values[order] * np.arange(len(order), 0, -1)
    p_values[order] = np.minimum(np.maximum.accumulate(raised), 1.0)
    return p_values


def compare_arms(table: pd.DataFrame, value: str, arm: str = "arm",
                 pair: Sequence[str] = ("replicate",),
                 couples: Sequence[tuple[str, str]] | None = None, *, level: float = 0.95,
                 resamples: int = 9999, seed: int = 0) -> pd.DataFrame:  # fmt: skip
    """Compares arms of a long table, two at a time.

    Args:
        table: ``pandas.DataFrame`` with a row per arm and replicate; an arm without a row, or
            with a missing value, in a replicate has no pair there.
        value: Name of the column with the values, larger is better.
        arm: Name of the column with the arm.
        pair: Names of the columns that make two rows a pair.
        couples: Pairs of arms to compare; the fewer, the smaller the correction for the number of
            tests. Default: every two, in order of appearance.
        level, resamples, seed: As for ``paired_difference``.

    Returns:
        A ``pandas.DataFrame`` with a row per two arms and the columns ``COLUMNS``. ``p_holm`` is
        corrected for the number of rows, and the verdict follows from it.

    Raises:
        ValueError: A column or arm is unknown, an arm has two rows in a pair, a row has no arm or
            pair, an arm is compared with itself, or there is nothing to compare.

    Examples:
        >>> table = pd.DataFrame({"replicate": [1, 1, 2, 2], "arm": ["gp", "random"] * 2,
        ...                       "accuracy": [0.93, 0.90, 0.92, 0.91]})
        >>> compare_arms(table, "accuracy")[["first", "second", "n", "mean", "p_holm"]].round(6)
          first  second  n  mean  p_holm
        0    gp  random  2  0.02     0.5
    """
    pair = [pair] if isinstance(pair, str) else list(pair)
    key = [*pair, arm]
    for column in (value, *key):
        if column not in table:
            raise unknown_name("column", column, map(str, table))
    present = list(table[arm].unique())
    couples = list(itertools.combinations(present, 2) if couples is None else couples)
    arms = list(dict.fromkeys(itertools.chain(*couples)))
    for name in arms:
        if name not in present:
            raise unknown_name("arm", name, map(str, present))
    if not couples or any(first == second for first, second in couples):
        raise ValueError(f"expected two or more different arms, got {couples or present}")
    table = table[table[arm].isin(arms)]
    wrong = table[table.duplicated(key) | table[key].isna().any(axis=1)]
    if len(wrong):
        raise ValueError(f"expected one row per {' and '.join(key)}, without gaps there, "
                         f"got another or a gap at {wrong[key].iloc[0].to_dict()}")
    wide = table.pivot(index=pair, columns=arm, values=value)
    columns = {name: wide[name].to_numpy(dtype=float, na_value=np.nan) for name in arms}

    results = [paired_difference(*(columns[name] for name in couple),
                                 level=level, resamples=resamples, seed=seed)
               for couple in couples]  # fmt: skip
    rows = pd.DataFrame([asdict(result) for result in results])
    rows[["first", "second"]] = couples
    rows["p_holm"] = holm(rows["p_value"])
    # Holm's correction grows with each p-value: the smallest ones give the smallest possible.
    smallest = holm([result.smallest_p_value for result in results])
    note = " after Holm's correction" if len(results) > 1 else ""
    rows["verdict"] = [verdict_of(result, p_value, least, note) for result, p_value, least
                       in zip(results, rows["p_holm"], smallest, strict=True)]  # fmt: skip
    return rows[COLUMNS]
