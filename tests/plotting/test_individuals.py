"""plot_individuals: points, the line of the best, and failures."""

import random

import numpy as np
import pandas as pd
import pytest
from figure_samples import INF, NAN, ROWS, drawn, lines, rows_of, texts
from matplotlib.figure import Figure

from deap_lossgp.plotting import plot_individuals


def test_every_individual_is_a_point_spread_by_its_index():
    upper, lower = plot_individuals(ROWS, jitter=0.1)
    xs = [-0.1, 0.0, 0.1, 0.9, 1.0, 1.1]
    for ax, column in ((upper, "improvement"), (lower, "wins")):
        points = lines(ax)["individual"]
        assert list(points.get_xdata()) == pytest.approx(xs)
        assert list(points.get_ydata()) == [row[column] for row in ROWS]
        assert points.get_linestyle() == "None"


def test_line_joins_the_best_by_wins_then_improvement_in_both_panels():
    upper, lower = plot_individuals(ROWS, jitter=0.1)
    assert drawn(upper)["best individual"] == [(0.0, 0.3), (0.9, 0.1)]
    assert drawn(lower)["best individual"] == [(0.0, 1), (0.9, 2)]


def test_order_of_the_rows_does_not_matter():
    shuffled = random.Random(2).sample(ROWS, len(ROWS))
    assert shuffled != ROWS
    for ax, other in zip(plot_individuals(ROWS), plot_individuals(shuffled), strict=True):
        assert drawn(ax) == drawn(other)


def test_individual_alone_in_its_generation_stands_on_it():
    upper, _ = plot_individuals(rows_of([(0.1, 1)], [(0.2, 1)]))
    assert drawn(upper)["individual"] == [(0, 0.1), (1, 0.2)]


def test_generations_of_different_size_keep_within_the_jitter():
    upper, _ = plot_individuals(rows_of([(0.1, 1)] * 2, [(0.1, 1)] * 9), jitter=0.2)
    offsets = [x - round(x) for x, _ in drawn(upper)["individual"]]
    assert offsets[:2] == pytest.approx([-0.2, 0.2])
    assert offsets[2:] == pytest.approx(np.linspace(-0.2, 0.2, 9))


def test_without_jitter_points_stand_on_their_generation():
    upper, _ = plot_individuals(ROWS, jitter=0)
    assert [x for x, _ in drawn(upper)["individual"]] == [0, 0, 0, 1, 1, 1]


def test_labels_are_words_and_the_legend_lies_beside_the_data():
    upper, lower = plot_individuals(ROWS)
    assert upper.get_ylabel().split() == ["Improvement", "over", "cross", "entropy"]
    assert lower.get_ylabel() == "Data sets won"
    assert lower.get_xlabel() == "Generation"
    assert texts(upper) == ["individual", "best individual", "cross entropy"]
    assert texts(lower) == []
    upper.figure.draw_without_rendering()
    assert upper.get_legend().get_window_extent().x0 >= upper.get_window_extent().x1


def test_cross_entropy_is_the_line_at_zero():
    upper, _ = plot_individuals(ROWS)
    assert list(lines(upper)["cross entropy"].get_ydata()) == [0, 0]


@pytest.mark.parametrize("failure", [-INF, NAN, INF, None])
def test_failed_individuals_are_crosses_at_the_bottom_and_counted(failure):
    upper, lower = plot_individuals(
        rows_of([(failure, 0), (-0.4, 0)], [(0.2, 1), (failure, 0)]), jitter=0.1
    )
    assert drawn(upper)["individual"] == [(0.1, -0.4), (0.9, 0.2)]
    crosses = lines(upper)["failed (2)"]
    assert list(crosses.get_xdata()) == pytest.approx([-0.1, 1.1])
    assert crosses.get_marker() == "x"
    assert "failed (2)" in texts(upper)
    heights = upper.transAxes.inverted().transform(
        [
            *crosses.get_transform().transform(crosses.get_xydata()),
            upper.transData.transform((0, -0.4)),
        ]
    )[:, 1]
    assert 0 < heights[0] == heights[1] < heights[2] - 0.04
    assert [y for _, y in drawn(lower)["individual"]] == [0, 0, 1, 0]
    assert list(lines(lower)) == ["individual", "best individual"]


def test_wins_that_are_not_finite_are_crosses_too():
    _, lower = plot_individuals(rows_of([(-INF, -INF), (0.1, 1)]))
    assert drawn(lower)["individual"] == [(0.15, 1)]
    assert texts(lower) == []
    assert "failed (1)" in lines(lower)


def test_generation_in_which_all_failed_is_a_gap_in_the_line_of_the_best():
    upper, lower = plot_individuals(rows_of([(0.1, 1)], [(-INF, 3)], [(0.2, 1)]))
    best = lines(upper)["best individual"].get_ydata()
    assert list(best[[0, 2]]) == [0.1, 0.2]
    assert np.isnan(best[1])
    assert drawn(lower)["best individual"] == [(0, 1), (2, 1)]


def test_run_in_which_all_failed_is_drawn(tmp_path):
    upper, _ = plot_individuals(rows_of([(-INF, 0)] * 4, [(-INF, 0)] * 4))
    upper.figure.savefig(tmp_path / "failed.png")
    assert drawn(upper)["individual"] == drawn(upper)["best individual"] == []
    assert "failed (8)" in texts(upper)
    assert upper.get_xlim()[0] < 0 < 1 < upper.get_xlim()[1]


def test_outlier_does_not_flatten_the_picture():
    pairs = [(-0.08, 0), (-0.05, 0), (0.02, 1), (0.06, 1), (0.09, 1), (-400.0, 0)]
    upper, _ = plot_individuals(rows_of(pairs))
    assert upper.get_yscale() == "symlog"
    assert [y for _, y in drawn(upper)["individual"]] == [y for y, _ in pairs]
    heights = upper.transAxes.inverted().transform(
        upper.transData.transform([(0, -400.0), (0, -0.08), (0, 0.09)])
    )[:, 1]
    assert heights[0] > 0
    assert heights[2] - heights[1] > 0.3


def test_ticks_of_an_extreme_scale_are_plain_numbers():
    pairs = [(-0.08, 0), (-0.05, 0), (0.02, 1), (0.06, 1), (0.09, 1), (-4e5, 0)]
    upper, _ = plot_individuals(rows_of(pairs))
    upper.figure.draw_without_rendering()
    low, high = upper.get_ylim()
    labels = {
        tick: text.get_text()
        for tick, text in zip(upper.get_yticks(), upper.get_yticklabels(), strict=True)
    }
    shown = {round(tick, 9): text for tick, text in labels.items() if low <= tick <= high}
    expected = {0.1: "0.1", 0.0: "0", -0.1: "\N{MINUS SIGN}0.1", -1e5: "$-10^{5}$"}
    assert shown.items() >= expected.items()


def test_ordinary_improvements_keep_a_linear_scale():
    assert plot_individuals(ROWS)[0].get_yscale() == "linear"


def test_ticks_of_generations_and_wins_are_whole_numbers():
    _, lower = plot_individuals(ROWS)
    for ticks in (lower.get_xticks(), lower.get_yticks()):
        assert all(tick == round(tick) for tick in ticks)


def test_data_frame_list_and_csv_draw_the_same(tmp_path):
    rows = [*ROWS, {**ROWS[0], "gen": 2, "improvement": -INF}]
    table = pd.DataFrame(rows)
    path = tmp_path / "individuals.csv"
    table.to_csv(path, index=False)
    expected = [drawn(ax) for ax in plot_individuals(rows)]
    for source in (table, path, str(path)):
        assert [drawn(ax) for ax in plot_individuals(source)] == expected
    assert list(table.columns) == list(rows[0])


def test_individuals_are_drawn_on_the_given_axes():
    figure = Figure()
    given = [figure.add_subplot(2, 1, 1), figure.add_subplot(2, 1, 2)]
    assert list(plot_individuals(ROWS, axes=given)) == given
    assert figure.axes == given


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        ([], {}, "expected at least one individual, got an empty table"),
        (
            [{"gen": 0, "wins": 1}],
            {},
            "expected the columns 'gen', 'index', 'improvement', 'wins'; "
            "'index', 'improvement' not among 'gen', 'wins'",
        ),
        ([{**ROWS[0], "wins": "many"}], {}, "expected numbers in the column 'wins'"),
        ([{**ROWS[0], "wins": [1]}], {}, "expected numbers in the column 'wins'"),
        ([{**ROWS[0], "gen": None}], {}, "expected finite numbers in the column 'gen'"),
        ([{**ROWS[0], "index": INF}], {}, "expected finite numbers in the column 'index'"),
        (ROWS, {"jitter": 0.5}, "expected 0 <= jitter < 0.5, got 0.5"),
        (ROWS, {"jitter": -0.1}, "expected 0 <= jitter < 0.5, got -0.1"),
        (ROWS, {"jitter": NAN}, "expected 0 <= jitter < 0.5, got nan"),
        (ROWS, {"axes": Figure().add_subplot()}, "expected two axes, upper and lower, got 1"),
    ],
)
def test_individuals_error_says_what_was_expected(rows, options, message):
    with pytest.raises(ValueError) as caught:
        plot_individuals(rows, **options)
    assert str(caught.value).startswith(message)


def test_table_filtered_to_one_arm_is_drawn_as_that_arm_alone():
    rows = [{**row, "replicate": 0, "arm": "a", "loss_digits": 0.5} for row in ROWS]
    others = [{**row, "arm": "b", "improvement": -9.0} for row in rows]
    table = pd.DataFrame([row for pair in zip(others, rows, strict=True) for row in pair])
    filtered = plot_individuals(table[table["arm"] == "a"])
    assert [drawn(ax) for ax in filtered] == [drawn(ax) for ax in plot_individuals(ROWS)]
