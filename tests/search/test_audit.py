"""The audit of what the rungs stopped: who is drawn, what it costs, what the search sees."""

import math
import random
import sqlite3
from contextlib import closing

import pandas as pd
import pytest
from invented import Invented

from deap_lossgp.curves.canonical import canonical_key
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.search.audit import Audit, audit
from deap_lossgp.search.evaluation import Evaluation
from deap_lossgp.search.fitness import WORST
from deap_lossgp.search.settings import RunSettings
from deap_lossgp.search.store import Store
from deap_lossgp.toolbox import make_toolbox
from deap_lossgp.training.tasks import Task

PSET = loss_primitive_set()


@pytest.fixture(scope="module")
def tasks():
    return [Task.load("digits", epochs=5)]


def searched(tasks, store=None, reverse=False, seed=0, score_epochs=1):
    """An evaluation after four generations of random trees, and their fitness."""
    evaluation = Evaluation(tasks, PSET, engine=Invented(tasks, reverse), rungs=True, seed=seed,
                            store=store, score_epochs=score_epochs)
    toolbox = make_toolbox(PSET, evaluation, valid=evaluation.is_valid, max_size=30)
    state = random.getstate()
    random.seed(2)
    populations = [toolbox.population(n=8) for _ in range(4)]
    random.setstate(state)
    return evaluation, [evaluation.map(evaluation, trees) for trees in populations]


def stopped(evaluation):
    return {str(tree) for tree, results in evaluation.trained()
            if any(result.status == "stopped" for result in results)}


def test_nothing_is_drawn_of_share_0_and_everything_of_share_1(tasks):
    evaluation, _ = searched(tasks)
    trained = len(evaluation.store)
    assert audit(evaluation, 0.0, 4).rows == [] and len(evaluation.store) == trained
    whole = audit(evaluation, 1.0, 4)
    assert {row["expression"] for row in whole.rows} == stopped(evaluation)
    assert whole.stopped == len(whole.rows) == len(evaluation.store) - trained > 5
    assert {row["epochs"] for row in whole.rows} == {1, 3}
    assert whole.seconds == pytest.approx(len(whole.rows) * 0.5), "five epochs each"


@pytest.mark.parametrize("score_epochs", [1, 3, None])
def test_its_figures_are_those_of_whole_trainings_ranked_in_the_search(tasks, score_epochs):
    evaluation, fitness = searched(tasks, score_epochs=score_epochs)
    result = audit(evaluation, 1.0, 4)
    trees = {str(tree): tree for tree, _ in evaluation.trained()}
    finished = sorted((values for row in fitness for values in row if values > WORST),
                      reverse=True)
    for row in result.rows:
        whole = Evaluation(tasks, PSET, engine=Invented(tasks), score_epochs=score_epochs)
        values = whole(trees[row["expression"]])
        assert values == (row["wins"], row["improvement"])
        assert row["rank"] == 1 + sum(other >= values for other in finished)
    above = [row["improvement"] - finished[0][1] for row in result.rows if row["rank"] == 1]
    assert result.lost == max([0.0, *above])


def test_the_search_does_not_see_it(tasks):
    evaluation, fitness = searched(tasks)
    before = dict(evaluation.counts), evaluation.trained(), stopped(evaluation)
    audit(evaluation, 1.0, 4)
    after = dict(evaluation.counts)
    assert after.pop("audit_seconds") > 0.0
    assert (after, evaluation.trained(), stopped(evaluation)) == before
    assert {evaluation.fitness_of(tree) for tree, results in evaluation.trained()
            if results[0].status == "stopped"} == {WORST}
    again, same = searched(tasks, store=evaluation.store)
    assert same == fitness and not any(again.engine.batches), "nothing had to be trained"


def test_it_is_drawn_by_seed_and_loss_whatever_the_order_of_arrival(tasks):
    one, other = (audit(searched(tasks, reverse=reverse)[0], 0.5, 4) for reverse in (False, True))
    assert one == other
    evaluation, _ = searched(tasks)
    assert 0 < len(one.rows) < one.stopped
    drawn = {row["expression"] for row in one.rows}
    more = {row["expression"] for row in audit(evaluation, 0.8, 4).rows}
    assert drawn < more, "a larger share audits those of a smaller one, too"
    elsewhere, _ = searched(tasks, seed=1)
    others = {row["expression"] for row in audit(elsewhere, 0.5, 4).rows}
    shared = stopped(evaluation) & stopped(elsewhere)
    assert drawn & shared != others & shared
    assert len({canonical_key(tree, PSET) for tree, _ in evaluation.trained()}) == 32


def test_what_is_lost_of_a_store_is_found_again(tasks, tmp_path):
    path = tmp_path / "store.sqlite"
    with Store(path) as store:
        evaluation, fitness = searched(tasks, store=store)
        result = audit(evaluation, 0.5, 4)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM trainings WHERE rowid % 3 = 0")
        connection.commit()
    with Store(path) as store:
        evaluation, again = searched(tasks, store=store)
        assert again == fitness and audit(evaluation, 0.5, 4) == result


def test_where_nothing_was_finished_everything_is_above(tasks, monkeypatch):
    monkeypatch.setattr("deap_lossgp.search.evaluation.stops_of", lambda *_: ((1, 1.1),))
    evaluation, _ = searched(tasks)
    result = audit(evaluation, 1.0, 2)
    assert {row["rank"] for row in result.rows} == {1} and result.lost == 0.0
    assert all(math.isfinite(row["improvement"]) for row in result.rows)


def test_the_line_of_the_report():
    rows = [{"rank": rank} for rank in (1, 3, 4, 9)]
    assert str(Audit(9, rows, 0.01234, 3, 41.2)) == (
        "Audit: 4 of 9 losses that were stopped early were trained to the end, in 41 s: 2 would be "
        "among the best 3 of the search, 1 above its best; the largest improvement lost is 0.0123.")
    assert str(Audit(9, rows[2:], 0.0, 3, 0.0)).endswith("0 would be among the best 3 of the "
                                                         "search, 0 above its best.")


def test_settings_without_stops_are_refused():
    for options in ({"rungs": False}, {"fitness": "thesis"}):
        with pytest.raises(ValueError, match="audit needs trainings that are stopped"):
            RunSettings(audit=0.5, **options)
    with pytest.raises(ValueError, match=r"audit must lie in \[0, 1\], got 2"):
        RunSettings(audit=2)


def test_a_finished_run_is_audited_when_it_is_run_again(tmp_path):
    from deap_lossgp.search.runs import evolve

    tiny = {"population": 6, "generations": 5, "epochs": 2, "train_size": 200, "finalists": 0,
            "test_seeds": 0, "max_size": 20, "progress": False, "preselect": False, "seed": 4}
    first = evolve("digits", output=tmp_path / "run", **tiny)
    files = {name: (tmp_path / "run" / name).read_bytes()
             for name in ("individuals.csv", "logbook.csv", "best_loss.json")}
    assert first.counts["stopped"] and not (tmp_path / "run" / "audit.csv").exists()
    again = evolve("digits", output=tmp_path / "run", audit=1.0, **tiny)
    assert f"Audit: {first.counts['stopped']} of {first.counts['stopped']} losses" in str(again)
    assert len(pd.read_csv(tmp_path / "run" / "audit.csv")) == first.counts["stopped"]
    assert files == {name: (tmp_path / "run" / name).read_bytes() for name in files}
    whole = evolve("digits", output=tmp_path / "other", audit=1.0, workers=2, **tiny)
    assert ((tmp_path / "other" / "audit.csv").read_bytes()
            == (tmp_path / "run" / "audit.csv").read_bytes())
    assert len(whole.trainings) == len(again.trainings)
