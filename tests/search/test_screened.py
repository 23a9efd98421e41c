"""Screening remembered: which trees, and what a result of their core says of them."""

from dataclasses import replace
from types import SimpleNamespace

from deap_lossgp.found_losses import KNOWN_LOSSES
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.search.screened import Screening
from deap_lossgp.training.results import TrainingResult
from deap_lossgp.trees import LossTree

PSET = loss_primitive_set()
TASKS = [SimpleNamespace(data=SimpleNamespace(num_classes=10))]


def tree_of(text):
    return LossTree.from_string(text, PSET)


def test_valid_trees_are_remembered_and_others_are_not():
    screening = Screening(PSET, TASKS, raw=False)
    assert screening(tree_of(KNOWN_LOSSES["ngl"])).valid and len(screening) == 1
    assert not screening(tree_of("mul(y_true, y_pred)")).valid and len(screening) == 1
    again = screening(tree_of(KNOWN_LOSSES["ngl"]))
    assert again is screening(tree_of(KNOWN_LOSSES["ngl"])) and len(screening) == 1


def test_the_curves_are_those_of_the_tree_that_is_asked_for():
    screening = Screening(PSET, TASKS, raw=False)
    one, other = tree_of(KNOWN_LOSSES["ngl"]), tree_of(KNOWN_LOSSES["mse"])
    curves = screening.curves(one)
    assert screening.curves(tree_of(KNOWN_LOSSES["ngl"])) is curves, "looked at twice, made once"
    assert (screening.curves(other).values != curves.values).any()
    assert (screening.curves(one).values == curves.values).all()


def test_losses_are_those_of_the_tree_and_not_of_its_core():
    wrapped = f"add(mul(2.0, {KNOWN_LOSSES['ngl']}), 3.0)"
    result = TrainingResult("digits", 10, "ok", 0.5, 0.9, 0.3, 1.0, (0.75, 0.5), (0.8, 0.9),
                            (0.4, 0.3))
    screened = Screening(PSET, TASKS, raw=False)(tree_of(wrapped)).rescaled(result)
    scale = (screened.losses[0] - screened.losses[1]) / 0.25
    assert scale > 0.0 and screened.loss == screened.losses[-1]
    assert (screened.accuracies, screened.cross_entropies) == ((0.8, 0.9), (0.4, 0.3))
    raw = Screening(PSET, TASKS, raw=True)(tree_of(KNOWN_LOSSES["mse"]))
    assert raw.rescaled(result) == result
    stopped = Screening(PSET, TASKS, raw=False)(tree_of(wrapped)).rescaled(
        replace(result, status="stopped"))
    assert stopped.losses == screened.losses and stopped.loss == screened.loss
    failed = TrainingResult("digits", 10, "nan", message="it ended")
    assert Screening(PSET, TASKS, raw=False)(tree_of(wrapped)).rescaled(failed) is failed
