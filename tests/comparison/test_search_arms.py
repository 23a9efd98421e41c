"""What a search finds, arm by arm, on figures that are predicted."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from deap_lossgp.comparison.search_arms import SEARCH_ARMS, search_arm, summary
from deap_lossgp.search import RunSettings

COMMAND = Path(__file__).parents[2] / "examples" / "benchmark_search.py"
SETTINGS = RunSettings(datasets=("cifar10",), epochs=6, generations=1000, max_epochs=100)


def test_the_race_counts_against_the_epochs():
    assert search_arm(SETTINGS, "no-race", 1).max_epochs == 100
    assert search_arm(SETTINGS, "all", 1).max_epochs == 100 - 8 * 6
    assert search_arm(SETTINGS, "all", 7).seed == 7


def test_each_arm_is_one_part_alone_or_all_but_one():
    arms = {name: search_arm(SETTINGS, name, 1) for name in SEARCH_ARMS}
    parts = {"known": "seed_losses", "rungs": "rungs", "epochs": "score_epochs",
             "race": "finalists", "surrogate": "preselect"}
    for name, field in parts.items():
        whole, bare = (getattr(arms[arm], field) for arm in ("all", "none"))
        assert getattr(arms[name], field) == whole != bare == getattr(arms[f"no-{name}"], field)
        for other in {*parts.values()} - {field}:
            assert getattr(arms[name], other) == getattr(arms["none"], other)
            assert getattr(arms[f"no-{name}"], other) == getattr(arms["all"], other)
    assert (arms["prior"].prior, arms["surrogate"].prior, arms["no-prior"].prior) == (
        True, False, False)


def test_a_race_that_takes_all_epochs_is_refused():
    with pytest.raises(ValueError, match="max_epochs"):
        search_arm(RunSettings(epochs=6, max_epochs=48), "all", 1)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    labels = np.repeat(np.arange(10), 60)
    images = np.zeros((len(labels), 2, 2, 3), np.uint8)
    np.savez(folder / "cifar10.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    return folder


def measured(images, output, *options):
    line = [sys.executable, COMMAND, "--engine", "tabular", "--datasets", "cifar10", "--data-dir",
            images, "--epochs", "6", "--max-epochs", "70", "--max-size", "30", "--test-seeds", "2",
            "--population", "4", "--output", output, *options]
    return subprocess.run([*map(str, line)], capture_output=True, text=True, check=False)


def test_the_command_measures_arms_and_goes_on_where_it_stopped(images, tmp_path):
    process = measured(images, tmp_path / "out", "--arms", "none", "--replicates", "2")
    assert process.returncode == 0, process.stderr
    rows = pd.read_csv(tmp_path / "out" / "tests.csv")
    assert {*rows["loss"]} == {"evolved", "cross_entropy"} and len(rows) == 2 * 2 * 2
    assert {*rows["seed"]} == {0, 100} and (rows["race_epochs"] == 0).all()
    assert rows["search_epochs"].between(70, 70 + 6 * 4).all()
    process = measured(images, tmp_path / "out", "--arms", "none", "race", "--replicates", "2")
    more = pd.read_csv(tmp_path / "out" / "tests.csv")
    pd.testing.assert_frame_equal(more[more["arm"] == "none"][rows.columns], rows)
    race = more[more["arm"] == "race"]
    assert (race["race_epochs"] > 0).all() and race["in_race"].notna().all()
    table = pd.read_csv(tmp_path / "out" / "summary.csv")
    assert [*table["arm"]] == ["none", "race"] and (table["runs"] == 2).all()
    assert "gain" in process.stdout


def test_a_summary_counts_in_points_and_by_runs():
    rows = pd.DataFrame([
        {"arm": "all", "seed": seed, "task": "cifar10", "loss": loss, "test_seed": test,
         "test_accuracy": accuracy + test / 100, "in_search": 0.03, "in_tests": 0.02,
         "search_epochs": 90, "winner": "ngl" if seed < 3 else "new",
         "epochs_at_chance": 9, "race_epochs": 10}
        for seed in range(8) for test in range(2)
        for loss, accuracy in (("evolved", 0.52 if seed else 0.49), ("cross_entropy", 0.5),
                               ("ngl", 0.51))])
    row = summary(rows).iloc[0]
    assert row["runs"] == 8 and row["above"] == 7 and row["known losses"] == 3
    assert row["gain"] == pytest.approx((7 * 2 - 1) / 8) and row["worst"] == pytest.approx(-1.0)
    assert row["over best known"] == pytest.approx((7 * 1 - 2) / 8)
    assert row["in_search - gain"] == pytest.approx(3.0 - row["gain"])
    assert row["in_tests - gain"] == pytest.approx(2.0 - row["gain"])
    assert row["epochs"] == 100 and row["% at chance"] == 10.0


def test_a_winner_whose_training_failed_is_the_worst():
    rows = pd.DataFrame([
        {"arm": "all", "seed": seed, "loss": loss, "test_seed": test, "winner": "new",
         "search_epochs": 9, "epochs_at_chance": 0, "race_epochs": 0,
         "test_accuracy": None if (seed, loss, test) == (0, "evolved", 1) else 0.5}
        for seed in range(3) for test in range(2) for loss in ("evolved", "cross_entropy")])
    row = summary(rows).iloc[0]
    assert row["worst"] == -np.inf and row["runs"] == 3 and row["failed"] == 1
    assert row["gain"] == row["above"] == 0.0


def test_no_tests_are_refused(images, tmp_path):
    process = measured(images, tmp_path / "out", "--arms", "none", "--test-seeds", "0")
    assert process.returncode == 2 and not (tmp_path / "out").exists()
    assert "test-seeds must be at least 1, got 0" in process.stderr


def test_unknown_arms_are_refused_in_one_line(images, tmp_path):
    process = measured(images, tmp_path / "out", "--arms", "rase")
    assert process.returncode == 2
    assert "did you mean 'race'" in process.stderr and len(process.stderr.splitlines()) == 1
