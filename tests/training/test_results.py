"""Results: which have failed, the mean over the last epochs, and where they would have stopped."""

from dataclasses import replace

import pytest

from deap_lossgp.training.results import FAILURES, STATUSES, TrainingResult, stopped_at

WHOLE = TrainingResult("digits", 10, "ok", 0.125, 0.75, 0.25, 8.0, (1.0, 0.5, 0.25, 0.125),
                       (0.25, 0.5, 1.0, 0.75), (2.0, 1.0, 0.5, 0.25), message="of the end",
                       test_accuracy=0.7, balanced_accuracy=0.6, test_balanced_accuracy=0.5)


def test_a_training_ends_in_one_of_eight_ways():
    failures = ["crashed", "error", "nan", "no_gradient", "oom", "timeout"]
    assert sorted(FAILURES) == failures and sorted(STATUSES) == sorted([*failures, "ok", "stopped"])


@pytest.mark.parametrize("status", STATUSES)
def test_what_is_neither_finished_nor_stopped_has_failed(status):
    result = TrainingResult("digits", 10, status)
    assert (result.failed, result.ok) == (status not in ("ok", "stopped"), status == "ok")
    assert {*FAILURES} == {*STATUSES} - {"ok", "stopped"} and "nan" in FAILURES


def test_an_unknown_status_is_refused_with_those_that_there_are():
    with pytest.raises(ValueError, match="^status must be one of ok, stopped, nan,.* got 'lost'$"):
        TrainingResult("digits", 10, "lost")


@pytest.mark.parametrize(("epochs", "loss", "accuracy", "cross_entropy"), [
    (1, 0.125, 0.75, 0.25), (2, 0.1875, 0.875, 0.375), (4, 0.46875, 0.625, 0.9375),
    (9, 0.46875, 0.625, 0.9375), (0, 0.125, 0.75, 0.25)])
def test_figures_are_averaged_over_the_last_epochs(epochs, loss, accuracy, cross_entropy):
    expected = replace(WHOLE, loss=loss, accuracy=accuracy, cross_entropy=cross_entropy)
    assert WHOLE.over_last(epochs) == expected


def test_a_training_without_epochs_has_nothing_to_average():
    failed = TrainingResult("digits", 10, "timeout")
    assert failed.over_last(3) is failed
    assert (failed.seconds, failed.losses, failed.exact, failed.message) == (0.0, (), False, "")


@pytest.mark.parametrize(("stops", "epoch"), [
    ([], None), ([(1, 0.25)], None), ([(4, 0.75)], None), ([(5, 9.0)], None),
    ([(1, 0.26)], 1), ([(1, 0.2), (2, 0.6), (3, 9.0)], 2), ([(4, 0.76)], 4), ([(3, 0.5)], None)])
def test_a_training_is_stopped_after_the_first_epoch_that_falls_short(stops, epoch):
    if epoch is None:
        assert stopped_at(WHOLE, stops) is WHOLE
        return
    assert stopped_at(WHOLE, stops) == TrainingResult(
        "digits", 10, "stopped", WHOLE.losses[epoch - 1], WHOLE.accuracies[epoch - 1],
        WHOLE.cross_entropies[epoch - 1], 2.0 * epoch, WHOLE.losses[:epoch],
        WHOLE.accuracies[:epoch], WHOLE.cross_entropies[:epoch])


def test_equal_numbers_of_errors_are_equal_rates():
    assert replace(WHOLE, accuracy=1.0 - 2.0 / 3.0).error_rate == replace(
        WHOLE, accuracy=1.0 / 3.0).error_rate
    assert WHOLE.error_rate == 0.25
