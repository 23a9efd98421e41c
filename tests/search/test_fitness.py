"""Fitness modes and Algorithm 3 against tables computed by hand."""

import math
from dataclasses import fields, replace
from pathlib import Path

import pytest

from deap_lossgp.search.fitness import (
    FIGURES,
    FITNESS_MODES,
    WORST,
    compare,
    figure_of,
    fitness_mode,
    fitness_of,
)
from deap_lossgp.training.results import STATUSES, TrainingResult
from deap_lossgp.trees import LossFitness

# Baseline and candidate on three tasks of 2, 10 and 100 classes.
BASELINES = [
    TrainingResult("a", 2, "ok", loss=0.5, accuracy=0.75, cross_entropy=0.5, balanced_accuracy=0.6),
    TrainingResult("b", 10, "ok", loss=1.0, accuracy=0.64, cross_entropy=1.0,
                   balanced_accuracy=0.5),
    TrainingResult("c", 100, "ok", loss=3.0, accuracy=0.34, cross_entropy=3.0,
                   balanced_accuracy=0.3),
]
RESULTS = [
    TrainingResult("a", 2, "ok", loss=0.1, accuracy=0.70, cross_entropy=0.6, balanced_accuracy=0.8),
    TrainingResult("b", 10, "ok", loss=1.2, accuracy=0.73, cross_entropy=0.9,
                   balanced_accuracy=0.46),
    TrainingResult("c", 100, "ok", loss=-4.0, accuracy=0.34, cross_entropy=2.0,
                   balanced_accuracy=0.31),
]  # fmt: skip
# Figures of the error rate .30 .27 .66 against .25 .36 .66: one win by 0.09, a tie, a loss of 0.05.
# Weighted: half the error rate over 1/2, 9/10, 99/100, half the cross entropy over log(classes).
WEIGHTED = [
    0.5 * (0.25 - 0.30) / 0.5 + 0.5 * (0.5 - 0.6) / math.log(2),
    0.5 * (0.36 - 0.27) / 0.9 + 0.5 * (1.0 - 0.9) / math.log(10),
    0.5 * (3.0 - 2.0) / math.log(100),
]


@pytest.mark.parametrize(
    ("mode", "selective", "over_all"),
    [
        ("error", (1, 0.09), (1, 0.04 / 3)),
        ("balanced_error", (2, (0.2 + 0.01) / 2), (2, (0.2 - 0.04 + 0.01) / 3)),
        ("thesis", (2, (0.4 + 7.0) / 2), (2, (0.4 - 0.2 + 7.0) / 3)),
        ("reference", (2, (0.1 + 1.0) / 2), (2, (-0.1 + 0.1 + 1.0) / 3)),
        ("weighted", (2, sum(WEIGHTED[1:]) / 2), (2, sum(WEIGHTED) / 3)),
    ],
)
def test_every_mode_gives_the_fitness_computed_by_hand(mode, selective, over_all):
    assert fitness_of(RESULTS, BASELINES, mode) == pytest.approx(selective)
    assert fitness_of(RESULTS, BASELINES, mode, mean_over_all=True) == pytest.approx(over_all)


def test_the_default_mode_is_the_error_rate():
    assert fitness_of(RESULTS, BASELINES) == fitness_of(RESULTS, BASELINES, "error")


@pytest.mark.parametrize("mode", FITNESS_MODES)
def test_the_baseline_itself_wins_nothing(mode):
    assert fitness_of(BASELINES, BASELINES, mode) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("figures", "selective", "over_all"),
    [
        ([0.5, 1.0, 2.0], (3, 1.5 / 3 + 1.0 / 3), (3, 2.5 / 3)),  # all lower
        ([0.5, 3.0, 2.0], (2, 0.75), (2, 0.5 / 3)),  # some lower: the others do not count
        ([2.0, 3.0, 4.0], (0, -1.0), (0, -1.0)),  # none lower: all count
        ([1.0, 2.0, 3.0], (0, 0.0), (0, 0.0)),  # ties are not won
        ([1.0, 2.0, 2.5], (1, 0.5), (1, 0.5 / 3)),
        ([-9.0, 2.0, 4.0], (1, 10.0), (1, 3.0)),
        ([None, 1.0, 2.0], WORST, WORST),
        ([0.5, math.nan, 2.0], WORST, WORST),
        ([0.5, 1.0, math.inf], WORST, WORST),
        ([-math.inf, 1.0, 2.0], WORST, WORST),
    ],
)
def test_algorithm_3_against_baselines_of_1_2_and_3(figures, selective, over_all):
    assert compare(figures, [1.0, 2.0, 3.0]) == pytest.approx(selective)
    assert compare(figures, [1.0, 2.0, 3.0], mean_over_all=True) == pytest.approx(over_all)


def test_one_failed_task_ranks_below_every_trained_loss():
    assert (0.0, -math.inf) == WORST
    assert LossFitness(compare([50.0], [1.0])) > LossFitness(compare([None], [1.0]))


@pytest.mark.parametrize("mode", FITNESS_MODES)
@pytest.mark.parametrize("status", [status for status in STATUSES if status != "ok"])
def test_a_failed_training_is_the_worst_fitness_whatever_figures_it_left(mode, status):
    failed = [RESULTS[0], replace(RESULTS[1], status=status), RESULTS[2]]
    assert fitness_of(failed, BASELINES, mode) == WORST
    assert fitness_of([TrainingResult("a", 2, status)], BASELINES[:1], mode) == WORST


@pytest.mark.parametrize("mode", FITNESS_MODES)
@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
def test_broken_figures_never_give_nan(mode, broken):
    for name in ("loss", "accuracy", "cross_entropy", "balanced_accuracy"):
        wins, improvement = fitness_of([replace(RESULTS[0], **{name: broken})], BASELINES[:1], mode)
        assert (wins, improvement) == WORST or math.isfinite(improvement)


def test_equal_counts_of_errors_tie_whatever_the_rounding_of_the_accuracy():
    third = replace(BASELINES[0], accuracy=1 - 2 / 3)
    assert fitness_of([replace(third, accuracy=1 / 3)], [third]) == (0.0, 0.0)


def test_equal_shares_of_errors_tie_whatever_their_order_over_the_classes():
    one, other = (replace(BASELINES[0], balanced_accuracy=accuracy)
                  for accuracy in ((0.1 + 0.2 + 0.3) / 3, (0.3 + 0.2 + 0.1) / 3))
    assert one.balanced_accuracy != other.balanced_accuracy
    assert fitness_of([one], [other], "balanced_error") == (0.0, 0.0)


@pytest.mark.parametrize(
    ("figures", "baselines"), [([], []), ([1.0], []), ([1.0, 2.0], [1.0]), ([1.0], [1.0, 2.0])]
)
def test_different_numbers_of_figures_are_refused(figures, baselines):
    fault = f"at least 1, got {len(figures)} and {len(baselines)}"
    with pytest.raises(ValueError, match=fault):
        compare(figures, baselines)


@pytest.mark.parametrize("base", [None, math.nan, math.inf])
def test_a_baseline_without_a_figure_is_refused(base):
    with pytest.raises(ValueError, match="expected finite figures of the baseline, got"):
        compare([0.5], [base])


def test_a_failed_baseline_is_refused():
    with pytest.raises(ValueError, match="expected finite figures of the baseline"):
        fitness_of(RESULTS, [replace(BASELINES[0], status="nan"), *BASELINES[1:]])


def test_an_unknown_mode_offers_the_nearest():
    with pytest.raises(ValueError, match="unknown fitness 'weigthed': did you mean 'weighted'?"):
        fitness_mode("weigthed")
    with pytest.raises(ValueError, match="unknown fitness 'xyz': known: balanced_error, error"):
        fitness_of(RESULTS, BASELINES, "xyz")


def test_a_function_written_with_a_dot_is_shown_as_it_is_meant():
    with pytest.raises(ValueError, match="; or give module:function, such as my.file:late$") as e:
        fitness_mode("my.file.late")
    assert "did you mean" not in str(e.value)


def test_a_function_that_asks_for_what_is_not_there_is_told_what_is():
    def late(result):
        return result.acuracy

    with pytest.raises(ValueError, match="a result has accuracy, accuracies, balanced_accuracy, "):
        fitness_of(RESULTS, BASELINES, late)
    figures = {field.name for field in fields(RESULTS[0])} | {"error_rate"}
    tested = {"test_accuracy", "test_balanced_accuracy"}
    assert {*FIGURES} == figures - tested - {"status", "exact", "message"}
    guide = (Path(__file__).parents[2] / "docs" / "guides" / "your_own.rst").read_text("utf-8")
    assert all(f"``{figure}``" in guide for figure in FIGURES)
    with pytest.raises(ValueError, match="got ZeroDivisionError: division by zero$"):
        fitness_of(RESULTS, BASELINES, lambda result: 1 / 0)


def test_the_balanced_error_is_one_minus_the_balanced_accuracy():
    assert figure_of(replace(BASELINES[0], balanced_accuracy=0.75), "balanced_error") == 0.25


@pytest.mark.parametrize("figure", ["0.5", [0.5], "none"])
def test_a_fitness_of_ones_own_that_is_no_number_is_refused(figure):
    def mine(result):
        return figure

    with pytest.raises(ValueError, match=r"^fitness 'mine': expected a number for the result on"):
        figure_of(BASELINES[0], mine)
