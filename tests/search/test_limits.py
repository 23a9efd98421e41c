"""Runs that stop before their last generation, and stop there again."""

import json

import bare
import pandas as pd
import pytest
from invented import Invented

pytest.importorskip("tensorflow")

from deap_lossgp.comparison import ComparisonSettings  # noqa: E402
from deap_lossgp.search import evolutions, runs, stopping  # noqa: E402
from deap_lossgp.search.callbacks import Callback  # noqa: E402
from deap_lossgp.search.runs import evolve  # noqa: E402
from deap_lossgp.search.settings import RunSettings  # noqa: E402
from deap_lossgp.search.stopping import Clock  # noqa: E402
from deap_lossgp.training.tasks import Task  # noqa: E402

TASK = Task.load("digits", epochs=1, train_size=300, validation_size=300)
SMALL = {"population": 4, "test_seeds": 1, "max_size": 30, "progress": False,
         **bare.SETTINGS}


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Invented trainings, and no pictures."""
    monkeypatch.setattr(evolutions, "make_engine", lambda tasks, *_: Invented(tasks))
    monkeypatch.setattr(runs.Run, "write_figure", lambda *_: None)


def files(folder):
    logbook = pd.read_csv(folder / "logbook.csv").drop(columns="seconds")
    return logbook.to_csv(), *((folder / name).read_bytes() for name in
                               ("individuals.csv", "best_loss.json", "front.csv"))


def clock_of(monkeypatch, minutes):
    """Makes each generation take so many minutes; returns a list of how many generations did."""
    made = [0]

    class Time:
        @staticmethod
        def monotonic():
            made[0] += 1
            return 60.0 * minutes * (made[0] - 1)

    monkeypatch.setattr(stopping, "time", Time)
    return made


@pytest.mark.parametrize("algorithm", ["sample-tournament", "glo"])
def test_stopped_it_is_a_run_of_so_many_generations(algorithm, tmp_path):
    options = {**SMALL, "algorithm": algorithm}
    stopped = evolve(TASK, output=tmp_path / "stopped", generations=9, max_trainings=6, **options)
    last = stopped.logbook[-1]["gen"]
    counts = stopped.logbook.select("ntrained")
    assert 1 + sum(counts) >= 6 > 1 + sum(counts[:-1]), "cross entropy is a training, too"
    assert stopped.stopped == ("max_trainings",) and 0 < last < 5
    if algorithm == "sample-tournament":  # GLO divides the generations that it is asked for
        evolve(TASK, output=tmp_path / "whole", generations=last, **options)
        assert files(tmp_path / "stopped") == files(tmp_path / "whole")
    assert (f"\nStopped by --max-trainings 6 after generation {last} of 9: the same with a larger "
            f"--max-trainings, or without, goes on from there.\n") in str(stopped)


def test_patience_counts_generations_without_a_better_best(tmp_path):
    result = evolve(TASK, output=tmp_path / "run", generations=40, patience=2, **SMALL)
    ranks = result.individuals.groupby("gen")[["wins", "improvement"]].agg(list)
    bests = [max(zip(*row, strict=True)) for row in ranks.itertuples(index=False)]
    waited = next(gen for gen in range(2, 40) if bests[gen] == bests[gen - 1] == bests[gen - 2])
    assert result.logbook[-1]["gen"] == waited and result.stopped == ("patience",)


def test_what_the_clock_has_decided_is_decided_again(tmp_path, monkeypatch):
    options = {**SMALL, "output": tmp_path / "run", "generations": 9}
    clock_of(monkeypatch, minutes=2)
    result = evolve(TASK, max_minutes=5, **options)
    assert result.stopped == ("max_minutes",) and result.logbook.select("gen") == [0, 1, 2]
    before = files(tmp_path / "run")
    for minutes in (0, 1000):  # a replay takes no time, or all of it
        clock_of(monkeypatch, minutes)
        assert evolve(TASK, max_minutes=5, **options).stopped == result.stopped
        assert files(tmp_path / "run") == before
    clock_of(monkeypatch, minutes=1)
    longer = evolve(TASK, max_minutes=8, **options)  # 2, 4 and 6 minutes are over
    assert longer.logbook.select("gen") == [0, 1, 2, 3, 4]
    evolve(TASK, max_minutes=5, **options)
    assert files(tmp_path / "run") == before
    assert "Stopped" not in str(evolve(TASK, **{**options, "generations": 3}))
    evolve(TASK, **{**SMALL, "output": tmp_path / "fresh", "generations": 3})
    assert files(tmp_path / "run") == files(tmp_path / "fresh")


def test_a_run_that_is_killed_keeps_the_time_of_its_generations(tmp_path, monkeypatch):
    class Interrupting(Callback):
        def on_generation(self, record):
            if record["gen"] == 1:
                raise KeyboardInterrupt

    options = {**SMALL, "output": tmp_path / "run", "generations": 9, "max_minutes": 7}
    clock_of(monkeypatch, minutes=3)
    with pytest.raises(KeyboardInterrupt):
        evolve(TASK, callbacks=Interrupting(), **options)
    clock_of(monkeypatch, minutes=0.25)
    result = evolve(TASK, **options)
    assert result.logbook[-1]["gen"] == 5, "3 + 3 + 4 * 0.25 minutes"
    noted = json.loads((tmp_path / "run" / "run.json").read_text())
    assert [*noted["clock"].values()] == [180, 360, 375, 390, 405, 420]
    assert noted["finished"]["generations"] == 5, "it may be asked for as many"


def test_another_path_of_evolution_has_times_of_its_own():
    kept = []
    for paths in (("a", "b"), ("a", "c"), ("a", "b", "c"), ("", "a")):
        clock = Clock(kept[-1] if kept else {}, lambda known: kept.append(dict(known)))
        for evaluated in paths:
            clock.end_generation(list(evaluated))
    assert len(kept[-1]) == 6, "a, ab, ac, abc, nothing, and nothing before a"


def test_a_clock_adds_up_what_it_knows_and_what_it_sees(monkeypatch):
    class Time:
        monotonic = iter([0.0, 10.0, 30.0, 100.0, 101.0, 102.0, 109.0]).__next__

    monkeypatch.setattr(stopping, "time", Time)
    kept, seen = {}, []
    for generations in ("ab", "abc"):
        clock = Clock(kept, kept.update)
        for evaluated in generations:
            clock.end_generation([evaluated])
            seen.append(clock.seconds)
    assert seen == [10.0, 30.0, 10.0, 30.0, 37.0]


@pytest.mark.parametrize(("name", "value", "error", "message"), [
    ("patience", 0, ValueError, "patience must be at least 1, got 0"),
    ("patience", 1.5, TypeError, "patience must be an integer, got 1.5"),
    ("max_trainings", 0, ValueError, "max_trainings must be at least 1, got 0"),
    ("max_minutes", -1.0, ValueError, "max_minutes must be at least 0 and finite, got -1.0"),
    ("max_minutes", float("nan"), ValueError, "max_minutes must be at least 0 and finite, got nan"),
    ("max_minutes", float("inf"), ValueError, "max_minutes must be at least 0 and finite, got inf"),
])
def test_limits_are_positive(name, value, error, message):
    with pytest.raises(error) as caught:
        RunSettings(**{name: value})
    assert str(caught.value) == message


@pytest.mark.parametrize("name", ["max_minutes", "max_trainings", "patience"])
def test_the_arms_of_a_comparison_are_not_stopped(name):
    with pytest.raises(ValueError, match=f"^{name} belongs to single runs: .* fewer generations$"):
        ComparisonSettings(**{name: 3})
