"""What a training is kept under, and what an evaluation is charged for it."""

from dataclasses import fields, replace

import numpy as np
import pytest
from invented import Invented

pytest.importorskip("tensorflow")

import deap_lossgp  # noqa: E402
from deap_lossgp.data.datasets import load_dataset  # noqa: E402
from deap_lossgp.found_losses import KNOWN_LOSSES  # noqa: E402
from deap_lossgp.primitives import LossPrimitive  # noqa: E402
from deap_lossgp.psets import add_primitive, loss_primitive_set  # noqa: E402
from deap_lossgp.search import trainings  # noqa: E402
from deap_lossgp.search.evaluation import Evaluation  # noqa: E402
from deap_lossgp.search.store import Store  # noqa: E402
from deap_lossgp.search.trainings import Request, Trainings  # noqa: E402
from deap_lossgp.training.tasks import Task  # noqa: E402
from deap_lossgp.trees import LossTree  # noqa: E402

PSET = loss_primitive_set()
TASK = Task.load("digits", epochs=2, train_size=300)
REQUEST = Request(LossTree.from_string("neg(mul(y_true, log(y_pred)))", PSET), "the loss", False, 1)
CHANGED = {"loss": "another", "raw": True, "seed": 2, "test": True, "rate_factor": 2.0}


def engine_with(**settings):
    engine = Invented([TASK])
    engine.settings = settings
    return engine


def key_of(request=REQUEST, task=TASK, pset=PSET, **settings):
    (key,) = Trainings([task], pset, Store(), engine_with(threads=1, **settings)).keys(request)
    return key


def larger_set():
    pset = loss_primitive_set()
    add_primitive(pset, LossPrimitive("twice", 1, lambda ops, a: ops.multiply(2.0, a),
                                      lambda ops, a: (2.0,), "2 * {0}"))
    return pset


def test_the_same_training_is_found_again():
    again = Task.load("digits", epochs=2, train_size=300)
    assert key_of(replace(REQUEST), again, loss_primitive_set()) == key_of()


@pytest.mark.parametrize("field", [field.name for field in fields(Request) if field.compare])
def test_every_part_of_a_request_is_part_of_the_key(field):
    assert key_of(replace(REQUEST, **{field: CHANGED[field]})) != key_of()


def test_task_primitives_and_settings_of_the_engine_are_part_of_the_key():
    named = loss_primitive_set()
    named.name = "mine"
    keys = {key_of(), key_of(task=replace(TASK, epochs=3)),
            key_of(task=replace(TASK, learning_rate=1e-2)), key_of(pset=larger_set()),
            key_of(pset=loss_primitive_set(protected=False)), key_of(pset=named),
            key_of(determinism=True)}
    assert len(keys) == 7


@pytest.mark.parametrize(("module", "name", "other"), [
    (deap_lossgp, "__version__", "0.0"), (trainings, "ARITHMETIC", -1)])
def test_other_versions_of_the_code_train_anew(monkeypatch, module, name, other):
    before = key_of()
    monkeypatch.setattr(module, name, other)
    assert key_of() != before


def test_a_training_that_was_stopped_does_not_stand_for_a_whole_one():
    store, stops = Store(), (((1, 1.1),),)  # no accuracy reaches it
    asked = Trainings([TASK], PSET, store, Invented([TASK]))
    asked.train([replace(REQUEST, stops=stops)])
    assert asked.results(replace(REQUEST, stops=stops))[0].status == "stopped"
    assert asked.results(REQUEST) == [None]
    assert asked.results(replace(REQUEST, stops=(((1, 1.2),),))) == [None]
    asked.train([REQUEST])
    assert asked.results(REQUEST)[0].ok and len(store) == 2


# what is charged


def test_an_evaluation_is_charged_its_trainings_every_time_and_a_training_once():
    data = load_dataset("digits")
    tasks = [Task(data, epochs=epochs, network="small_cnn", train_size=300) for epochs in (2, 3)]
    tasks[1] = replace(tasks[1], data=replace(data, name="other", source=None))
    evaluation = Evaluation(tasks, PSET, engine=Invented(tasks))
    evaluation.baselines()
    start = evaluation.counts["seconds"]
    assert start == pytest.approx(0.2 + 0.3), "what the invented trainings of one loss take"
    loss = LossTree.from_string(KNOWN_LOSSES["ngl"], PSET)
    for times in (1, 2, 3):
        evaluation(loss)
        assert evaluation.counts["charged_seconds"] == pytest.approx(times * 0.5)
        assert evaluation.counts["seconds"] == pytest.approx(start + 0.5)
        assert (evaluation.counts["ntrained"], evaluation.counts["ncached"]) == (1, times - 1)
    entropy = LossTree.from_string(KNOWN_LOSSES["cross_entropy"], PSET)
    evaluation(entropy)
    assert evaluation.counts["charged_seconds"] == pytest.approx(4 * 0.5)
    assert evaluation.counts["seconds"] == pytest.approx(start + 0.5), "the baseline was trained"


def test_a_value_must_lie_in_the_range_on_every_data_set():
    few, many = (Task.from_arrays(f"{classes} classes", np.zeros((4 * classes, 8, 8), np.uint8),
                                  np.arange(4 * classes) % classes) for classes in (10, 1000))
    tree = LossTree.from_string("mul(y_pred, y_pred)", PSET)  # at the start 1 / classes**2
    for tasks, valid in (([few], True), ([many], False), ([few, many], False),
                         ([many, few], False)):
        evaluation = Evaluation(tasks, PSET, "thesis", engine=Invented(tasks))
        assert evaluation.is_valid(tree) is valid, [task.name for task in tasks]
