"""Paired differences: hand-computed tables, SciPy, enumeration, simulation."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
from scipy import stats

from deap_lossgp.comparison.pairs import paired_difference

NAN = math.nan


def against_zero(differences, **options):
    return paired_difference(differences, [0.0] * len(differences), **options)


def same(value):
    return pytest.approx(value, nan_ok=True)


def enumerated_p_value(differences):
    """Wilcoxon's p-value from all signs, as a loop."""
    ranks = stats.rankdata(np.abs(differences))
    observed = abs(np.dot(ranks, np.sign(differences)))
    sums = [abs(np.dot(ranks, signs)) for signs in itertools.product((-1, 1), repeat=len(ranks))]
    return sum(total >= observed - 1e-9 for total in sums) / len(sums)


# Ranks by hand. Row 3: |d| = 1 2 3 4 has ranks 1 2 3 4, against the first: 2. Sums of 2 or less
# for either side have signs {}, {1}, {2}: p = 6 / 16; effect = (8 - 2) / 10.
# Row 4: the zero is dropped, |d| = 1 1 2 has ranks 1.5 1.5 3. Row 6: -inf has rank 3 of 3.
HAND = [
    ([], dict(n=0, mean=NAN, median=NAN, p_value=NAN, effect=NAN, wins=0, ties=0, losses=0)),
    ([2.0], dict(n=1, mean=2, median=2, p_value=1, effect=1, wins=1, ties=0, losses=0)),
    ([1.0, 3.0], dict(n=2, mean=2, median=2, p_value=0.5, effect=1, wins=2, ties=0, losses=0)),
    ([1.0, -2.0, 3.0, 4.0],
     dict(n=4, mean=1.5, median=2, p_value=6 / 16, effect=0.6, wins=3, ties=0, losses=1)),
    ([1.0, 1.0, -2.0, 0.0],
     dict(n=4, mean=0, median=0.5, p_value=1, effect=0, wins=2, ties=1, losses=1)),
    ([0.0, 0.0, 0.0], dict(n=3, mean=0, median=0, p_value=1, effect=0, wins=0, ties=3, losses=0)),
    ([1.0, 2.0, -math.inf, NAN, None],
     dict(n=3, mean=1.5, median=1.5, p_value=1, effect=0, wins=2, ties=0, losses=1, missing=2,
          failed=1)),
]  # fmt: skip


@pytest.mark.parametrize(("differences", "expected"), HAND)
def test_small_tables_computed_by_hand(differences, expected):
    result = dataclasses.asdict(against_zero(differences))
    expected = {"missing": 0, "failed": 0, **expected}
    assert {name: result[name] for name in expected} == {k: same(v) for k, v in expected.items()}


@pytest.mark.parametrize("n", [3, 6, 12, 30, 60])
def test_the_p_value_is_scipys_where_nothing_ties(n):
    first, second = np.random.default_rng(n).normal(size=(2, n))
    assert paired_difference(first, second).p_value == same(stats.wilcoxon(first, second).pvalue)


@pytest.mark.parametrize("seed", range(20))
def test_with_tied_ranks_the_p_value_is_that_of_all_signs(seed):
    rng = np.random.default_rng(seed)
    differences = rng.integers(-3, 4, size=rng.integers(1, 11)).astype(float)
    nonzero = differences[differences != 0.0]
    expected = enumerated_p_value(nonzero) if len(nonzero) else 1.0
    assert against_zero(differences).p_value == same(expected)


def test_sixteen_tied_pairs_still_have_an_exact_p_value():
    differences = np.repeat([1.0, 2.0, -1.0], [9, 3, 4])
    assert against_zero(differences).p_value == same(enumerated_p_value(differences))


def test_many_tied_pairs_have_scipys_approximate_p_value():
    differences = np.random.default_rng(3).integers(1, 6, size=25) * np.repeat([1.0, -1.0], [18, 7])
    expected = stats.wilcoxon(differences, method="asymptotic").pvalue
    assert against_zero(differences).p_value == same(expected)


@pytest.mark.parametrize(("n", "method"), [(2, "percentile"), (3, "BCa"), (5, "BCa"), (20, "BCa")])
def test_the_interval_is_scipys(n, method):
    # Sums of eighths are exact, so that SciPy sees which resamples have the sample's mean.
    differences = np.round(np.random.default_rng(n).exponential(8.0, size=n)) / 8
    expected = stats.bootstrap(
        (differences,), np.mean, confidence_level=0.9, n_resamples=2000, method=method,
        random_state=np.random.default_rng(7),
    ).confidence_interval  # fmt: skip
    result = against_zero(differences, level=0.9, resamples=2000, seed=7)
    assert (result.low, result.high) == (same(expected.low), same(expected.high))


def test_where_bca_is_not_defined_the_interval_is_of_percentiles():
    # Two resamples are often on one side of the sample's mean; BCa's correction is infinite then.
    results = [against_zero([1.0, 2.0, 4.0, 8.0], resamples=2, seed=seed) for seed in range(20)]
    assert all(1.0 <= result.low <= result.high <= 8.0 for result in results)


@pytest.mark.parametrize("constant", [0.0, 0.1, -7.0])
def test_the_interval_of_equal_differences_is_that_difference(constant):
    result = against_zero([constant] * 4)
    assert (result.low, result.high) == (same(constant), same(constant))


def test_one_pair_has_no_interval():
    result = against_zero([0.5])
    assert result.mean == 0.5 and math.isnan(result.low) and math.isnan(result.high)


def test_the_same_data_give_the_same_result():
    first, second = np.random.default_rng(5).normal(size=(2, 9))
    assert paired_difference(first, second) == paired_difference(list(first), tuple(second))


@pytest.mark.parametrize("seed", range(10))
def test_the_order_of_the_pairs_moves_the_interval_by_little(seed):
    differences = np.random.default_rng(seed).exponential(size=6)
    one, other = against_zero(differences), against_zero(differences[::-1])
    assert abs(other.low - one.low) + abs(other.high - one.high) < 0.05 * (one.high - one.low)


@pytest.mark.parametrize("seed", range(10))
def test_swapping_the_arms_negates_the_difference(seed):
    rng = np.random.default_rng(seed)
    first, second = rng.integers(0, 9, size=(2, 8)) / 8
    first[rng.random(8) < 0.2] = -math.inf
    second[rng.random(8) < 0.2] = NAN
    one = paired_difference(first, second, resamples=500)
    other = paired_difference(second, first, resamples=500)
    assert (other.mean, other.median, other.effect) == (
        same(-one.mean), same(-one.median), same(-one.effect)
    )  # fmt: skip
    assert (other.low, other.high) == (same(-one.high), same(-one.low))
    assert (other.wins, other.ties, other.losses) == (one.losses, one.ties, one.wins)
    assert other.p_value == same(one.p_value)


def test_moving_and_scaling_all_values_changes_no_test():
    first, second = np.random.default_rng(2).normal(size=(2, 7))
    one = paired_difference(first, second, resamples=500)
    other = paired_difference(1e-9 * first + 3e-9, 1e-9 * second + 3e-9, resamples=500)
    assert other.mean == pytest.approx(1e-9 * one.mean, abs=1e-18)
    assert (other.p_value, other.effect) == (one.p_value, one.effect)


def test_equal_decimals_tie_whatever_their_last_bits():
    assert 0.3 - 0.2 != 0.2 - 0.1
    assert paired_difference([0.1 + 0.2], [0.3]).ties == 1
    result = paired_difference([0.3, 0.2, 0.1], [0.2, 0.1, 0.2])
    assert (result.effect, result.p_value) == (same(1 / 3), 1.0)


def test_a_failure_counts_as_a_loss_and_stays_out_of_the_mean():
    result = paired_difference([0.9, -math.inf, -math.inf, 0.8], [0.8, 0.1, -math.inf, 0.5])
    assert (result.n, result.failed, result.missing) == (4, 2, 0)
    assert (result.wins, result.ties, result.losses) == (2, 1, 1)
    assert (result.mean, result.effect) == (same(0.2), 0.0)


def test_an_arm_that_always_fails_is_shown_to_be_smaller():
    result = paired_difference([-math.inf] * 6, [0.5] * 6)
    assert (result.effect, result.p_value) == (-1.0, 0.03125)
    assert all(math.isnan(value) for value in (result.mean, result.low, result.high))
    assert result.verdict == "the second is larger (p = 0.0312, 6 pairs, 6 with a failure)"


def test_without_a_difference_few_intervals_miss_zero_and_few_tests_reject():
    rng = np.random.default_rng(0)
    results = [against_zero(rng.normal(size=12), resamples=400) for _ in range(400)]
    covered = np.mean([result.low <= 0.0 <= result.high for result in results])
    rejected = np.mean([result.p_value < 0.05 for result in results])
    shown = np.mean(["no difference shown" not in result.verdict for result in results])
    # Nominal 0.95 and 0.05; the bootstrap is short at n = 12. Three standard errors are 0.033.
    assert 0.87 < covered < 0.98
    assert 0.01 < rejected < 0.083
    assert shown <= rejected


def test_a_large_difference_is_nearly_always_shown():
    rng = np.random.default_rng(1)
    verdicts = [against_zero(rng.normal(2.0, size=12), resamples=400).verdict for _ in range(100)]
    assert sum(verdict.startswith("the first is larger by") for verdict in verdicts) > 95


@pytest.mark.parametrize(("differences", "verdict"), [
    ([], "no difference shown: no pair to compare"),
    ([0.0], "no difference shown: 1 pair, all tied"),
    ([1.0, 2.0, 3.0, 4.0, 5.0],
     "no difference shown: 5 pairs cannot show one at this level: "
     "the smallest possible p-value is 0.0625"),
    ([1.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0],
     "no difference shown: 2 pairs that differ cannot show one at this level: "
     "the smallest possible p-value is 0.5"),
    ([-2.0] * 6,
     "the second is larger by 2 on average "
     "(95% interval of the mean -2 to -2, p = 0.0312, 6 pairs)"),
])  # fmt: skip
def test_the_verdict_says_what_is_shown(differences, verdict):
    assert against_zero(differences).verdict == verdict


@pytest.mark.parametrize(("differences", "pairs", "smallest"), [
    ([1.0, -2.0], "2 pairs", 0.5), ([1.0, 0.0, -2.0, -3.0], "3 pairs that differ", 0.25),
    ([-1.0, 0.0], "1 pair that differ", 1.0)])  # fmt: skip
def test_pairs_that_differ_are_counted_whichever_way_they_do(differences, pairs, smallest):
    assert against_zero(differences).verdict == (
        f"no difference shown: {pairs} cannot show one at this level: the smallest possible "
        f"p-value is {smallest:g}")


def test_five_pairs_can_show_a_difference_at_a_lower_level():
    differences = [1.0, 2.0, 3.0, 4.0, 5.0]
    assert against_zero(differences, level=0.9).verdict.startswith("the first is larger by 3 ")
    assert "cannot" in against_zero(differences, level=0.9375).verdict


def test_nothing_is_shown_where_the_interval_includes_zero_or_lies_on_the_other_side():
    wide = against_zero([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, -0.05, 0.7])
    assert wide.p_value < 0.05
    for low, high in [(-0.1, 0.5), (0.0, 0.5), (-0.5, -0.1)]:
        verdict = dataclasses.replace(wide, low=low, high=high).verdict
        assert verdict.startswith("no difference shown at 95% (95% interval of the mean ")


@pytest.mark.parametrize(("first", "second", "options", "message"), [
    ([1.0], [1.0, 2.0], {}, r"shapes \(1,\) and \(2,\)"),
    ([[1.0]], [[1.0]], {}, r"shapes \(1, 1\)"),
    ([math.inf], [1.0], {}, "got inf"),
    ([1.0], [1.0], {"level": 95}, "between 0 and 1, got 95"),
    ([1.0], [1.0], {"level": 1.0}, "between 0 and 1, got 1"),
    ([1.0], [1.0], {"level": 0.0}, "between 0 and 1, got 0"),
])  # fmt: skip
def test_what_cannot_be_compared_is_an_error(first, second, options, message):
    with pytest.raises(ValueError, match=message):
        paired_difference(first, second, **options)
