"""The first sentence of a report: what it claims, what it doubts, and when it is silent."""

import pytest

from deap_lossgp.found_losses import KNOWN_LOSSES
from deap_lossgp.search.reports.headline import headline, known_name

CLEAR, HIGH, LOW, WIDE = [0.90, 0.91, 0.90], [0.94, 0.95, 0.94], [0.8, 0.81, 0.8], [0.85, 0.99, 0.9]


def of(**tasks):
    names = ("evolved", "cross_entropy", "tuned_cross_entropy")
    return {task: dict(zip(names, accuracies, strict=False)) for task, accuracies in tasks.items()}


@pytest.mark.parametrize(("tests", "known", "start"), [
    (of(a=(CLEAR, LOW)), None, "A loss was found that is better than cross entropy: on a 90"),
    (of(a=(CLEAR, LOW, HIGH)), None, "A loss was found that is better than cross entropy at the "
                                     "same learning rate: on a"),
    (of(a=(HIGH, LOW, CLEAR)), None, "A loss was found that is better than cross entropy: on a"),
    (of(a=(WIDE, CLEAR)), None, "A loss was found that may be better than cross entropy: on a"),
    (of(a=(LOW, CLEAR)), None, "The best loss found is not better than cross entropy: on a"),
    (of(a=(CLEAR, LOW), b=(LOW, CLEAR)), None, "A loss was found that is better than cross "
                                               "entropy on 1 of 2 data sets: on a 90.33%"),
    (of(a=(CLEAR, LOW)), "ngl", "The best loss found is a known one, ngl; it is better than cross"),
    (of(a=(WIDE, CLEAR)), "ngl", "The best loss found is a known one, ngl; it may be better than"),
    (of(a=(LOW, CLEAR)), "ngl", "The best loss found is a known one, ngl; it is not better than"),
])
def test_it_claims_what_the_tests_show(tests, known, start):
    assert headline(tests, known).startswith(start)
    assert "mean over classes" not in headline(tests, known)
    assert "of the test images are right, in the mean over classes, with cross entropy" in (
        headline(tests, known, balanced=True))


def test_it_has_both_accuracies_of_each_data_set():
    assert headline(of(a=(CLEAR, LOW), b=(LOW, CLEAR))).endswith(
        "on a 90.33% of the test images are right, with cross entropy 80.33%; on b 80.33%, with "
        "cross entropy 90.33%.")


def test_a_gain_within_the_luck_of_seeds_or_of_one_training_each_is_doubted():
    assert "may be luck" not in headline(of(a=(CLEAR, LOW)))
    assert "The difference may be luck" in headline(of(a=(WIDE, CLEAR)))
    assert "The difference may be luck" in headline(of(a=(CLEAR[:1], LOW[:1])))
    several = headline(of(a=(CLEAR, LOW), b=(WIDE, CLEAR)))
    assert "that is better" in several and "The difference on b may be luck" in several


def test_it_says_nothing_where_a_training_failed():
    assert headline(of(a=([None, 0.5], LOW[:2]))) == headline(of(a=(CLEAR, [None]))) == ""


def test_known_losses_have_names():
    assert [known_name(text) for text in KNOWN_LOSSES.values()] == [*KNOWN_LOSSES]
    assert known_name("y_pred") is None
