"""Runs that are stopped, killed, refused and resumed: nothing is lost and nothing done twice."""

import csv
import json
import os
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path

import bare
import pytest

pytest.importorskip("tensorflow")

TESTS = Path(__file__).parents[1]
sys.path.insert(0, str(TESTS.parent / "examples"))
import evolve_loss  # noqa: E402

import deap_lossgp  # noqa: E402

COMMAND = [sys.executable, str(TESTS.parent / "examples" / "evolve_loss.py")]
SMALL = ["--population", "4", "--generations", "2", "--epochs", "1", "--train-size", "300",
         "--test-seeds", "1", "--max-size", "30", *bare.OPTIONS, "--output", "here"]
AT_ONCE = 5.0  # seconds in which a command that is told to stop has stopped


def before_other_modules(folder):
    """PYTHONPATH of a process that finds what is in a folder first, and all that this one finds."""
    return os.pathsep.join([str(folder), *filter(None, sys.path)])


def evolve(*options, cwd, settings=SMALL, **environment):
    return subprocess.run([*COMMAND, *settings, *options], cwd=cwd, capture_output=True, text=True,
                          check=False, env={**os.environ, **environment})


@contextmanager
def running(command, cwd):
    """A command in a group of its own, as a terminal starts it."""
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               text=True, start_new_session=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def trainings(folder):
    """The store's rows, read as any SQLite client does; none where it is not made yet."""
    try:
        with closing(sqlite3.connect(f"{(folder / 'evaluations.sqlite').as_uri()}?mode=ro",
                                     uri=True)) as connection:
            return connection.execute("SELECT * FROM trainings ORDER BY rowid").fetchall()
    except sqlite3.OperationalError:
        return []


def until(true, process):
    while not true():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)


def results(folder):
    """What a run's three files say, wall times aside."""
    with open(folder / "logbook.csv", newline="") as file:
        logbook = [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]
    return (logbook, (folder / "individuals.csv").read_bytes(),
            (folder / "best_loss.json").read_bytes())


def stopped(command, cwd, number, count):
    """Runs a command until so many trainings are stored, stops it with a signal, as Ctrl-C does,
    and returns what it said."""
    with running(command, cwd) as process:
        until(lambda: len(trainings(cwd / "here")) >= count, process)
        os.killpg(process.pid, number)
        process.wait(AT_ONCE)
        assert process.returncode == 128 + number
        return process.stderr.read()


def resume_command(errors):
    """The last line, as it stands."""
    program, *arguments = shlex.split(errors.splitlines()[-1])
    assert program == "python"
    return [sys.executable, *arguments]


def refusal(capsys, *options):
    """The one line with which the command refuses to start here."""
    with pytest.raises(SystemExit) as exit_:
        evolve_loss.main([*SMALL, *options])
    printed = capsys.readouterr()
    assert exit_.value.code == 2 and not printed.out
    assert printed.err.count("\n") == 1
    return printed.err


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The parent of an undisturbed run's folder."""
    parent = tmp_path_factory.mktemp("finished")
    process = evolve(cwd=parent)
    assert process.returncode == 0, process.stderr
    return parent


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory):
    """The parent of a run's folder that Ctrl-C stopped after 2 trainings, and what was said."""
    parent = tmp_path_factory.mktemp("interrupted")
    return parent, stopped([*COMMAND, *SMALL], parent, signal.SIGINT, 2)


@pytest.fixture
def partial(interrupted, tmp_path):
    """A copy of the interrupted run to work in."""
    shutil.copytree(interrupted[0], tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
def complete(finished, tmp_path):
    """A copy of the finished run to work in."""
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    return tmp_path


# Stopped and resumed


def test_ctrl_c_and_sigterm_end_a_run_with_the_command_that_goes_on(finished, interrupted, partial):
    _, errors = interrupted
    assert "Traceback" not in errors
    kept = trainings(partial / "here")
    errors = stopped(resume_command(errors), partial, signal.SIGTERM, len(kept) + 1)
    assert "Traceback" not in errors
    kept = trainings(partial / "here")
    process = subprocess.run(resume_command(errors), cwd=partial, capture_output=True, text=True,
                             check=False)
    assert process.returncode == 0, process.stderr
    assert results(partial / "here") == results(finished / "here")
    rows = trainings(partial / "here")
    assert rows[:len(kept)] == kept, "what was trained is neither trained again nor changed"
    assert len(rows) == len(trainings(finished / "here"))


@pytest.mark.parametrize(("options", "environment", "said"), [
    (["--threads", "2", "--no-determinism"], {}, "threads 1, now 2; determinism None, now False"),
    ([], {"TF_XLA_FLAGS": "--tf_xla_auto_jit=2"},
     "flags {}, now {'TF_XLA_FLAGS': '--tf_xla_auto_jit=2'}"),
])
def test_what_the_bits_depend_on_may_not_change(partial, options, environment, said):
    before = trainings(partial / "here")
    process = evolve(*options, cwd=partial, **environment)
    assert process.returncode == 2 and process.stderr.count("\n") == 1, process.stderr
    assert f"here was begun with {said}: choose the same, or another folder" in process.stderr
    assert trainings(partial / "here") == before


def test_a_finished_run_replays_in_one_process_without_tensorflow(complete, tmp_path_factory):
    ours, seen = tmp_path_factory.mktemp("ours"), tmp_path_factory.mktemp("seen")
    note = f"import os, pathlib; pathlib.Path({str(seen)!r}, NAME + str(os.getpid())).touch()\n"
    (ours / "sitecustomize.py").write_text(note.replace("NAME", "'python'"))
    for name in ("tensorflow", "keras"):
        (ours / f"{name}.py").write_text(note.replace("NAME", repr(name))
                                         + "raise ImportError('not here')\n")
    before = results(complete / "here"), trainings(complete / "here")
    for name in ("logbook.csv", "individuals.csv", "best_loss.json"):
        (complete / "here" / name).unlink()
    process = evolve(cwd=complete, PYTHONPATH=before_other_modules(ours))
    assert process.returncode == 0, process.stderr
    assert (results(complete / "here"), trainings(complete / "here")) == before
    (only,) = seen.iterdir()
    assert only.name.startswith("python")


def test_a_process_of_these_tests_imports_this_package(tmp_path):
    code = "import deap_lossgp; print(deap_lossgp.__file__)"
    process = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True,
                             text=True, check=True, env={
                                 **os.environ, "PYTHONPATH": before_other_modules(tmp_path)})
    assert process.stdout == f"{deap_lossgp.__file__}\n"


# One process at a time, one run per folder


def test_a_second_process_is_refused_until_the_first_is_gone(
    finished, partial, monkeypatch, capsys
):
    monkeypatch.chdir(partial)
    run = partial / "here" / "run.json"
    with running([*COMMAND, *SMALL], partial) as first:
        until(lambda: json.loads(run.read_text())["process"]["pid"] == first.pid, first)
        assert f"here is in use by process {first.pid} on" in refusal(capsys)
        kept = trainings(partial / "here")
        first.send_signal(signal.SIGKILL)
        first.wait()
    process = evolve(cwd=partial)
    assert process.returncode == 0, process.stderr
    assert results(partial / "here") == results(finished / "here")
    assert trainings(partial / "here")[:len(kept)] == kept


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--seed", "5"], "holds another run, with seed 0 instead of 5"),
        (["--epochs", "2"], "with epochs 1 instead of 2"),
        (["--plain"], "with protected True instead of False"),
        (["--max-size", "31"], "with --max-size 30 instead of 31"),
    ],
)
def test_a_folder_with_trainings_belongs_to_its_settings(
    partial, options, message, monkeypatch, capsys
):
    monkeypatch.chdir(partial)
    before = (partial / "here" / "run.json").read_bytes(), trainings(partial / "here")
    assert message in refusal(capsys, *options)
    assert ((partial / "here" / "run.json").read_bytes(), trainings(partial / "here")) == before


def _without_code(run):
    del run["code"]


def _of_another_version(run):
    run["code"]["deap_lossgp"] = run["versions"]["deap_lossgp"] = "0.0.9"


def _of_other_primitives(run):
    run["code"]["primitives"] = "0123456789abcdef"


def _of_another_network(run):
    run["code"]["digits, small_cnn"] = "0123456789abcdef"


@pytest.mark.parametrize(("change", "message"), [
    (_without_code, "(not recorded in run.json)"),
    (_of_another_version, "(deap_lossgp): choose another folder with --output, or use the version "
                          "of deap_lossgp that began it (0.0.9)"),
    (_of_other_primitives, "(primitives): choose another folder"),
    (_of_another_network, "(digits, small_cnn): choose another folder"),
])
def test_a_folder_of_other_code_is_refused_and_not_trained_anew(
    complete, change, message, monkeypatch, capsys
):
    path = complete / "here" / "run.json"
    run = json.loads(path.read_text())
    change(run)
    path.write_text(json.dumps(run))
    monkeypatch.chdir(complete)
    before = path.read_bytes(), trainings(complete / "here")
    assert f"here holds trainings of other code or tasks {message}" in refusal(capsys)
    assert (path.read_bytes(), trainings(complete / "here")) == before


def test_a_folder_without_run_json_is_refused_and_not_trained_anew(complete, monkeypatch, capsys):
    (complete / "here" / "run.json").unlink()
    monkeypatch.chdir(complete)
    before = trainings(complete / "here")
    assert "trainings of other code or tasks (not recorded in run.json)" in refusal(capsys)
    assert trainings(complete / "here") == before


def test_after_a_start_that_trained_nothing_a_run_begins_anew(finished, tmp_path):
    process = evolve("--seed", "5", "--time-limit", "0.0001", cwd=tmp_path)
    assert process.returncode == 2 and not process.stdout
    message = "the cross-entropy baseline failed on digits: timeout, stopped after 0.0001 s"
    assert process.stderr.endswith(f"evolve_loss.py: error: {message}\n")
    assert "Traceback" not in process.stderr
    assert not trainings(tmp_path / "here")
    process = evolve(cwd=tmp_path)
    assert process.returncode == 0, process.stderr
    assert results(tmp_path / "here") == results(finished / "here")


# Another fitness


def test_another_fitness_ranks_the_same_trainings(tmp_path):
    settings = ["--population", "4", "--generations", "0", "--epochs", "1", "--train-size", "300",
                "--test-seeds", "0", "--max-size", "30", *bare.OPTIONS, "--output", "here"]
    found = []
    for fitness in ("error", "weighted", "error"):
        process = evolve("--fitness", fitness, cwd=tmp_path, settings=settings)
        assert process.returncode == 0, process.stderr
        found.append((results(tmp_path / "here"), trainings(tmp_path / "here")))
    (error, trained), (weighted, the_same), (again, still_the_same) = found
    assert trained == the_same == still_the_same and len(trained) == 5
    assert error == again
    assert error != weighted and b"weighted" in weighted[-1]


# Stores that cannot be used


def _damaged(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2:len(content) // 2 + 4096] = bytes(range(256)) * 16
    path.write_bytes(content)


def _newer(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


def _foreign(path):
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE trainings (key)")


def _text(path):
    path.write_text("key,seconds\n" * 100)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_damaged, "expected an undamaged store of trainings"),
        (_newer, "of version 3, got the newer version 99; upgrade deap_lossgp"),
        (_foreign, "got the database of another program"),
        (_text, "expected an undamaged store of trainings, got DatabaseError: file is not"),
    ],
)
def test_a_store_that_cannot_be_used_is_one_line_and_left_as_it_is(
    complete, spoil, message, monkeypatch, capsys
):
    store = complete / "here" / "evaluations.sqlite"
    spoil(store)
    before = store.read_bytes()
    monkeypatch.chdir(complete)
    assert message in refusal(capsys)
    assert store.read_bytes() == before
