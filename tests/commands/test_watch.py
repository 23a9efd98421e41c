"""``lossgp watch``: a run in progress as lines and as a page; its folder stays as it is."""

import hashlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time

import bare
import pytest

from deap_lossgp.commands.program import main

pytest.importorskip("tensorflow")

RUN = """
import sys
from deap_lossgp import evolve
from deap_lossgp.search import Callback

class Wait(Callback):
    def on_generation(self, record):
        print(record["gen"], flush=True)
        sys.stdin.readline()

evolve("digits", output=sys.argv[1], callbacks=Wait(), progress=False, workers=0, population=3,
       generations=2, epochs=1, train_size=200, test_seeds=1, max_size=20, **eval(sys.argv[2]))
"""
POSIX = pytest.mark.skipif(os.name != "posix", reason="signals")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run that waits after each generation; its folder, its process, and what lets it go on."""
    output = tmp_path_factory.mktemp("watch") / "run"
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, str(output), repr({**bare.BUDGET, **bare.SETTINGS})],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "0\n"

    def go_on():
        process.stdin.write("\n")
        process.stdin.flush()
        return process.stdout.readline()

    yield output, process, go_on
    process.kill()
    process.communicate()


def files(folder):
    return {path.name: (path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
            for path in folder.iterdir()}


def watch(*arguments):
    return [sys.executable, "-m", "deap_lossgp", "watch", *map(str, arguments)]


def get(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/")
    return connection.getresponse().read().decode()


def test_a_run_is_watched_from_its_first_generation_to_its_page(run, tmp_path, capsys):
    output, process, go_on = run
    before = files(output)
    main(["watch", str(output), "--once", "--output", str(tmp_path / "copy")])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"digits: sample-tournament, seed 0, running, in {output}{os.sep}"
    assert "generation 0 of 2 has ended; " in lines[1] and "best so far " in lines[1]
    best = json.loads((output / "run.json").read_text())["progress"]["best"]
    assert lines[2].strip() == best and len(lines) == 3
    assert "Latest trainings" in (tmp_path / "copy" / "watch.html").read_text("utf-8")
    assert files(output) == before, "nothing is written there"

    with subprocess.Popen(watch(output, "--serve", "0", "--every", "1"), stdout=subprocess.PIPE,
                          text=True) as server:
        port = int(re.search(r"http://127.0.0.1:(\d+)/", server.stdout.readline())[1])
        page = get(port)
        assert "Generation 0 of 2 has ended." in page and 'http-equiv="refresh"' in page
        assert files(output) == before, "nor while it is served"
        assert go_on() == "1\n"
        assert "Generation 1 of 2 has ended." in get(port)

        with subprocess.Popen(watch(output, "--every", "0.1"), stdout=subprocess.PIPE,
                              text=True) as watcher:
            assert "running" in watcher.stdout.readline()
            assert "generation 1 of 2" in watcher.stdout.readline()
            assert go_on() == "2\n" and go_on() == ""
            assert process.wait() == 0
            rest = watcher.stdout.read().splitlines()
        assert watcher.returncode == 0 and any("generation 2 of 2" in line for line in rest)
        assert rest[-1] == f"Complete: {output / 'report.html'}"
        assert get(port) == (output / "report.html").read_text("utf-8")
        if os.name == "posix":
            server.send_signal(signal.SIGINT)
            assert server.wait() == 0
        server.kill()
    assert {path.name for path in output.iterdir()} == {
        "run.json", "run.lock", "evaluations.sqlite", "best_loss.json", "logbook.csv",
        "individuals.csv", "front.csv", "generations.png", "individuals.png", "front.png",
        "funnel.png", "learning_curves.png", "report.html"}


@POSIX
def test_ctrl_c_ends_it_without_a_trace(run):
    output, _, _ = run
    record = json.loads((output / "run.json").read_text())
    elsewhere = output.parent / "elsewhere"
    elsewhere.mkdir()
    record["process"]["host"], record["finished"] = "elsewhere", None
    (elsewhere / "run.json").write_text(json.dumps(record))
    with subprocess.Popen(watch(elsewhere), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as process:
        assert "running" in process.stdout.readline()
        process.stdout.readline()
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate()
        assert (process.returncode, error) == (0, "")


@pytest.mark.parametrize(("arguments", "message"), [
    (["nowhere"], "expected the folder of a run, with a run.json; got nowhere"),
    (["nowhere", "--every", "0"], "--every: expected at least 0.1 seconds, got 0"),
    (["nowhere", "--every", "nan"], "--every: expected at least 0.1 seconds, got nan"),
    (["nowhere", "--serve", "--once"], "--serve cannot be combined with --once and --output"),
    (["nowhere", "--serve", "x"], "argument --serve: invalid int value: 'x'"),
])
def test_bad_input_is_one_line(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        main(["watch", *arguments])
    assert end.value.code == 2
    assert capsys.readouterr().err == f"lossgp watch: error: {message}\n"
    assert not [*tmp_path.iterdir()]


def test_the_runs_own_folder_and_a_wrong_port_are_refused(run, capsys):
    output, _, _ = run
    before = files(output)
    for arguments, message in ((["--output", str(output)], "expected another folder than"),
                               (["--serve", "99999999"], "port 99999999 cannot be used")):
        with pytest.raises(SystemExit):
            main(["watch", str(output), *arguments])
        assert message in capsys.readouterr().err
    assert files(output) == before
