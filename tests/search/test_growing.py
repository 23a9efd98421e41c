"""Runs that grow: more generations, a larger population, more tests; and what may not shrink."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import bare
import pandas as pd
import pytest
from invented import Invented

pytest.importorskip("tensorflow")

from deap_lossgp.comparison import Comparison, ComparisonSettings  # noqa: E402
from deap_lossgp.search import evolutions, runs  # noqa: E402
from deap_lossgp.search import surrogates as surrogates_module  # noqa: E402
from deap_lossgp.search.callbacks import Callback  # noqa: E402
from deap_lossgp.search.folders import RunFolder  # noqa: E402
from deap_lossgp.search.runs import evolve  # noqa: E402
from deap_lossgp.search.settings import RunSettings  # noqa: E402
from deap_lossgp.search.store import Store  # noqa: E402
from deap_lossgp.surrogate.atlas import load_atlas  # noqa: E402
from deap_lossgp.training.tasks import Task  # noqa: E402

TESTS = Path(__file__).parents[1]
COMMAND = [sys.executable, str(TESTS.parent / "examples" / "evolve_loss.py")]
TASK = Task.load("digits", epochs=2, train_size=300, validation_size=300)
FULL = {"population": 4, "generations": 1, "finalists": 3, "test_seeds": 1, "max_size": 30,
        "rate_factors": (), "progress": False}
BARE = {**FULL, **bare.SETTINGS}


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Invented trainings, a twentieth of the atlas for the surrogate, and no pictures."""
    def part(without=(), **options):
        atlas = load_atlas(without, **options)
        return atlas[atlas["bred"].eq("known") | (atlas.index % 20 == 0)].reset_index(drop=True)

    monkeypatch.setattr(surrogates_module, "load_atlas", part)
    monkeypatch.setattr(runs.Run, "write_figure", lambda *_: None)
    monkeypatch.setattr(evolutions, "make_engine", lambda tasks, *_: Invented(tasks))


def files(folder):
    """What the files of a run say, times and settings aside."""
    logbook = pd.read_csv(folder / "logbook.csv").drop(columns="seconds")
    other = {path.name: path.read_bytes() for path in folder.iterdir()
             if path.suffix in (".csv", ".png", ".json") and path.name not in (
                 "logbook.csv", "run.json")}
    return {"logbook.csv": logbook.to_csv(), **other}


def trainings(folder):
    """The store's rows, read as any SQLite client does."""
    address = f"{(folder / 'evaluations.sqlite').as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True)) as connection:
        return connection.execute("SELECT * FROM trainings ORDER BY rowid").fetchall()


class Counting(Callback):
    def __init__(self):
        self.trainings = []

    def on_training(self, result, expression):
        self.trainings.append(expression)


@pytest.mark.parametrize("algorithm", ["sample-tournament", "archive", "regularized", "glo"])
def test_a_run_that_grew_is_a_run_that_was_as_large_at_once(algorithm, tmp_path):
    options = {**BARE, "algorithm": algorithm}
    evolve(TASK, output=tmp_path / "grown", **options)
    counting = Counting()
    grown = evolve(TASK, output=tmp_path / "grown", callbacks=counting,
                   **{**options, "generations": 4})
    fresh = evolve(TASK, output=tmp_path / "fresh", **{**options, "generations": 4})
    assert files(tmp_path / "grown") == files(tmp_path / "fresh")
    assert len(grown.logbook) == len(fresh.logbook) >= 5
    for name in fresh.counts.keys() - {"seconds", "charged_seconds"}:
        assert grown.counts[name] == fresh.counts[name], name
    assert len(counting.trainings) < len(fresh.trainings)


def test_with_rungs_surrogate_and_race_it_is_no_different(tmp_path):
    evolve(TASK, output=tmp_path / "grown", **FULL)
    evolve(TASK, output=tmp_path / "grown", **{**FULL, "generations": 3})
    grown = evolve(TASK, output=tmp_path / "grown",
                   **{**FULL, "generations": 3, "test_seeds": 2})
    fresh = evolve(TASK, output=tmp_path / "fresh",
                   **{**FULL, "generations": 3, "test_seeds": 2})
    assert files(tmp_path / "grown") == files(tmp_path / "fresh")
    assert grown.race == fresh.race and len(grown.tests["digits"]["evolved"]) == 2


def test_a_larger_population_is_a_new_run_that_trains_nothing_twice(tmp_path):
    before = evolve(TASK, output=tmp_path / "grown", **FULL)
    counting, options = Counting(), {**FULL, "population": 7}
    evolve(TASK, output=tmp_path / "grown", callbacks=counting, **options)
    fresh = evolve(TASK, output=tmp_path / "fresh", **options)
    assert files(tmp_path / "grown") == files(tmp_path / "fresh")
    assert 0 < len(counting.trainings) < len(fresh.trainings)
    with Store(tmp_path / "grown" / "evaluations.sqlite") as store:
        rows = pd.DataFrame(store.rows())
    assert rows[: len(before.trainings)].equals(before.trainings)
    whole = rows[rows["status"] == "ok"]
    tested = whole["test_accuracy"].notna()
    assert not whole.assign(tested=tested).duplicated(["expression", "seed", "tested"]).any()


def test_a_run_that_is_killed_while_it_grows_grows_on(tmp_path):
    options = ["--population", "4", "--epochs", "1", "--train-size", "300", "--test-seeds", "1",
               "--max-size", "30", "--model", "faulty:linear", "--final-size", "0",
               "--rate-factors", *bare.OPTIONS]
    environment = {**os.environ, "PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent}"}

    def command(output, generations):
        return [*COMMAND, *options, "--generations", str(generations), "--output", str(output)]

    def run(output, generations):
        subprocess.run(command(output, generations), check=True, capture_output=True,
                       env=environment)

    run(tmp_path / "grown", 1)
    finished = trainings(tmp_path / "grown")
    with subprocess.Popen(command(tmp_path / "grown", 6), stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, env=environment,
                          start_new_session=True) as process:
        while len(trainings(tmp_path / "grown")) < len(finished) + 2:
            assert process.poll() is None, "it was killed before its end"
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
    kept = trainings(tmp_path / "grown")
    assert len(kept) >= len(finished) + 2
    for output in ("grown", "fresh"):
        run(tmp_path / output, 6)
    assert files(tmp_path / "grown") == files(tmp_path / "fresh")
    assert trainings(tmp_path / "grown")[: len(kept)] == kept


@pytest.mark.parametrize(("name", "value"), [("generations", 0), ("population", 3),
                                             ("test_seeds", 0)])
def test_a_finished_run_is_not_made_smaller(name, value, tmp_path):
    options = {**BARE, "output": tmp_path / "run"}
    result = evolve(TASK, **options)
    before = files(tmp_path / "run"), (tmp_path / "run" / "run.json").read_bytes()
    with pytest.raises(ValueError) as caught:
        evolve(TASK, **{**options, name: value})
    assert str(caught.value) == (
        f"{tmp_path / 'run'} holds a finished run with {name} {options[name]}, which can only "
        f"grow, got {value}: choose another folder with --output")
    assert (files(tmp_path / "run"), (tmp_path / "run" / "run.json").read_bytes()) == before
    assert evolve(TASK, **options).race == result.race


def test_what_was_asked_for_and_never_finished_may_be_less(tmp_path):
    class Interrupting(Callback):
        def on_generation(self, record):
            if record["gen"] == 2:
                raise KeyboardInterrupt

    evolve(TASK, output=tmp_path / "run", **BARE)
    with pytest.raises(KeyboardInterrupt):
        evolve(TASK, output=tmp_path / "run", callbacks=Interrupting(),
               **{**BARE, "generations": 400})
    less = evolve(TASK, output=tmp_path / "run", **{**BARE, "generations": 2})
    assert less.logbook.select("gen") == [0, 1, 2]
    with pytest.raises(ValueError, match="finished run with generations 2, which can only grow"):
        evolve(TASK, output=tmp_path / "run", **BARE)


def test_known_losses_that_join_with_the_population_are_no_other_run(tmp_path):
    options = {**FULL, "preselect": False, "finalists": 0, "generations": 0}
    for population in (2, 4):
        result = evolve(TASK, output=tmp_path / "run", **{**options, "population": population})
    assert len(result.logbook.select("nevals")) == 1
    content = json.loads((tmp_path / "run" / "run.json").read_text())
    assert content["finished"] == {"generations": 0, "population": 4, "test_seeds": 1}
    with pytest.raises(ValueError, match="holds another run, with seed_losses"):
        evolve(TASK, output=tmp_path / "run", **options, seed_losses=("ngl",))


def test_runs_of_other_sizes_have_other_folders_by_default(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def folder(**options):
        with runs.Run(RunSettings(datasets=("digits",), **options), progress=False) as run:
            return run.output

    assert len({folder(), folder(generations=5), folder(population=9), folder(test_seeds=4)}) == 4
    assert folder() == folder(patience=3) == folder(max_minutes=2.0) == folder(max_trainings=3)


def test_an_empty_store_has_no_past(tmp_path):
    folder = RunFolder(tmp_path, {"seed": 1, "generations": 8}, growing=("generations",))
    folder.claim([], {"a": "1"})
    folder.finish()
    assert folder.noted("finished") == {"generations": 8}
    folder.close()
    with_less = RunFolder(tmp_path, {"seed": 1, "generations": 2}, growing=("generations",))
    with_less.claim([], {"a": "1"})
    assert with_less.noted("finished") == {}
    with_less.close()


def test_a_comparison_grows_as_a_run_does(tmp_path):
    settings = ComparisonSettings(arms=("archive", "random"), population=4, generations=1, epochs=1,
                                  train_size=200, test_seeds=1, max_size=20)

    def compared(output, settings):
        with Comparison(settings, output, progress=False) as comparison:
            comparison.execute()
            return {name: table.drop(columns="seconds", errors="ignore").to_csv()
                    for name, table in comparison.raw_tables().items()}

    larger = replace(settings, population=5, generations=2, test_seeds=2)
    compared(tmp_path / "grown", settings)
    assert compared(tmp_path / "grown", larger) == compared(tmp_path / "fresh", larger)
    with pytest.raises(ValueError, match="finished run with generations 2, which can only grow"):
        compared(tmp_path / "grown", replace(larger, generations=1))
