"""What an atlas shows, on rows whose figures are computed by hand."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from deap_lossgp.surrogate.atlas import COLUMNS
from deap_lossgp.surrogate.showing import as_text, best, different, gains, oddest, view

PROGRAM = Path(__file__).parents[2] / "examples" / "loss_atlas.py"
ENTROPY = "neg(mul(y_true, log(y_pred)))"
MSE = "mul(sub(y_true, y_pred), sub(y_true, y_pred))"
SINE = "neg(mul(y_true, sin(y_pred)))"


def row(dataset, expression, accuracies, seed=0, status="ok", bred="random", epochs=3):
    return dict(zip(COLUMNS, (dataset, 100, epochs, seed, bred, expression, status, 0, 1.0,
                              accuracies, "", 0.5), strict=True))


TABLE = pd.DataFrame([
    row("cifar10", ENTROPY, "0.30 0.40 0.42", bred="known"),
    row("cifar10", ENTROPY, "0.30 0.44 0.46", seed=1, bred="known"),
    row("cifar10", MSE, "0.30 0.45 0.47"),
    row("cifar10", MSE, "0.30 0.45 0.47", seed=1),
    row("cifar10", SINE, "0.12", status="stopped"),
    row("fashion_mnist", ENTROPY, "0.80 0.80 0.80"),
    row("fashion_mnist", MSE, "0.70 0.79 0.79"),
    row("fashion_mnist", SINE, "0.80 0.85 0.87"),
    row("fashion_mnist", "exp(y_true)", "", status="nan"),
])


def test_a_gain_is_measured_against_cross_entropy_at_the_same_seed():
    table = gains(TABLE).set_index(["dataset", "expression"])
    # The mean of the last two epochs: .46 - .41 and .46 - .45.
    assert table.loc[("cifar10", MSE), "gain"] == pytest.approx((5.0 + 1.0) / 2)
    assert table.loc[("cifar10", MSE), "seeds"] == 2
    assert table.loc[("cifar10", SINE), "gain"] == pytest.approx(100 * (0.12 - 0.41))
    assert table.loc[("fashion_mnist", "exp(y_true)"), "gain"] == pytest.approx(-80.0)
    assert (table.xs(ENTROPY, level="expression")["gain"] == 0.0).all()


def test_each_budget_is_shown_by_itself_and_only_the_smallest_counts_between_data_sets():
    longer = pd.DataFrame([row("cifar10", text, accuracies, epochs=4) for text, accuracies in (
        (ENTROPY, "0.5 0.6 0.7 0.7"), (SINE, "0.5 0.6 0.8 0.8"))])
    both = pd.concat([TABLE, longer], ignore_index=True)
    shown = best(both, count=1)
    assert shown[["dataset", "epochs", "expression"]].to_numpy().tolist() == [
        ["cifar10", 3, MSE], ["cifar10", 4, SINE], ["fashion_mnist", 3, SINE]]
    assert shown["gain"].tolist()[1] == pytest.approx(10.0)
    for view_of in (oddest, different):
        pd.testing.assert_frame_equal(view_of(both), view_of(TABLE))


def test_the_best_of_each_data_set_come_first():
    shown = best(TABLE, count=2)
    assert list(zip(shown["dataset"], shown["expression"], strict=True)) == [
        ("cifar10", MSE), ("cifar10", ENTROPY), ("fashion_mnist", SINE), ("fashion_mnist", ENTROPY)]


def test_the_oddest_is_good_on_one_data_set_and_bad_on_another():
    shown = oddest(TABLE)
    assert list(shown["expression"]) == [SINE, MSE, ENTROPY], "measured on both"
    assert shown.loc[0, "gain fashion_mnist"] == pytest.approx(6.0)
    assert shown["disagreement"].iloc[-1] == 0.0


def test_the_most_different_are_better_than_cross_entropy_and_unlike_it():
    shown = different(TABLE)
    assert {*shown["expression"]} == {MSE, SINE} and shown["cosine"].is_monotonic_increasing
    assert (shown["cosine"] < 0.99).all() and (shown["gain"] > 0.0).all()


def test_a_data_set_without_cross_entropy_and_an_unknown_view_are_refused():
    with pytest.raises(ValueError, match="expected a training with cross entropy on cifar10"):
        gains(TABLE[(TABLE["expression"] != ENTROPY) | (TABLE["dataset"] != "cifar10")])
    with pytest.raises(ValueError, match="unknown view 'bets': did you mean 'best'"):
        view(TABLE, "bets")


def test_as_text_it_is_a_table_with_long_expressions_cut():
    text = as_text(best(TABLE, 1), width=20)
    assert "mul(sub(y_true, y..." in text and " 3.00" in text and "nan" not in text.lower()
    assert len({len(line) for line in text.splitlines()}) == 1


@pytest.mark.parametrize("name", ["best", "oddest", "different"])
def test_the_command_shows_the_atlas_without_tensorflow(name, tmp_path):
    for blocked in ("tensorflow", "keras"):
        (tmp_path / f"{blocked}.py").write_text("raise ImportError('not here')")
    process = subprocess.run(
        [sys.executable, str(PROGRAM), "--show", name, "--output", "out"], cwd=tmp_path, text=True,
        capture_output=True, check=False, env={**os.environ, "PYTHONPATH": os.pathsep.join(
            [str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])})
    assert process.returncode == 0, process.stderr
    assert process.stdout.count("\n") > 5 and "gain" in process.stdout
    table = pd.read_csv(tmp_path / "out" / f"{name}.csv")
    assert len(table) >= 5 and table["expression"].notna().all()


@pytest.mark.parametrize("arguments", [[], ["--show", "worst"], ["--show", "best", "--collect"],
                                       ["--show", "best", "--table", "missing.csv"]])
def test_what_cannot_be_done_is_one_line_and_status_2(arguments, tmp_path):
    process = subprocess.run([sys.executable, str(PROGRAM), *arguments], cwd=tmp_path, text=True,
                             capture_output=True, check=False)
    assert process.returncode == 2 and process.stderr.count("\n") == 1, process.stderr
