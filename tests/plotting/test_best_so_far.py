"""plot_comparison: medians of replicates, arm by arm."""

import random

import pandas as pd
import pytest
from figure_samples import INF, NAN, TWO_ARMS, drawn, lines, progress_of, texts
from matplotlib.figure import Figure

from deap_lossgp.plotting import plot_comparison


def test_line_of_an_arm_is_the_median_of_its_replicates_in_each_panel():
    upper, lower = plot_comparison(TWO_ARMS)
    assert drawn(upper)["zebra (n = 3)"] == [(0, 0.2), (1, 0.2)]
    assert drawn(lower)["zebra (n = 3)"] == [(0, 1), (1, 2)]
    assert drawn(upper)["ape (n = 3)"] == [(0, -0.1), (1, 0.1)]
    assert drawn(lower)["ape (n = 3)"] == [(0, 0), (1, 1)]


def test_replicates_are_thin_lines_behind_the_median():
    upper, lower = plot_comparison(TWO_ARMS)
    assert drawn(upper)["_zebra 1"] == [(0, 0.3), (1, 0.4)]
    assert drawn(lower)["_ape 0"] == [(0, 0), (1, 1)]
    for ax in (upper, lower):
        thin, median = lines(ax)["_zebra 1"], lines(ax)["zebra (n = 3)"]
        assert thin.get_color() == median.get_color()
        assert thin.get_linewidth() < median.get_linewidth()
        assert thin.get_zorder() < median.get_zorder()
        assert sum(label.startswith("_zebra") for label in lines(ax)) == 3


def test_legend_names_arms_by_first_appearance_and_counts_replicates():
    upper, lower = plot_comparison(TWO_ARMS)
    assert texts(upper) == ["zebra (n = 3)", "ape (n = 3)", "cross entropy"]
    assert upper.get_legend().get_title().get_text() == "median of n replicates"
    assert texts(lower) == []


def test_single_replicate_is_just_a_line():
    upper, lower = plot_comparison([row for row in TWO_ARMS if row["replicate"] == 2])
    assert list(lines(upper)) == ["zebra (n = 1)", "ape (n = 1)", "cross entropy"]
    assert list(lines(lower)) == ["zebra (n = 1)", "ape (n = 1)"]
    assert drawn(upper)["zebra (n = 1)"] == [(0, 0.2), (1, 0.1)]
    assert upper.get_legend().get_title().get_text() == ""


def test_arms_differ_in_colour_marker_and_line_style():
    arms = {name: {0: [(0.1, 1), (0.2, 1)]} for name in "abcd"}
    upper, lower = plot_comparison(progress_of(arms))
    for ax in (upper, lower):
        found = [lines(ax)[f"{name} (n = 1)"] for name in "abcd"]
        for look in ("get_color", "get_marker", "get_linestyle", "get_linewidth"):
            assert len({getattr(line, look)() for line in found}) == 4, look


@pytest.mark.parametrize(
    ("against", "xs", "label"),
    [
        ("gen", [0, 1], "Generation"),
        ("trainings", [10, 20], "Trainings"),
        ("charged_seconds", [15, 30], "Time charged for trainings (s)"),
    ],
)
def test_comparison_is_drawn_against_generations_trainings_or_seconds(against, xs, label):
    upper, lower = plot_comparison(TWO_ARMS, against=against)
    assert [x for x, _ in drawn(upper)["zebra (n = 3)"]] == xs
    assert [ax.get_xlabel() for ax in (upper, lower)] == ["", label]
    assert upper.get_ylabel() == "Improvement over\ncross entropy"
    assert lower.get_ylabel() == "Data sets won"
    assert upper.get_shared_x_axes().joined(upper, lower)
    assert against == "gen" or lower.get_xlim()[0] == 0
    assert lines(upper)["_ape 0"].get_drawstyle() == {"gen": "default"}.get(against, "steps-post")


def test_best_so_far_holds_until_the_next_record_of_its_replicate():
    rows = progress_of({"a": {0: [(0.1, 0), (0.5, 0)]}}, trainings=(10, 30))
    rows += progress_of({"a": {1: [(0.2, 0), (0.3, 0)]}}, trainings=(10, 20))
    rows += progress_of({"a": {2: [(0.0, 0), (0.4, 0)]}}, trainings=(10, 40))
    upper, _ = plot_comparison(rows, against="trainings")
    assert drawn(upper)["a (n = 3)"] == [(10, 0.1), (20, 0.1), (30, 0.3), (40, 0.4)]
    assert drawn(upper)["_a 1"] == [(10, 0.2), (20, 0.3)]


def test_replicate_that_has_not_begun_counts_as_the_lowest():
    rows = progress_of({"a": {0: [(0.1, 0)]}}, trainings=(10,))
    rows += progress_of({"a": {1: [(0.5, 0)]}}, trainings=(20,))
    rows += progress_of({"a": {2: [(0.3, 0)]}}, trainings=(30,))
    upper, _ = plot_comparison(rows, against="trainings")
    assert drawn(upper)["a (n = 3)"] == [(20, 0.1), (30, 0.3)]


def test_generation_that_trained_nothing_keeps_its_last_record():
    rows = progress_of({"a": {0: [(0.1, 0), (0.2, 0), (0.3, 1)]}}, trainings=(10, 20, 20))
    upper, _ = plot_comparison(random.Random(1).sample(rows, 3), against="trainings")
    assert drawn(upper)["a (n = 1)"] == [(10, 0.1), (20, 0.3)]


@pytest.mark.parametrize("failure", [-INF, NAN, INF, None])
def test_best_that_is_not_finite_is_a_gap_and_the_lowest_of_the_median(failure):
    pairs = [(0.2, 1), (0.4, 1), (0.6, 1)]
    bad = [(failure, 0), (0.3, 0), (failure, 0)]
    upper, _ = plot_comparison(progress_of({"a": {0: pairs, 1: pairs, 2: bad}}))
    assert drawn(upper)["_a 2"] == [(1, 0.3)]
    assert lines(upper)["_a 2"].get_marker() == "."
    assert drawn(upper)["a (n = 3)"] == [(0, 0.2), (1, 0.4), (2, 0.6)]
    upper, _ = plot_comparison(progress_of({"a": {0: bad, 1: pairs, 2: bad}}))
    assert drawn(upper)["a (n = 3)"] == [(1, 0.3)]


def test_comparison_in_which_all_failed_is_drawn(tmp_path, recwarn):
    rows = progress_of({"a": {r: [(-INF, 0), (-INF, 0)] for r in range(3)}})
    for against in ("gen", "charged_seconds"):
        upper, lower = plot_comparison(rows, against=against)
        upper.figure.savefig(tmp_path / "failed.png")
        assert drawn(upper)["a (n = 3)"] == []
        assert len(drawn(lower)["a (n = 3)"]) == 2
    assert [str(warning.message) for warning in recwarn] == []


def test_single_record_and_last_record_are_marked():
    upper, _ = plot_comparison(progress_of({"a": {0: [(0.1, 1)]}}))
    assert list(lines(upper)["a (n = 1)"].get_markevery()) == [0]
    long = progress_of({"a": {0: [(0.1, 1)] * 60}}, trainings=range(60))
    assert max(lines(plot_comparison(long)[0])["a (n = 1)"].get_markevery()) == 59


def test_comparison_is_drawn_on_the_given_axes_and_leaves_the_table():
    given = [Figure().add_subplot(), Figure().add_subplot()]
    table = pd.DataFrame(TWO_ARMS)
    before = table.copy()
    assert list(plot_comparison(table, axes=given, against="trainings")) == given
    assert [ax.get_xlim()[0] for ax in given] == [0, 0]
    assert all(tick == round(tick) for ax in given for tick in ax.get_xticks())
    pd.testing.assert_frame_equal(table, before)


COMPARISON_COLUMNS = "'replicate', 'arm', 'gen', 'trainings', 'best_improvement', 'best_wins'"


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plot_comparison([]), "expected at least one record, got an empty table"),
        (
            lambda: plot_comparison([{"gen": 0, "arm": "a"}], against="trainings"),
            f"expected the columns {COMPARISON_COLUMNS}; 'replicate', 'trainings', "
            "'best_improvement', 'best_wins' not among 'gen', 'arm'",
        ),
        (
            lambda: plot_comparison(TWO_ARMS, against="epochs"),
            "expected against among 'gen', 'trainings', 'charged_seconds'; got 'epochs'",
        ),
        (
            lambda: plot_comparison([{**TWO_ARMS[0], "arm": None}]),
            "expected no gap in the column 'arm', got None or NaN",
        ),
        (
            lambda: plot_comparison([{**TWO_ARMS[0], "trainings": NAN}], against="trainings"),
            "expected finite numbers in the column 'trainings', got NaN or infinity",
        ),
        (
            lambda: plot_comparison(TWO_ARMS, axes=Figure().add_subplot()),
            "expected two axes, upper and lower, got 1",
        ),
    ],
)
def test_error_says_what_was_expected(draw, message):
    with pytest.raises(ValueError) as caught:
        draw()
    assert str(caught.value) == message
