"""Tables of a comparison, against hand-computed figures."""

import math
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from deap_lossgp.comparison.arm_tables import (
    DERIVED_TABLES,
    accuracy_table,
    at_chance_table,
    progress_table,
    statistics_table,
    time_table,
)

MEASURED = Path(__file__).parents[2] / "examples" / "measured"


def evaluations(seconds=1.0):
    """P = 2, T = 2; the archive makes 2 children a generation, the sample tournament 1."""
    rows = []
    for replicate in range(2):
        for arm, gens in (("archive", [0, 0, 1, 1, 2, 2]), ("sample-tournament", [0, 0, 1, 2])):
            for number, gen in enumerate(gens, 1):
                rows.append({"replicate": replicate, "arm": arm, "number": number, "gen": gen,
                             "wins": float(number == 3), "improvement": -0.1 * number,
                             "seconds": seconds * (10.0 if gen == 0 else 2.0)})
    return pd.DataFrame(rows)


def table_of(accuracies):
    """From {(replicate, arm, task): accuracies by seed}."""
    return pd.DataFrame([
        {"replicate": replicate, "arm": arm, "task": task, "seed": seed, "test_accuracy": value}
        for (replicate, arm, task), values in accuracies.items()
        for seed, value in enumerate(values)
    ])


def test_the_best_so_far_ranks_by_wins_then_improvement_and_counts_every_training():
    table = progress_table(evaluations(), tasks=3)
    first = table[(table["replicate"] == 1) & (table["arm"] == "archive")]
    assert first["gen"].tolist() == [0, 1, 2]
    assert first["trainings"].tolist() == [6, 12, 18]
    assert first["charged_seconds"].tolist() == [20.0, 24.0, 28.0]
    assert first["best_wins"].tolist() == [0.0, 1.0, 1.0]
    assert first["best_improvement"].tolist() == pytest.approx([-0.1, -0.3, -0.3])


def test_time_is_shown_with_and_without_the_initial_population():
    table = time_table(evaluations(), tasks=3).set_index("arm")
    assert table["initial_trainings"].tolist() == [6, 6]
    assert table["trainings"].tolist() == [12, 6]
    assert table["initial_seconds"].tolist() == [20.0, 20.0]
    assert table["seconds"].tolist() == [8.0, 4.0]
    tournament = table.loc["sample-tournament"]
    assert tournament["ratio_trainings"] == (2 + 2 * 1) / (2 + 2 * 2)
    assert tournament["ratio_trainings_after"] == 0.5
    assert tournament["ratio_seconds"] == pytest.approx(24 / 28)
    # Table 4.4 of the thesis.
    assert tournament["thesis_small"] == pytest.approx(62363.94 / 173286.98, rel=1e-12)
    assert tournament["thesis_large"] == pytest.approx(426915.20 / 1013738.83, rel=1e-12)


def test_balanced_accuracies_stand_beside_the_others_where_they_are_compared():
    tests = table_of({(0, "b", "digits"): [0.4, 0.6], (1, "b", "digits"): [0.7],
                      (0, "a", "digits"): [0.9], (1, "a", "digits"): [None]})
    tests["test_balanced_accuracy"] = tests["test_accuracy"].astype(float) / 2.0
    table = accuracy_table(tests, balanced=True)
    assert table["arm"].tolist() == ["b", "a"]
    assert table["balanced_mean"].tolist() == pytest.approx([0.3, 0.45])
    assert table["balanced_std"].tolist() == pytest.approx([math.sqrt(0.005), math.nan],
                                                           nan_ok=True)
    assert not [name for name in accuracy_table(tests) if "balanced" in name]


def test_accuracy_is_the_mean_over_replicates_of_the_mean_over_seeds():
    table = accuracy_table(table_of({
        (0, "archive", "cifar10"): [0.4, 0.6], (1, "archive", "cifar10"): [0.7],
        (0, "random", "digits"): [0.9], (1, "random", "digits"): [None],
    })).set_index(["task", "arm"])
    archive = table.loc["cifar10", "archive"]
    assert archive["mean"] == pytest.approx(0.6)
    assert (archive["low"], archive["high"]) == (0.5, 0.7)
    assert archive["std"] == pytest.approx(math.sqrt(0.02))
    assert (archive["thesis_small"], archive["thesis_large"]) == (0.0239, 0.7046)
    assert table.loc["digits", "random"]["mean"] == 0.9
    assert math.isnan(table.loc["digits", "random"]["thesis_large"])


# Tables 4.2 (small) and 4.3 (large) of the thesis: NGL, and its own algorithm.
OF_THE_THESIS = [
    ("cifar10", "archive", 0.0239, 0.7046), ("cifar10", "sample-tournament", 0.0149, 0.7953),
    ("fashion_mnist", "archive", 0.0010, 0.9074),
    ("fashion_mnist", "sample-tournament", 0.00009999, 0.8988),
    ("cifar100", "archive", 0.0013, 0.0619), ("cifar100", "sample-tournament", 0.0062, 0.1376),
]  # fmt: skip


@pytest.mark.parametrize(("task", "arm", "small", "large"), OF_THE_THESIS)
def test_the_accuracies_of_the_thesis_stand_beside_ours(task, arm, small, large):
    (row,) = accuracy_table(table_of({(0, arm, task): [0.5]})).to_dict("records")
    assert (row["thesis_small"], row["thesis_large"]) == pytest.approx((small, large), rel=1e-12)


def test_statistics_pair_the_arms_within_replicates():
    accuracies = {}
    for replicate in range(7):
        for task in ("a", "b"):
            accuracies[replicate, "ours", task] = [0.5 + 0.01 * replicate]
            accuracies[replicate, "theirs", task] = [0.4 + 0.01 * replicate**1.1]
    table = statistics_table(table_of(accuracies), [("ours", "theirs")]).set_index("task")
    assert table.index.tolist() == ["all", "a", "b"]
    assert table["p_value"].tolist() == [2 / 2**7] * 3
    assert table.loc["all", "wins"] == 7


def test_a_failed_training_counts_against_its_arm():
    accuracies = {(r, arm, "a"): [0.5 + 0.01 * r] for r in range(3) for arm in ("ours", "theirs")}
    accuracies[1, "theirs", "a"] = [0.9, None]
    (row,) = statistics_table(table_of(accuracies), [("ours", "theirs")]).to_dict("records")
    assert (row["wins"], row["ties"], row["losses"], row["failed"]) == (1, 2, 0, 1)


def test_winners_at_or_below_guessing_are_counted():
    table = at_chance_table(table_of({
        (0, "archive", "a"): [0.1, 0.1], (1, "archive", "a"): [0.1, 0.12],
        (2, "archive", "a"): [None], (3, "archive", "a"): [0.1, 0.1, 0.1],
        (0, "random", "a"): [0.11],
    }), {"a": 0.1}).set_index("arm")
    assert sum([0.1, 0.1, 0.1]) / 3 > 0.1  # the mean of a winner at chance is rounded up
    assert table["at_or_below_chance"].tolist() == [3, 0]
    assert table["replicates"].tolist() == [4, 1]


def test_the_tables_that_are_published_are_written_and_all_but_one_have_a_place_in_the_report():
    published = {path.stem for path in (MEASURED / "laptop").glob("*.csv")}
    assert published - {"evaluations", "tests", "winners"} == {*DERIVED_TABLES} - {"progress"}
    sections = {}
    for name, table in DERIVED_TABLES.items():
        if table.caption:
            sections.setdefault(table.section, []).append(name)
    assert sections == {"Result": ["accuracy"], "Cost": ["time"],
                        "Statistics": ["statistics", "at_chance"]}


def test_the_tables_of_a_comparison_are_made_of_its_tests_tasks_and_couples():
    tests = table_of({(replicate, arm, task): [0.1 + 0.2 * (arm == "archive") + 0.01 * replicate]
                      for replicate in range(3) for arm in ("archive", "random")
                      for task in ("a", "b")})
    tasks = [SimpleNamespace(name=name, data=SimpleNamespace(num_classes=classes))
             for name, classes in (("a", 10), ("b", 8))]
    comparison = SimpleNamespace(tests=tests, tasks=tasks, evaluations=evaluations(),
                                 couples=[("archive", "random")],
                                 settings=SimpleNamespace(fitness="error"))
    tables = {name: table.make(comparison) for name, table in DERIVED_TABLES.items()}
    counts = tables["at_chance"].set_index(["arm", "task"])["at_or_below_chance"]
    assert counts.to_dict() == {("archive", "a"): 0, ("random", "a"): 1,
                                ("archive", "b"): 0, ("random", "b"): 3}
    for name, expected in (
            ("progress", progress_table(evaluations(), 2)), ("time", time_table(evaluations(), 2)),
            ("accuracy", accuracy_table(tests)),
            ("statistics", statistics_table(tests, [("archive", "random")]))):
        pd.testing.assert_frame_equal(tables[name], expected)


@pytest.mark.parametrize("name", ["laptop/", "laptop_thesis_fitness/", "thesis_cifar10_"])
def test_the_winners_at_chance_that_are_published_are_those_of_the_published_tests(name):
    tests, counts = (pd.read_csv(f"{MEASURED}/{name}{table}.csv")
                     for table in ("tests", "at_chance"))
    chances = {"cifar10": 0.1, "fashion_mnist": 0.1, "cifar100": 0.01}
    pd.testing.assert_frame_equal(at_chance_table(tests, chances), counts)
