"""Tables of side-by-side trainings, against hand-computed figures, NumPy and SciPy."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from deap_lossgp.comparison.confirmation_results import (
    ConfirmationResult,
    epochs_table,
    seeds_needed,
    summary_table,
    summary_text,
    trainings_table,
)
from deap_lossgp.training.results import TrainingResult


def trainings(accuracies, places=(("digits", "small"),)):
    """Rows from {loss: accuracies by seed}, the same for each place but for a shift."""
    return pd.DataFrame([
        {"task": task, "model": model, "loss": loss, "seed": 10 + seed,
         "test_accuracy": None if value is None else value + 0.1 * shift}
        for shift, (task, model) in enumerate(places)
        for loss, values in accuracies.items() for seed, value in enumerate(values)
    ])


SEVEN = {"cross_entropy": [0.80, 0.81, 0.79, 0.80, 0.82, 0.78, 0.80],
         "better": [0.85, 0.87, 0.86, 0.84, 0.9, 0.85, 0.861],
         "alike": [0.81, 0.80, 0.80, 0.79, 0.83, 0.77, 0.82]}  # fmt: skip


def test_differences_are_paired_by_seed():
    shuffled = trainings(SEVEN).sample(frac=1.0, random_state=1)
    table = summary_table(shuffled).set_index("loss")
    for name in ("better", "alike"):
        differences = np.subtract(SEVEN[name], SEVEN["cross_entropy"])
        row = table.loc[name]
        assert row["difference"] == pytest.approx(differences.mean())
        assert row["mean"] == pytest.approx(np.mean(SEVEN[name]))
        assert row["std"] == pytest.approx(np.std(SEVEN[name], ddof=1))
        assert row["low"] < differences.mean() < row["high"]
    assert table.loc["better", "p_value"] == stats.wilcoxon(
        np.round(np.subtract(SEVEN["better"], SEVEN["cross_entropy"]), 12)).pvalue
    assert table.loc["better", "p_holm"] == 2 * table.loc["better", "p_value"]
    assert np.isnan(table.loc["cross_entropy", "difference"])


def test_the_first_rows_are_the_means_over_all_places():
    places = [("digits", "small"), ("digits", "large"), ("cifar10", "small")]
    table = summary_table(trainings(SEVEN, places))
    assert [*zip(table["task"], table["model"], strict=True)][::3] == [("all", "all"), *places]
    first = table[(table["task"] == "all") & (table["loss"] == "better")].iloc[0]
    assert first["mean"] == pytest.approx(np.mean(SEVEN["better"]) + 0.1)
    assert first["n_seeds"] == 7


def test_a_failed_training_counts_against_its_loss_and_not_in_its_mean():
    failing = SEVEN | {"better": [*SEVEN["better"][:6], None]}
    row = summary_table(trainings(failing)).set_index("loss").loc["better"]
    assert (row["failed"], row["n_seeds"], row["losses"], row["wins"]) == (1, 7, 1, 6)
    assert row["mean"] == pytest.approx(np.mean(SEVEN["better"][:6]))


@pytest.mark.parametrize("comparisons", [1, 2, 3, 5, 12])
def test_the_seeds_needed_are_those_of_wilcoxons_exact_test_after_holm(comparisons):
    def smallest(n):
        return comparisons * stats.wilcoxon(np.arange(1.0, n + 1)).pvalue

    needed = seeds_needed(comparisons)
    assert smallest(needed) < 0.05 <= smallest(needed - 1)


def test_the_text_shows_a_difference_only_where_there_is_one():
    text = summary_text(summary_table(trainings(SEVEN)))
    better, alike = text.splitlines()[-2:]
    assert better.startswith("digits, small: better - cross_entropy: the first is larger by 0.061")
    assert alike.startswith("digits, small: alike - cross_entropy: no difference shown")


def test_too_few_seeds_are_said_to_be_too_few():
    five = {loss: values[:5] for loss, values in SEVEN.items()}
    last = summary_text(summary_table(trainings(five))).splitlines()[-1]
    assert last.startswith("No difference shown: 5 seeds cannot show one between 2 losses and cross"
                           " entropy at 95%; it takes 7 or more")


def test_cross_entropy_alone_is_a_table_without_statistics():
    text = summary_text(summary_table(trainings({"cross_entropy": [0.5, 0.7]})))
    assert text.splitlines()[-1].split() == ["digits", "small", "cross_entropy", "0.6000", "±",
                                             "0.1414"]


RESULTS = {
    ("digits", "small", "cross_entropy", 1): TrainingResult(
        "digits", 10, "ok", 0.5, 0.8, 0.5, 2.0, (0.9, 0.5), (0.6, 0.8), (0.9, 0.5),
        test_accuracy=0.75, balanced_accuracy=0.7),
    ("digits", "small", "bad", 1): TrainingResult(
        "digits", 10, "nan", seconds=1.0, losses=(3.0,), accuracies=(0.2,), cross_entropies=(2.0,),
        message="the loss is not finite in epoch 2"),
}


def test_a_failed_training_ends_with_a_gap_in_the_learning_curves():
    table = epochs_table(RESULTS)
    assert table["epoch"].tolist() == [1, 2, 1, 2]
    assert table["val_accuracy"].tolist()[:3] == [0.6, 0.8, 0.2]
    assert np.isnan(table["val_accuracy"].iloc[3])


def test_the_report_names_failures_with_their_reason(tmp_path):
    table = trainings_table(RESULTS)
    text = str(ConfirmationResult(table, epochs_table(RESULTS), summary_table(table), tmp_path))
    assert "2 trainings in 3 s, 1 failed." in text
    assert "  bad: 1 nan (the loss is not finite in epoch 2)" in text
    assert "curves-digits-small.png" in text and "failed" in text.splitlines()[3]
