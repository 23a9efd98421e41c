"""Several arms, Holm's correction and the noise floor: hand-computed tables, simulation."""

import dataclasses
import itertools
import math

import numpy as np
import pandas as pd
import pytest

from deap_lossgp.comparison.arm_statistics import COLUMNS, compare_arms, holm, noise_floor
from deap_lossgp.comparison.pairs import paired_difference

NAN = math.nan


def test_the_noise_floor_of_a_table_computed_by_hand():
    floor = noise_floor([0.90, None, 0.92, NAN, 0.94, -math.inf])
    assert (floor.n, floor.mean, floor.std) == (3, pytest.approx(0.92), pytest.approx(0.02))
    assert floor.difference == pytest.approx(1.96 * math.sqrt(2) * 0.02)
    assert "less than 0.0554" in floor.text


def test_one_in_twenty_pairs_of_trainings_differs_by_more_than_the_noise_floor():
    accuracies = np.random.default_rng(0).normal(0.9, 0.01, size=2000)
    beyond = np.abs(accuracies[:1000] - accuracies[1000:]) > noise_floor(accuracies).difference
    assert 0.03 < beyond.mean() < 0.07


@pytest.mark.parametrize("accuracies", [[], [0.9], [0.9, None]])
@pytest.mark.filterwarnings("error")
def test_fewer_than_two_trainings_have_no_noise_floor(accuracies):
    floor = noise_floor(accuracies)
    assert math.isnan(floor.std) and math.isnan(floor.difference)
    assert "unknown" in floor.text


@pytest.mark.parametrize(("p_values", "expected"), [
    ([], []),
    ([0.02], [0.02]),
    ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
    ([0.6, 0.5], [1.0, 1.0]),
    ([1.0, 0.0], [1.0, 0.0]),
    ([0.04, NAN, 0.02], [0.04, NAN, 0.04]),
])  # fmt: skip
def test_holms_correction_of_tables_computed_by_hand(p_values, expected):
    given = list(p_values)
    np.testing.assert_allclose(holm(p_values), expected)
    np.testing.assert_equal(p_values, given)


def test_holm_rejects_what_the_step_down_procedure_rejects():
    rng = np.random.default_rng(0)
    for _ in range(200):
        p_values = rng.random(rng.integers(1, 7)) ** 3
        rejected = set()
        for k, index in enumerate(np.argsort(p_values)):
            if p_values[index] > 0.05 / (len(p_values) - k):
                break
            rejected.add(index)
        assert {*np.flatnonzero(holm(p_values) <= 0.05)} == rejected


def test_holm_refuses_what_is_no_p_value():
    for wrong in (1.5, -0.1):
        with pytest.raises(ValueError, match="between 0 and 1"):
            holm([0.1, wrong])


def long_table(replicates, arms=("gp", "random", "bandit")):
    rng = np.random.default_rng(4)
    return pd.DataFrame([
        {"replicate": replicate, "arm": arm, "accuracy": rng.normal() + 9.0 * (arm == "gp")}
        for replicate in range(replicates) for arm in arms
    ])  # fmt: skip


def test_every_two_arms_are_compared_as_by_hand():
    table = long_table(8)
    result = compare_arms(table, "accuracy", resamples=500)
    assert list(result) == COLUMNS
    values = {name: list(rows["accuracy"]) for name, rows in table.groupby("arm")}
    couples = [("gp", "random"), ("gp", "bandit"), ("random", "bandit")]
    assert list(zip(result["first"], result["second"], strict=True)) == couples
    for (first, second), row in zip(couples, result.to_dict("records"), strict=True):
        expected = dataclasses.asdict(
            paired_difference(values[first], values[second], resamples=500)
        )
        del expected["level"]
        assert {name: row[name] for name in expected} == expected
    np.testing.assert_array_equal(result["p_holm"], holm(result["p_value"]))
    assert result["verdict"][0].startswith("the first is larger by")
    assert "after Holm's correction" in result["verdict"][0]


def test_the_order_of_the_rows_does_not_matter():
    table = long_table(7)
    couples = list(itertools.combinations(["bandit", "gp", "random"], 2))
    shuffled = table.sample(frac=1.0, random_state=1)
    pd.testing.assert_frame_equal(
        compare_arms(table, "accuracy", couples=couples, resamples=500),
        compare_arms(shuffled, "accuracy", couples=couples, resamples=500),
    )


def test_the_verdict_goes_by_the_corrected_p_value():
    # Alone, 6 replicates could show a difference: 1 / 32. Three comparisons make it 3 / 32.
    verdict = compare_arms(long_table(6), "accuracy", resamples=500)["verdict"][0]
    assert verdict.endswith("the smallest possible p-value is 0.0938 after Holm's correction")
    two = compare_arms(long_table(6), "accuracy", couples=[("gp", "bandit")],
                       resamples=500)
    assert two["verdict"][0].startswith("the first is larger by") and "Holm" not in str(two)


@pytest.mark.parametrize(("couples", "corrected"), [
    ([("gp", "random")], False),
    ([("gp", "random"), ("gp", "bandit")], True),
    ([("gp", "random"), ("gp", "bandit"), ("random", "bandit")], True),
])  # fmt: skip
def test_the_verdict_says_that_p_values_are_corrected_where_there_are_several(couples, corrected):
    for verdict in compare_arms(long_table(4), "accuracy", couples=couples)["verdict"]:
        assert ("after Holm's correction" in verdict) is corrected


def test_what_is_shown_alone_need_not_be_shown_among_several():
    # Ranks 1 and 2 of 8 against the first: p = 10 / 256 alone, three times that among three.
    first = [-1.0, -2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    values = {"gp": first, "random": [0.0] * 8, "bandit": [9.0, -9.0] * 4}
    table = pd.DataFrame([
        {"replicate": replicate, "arm": arm, "accuracy": value}
        for arm, column in values.items() for replicate, value in enumerate(column)
    ])  # fmt: skip
    among_three = compare_arms(table, "accuracy").iloc[0]
    assert list(among_three[["p_value", "p_holm"]]) == pytest.approx([10 / 256, 30 / 256])
    assert among_three["verdict"].startswith("no difference shown at 95%")
    alone = paired_difference(first, [0.0] * len(first))
    assert alone.verdict.startswith("the first is larger by 3.75 on average")


def test_replicates_that_an_arm_did_not_run_are_counted_as_missing():
    table = long_table(8).drop(index=0)
    table.loc[4, "accuracy"] = None
    couples = list(itertools.combinations(["gp", "random", "bandit"], 2))
    result = compare_arms(table, "accuracy", couples=couples, resamples=500)
    assert list(result["n"]) == [6, 7, 7]
    assert list(result["missing"]) == [2, 1, 1]


def test_several_columns_make_a_pair():
    tables = [long_table(3).assign(task=task) for task in ("digits", "cifar10")]
    table = pd.concat(tables, ignore_index=True)
    result = compare_arms(table, "accuracy", pair=("task", "replicate"), resamples=500)
    assert list(result["n"]) == [6, 6, 6]
    with pytest.raises(ValueError, match="one row per replicate and arm"):
        compare_arms(table, "accuracy")


@pytest.mark.parametrize(("options", "message"), [
    ({"value": "acuracy"}, "unknown column 'acuracy': did you mean 'accuracy'"),
    ({"arm": "Arm"}, "unknown column 'Arm': did you mean 'arm'"),
    ({"pair": ("seed",)}, "unknown column 'seed'"),
    ({"couples": [("gp", "rondom")]}, "unknown arm 'rondom': did you mean 'random'"),
    ({"couples": []}, "two or more different arms"),
    ({"couples": [("gp", "gp")]}, "two or more different arms"),
])  # fmt: skip
def test_a_table_that_does_not_fit_is_an_error(options, message):
    with pytest.raises(ValueError, match=message):
        compare_arms(long_table(2), **{"value": "accuracy", **options})


def test_a_row_without_replicate_is_an_error():
    table = long_table(2)
    table["replicate"] = table["replicate"].astype(float)
    table.loc[0, "replicate"] = NAN
    with pytest.raises(ValueError, match="a gap at .*'arm': 'gp'"):
        compare_arms(table, "accuracy")
