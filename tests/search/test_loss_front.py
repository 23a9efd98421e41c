"""The Pareto front of a run, against its definition."""

import math

import pandas as pd
import pytest
from deap import tools
from invented import Invented

pytest.importorskip("tensorflow")

from deap_lossgp.found_losses import KNOWN_LOSSES  # noqa: E402
from deap_lossgp.psets import loss_primitive_set  # noqa: E402
from deap_lossgp.search import Callback, LossFront, evolutions  # noqa: E402
from deap_lossgp.search.front import Together  # noqa: E402
from deap_lossgp.search.runs import Run, evolve  # noqa: E402
from deap_lossgp.search.settings import RunSettings  # noqa: E402
from deap_lossgp.training.tasks import Task  # noqa: E402
from deap_lossgp.trees import LossTree  # noqa: E402

PSET = loss_primitive_set()
TASK = Task.load("digits", epochs=2, train_size=300, validation_size=300)
SETTINGS = RunSettings(datasets=("digits",), population=6, generations=3, test_seeds=0,
                       finalists=0, max_size=30, preselect=False, fitness="reference")


def tree(text, wins, improvement):
    loss = LossTree.from_string(text, PSET)
    loss.fitness.values = wins, improvement
    return loss


def expressions(front):
    return [str(loss) for loss in front]


def test_it_keeps_what_is_not_beaten_in_both():
    front = LossFront(str)
    front.update([tree("mul(y_true, y_pred)", 0, -0.1), tree("neg(y_pred)", 1, 0.1)])
    assert expressions(front) == ["neg(y_pred)"]
    front.update([tree("mul(y_true, neg(y_pred))", 3, 0.1), tree("y_true", 0, -2.0)])
    assert expressions(front) == ["neg(y_pred)", "y_true"], "wins count for nothing"
    front.update([tree("y_pred", 0, 0.2)])
    assert expressions(front) == ["y_pred"]
    assert front[0].fitness.values == (0.2, 1.0) and isinstance(front, tools.ParetoFront)


def test_what_failed_or_was_stopped_is_not_on_it():
    front = LossFront(str)
    front.update([tree("y_pred", 0, -math.inf)])
    assert len(front) == 0


def test_equal_losses_are_on_it_once_and_ties_of_others_stay():
    front = LossFront(lambda loss: sorted(str(loss)))
    front.update([tree("sub(y_true, y_pred)", 1, 0.1), tree("sub(y_pred, y_true)", 1, 0.1),
                  tree("mul(y_pred, y_true)", 1, 0.1)])
    assert expressions(front) == ["mul(y_pred, y_true)", "sub(y_true, y_pred)"]


def test_individuals_are_left_as_they_are():
    loss, hall = tree("y_pred", 1, 0.1), tools.HallOfFame(1)
    front = LossFront(str)
    Together(hall, front).update([loss])
    assert loss.fitness.values == hall[0].fitness.values == (1.0, 0.1)
    assert front[0].fitness.values == (0.1, 1.0) and front[0] is not loss


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run, with its result and the fitness of everything that it evaluated."""
    output, evaluated = tmp_path_factory.mktemp("front") / "run", {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evolutions, "make_engine", lambda tasks, *_: Invented(tasks))
        run = Run(SETTINGS, output, tasks=[TASK], progress=False)
    with run:
        result = run.execute()
        for expression in {*result.trainings["expression"]}:
            loss = LossTree.from_string(expression, PSET)
            evaluated[expression] = run.evaluation.fitness_of(loss)
    return output, result, evaluated


def test_nothing_that_the_run_trained_beats_what_is_on_its_front(finished):
    output, result, evaluated = finished
    table = pd.read_csv(output / "front.csv")
    assert len(table) == len(result.front) > 1
    assert list(table.columns) == ["expression", "nodes", "improvement", "wins",
                                   "accuracy_digits", "loss_digits"]
    assert sorted(table["expression"]) == sorted(expressions(result.front))
    assert table["nodes"].is_monotonic_increasing and table["improvement"].is_monotonic_increasing
    for row in table.itertuples():
        loss = LossTree.from_string(row.expression, PSET)
        assert (len(loss), loss.height) == (row.nodes, loss.height)
        for text, (_, improvement) in evaluated.items():  # their cores are no larger than they
            size = len(LossTree.from_string(text, PSET))
            if text != KNOWN_LOSSES["cross_entropy"] and size == row.nodes:
                assert improvement <= row.improvement
    best = max(improvement for text, (_, improvement) in evaluated.items()
               if text != KNOWN_LOSSES["cross_entropy"])
    assert table["improvement"].max() == best


def test_its_figures_are_those_of_the_individuals(finished):
    output, result, _ = finished
    both = pd.read_csv(output / "front.csv").merge(
        result.individuals.drop(columns="gen").drop_duplicates("expression"), on="expression",
        suffixes=("", "_there"))
    assert len(both) > 0
    for name in ("improvement", "wins", "accuracy_digits", "loss_digits"):
        assert both[name].equals(both[f"{name}_there"])
    assert both["nodes"].equals(both["size"])


def test_it_costs_no_training_and_is_drawn(finished):
    output, result, evaluated = finished
    assert len(result.trainings) == len(evaluated), "one for each loss, cross entropy among them"
    assert (output / "front.png").read_bytes().startswith(b"\x89PNG")
    assert "front.csv" in str(result) and "front.png" in str(result)


def test_without_a_finished_training_it_is_empty(tmp_path, monkeypatch):
    monkeypatch.setattr("deap_lossgp.search.evaluation.stops_of", lambda *_: ((1, 1.1),))
    monkeypatch.setattr(evolutions, "make_engine", lambda tasks, *_: Invented(tasks))
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "front.png").write_bytes(b"of another fitness")
    result = evolve(TASK, output=tmp_path / "run", population=2, generations=0, test_seeds=0,
                    finalists=0, max_size=30, preselect=False, progress=False,
                    callbacks=Callback())
    assert len(result.front) == 0 and "front.png" not in str(result)
    assert (tmp_path / "run" / "front.csv").read_text() == "expression,nodes,improvement\n"
    assert not (tmp_path / "run" / "front.png").exists()
