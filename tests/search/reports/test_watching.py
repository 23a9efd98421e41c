"""The state of a run, read from outside: running, stopped, complete, and what it says."""

import json
import os
import platform
import subprocess
import sys
from dataclasses import asdict

import pytest
from html_reader import check_page, text_of

from deap_lossgp.comparison.settings import ComparisonSettings, ConfirmationSettings
from deap_lossgp.found_losses import KNOWN_LOSSES
from deap_lossgp.search.reports.watch_page import watch_page
from deap_lossgp.search.reports.watching import read_state
from deap_lossgp.search.store import Store
from deap_lossgp.training.results import TrainingResult

HOSTILE = "<i>&\x1b"


def folder(path, *, pid=None, host=None, trainings=3, **record):
    path.mkdir(exist_ok=True)
    record = {
        "settings": {"algorithm": "archive", "generations": 4, "protected": True, "seed": 7},
        "seed": 7, "data": [{"name": "digits"}],
        "progress": {"generations": {"0": [0.0, -0.5], "1": [1.0, 0.25], "10": [1.0, 0.5]},
                     "best": KNOWN_LOSSES["ngl"]},
        "process": {"pid": os.getpid() if pid is None else pid, "host": host or platform.node(),
                    "since": "2026-01-01T00:00:00+00:00"},
        **record}
    (path / "run.json").write_text(json.dumps(record))
    with Store(path / "evaluations.sqlite") as store:
        for key in range(trainings - len(store)):
            status = "ok" if key else "nan"
            store.put(str(key), TrainingResult("digits", 10, status, 0.5, 0.75),
                      expression="y_pred", seed=7 + key // 2)
    return path


def gone():
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_state_says_how_far_the_run_is(tmp_path):
    state = read_state(folder(tmp_path / "run"))
    assert str(state) == ("generation 10 of 4 has ended; 2 trainings in the search, 1 with fresh "
                          "seeds, 1 nan; best so far +0.5000, 1 data sets won")
    assert state.title == "digits: archive, seed 7" and state.best == KNOWN_LOSSES["ngl"]
    assert [row[0] for row in state.generations] == [0, 1, 10]


def test_before_the_first_generation_there_is_no_best(tmp_path):
    state = read_state(folder(tmp_path / "run", progress=None, trainings=0))
    assert str(state) == ("no generation of 0 to 4 has ended; 0 trainings in the search; no best "
                          "loss yet")
    assert state.best is None
    state = read_state(folder(tmp_path / "run", progress={"generations": {"0": [0.0, None]},
                                                          "best": "y_pred"}))
    assert "no loss has a fitness yet" in str(state)


@pytest.mark.parametrize(("settings", "kind"), [
    (asdict(ComparisonSettings()), "comparison"),
    (asdict(ConfirmationSettings()), "collection of trainings"),
])
def test_what_has_no_generations_is_called_what_it_is(settings, kind, tmp_path):
    state = read_state(folder(tmp_path / "run", settings=settings, progress=None))
    assert state.title == f"digits: {kind}, seed 7"
    assert str(state) == f"a {kind}; 3 trainings, 1 nan"
    assert "Best so far" not in watch_page(state)


def test_it_runs_as_long_as_its_process_lives_or_may_live(tmp_path):
    assert read_state(folder(tmp_path / "run")).status == "running"
    assert read_state(folder(tmp_path / "run", host="elsewhere", pid=gone())).status == "running"
    if os.name == "posix":
        assert read_state(folder(tmp_path / "run", pid=gone())).status == "stopped"


def test_it_is_complete_when_its_page_is_newer_than_its_start(tmp_path):
    run = folder(tmp_path / "run", finished={"generations": 4})
    assert read_state(run).status == "running", "the race and the tests may be left"
    (run / "report.html").write_text("page")
    assert read_state(run).status == "complete"
    os.utime(run / "report.html", (1e9, 1e9))
    assert read_state(run).status == "running", "it goes on with more generations"


@pytest.mark.parametrize("progress", [
    {"generations": [1]}, {"generations": {"x": [1, 2], "0": 3, "1": [1], "2": ["a", 1]}},
    {"generations": {}, "best": 3}, {"best": "y_pred"},
])
def test_notes_of_another_kind_are_none(tmp_path, progress):
    state = read_state(folder(tmp_path / "run", progress=progress))
    assert state.generations == [] and state.best is None
    check_page(watch_page(state))


def test_no_run_is_one_line(tmp_path):
    with pytest.raises(ValueError, match="expected the folder of a run, with a run.json; got .*x"):
        read_state(tmp_path / "x")
    (tmp_path / "run.json").write_text("[]")
    with pytest.raises(ValueError, match="is not a run's file"):
        read_state(tmp_path)


def test_the_page_holds_the_state_the_best_and_the_latest_trainings(tmp_path):
    run = folder(tmp_path / "run", data=[{"name": HOSTILE}], trainings=20)
    text = watch_page(read_state(run), refresh=5)
    page = check_page(text)
    assert [text_of(node) for node in page.all("h2")] == ["State", "Best so far",
                                                          "Latest trainings"]
    assert text_of(next(page.all("h1"))) == "<i>&\ufffd: archive, seed 7"
    assert '<meta http-equiv="refresh" content="5">' in text and list(page.all("math"))
    best, latest = page.tables()
    assert best[1] == [KNOWN_LOSSES["ngl"]]
    assert len(latest) == 16 and latest[1][1] == "16", "the last one first"
    assert "Generation 10 of 4 has ended." in text_of(next(page.all("main")))


def test_only_a_running_run_is_asked_for_again(tmp_path):
    stopped = folder(tmp_path / "run", pid=gone())
    if os.name == "posix":
        text = watch_page(read_state(stopped), refresh=5)
        assert 'http-equiv="refresh"' not in text and "It is not running" in text


def test_a_best_loss_of_other_primitives_is_shown_as_text(tmp_path):
    run = folder(tmp_path / "run", progress={"generations": {"0": [1, 0.5]}, "best": "tanh(<b>)"})
    page = check_page(watch_page(read_state(run)))
    assert not list(page.all("math")) and "tanh(<b>)" in text_of(next(page.all("main")))
