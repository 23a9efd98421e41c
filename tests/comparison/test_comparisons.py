"""The comparison: real trainings on digits, in processes of their own."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from html_reader import check_page

ROOT = Path(__file__).parents[2]
ARMS = ["archive", "sample-tournament", "random", "regularized", "glo"]
SMALL = ["--population", "4", "--generations", "2", "--epochs", "1", "--train-size", "200",
         "--test-seeds", "2", "--max-size", "30", "--workers", "2"]


def compare(*options, cwd):
    return subprocess.run(
        [sys.executable, str(ROOT / "examples" / "compare_algorithms.py"), *SMALL, *options],
        cwd=cwd, capture_output=True, text=True, check=False,
    )


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A comparison of all arms, of one replicate and then of two."""
    folder = tmp_path_factory.mktemp("comparison")
    options = ["--arms", *ARMS, "--known-losses", "ngl", "--output", "here"]
    first = compare(*options, cwd=folder)
    assert first.returncode == 0, first.stderr
    before = {path.name: path.read_bytes() for path in (folder / "here").glob("*.csv")}
    process = compare(*options, "--replicates", "2", cwd=folder)
    assert process.returncode == 0, process.stderr
    return folder / "here", process, before


def test_every_arm_starts_from_the_same_population(finished):
    folder, _, _ = finished
    for replicate in ("0", "1"):
        starts = {arm: sorted(r["expression"] for r in rows(folder / "evaluations.csv")
                              if (r["replicate"], r["arm"], r["gen"]) == (replicate, arm, "0"))
                  for arm in ARMS}
        assert len(starts["archive"]) == 4
        assert all(start == starts["archive"] or arm == "glo" for arm, start in starts.items())
    assert len({r["expression"] for r in rows(folder / "evaluations.csv") if r["gen"] == "0"}) == 8


def test_an_arm_is_charged_what_it_asks_for_whoever_trained_it(finished):
    folder, _, _ = finished
    asked = {arm: sum(r["arm"] == arm for r in rows(folder / "evaluations.csv")) for arm in ARMS}
    # P = 4, T = 2, N = 1: GLO has 1 + 1 children and at least 2 at a time in its second stage.
    assert asked == {"archive": 2 * 12, "sample-tournament": 2 * 6, "random": 2 * 6,
                     "regularized": 2 * 6, "glo": 2 * (4 + 1 + 1 + 2)}
    time = {r["arm"]: r for r in rows(folder / "time.csv")}
    assert float(time["sample-tournament"]["ratio_trainings"]) == (4 + 2 * 1) / (4 + 2 * 4)
    initial = {r["initial_seconds"] for r in time.values()}
    assert len(initial) == 1 and float(initial.pop()) > 0.0


def test_the_winner_is_the_best_of_what_its_arm_evaluated(finished):
    folder, _, _ = finished
    evaluations = rows(folder / "evaluations.csv")
    for winner in rows(folder / "winners.csv"):
        arm, _, first = winner["arm"].partition(", ")
        limit = int(first.split()[0]) if first else 10**9
        best = max((float(r["wins"]), float(r["improvement"])) for r in evaluations
                   if (r["replicate"], r["arm"]) == (winner["replicate"], arm)
                   and int(r["number"]) <= limit)
        assert best == (float(winner["wins"]), float(winner["improvement"]))


def test_winners_and_cross_entropy_are_tested_on_the_same_fresh_seeds(finished):
    folder, _, _ = finished
    tests = rows(folder / "tests.csv")
    arms = {r["arm"] for r in tests}
    assert {*ARMS, "cross_entropy", "ngl", "archive, 6 evaluations"} <= arms
    for replicate in ("0", "1"):
        seeds = {arm: [r["seed"] for r in tests if (r["replicate"], r["arm"]) == (replicate, arm)]
                 for arm in arms}
        assert all(of == seeds["cross_entropy"] for of in seeds.values())
        assert len(set(seeds["cross_entropy"])) == 2


def test_more_replicates_leave_the_first_as_it_was(finished):
    folder, _, before = finished
    for name in ("evaluations.csv", "tests.csv", "winners.csv"):
        assert (folder / name).read_bytes().startswith(before[name])


def test_the_same_command_gives_the_same_files_again(finished):
    folder, process, _ = finished
    files = {path.name: path.read_bytes() for path in folder.glob("*.csv")}
    again = compare("--arms", *ARMS, "--known-losses", "ngl", "--output", folder.name,
                    "--replicates", "2", cwd=folder.parent)
    assert again.stdout == process.stdout
    for name, content in files.items():
        assert (folder / name).read_bytes() == content, name


def test_the_report_needs_no_other_file(finished):
    folder, process, _ = finished
    assert "report.html" in process.stdout
    page = (folder / "report.html").read_text()
    assert len([*check_page(page).all("svg")]) == len(ARMS) + 3 + 1 + 1
    for text in ("Paired differences", "Settings", "numpy", "regularized"):
        assert text in page and text in (folder / "report.md").read_text()
    assert "no difference shown" in page  # two replicates cannot show one


def test_run_json_holds_the_settings(finished):
    folder, _, _ = finished
    settings = json.loads((folder / "run.json").read_text())["settings"]
    assert settings["arms"] == ARMS and settings["replicates"] == 2


@pytest.mark.parametrize(("options", "message"), [
    (["--arms", "archiv"], "did you mean 'archive'?"),
    (["--arms", "random", "random"], "expected distinct arms, at least 1"),
    (["--replicates", "0"], "replicates must be at least 1, got 0"),
    (["--known-losses", "mes"], "did you mean 'mse'?"),
    (["--seed-losses", *["ngl"] * 9], "--seed-losses must be at most the population, 4, got 9"),
    (["--initial", "eror"], "did you mean 'error'?"),
])
def test_bad_input_is_one_line_and_status_2(options, message, tmp_path):
    process = compare(*options, cwd=tmp_path)
    assert process.returncode == 2
    assert message in process.stderr and process.stderr.count("\n") == 1
    assert os.listdir(tmp_path) == []
