"""The race of the finalists: who trains how often, on which seeds, and who wins."""

import math

import pytest

from deap_lossgp.search.race import (
    seeds_needed,
    sequential_halving,
    trainings_needed,
    within_standard_error,
)

FIGURES = {  # by arm and seed, smaller is better
    "lucky": {10: 0.1, 11: 0.9, 12: 0.9},
    "steady": {10: 0.3, 11: 0.3, 12: 0.3},
    "bad": {10: 0.8, 11: 0.0, 12: 0.0},
    "worse": {10: 0.9, 11: 0.0, 12: 0.0},
    "broken": dict.fromkeys((10, 11, 12), math.inf),
}


def race(*arms, figures=FIGURES):
    asked = []

    def measure(arms, seeds):
        asked.append((list(arms), list(seeds)))
        return [[figures[arm][seed] for seed in seeds] for arm in arms]

    best, found = sequential_halving(arms, measure, seeds=[10, 11, 12])
    return arms[best], found, asked


def test_the_worse_half_leaves_and_the_others_get_twice_as_many_seeds():
    best, figures, asked = race("bad", "lucky", "worse", "steady")
    assert asked == [(["bad", "lucky", "worse", "steady"], [10]),
                     (["lucky", "steady"], [11, 12])]
    assert best == "steady", "0.3 on average, and the lucky one 0.63"
    assert figures == [[0.8], [0.1, 0.9, 0.9], [0.9], [0.3, 0.3, 0.3]]


def test_what_fails_leaves_first():
    best, figures, asked = race("broken", "worse", "bad")
    assert best == "bad" and figures[0] == [math.inf]
    assert asked[1] == (["bad", "worse"], [11, 12])
    assert race("broken", "worse")[0] == "worse"


def test_of_equals_the_first_is_taken():
    same = {"first": dict.fromkeys((10, 11, 12), 0.5), "second": dict.fromkeys((10, 11, 12), 0.5),
            "third": dict.fromkeys((10, 11, 12), 0.5)}
    for order in (("first", "second", "third"), ("third", "first", "second")):
        best, _, asked = race(*order, figures=same)
        assert best == order[0] and asked[1][0] == list(order[:2])
    assert race("broken", "other", figures={"broken": FIGURES["broken"],
                                            "other": FIGURES["broken"]})[0] == "broken"


def test_of_equals_the_first_is_taken_even_if_it_was_behind_a_round_before():
    level = {"behind": {10: 0.75, 11: 0.0, 12: 0.0}, "ahead": {10: 0.0, 11: 0.5, 12: 0.25},
             "third": dict.fromkeys((10, 11, 12), 1.0)}
    best, _, asked = race("behind", "ahead", "third", figures=level)
    assert asked[1][0] == ["ahead", "behind"] and best == "behind"


def test_one_alone_wins_without_a_training():
    assert race("bad") == ("bad", [[]], [])


@pytest.mark.parametrize(("figures", "near"), [
    ([[0.5, 0.5, 0.5], [0.1, 0.2, 0.3], [0.14], [0.16]], [1, 2]),  # its standard error is 0.058
    ([[0.25, 0.25, 0.25], [0.1, 0.2, 0.3], [0.0, 0.5], [0.1, 0.3]], [0, 1, 3]),
    ([[0.3], [0.2]], [1]),  # with one seed there is no standard error
    ([[0.2], [0.2]], [0, 1]),
    ([[math.inf], [0.2, 0.4], []], [1]),
    ([[math.inf], [math.inf, math.inf]], [1]),
])
def test_what_a_race_does_not_tell_from_its_best(figures, near):
    assert within_standard_error(figures, best=1) == near


@pytest.mark.parametrize(("arms", "seeds", "trainings"), [
    (0, 0, 0), (1, 0, 0), (2, 1, 2), (3, 3, 7), (4, 3, 8), (5, 7, 19), (8, 7, 24),
])
def test_what_a_race_costs_is_known_before(arms, seeds, trainings):
    assert (seeds_needed(arms), trainings_needed(arms)) == (seeds, trainings)
    if arms:
        made = []
        sequential_halving(range(arms), lambda arms, seeds: made.extend(
            [1] * len(arms) * len(seeds)) or [[0.0] * len(seeds)] * len(arms), range(seeds))
        assert len(made) == trainings


def test_without_arms_or_with_too_few_seeds_there_is_no_race():
    with pytest.raises(ValueError, match="at least 1 arm and 0 seeds, got 0 and 0"):
        sequential_halving([], None, [])
    with pytest.raises(ValueError, match="expected at least 1 arm and 3 seeds, got 4 and 2"):
        sequential_halving(range(4), None, [0, 1])
