"""The search for curves on losses: expressions for known curves, and runs that come out alike."""

import random

import pandas as pd
import pytest

from deap_lossgp.algorithms import curve_search
from deap_lossgp.algorithms.curve_search import imitate
from deap_lossgp.curves import LossCurves
from deap_lossgp.found_losses import KNOWN_LOSSES
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.search.imitation import MAX_SIZE, Likeness, with_curves
from deap_lossgp.toolbox import make_toolbox
from deap_lossgp.trees import LossTree

PSET = loss_primitive_set()


def tree(name):
    return LossTree.from_string(KNOWN_LOSSES[name], PSET)


def test_the_likeness_is_best_for_the_target_and_a_node_has_its_price():
    likeness = Likeness(tree("baikal"), PSET)
    assert likeness(tree("baikal")) == pytest.approx((-0.007, -7.0), abs=1e-6)
    assert likeness(tree("baikal")) > likeness(tree("baikal_cma")) > likeness(tree("mse"))
    longer = LossTree.from_string(f"add({KNOWN_LOSSES['baikal']}, y_true)", PSET)
    assert likeness(longer) == pytest.approx((-0.009, -9.0), abs=1e-6)


def test_the_distance_is_that_of_the_tasks_number_of_classes():
    few, many, both = (Likeness(tree("ngl"), PSET, classes)(tree("baikal_cma"))[0]
                       for classes in ((2,), (100,), (2, 100)))
    assert few > many and both == pytest.approx((few + many) / 2)
    toolbox = with_curves(make_toolbox(PSET), PSET, 100, 128, [100, 2, 100])
    assert len(toolbox.imitating(tree("ngl"), tree("mse")).evaluate.func.distances) == 2


def test_an_expression_is_found_for_the_curve_of_a_known_loss(monkeypatch):
    monkeypatch.setattr(curve_search, "POPULATION", 150)
    monkeypatch.setattr(curve_search, "GENERATIONS", 40)
    toolbox = with_curves(make_toolbox(PSET), PSET, 100, 128)
    random.seed(1)
    found = imitate(toolbox.imitating(tree("baikal"), tree("mse")), 2, PSET)
    assert Likeness(tree("baikal"), PSET).distances[0](found[0]) < 0.05
    assert all(len(each) < 3 * MAX_SIZE for each in found)
    assert LossCurves.of(found[0], PSET).finite


def test_the_imitations_begin_with_the_start_if_it_is_short():
    random.seed(1)
    start = tree("cross_entropy")
    start.fitness.values = 1.0, 0.5
    toolbox = with_curves(make_toolbox(PSET), PSET, 100, 20)
    population = toolbox.imitating(tree("baikal"), start).population(n=5)
    assert len(population) == 5 and population[0] == start and population[0] is not start
    assert not any(each.fitness.valid for each in population)
    assert start.fitness.values == (1.0, 0.5)
    long = LossTree.from_string(f"add({KNOWN_LOSSES['ngl']}, {KNOWN_LOSSES['ngl']})", PSET)
    population = toolbox.imitating(tree("baikal"), long).population(n=5)
    assert len(population) == 5 and all(len(each) <= 20 for each in population)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run at once, one that is interrupted and resumed, and one with two workers."""
    pytest.importorskip("tensorflow")
    from deap_lossgp.search import Callback, evolve

    class Interrupting(Callback):
        def on_generation(self, record):
            if record["gen"] == 2:
                raise KeyboardInterrupt

    options = {"algorithm": "curve", "population": 4, "generations": 2, "epochs": 2,
               "train_size": 300, "test_seeds": 1, "finalists": 3, "seed": 3, "progress": False}
    folder = tmp_path_factory.mktemp("curves")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(curve_search, "POPULATION", 30)
        patch.setattr(curve_search, "GENERATIONS", 4)
        at_once = evolve("digits", output=folder / "at_once", **options)
        with pytest.raises(KeyboardInterrupt):
            evolve("digits", output=folder / "resumed", callbacks=[Interrupting()], **options)
        assert not (folder / "resumed" / "best_loss.json").exists()
        evolve("digits", output=folder / "resumed", **options)
        evolve("digits", output=folder / "workers", workers=2, **options)
    return folder, at_once


def test_a_run_ends_with_its_curve_and_expressions_for_it(runs):
    _, result = runs
    last = result.individuals[result.individuals["gen"] == 3]
    curve = last[last["expression"].str.startswith("add(") & (last["size"] > 90)]
    assert len(last) == 5 and len(curve) == 1
    assert result.logbook.select("nevals") == [4, 4, 4, 5]
    between = result.individuals[result.individuals["gen"].isin([1, 2])]
    assert (between["size"] > 90).all()
    # The race is between these, cross entropy and the best known loss.
    raced = {each["expression"] for each in result.race}
    assert raced - {KNOWN_LOSSES["cross_entropy"]} <= {*last["expression"],
                                                       str(tree("baikal_cma")), str(tree("ngl"))}


@pytest.mark.parametrize("other", ["resumed", "workers"])
def test_a_run_is_the_same_resumed_and_with_workers(runs, other):
    folder, _ = runs
    for name in ("individuals.csv", "best_loss.json"):
        assert (folder / other / name).read_bytes() == (folder / "at_once" / name).read_bytes()
    one, two = (pd.read_csv(folder / name / "logbook.csv").drop(columns="seconds")
                for name in (other, "at_once"))
    pd.testing.assert_frame_equal(one, two)
