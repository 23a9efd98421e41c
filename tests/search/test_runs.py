"""A run in one call, from Python."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import bare
import numpy as np
import pandas as pd
import pytest
from invented import Invented

pytest.importorskip("tensorflow")

from deap import tools  # noqa: E402

from deap_lossgp.data.datasets import load_dataset  # noqa: E402
from deap_lossgp.data.images import ARRAYS  # noqa: E402
from deap_lossgp.search import evolutions  # noqa: E402
from deap_lossgp.search.callbacks import Callback  # noqa: E402
from deap_lossgp.search.runs import evolve  # noqa: E402
from deap_lossgp.training.results import TrainingResult  # noqa: E402
from deap_lossgp.training.tasks import Task  # noqa: E402

BUDGET = {"epochs": 1, "train_size": 300, **bare.BUDGET}
SMALL = {"population": 4, "generations": 2, "test_seeds": 1, "max_size": 30, "progress": False,
         "workers": 0, **bare.SETTINGS}


class Recorder(Callback):
    def __init__(self):
        self.trainings, self.generations, self.results = [], [], []

    def on_training(self, result, expression):
        self.trainings.append((result.task, expression))

    def on_generation(self, record):
        self.generations.append(record)
        raise OSError("the service is down")

    def on_end(self, result):
        self.results.append(result)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run with a callback that fails: its folder, callback, result, and what stderr had."""
    output, recorder = tmp_path_factory.mktemp("run") / "here", Recorder()
    return output, recorder, evolve("digits", output=output, callbacks=[recorder], **BUDGET,
                                    **SMALL)


def test_the_result_holds_what_deap_users_expect(run):
    _, _, result = run
    assert isinstance(result.logbook, tools.Logbook) and result.logbook.select("gen") == [0, 1, 2]
    assert isinstance(result.halloffame, tools.HallOfFame)
    assert result.best.fitness == result.halloffame[0].fitness
    fitness = [tree.fitness for tree in result.halloffame]
    assert fitness == sorted(fitness, reverse=True) and len(fitness) > 1


def test_the_tables_are_those_of_the_folder(run):
    output, _, result = run
    pd.testing.assert_frame_equal(result.individuals, pd.read_csv(output / "individuals.csv"))
    assert {"task", "expression", "seed", "status", "accuracy", "test_accuracy"} <= {
        *result.trainings}
    assert len(result.trainings) == result.counts["curves"] + result.counts["exact"]
    best = json.loads((output / "best_loss.json").read_text())
    assert best["expression"] == str(result.best) and best["test_accuracy"] == result.tests


def test_printed_it_is_the_commands_report(run):
    output, _, result = run
    assert f"Best loss:  {result.best}" in str(result) and f"Results in {output}/" in str(result)
    assert repr(result) == f"<RunResult {result.best} in {output}>"


def test_callbacks_are_told_of_all_that_happens_though_one_raises(run):
    _, recorder, result = run
    assert len(recorder.trainings) == len(result.trainings)
    assert [record["gen"] for record in recorder.generations] == [0, 1, 2]
    assert recorder.generations[2]["wins_avg"] == result.logbook.chapters["wins"][2]["avg"]
    assert recorder.results == [result]


def lines(result):
    """The report without what this process took to choose."""
    return [line for line in str(result).splitlines() if "choosing losses took" not in line]


def test_called_again_it_reads_what_is_complete(run):
    output, _, result = run
    recorder = Recorder()
    again = evolve("digits", output=output, callbacks=[recorder], **BUDGET, **SMALL)
    assert recorder.trainings == [] and len(recorder.generations) == 3
    assert lines(again) == lines(result)
    pd.testing.assert_frame_equal(again.trainings, result.trainings)


def test_tasks_of_ones_own_give_the_same_result(run, tmp_path):
    _, _, result = run
    task = Task.load("digits", **BUDGET)
    own = evolve(task, output=tmp_path / "own", **SMALL)
    assert str(own.best) == str(result.best)
    assert list(own.individuals["improvement"]) == list(result.individuals["improvement"])
    settings = json.loads((tmp_path / "own" / "run.json").read_text())["settings"]
    assert settings["tasks"] == [{"name": "digits", "fingerprint": task.fingerprint}]
    assert settings["epochs"] is None, "it belongs to the task"


def test_other_tasks_in_its_folder_are_refused(tmp_path):
    evolve([Task.load("digits", **BUDGET)], output=tmp_path / "own",
           **{**SMALL, "generations": 0, "test_seeds": 0})
    with pytest.raises(ValueError, match="holds another run, with tasks"):
        evolve([Task.load("digits", epochs=2, train_size=300)], output=tmp_path / "own",
               **{**SMALL, "generations": 0, "test_seeds": 0})


@pytest.mark.parametrize(
    ("tasks", "options", "message"),
    [
        ("digits", {"populaton": 3}, "unknown option 'populaton': did you mean 'population'"),
        ("digits", {"datasets": ["digits"]}, "unknown option 'datasets'"),
        (Task.load("digits", epochs=1), {"epochs": 2}, "epochs belongs to the tasks"),
        ([3], {}, "expected names of data sets or Task objects, got int"),
    ],
)
def test_unknown_options_are_refused_in_one_line(tasks, options, message, tmp_path):
    with pytest.raises(TypeError, match=message):
        evolve(tasks, output=tmp_path / "none", **options)
    assert not (tmp_path / "none").exists()


def images(seed, classes=3):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (120, 8, 8), np.uint8), np.arange(120) % classes


def test_a_run_on_other_images_under_the_same_name_is_refused(tmp_path):
    options = {**SMALL, "generations": 0, "test_seeds": 0, "epochs": 1, "output": tmp_path / "run"}
    for seed in (0, 0, 1):
        x, y = images(seed)
        np.savez(tmp_path / "mine.npz", x_train=x, y_train=y, x_test=x, y_test=y)
        if seed == 0:
            evolve(str(tmp_path / "mine.npz"), **options)
    with pytest.raises(ValueError, match="holds a run on other images of mine: choose another"):
        evolve(str(tmp_path / "mine.npz"), **options)


class Known(Invented):
    """Every loss has the accuracy ``others``, but for cross entropy, which is trained first."""

    def __init__(self, tasks, entropy, others):
        super().__init__(tasks)
        self.entropy, self.others, self.first = entropy, others, None

    def result(self, job):
        loss = job.candidate.derivatives.tobytes()
        self.first = self.first or loss
        figures = (self.entropy if loss == self.first else self.others,)
        return TrainingResult("digits", 10, "ok", 0.5, *figures, 0.5, 0.1, figures, figures,
                              figures, balanced_accuracy=figures[0])


@pytest.mark.parametrize(("above", "gain", "nothing", "won"), [
    (0.0, 0.0, True, False), (0.0, 0.1, True, True), (0.01, 0.0, False, False),
    (0.01, -0.1, False, False), (0.5, 0.1, False, True)])  # fmt: skip
def test_a_worthless_result_says_so(above, gain, nothing, won, monkeypatch, tmp_path):
    """``above`` the share of the most frequent class is what cross entropy reaches."""
    x, _ = images(0)
    task = Task.from_arrays("digits", x, np.repeat([0, 1, 2], [20, 60, 40]), epochs=1)
    entropy = 0.5 + above
    counts = np.bincount(task.data.y_train[task.split()[1]])
    assert counts.argmax() == 1 and 2 * counts[1] == counts.sum()
    monkeypatch.setattr(evolutions, "make_engine",
                        lambda tasks, *_: Known(tasks, entropy, entropy + gain))
    result = evolve(task, output=tmp_path, **{**SMALL, "generations": 0, "test_seeds": 0})
    assert ("No loss won against cross entropy" in str(result)) is not won
    assert ("Cross entropy itself learned nothing on digits" in str(result)) is nothing
    assert ("(error), which says nothing here\n" in str(result)) is nothing


def test_a_run_goes_on_where_its_images_were_moved_to(tmp_path):
    digits = load_dataset("digits")
    arrays = {name: getattr(digits, name) for name in ARRAYS}
    for folder in ("here", "there", "elsewhere"):
        (tmp_path / folder).mkdir()
        np.savez(tmp_path / folder / "mine.npz", **arrays)
    np.savez(tmp_path / "elsewhere" / "mine.npz", **{**arrays, "x_test": digits.x_test // 2})

    def run(folder):
        return evolve("mine", data_dir=tmp_path / folder, output=tmp_path / "run",
                      **BUDGET, **{**SMALL, "generations": 0})

    before, after = run("here"), run("there")
    assert str(after.best) == str(before.best)
    assert after.trainings.equals(before.trainings)
    with pytest.raises(ValueError, match="holds a run on other images of mine"):
        run("elsewhere")


@pytest.mark.parametrize(("wins", "evolved", "says_so"), [
    (1.0, [0.90, 0.92], True), (1.0, [0.91, 0.91], True), (1.0, [0.9, None], True),
    (1.0, [0.91, 0.93], False), (0.0, [0.90, 0.92], False),
])
def test_the_report_says_when_fresh_seeds_do_not_confirm_a_gain(run, wins, evolved, says_so):
    _, _, result = run
    best = result.best.__class__(result.best)
    best.fitness.values = wins, 0.1 * wins
    tests = {"digits": {"evolved": evolved, "cross_entropy": [0.91, 0.91]}}
    report = str(replace(result, best=best, tests=tests))
    assert ("These do not confirm the search's gain over cross entropy." in report) == says_so


@pytest.mark.parametrize(("options", "message"), [
    ({"fitness": len}, "fitness must be a name or 'module:function', got <built-in"),
    ({"population": "4"}, "population must be an integer, got '4'"),
    ({"callbacks": [3]}, "callbacks: expected objects with on_training"),
])
def test_a_wrong_type_is_named(options, message, tmp_path):
    with pytest.raises(TypeError) as caught:
        evolve("digits", output=tmp_path / "out", **BUDGET, **{**SMALL, **options})
    assert str(caught.value).startswith(message)
    assert not (tmp_path / "out").exists()


AFTER_KERAS = """
import sys
import keras
from deap_lossgp.search.runs import evolve

keras.Sequential([keras.layers.Dense(1)])(keras.ops.zeros((2, 3)))
print(evolve("digits", output=sys.argv[1], epochs=1, train_size=300, population=1, generations=0,
             test_seeds=0, max_size=30, preselect=False, finalists=0,
             progress=False, workers=0).best.fitness.valid)
"""


def test_a_run_may_follow_other_work_in_tensorflow(tmp_path):
    process = subprocess.run([sys.executable, "-c", AFTER_KERAS, str(tmp_path / "out")],
                             capture_output=True, text=True, check=False)
    assert process.stdout == "True\n", process.stderr
    recorded = json.loads((tmp_path / "out" / "run.json").read_text())
    threads = len(os.sched_getaffinity(0))
    assert recorded["environment"]["threads"] == recorded["code"]["threads"] == threads
