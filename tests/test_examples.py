"""The example scripts at tiny size, and what README.rst says of them."""

import csv
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted(path.name for path in (ROOT / "examples").glob("*.py"))


def run(script, *options, cwd, **environment):
    return subprocess.run(
        [sys.executable, str(ROOT / "examples" / script), *options],
        cwd=cwd, capture_output=True, text=True, check=False, env={**os.environ, **environment},
    )


@pytest.mark.parametrize("script", EXAMPLES)
def test_every_command_has_help_a_seed_and_an_output(script, tmp_path):
    process = run(script, "--help", cwd=tmp_path)
    assert process.returncode == 0
    assert "--seed" in process.stdout and "--output DIR" in process.stdout


@pytest.mark.parametrize("script", EXAMPLES)
def test_a_misspelt_option_is_one_line_and_status_2(script, tmp_path):
    process = run(script, "--sede", "1", cwd=tmp_path)
    assert process.returncode == 2 and process.stderr.count("\n") == 1
    assert "--sede" in process.stderr


def test_reuse_in_deap_drives_both_ways_without_tensorflow(tmp_path):
    for name in ("tensorflow", "keras"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('not here')")
    process = run("reuse_in_deap.py", "--ngen", "8", "--population", "12", "--output", "out",
                  cwd=tmp_path, PYTHONPATH=os.pathsep.join([str(tmp_path), *sys.path]))
    assert process.returncode == 0, process.stderr
    for algorithm, children in (("sample-tournament", 4), ("archive", 12)):
        for problem in ("onemax", "regression"):
            with open(tmp_path / "out" / f"{problem}-{algorithm}.csv", newline="") as file:
                rows = list(csv.DictReader(file))
            assert [int(row["nevals"]) for row in rows] == [12] + [children] * 8
            best = [float(row["max" if problem == "onemax" else "min"]) for row in rows]
            assert best == sorted(best, reverse=problem == "regression")
    pairs = [tmp_path / "out" / f"regression-{name}.csv" for name in ("without",
                                                                     "with-preselection")]
    counts = []
    for path in pairs:
        with open(path, newline="") as file:
            counts.append([int(row["nevals"]) for row in csv.DictReader(file)])
    assert counts[0] == counts[1] == [4, 1, 1], "they are compared at equal evaluations"
    assert "with preselection" in process.stdout
    assert (tmp_path / "out" / "losses-eaSimple.png").read_bytes().startswith(b"\x89PNG")


def test_benchmark_measures_every_arm_for_every_loss(tmp_path):
    process = run("benchmark_evaluation.py", "--datasets", "digits", "--losses", "2",
                  "--images", "1024", "--memory", "10", "--output", "out", cwd=tmp_path)
    assert process.returncode == 0, process.stderr
    assert "the network was traced 1 time;" in process.stdout
    assert " losses as a search draws them: " in process.stdout
    with open(tmp_path / "out" / "benchmark_evaluation.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2
    arms = ["ours", "hand-written cross entropy", "exact path", "plain DEAP + Keras fit",
            "plain, with its validation"]
    if find_spec("torch") is not None:
        arms += ["PyTorch, 1 thread", "PyTorch, 2 threads"]
    assert all(float(row[arm]) > 0 for row in rows for arm in arms)


def test_readme_holds_the_two_commands_that_ci_and_newcomers_run():
    text = (ROOT / "README.rst").read_text()
    commands = [line.strip() for line in text.splitlines() if line.startswith("    pip install")]
    assert commands == [
        'pip install -e ".[cpu]" && python examples/evolve_loss.py',
        'pip install -e ".[cpu,test]" && python -m pytest',
    ]
    assert "README.rst" in (ROOT / ".ci" / "run").read_text()


@pytest.mark.skipif(os.name != "posix", reason="pipes of a shell")
@pytest.mark.parametrize("command", ["export_loss.py ngl --to text", "describe_loss.py ngl"])
def test_a_closed_pipe_ends_a_command_silently(command, tmp_path):
    script = f"set -o pipefail; {sys.executable} {ROOT / 'examples'}/{command} | true"
    process = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True,
                             check=False)
    assert process.stderr == "" and process.returncode in (0, 141)


@pytest.mark.parametrize(("to", "output", "written"), [
    ("text", "a.txt", "a.txt"), ("latex", "b.tex", "b.tex"), ("torch", "c.py", "c.py"),
    ("sympy", "folder", "folder/ngl_sympy.py"),
])
def test_an_export_is_written_to_a_file_or_into_a_folder(to, output, written, tmp_path):
    process = run("export_loss.py", "ngl", "--to", to, "--output", output, cwd=tmp_path)
    assert process.returncode == 0, process.stderr
    assert (tmp_path / written).is_file()


def test_an_export_to_a_file_of_another_kind_is_refused(tmp_path):
    process = run("export_loss.py", "ngl", "--to", "torch", "--output", "x.tex", cwd=tmp_path)
    assert process.returncode == 2 and process.stderr.count("\n") == 1
    assert "ends in .py, got x.tex" in process.stderr and not list(tmp_path.iterdir())
