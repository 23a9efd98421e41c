"""Which losses of a run mislead, by hand, and their learning curves."""

from types import SimpleNamespace

import pytest

from deap_lossgp.found_losses import KNOWN_LOSSES
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.search.misleading import HIGH, LOW, learning_curves, misleading
from deap_lossgp.training.results import TrainingResult
from deap_lossgp.trees import LossTree

PSET = loss_primitive_set()


def result(loss, accuracy, status="ok"):
    return TrainingResult("digits", 10, status, loss, accuracy, losses=(2 * loss, loss),
                          accuracies=(accuracy / 2, accuracy))


ENTROPY = result(0.3, 0.6)
AGREES = [result(0.2, 0.7), result(0.4, 0.5), result(0.3, 0.2), result(0.1, 0.6)]
LOWER = [result(0.1, 0.3), result(0.29, 0.1), result(-5.0, 0.2)]
HIGHER = [result(9.0, 0.61), result(0.31, 0.8), result(700.0, 0.7)]
FAILED = [result(0.1, 0.0, "stopped"), TrainingResult("digits", 10, "nan")]


@pytest.mark.parametrize(("results", "expected"), [
    (AGREES + FAILED, {}),
    (AGREES + LOWER + FAILED, {LOW: LOWER[1]}),
    (HIGHER + AGREES, {HIGH: HIGHER[1]}),
    (FAILED + HIGHER + LOWER, {LOW: LOWER[1], HIGH: HIGHER[1]}),
])
def test_those_whose_value_contradicts_their_accuracy_most(results, expected):
    assert misleading(results, ENTROPY) == expected


def table_of(best, results):
    evaluation = SimpleNamespace(
        baselines=lambda: [ENTROPY], known_results=lambda tree: [LOWER[0]],
        trained=lambda: [(None, [result]) for result in results])
    return learning_curves(evaluation, LossTree.from_string(best, PSET))


def test_the_table_holds_every_epoch_of_the_best_and_of_those_that_mislead():
    table = table_of("mul(y_true, y_pred)", AGREES + HIGHER)
    assert list(table["loss"].unique()) == ["best loss", "cross_entropy", HIGH]
    assert table[table["loss"] == HIGH].to_dict("list") == {
        "task": ["digits"] * 2, "loss": [HIGH] * 2, "epoch": [1, 2], "val_accuracy": [0.4, 0.8],
        "val_loss": [0.62, 0.31], "chance": [0.1, 0.1]}


def test_cross_entropy_that_is_the_best_is_there_once():
    table = table_of(KNOWN_LOSSES["cross_entropy"], AGREES)
    assert list(table["loss"]) == ["cross_entropy"] * 2
