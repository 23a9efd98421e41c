"""Runs whose driver or worker is killed; ``tests/soak.py`` makes fifty times as many."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import soak

TESTS = Path(__file__).parents[1]


def test_a_worker_may_be_killed_at_any_moment_of_its_start(tmp_path):
    command = [sys.executable, str(TESTS / "soak.py"), "--quick", "--output", "out", "--only",
               "start-kill", "start-interrupt", "start-notebook"]
    process = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout + process.stderr
    assert "start-kill: ok, 4 of 4 rounds" in process.stdout


def test_the_soak_finds_nothing_lost_in_a_few_kills(tmp_path):
    command = [sys.executable, str(TESTS / "soak.py"), "--quick", "--only", "driver-kill",
               "--rounds", "2", "--output", "out"]
    process = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout + process.stderr
    said = r"ok, 2 of 2 rounds: (\d+) kills, .* 2 identical, 0 repeated"
    kills = re.search(said, process.stdout)
    assert kills and int(kills[1]) >= 2, process.stdout
    table = (tmp_path / "out" / "driver-kill.csv").read_bytes()
    process = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert process.returncode == 0 and "2 of 2 rounds" in process.stdout
    assert (tmp_path / "out" / "driver-kill.csv").read_bytes() == table, "rounds are made once"


def test_proofs_that_are_interrupted_say_how_to_go_on(tmp_path, monkeypatch, capsys):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(soak, "prove", stopped)
    with pytest.raises(SystemExit) as ended:
        soak.main(["--only", "settings", "--output", str(tmp_path / "it is")])
    assert ended.value.code == 130
    assert capsys.readouterr().err.endswith(f" --only settings --output '{tmp_path}/it is'\n")
