"""Rungs: who is stopped and who goes on, and that a cut training is a stopped one."""

import pickle
import random
from dataclasses import replace

import pytest

pytest.importorskip("tensorflow")

import keras  # noqa: E402
from faulty import linear  # noqa: E402
from invented import Invented  # noqa: E402

from deap_lossgp.data.datasets import load_dataset  # noqa: E402
from deap_lossgp.engines.engine import InProcess  # noqa: E402
from deap_lossgp.found_losses import KNOWN_LOSSES  # noqa: E402
from deap_lossgp.psets import loss_primitive_set  # noqa: E402
from deap_lossgp.search import evaluation as evaluation_module  # noqa: E402
from deap_lossgp.search import screened as screened_module  # noqa: E402
from deap_lossgp.search.evaluation import Evaluation  # noqa: E402
from deap_lossgp.search.fitness import WORST  # noqa: E402
from deap_lossgp.search.rungs import stops_of  # noqa: E402
from deap_lossgp.search.store import Store  # noqa: E402
from deap_lossgp.toolbox import make_toolbox  # noqa: E402
from deap_lossgp.training.candidates import candidate_of  # noqa: E402
from deap_lossgp.training.results import stopped_at  # noqa: E402
from deap_lossgp.training.tasks import Task  # noqa: E402
from deap_lossgp.training.trainer import Trainer  # noqa: E402
from deap_lossgp.trees import LossTree  # noqa: E402

PSET = loss_primitive_set()
DEAD = "mul(y_true, y_pred)"  # it teaches the network to be wrong
EXACT = f"add({KNOWN_LOSSES['cross_entropy']}, mul(y_true, mul(1e-6, sin(mul(1e5, y_pred)))))"


def tree_of(text):
    return LossTree.from_string(KNOWN_LOSSES.get(text, text), PSET)


def task(name="digits", **options):
    data = replace(load_dataset("digits"), name=name, source=None)
    return Task(data, linear, **{"epochs": 4, "train_size": 400, "learning_rate": 1e-2, **options})


# who goes on

CROSS_ENTROPY = 0.46, 0.5, 0.6, 0.6  # at the first rung 0.19 must be learned: a quarter of its gain


@pytest.mark.parametrize(("accuracies", "epochs", "stops"), [
    ([], 4, ((1, 0.19),)),
    ([(0.9, 0.9, 0.9, 0.9)], 4, ((1, 0.19),)),  # of one there is no better half
    ([(0.5, 0.6, 0.7, 0.7), (0.4, 0.5, 0.55, 0.6), (0.3, 0.4, 0.45, 0.5), (0.2,), ()], 4,
     ((1, 0.4), (3, 0.55))),
    ([(0.5, 0.6, 0.7, 0.7), (0.4, 0.5, 0.55, 0.6), (0.3, 0.4, 0.45, 0.5)], 4,
     ((1, 0.4), (3, 0.55))),
    ([(0.12,), (0.11,), (0.1, 0.1), (0.1,)], 4, ((1, 0.19),)),
    ([(0.3, 0.4, 0.5), (0.4, 0.5, 0.6)], 3, ((1, 0.4),)),  # the last epoch is no rung
    ([(0.3,), (0.4,)], 1, ()),
])
def test_a_training_goes_on_if_it_is_in_the_better_half_of_those_before(accuracies, epochs, stops):
    for order in (accuracies, accuracies[::-1]):
        found = stops_of(order, CROSS_ENTROPY[:epochs], 10, epochs)
        assert [epoch for epoch, _ in found] == [epoch for epoch, _ in stops]
        assert [least for _, least in found] == pytest.approx([least for _, least in stops])


def test_a_training_that_ties_with_the_better_half_goes_on():
    two_thirds = 96 / 144  # it has no end in decimals
    ((_, least),) = stops_of([(two_thirds,), (two_thirds,)], CROSS_ENTROPY, 10, 3)
    assert not two_thirds < least


def test_cross_entropy_that_learned_nothing_yet_asks_for_no_more_than_chance():
    assert stops_of([], (0.1, 0.1), 10, 2) == ((1, 0.1),)
    ((_, least),) = stops_of([], (0.02, 0.1), 10, 2)
    assert 0.0 < least < 0.1


# a training that is cut, and one that is stopped


@pytest.fixture(scope="module")
def trainers():
    class ThreeEpochs(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 2

    def explodes():
        return [keras.callbacks.LearningRateScheduler(lambda epoch: 3e38 if epoch > 1 else 1e-2)]

    return [Trainer(task()), Trainer(task(callbacks=lambda: [ThreeEpochs()])),
            Trainer(task(callbacks=explodes))]


@pytest.mark.parametrize(("number", "status", "epochs"), [
    (0, "ok", 4), (1, "ok", 3), (2, "nan", 2),
])
@pytest.mark.parametrize("loss", ["ngl", EXACT, DEAD], ids=["curves", "exact", "dead"])
def test_a_longer_training_that_is_cut_is_what_a_stopped_one_shows(
    trainers, number, status, epochs, loss
):
    trainer = trainers[number]
    candidate = candidate_of(tree_of(loss), PSET, trainer.task)
    whole = trainer.train(candidate, seed=3)
    assert (whole.status, len(whole.accuracies)) == (status, epochs)
    seen = set()
    for stops in ((), ((1, 0.0),), ((1, 1.1),), ((2, 1.1),), ((1, 0.0), (3, 1.1)), ((3, 1.1),),
                  ((1, whole.accuracies[0]),), ((1, whole.accuracies[0] + 1e-9), (3, 0.0))):
        stopped = trainer.train(candidate, seed=3, stops=stops)
        assert replace(stopped_at(whole, stops), seconds=0.0) == replace(stopped, seconds=0.0)
        seen.add(stopped.status)
    assert seen == {status, "stopped"}


def test_a_cut_training_took_its_share_of_the_seconds(trainers):
    whole = trainers[0].train(candidate_of(tree_of("ngl"), PSET, trainers[0].task), seed=1)
    assert stopped_at(whole, ((3, 1.1),)).seconds == pytest.approx(0.75 * whole.seconds)
    assert stopped_at(whole, ((1, 0.0), (5, 1.1))) is whole


# evaluations


@pytest.fixture(scope="module")
def engine():
    """Two compiled networks, for all evaluations of this file."""
    return InProcess([task(), task("other", train_size=300)], PSET)


@pytest.fixture
def new(engine, monkeypatch):
    """Evaluations with rungs, in which screening lets everything pass."""
    monkeypatch.setattr(screened_module, "is_trainable", lambda curves: True)

    def make(tasks=1, **options):
        return Evaluation(engine.worker.tasks[:tasks], PSET,
                          **{"engine": engine, "rungs": True, **options})

    return make


def test_a_dead_loss_is_stopped_after_one_epoch_and_ranks_below_all_that_finished(new):
    evaluation = new()
    fitness = dict(zip(["dead", "ngl", "mse"], evaluation.map(
        evaluation, [tree_of(DEAD), tree_of("ngl"), tree_of("mse")]), strict=True))
    (dead,), (ngl,) = (evaluation.known_results(tree_of(loss)) for loss in (DEAD, "ngl"))
    assert (dead.status, len(dead.accuracies), ngl.status) == ("stopped", 1, "ok")
    assert fitness["dead"] == WORST < min(fitness["ngl"], fitness["mse"])
    assert evaluation.counts["stopped"] == 1
    assert evaluation.counts["epochs"] == 1 + 3 * 4  # cross entropy is trained, too
    assert evaluation(tree_of(f"add(1.0, {DEAD})")) == WORST
    assert evaluation.counts["stopped"] == 1, "it is the same loss"


def test_what_is_stopped_on_one_data_set_has_not_finished(new, monkeypatch):
    stops = {"digits": (), "other": ((1, 1.1),)}
    names = iter([*stops] * 9)
    monkeypatch.setattr(evaluation_module, "stops_of", lambda *_: stops[next(names)])
    evaluation = new(tasks=2)
    assert evaluation.map(evaluation, [tree_of("ngl")]) == [WORST]
    assert [r.status for r in evaluation.known_results(tree_of("ngl"))] == ["ok", "stopped"]


def test_cross_entropy_is_never_stopped(new, monkeypatch):
    monkeypatch.setattr(evaluation_module, "stops_of", lambda *_: ((1, 1.1),))
    evaluation = new()
    entropy = f"add(mul(2.0, {KNOWN_LOSSES['cross_entropy']}), 1.0)"
    found = evaluation.map(evaluation, [tree_of("ngl"), tree_of(entropy)])
    assert found == [WORST, (0.0, 0.0)]
    assert [result.status for result in evaluation.baselines()] == ["ok"]
    assert evaluation.fitness_of(tree_of("cross_entropy")) == (0.0, 0.0)


def test_a_stopped_loss_is_trained_to_the_end_when_it_is_asked_for_without_stops(
    new, monkeypatch, tmp_path
):
    monkeypatch.setattr(evaluation_module, "stops_of", lambda *_: ((1, 1.1),))
    with Store(tmp_path / "store.sqlite") as store:
        one, other = new(store=store), new(store=store, rungs=False)
        one.map(one, [tree_of("ngl")])
        (stopped,) = one.known_results(tree_of("ngl"))
        (fitness,) = other.map(other, [tree_of("ngl")])
        (whole,) = other.known_results(tree_of("ngl"))
        assert (stopped.status, whole.status) == ("stopped", "ok") and fitness > WORST
        assert len(store) == 3
        again = new(store=store, engine=None)  # it could not train
        again.map(again, [tree_of("ngl")])
        assert again.known_results(tree_of("ngl")) == [stopped], "the seconds, too"
    with Store(tmp_path / "store.sqlite") as store:
        assert [row["status"] for row in store.rows()] == ["ok", "stopped", "ok"]


def test_a_finished_training_serves_where_it_would_have_been_stopped(new, monkeypatch):
    store, trained = Store(), []
    one = new(store=store, rungs=False, on_training=lambda *told: trained.append(told))
    one.map(one, [tree_of("ngl")])
    monkeypatch.setattr(evaluation_module, "stops_of", lambda *_: ((1, 1.1),))
    other = new(store=store, on_training=lambda *told: trained.append(told))
    assert other.map(other, [tree_of("ngl")]) == [WORST]
    assert len(trained) == 2


def test_the_test_and_the_race_train_to_the_end(new, monkeypatch):
    monkeypatch.setattr(evaluation_module, "stops_of", lambda *_: ((1, 1.1),))
    evaluation = new()
    evaluation.map(evaluation, [tree_of("ngl")])
    for row in evaluation.results(map(tree_of, ["ngl", "cross_entropy"]), [5, 6]):
        assert all(evaluation.mean_figure(results) < 0.9 for results in row)
    assert evaluation.test_accuracies([tree_of("ngl")], [7])[0]["digits"][0] > 0.1


# by generation, not by arrival


def generations(reverse=False, **options):
    """Evaluates five generations of random trees: their fitness, and the engine."""
    tasks = [Task.load("digits", epochs=5)]
    engine = Invented(tasks, reverse)
    evaluation = Evaluation(tasks, PSET, engine=engine, **{"rungs": True, **options})
    toolbox = make_toolbox(PSET, evaluation, valid=evaluation.is_valid, max_size=30)
    state = random.getstate()
    random.seed(2)
    population = [toolbox.population(n=8) for _ in range(5)]
    random.setstate(state)
    return [evaluation.map(evaluation, trees) for trees in population], engine, evaluation


def test_every_generation_is_stopped_by_what_the_earlier_ones_reached():
    fitness, engine, evaluation = generations()
    (baseline,) = evaluation.baselines()
    first, *batches = [batch for batch in engine.batches if batch]
    assert [job.stops for job in first] == [()], "cross entropy"
    reached = []
    for batch in batches:
        (stops,) = {job.stops for job in batch}
        assert stops == stops_of(reached, baseline.accuracies, 10, 5)
        reached += [engine.result(job).accuracies for job in batch]
    assert len(reached) == 40
    lengths = [len(accuracies) for accuracies in reached]
    assert {*lengths} == {1, 3, 5} and evaluation.counts["epochs"] == sum(lengths) + 5
    assert evaluation.counts["stopped"] == sum(length < 5 for length in lengths)
    assert sum(values == WORST for of_gen in fitness for values in of_gen) == sum(
        length < 5 for length in lengths)


def test_the_order_in_which_results_arrive_decides_nothing():
    one, _, _ = generations()
    other, engine, _ = generations(reverse=True)
    assert one == other and engine.reverse


def test_mode_thesis_and_a_plain_call_stop_nothing():
    _, engine, evaluation = generations(fitness="thesis")
    assert {job.stops for batch in engine.batches for job in batch} == {()}
    assert evaluation.counts["stopped"] == 0
    tasks = [Task.load("digits", epochs=5)]
    evaluation = Evaluation(tasks, PSET, engine=Invented(tasks), rungs=True)
    assert evaluation(tree_of("ngl")) > WORST


def test_an_evaluation_with_rungs_travels():
    _, _, evaluation = generations()
    copy = pickle.loads(pickle.dumps(evaluation))
    assert (copy.fitness, copy.seed, len(copy.tasks)) == ("error", 0, 1)


def test_a_tree_that_is_twice_in_a_generation_is_trained_once():
    tasks = [Task.load("digits", epochs=5)]
    engine = Invented(tasks)
    evaluation = Evaluation(tasks, PSET, engine=engine, rungs=True)
    one, other = evaluation.map(evaluation, [tree_of("ngl"), tree_of("ngl")])
    assert one == other
    assert [len(batch) for batch in engine.batches if batch] == [1, 1]
    assert (evaluation.counts["ntrained"], evaluation.counts["ncached"]) == (1, 1)
