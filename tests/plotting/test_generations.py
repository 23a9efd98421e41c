"""plot_generations: DEAP's logbooks of all kinds."""

import numpy as np
import pytest
from deap import tools
from figure_samples import (
    INF,
    NAN,
    PairBits,
    drawn,
    fitness_values,
    lines,
    logbook_of,
    onemax,
    statistics,
    texts,
    two_chapters,
)
from matplotlib.figure import Figure

from deap_lossgp.plotting import plot_generations


def test_flat_logbook_draws_max_avg_and_min_by_generation():
    logbook = onemax(statistics(fitness_values))
    ax = plot_generations(logbook)
    assert list(lines(ax)) == ["max", "avg", "min"]
    for field, line in lines(ax).items():
        assert list(line.get_xdata()) == logbook.select("gen") == [0, 1, 2, 3, 4, 5]
        assert list(line.get_ydata()) == logbook.select(field)
    assert ax.get_xlabel() == "Generation"
    assert texts(ax) == ["max", "avg", "avg ± std", "min"]


def test_band_spans_one_standard_deviation_around_the_average():
    logbook = onemax(statistics(fitness_values))
    (band,) = plot_generations(logbook).collections
    avg, std = np.array(logbook.select("avg")), np.array(logbook.select("std"))
    corners = {(x, round(y, 9)) for x, y in band.get_paths()[0].vertices}
    for sign in (-1, 1):
        assert corners >= {(x, round(y, 9)) for x, y in enumerate(avg + sign * std)}


def test_no_band_without_std_or_without_avg():
    assert not plot_generations(logbook_of(avg=[1.0, 2.0], max=[3.0, 4.0])).collections
    assert not plot_generations(logbook_of(std=[1.0, 2.0], max=[3.0, 4.0])).collections


def test_no_band_where_std_is_one_number_for_several_components():
    ax = plot_generations(logbook_of(avg=[np.array([1.0, 2.0])] * 2, std=[0.1, 0.2]))
    assert list(lines(ax)) == ["avg[0]", "avg[1]"]
    assert not ax.collections


def test_chapters_get_a_panel_each_and_one_shared_generation_axis():
    logbook = onemax(two_chapters())
    axes = plot_generations(logbook)
    assert axes.shape == (2,)
    assert [ax.get_ylabel() for ax in axes] == ["Fitness", "Ones"]
    for ax, name in zip(axes, ("fitness", "ones"), strict=True):
        for field in ("max", "avg", "min"):
            assert list(lines(ax)[field].get_ydata()) == logbook.chapters[name].select(field)
    assert axes[0].get_shared_x_axes().joined(*axes)
    assert [ax.get_xlabel() for ax in axes] == ["", "Generation"]
    assert (texts(axes[0]), texts(axes[1])) == (["max", "avg", "avg ± std", "min"], [])


def test_named_chapter_is_drawn_alone_on_the_given_axes():
    logbook = onemax(two_chapters())
    ax = Figure().add_subplot()
    assert plot_generations(logbook, ax=ax, chapter="ones") is ax
    assert list(lines(ax)["max"].get_ydata()) == logbook.chapters["ones"].select("max")
    assert ax.get_ylabel() == "Ones"
    assert ax.figure.axes == [ax]


def test_named_chapter_without_axes_makes_one_panel():
    ax = plot_generations(onemax(two_chapters()), chapter="ones")
    assert ax.figure.axes == [ax]


def test_only_chapter_needs_no_name_on_given_axes():
    logbook = onemax(tools.MultiStatistics(ones=statistics(sum)))
    ax = Figure().add_subplot()
    assert plot_generations(logbook, ax=ax) is ax
    assert list(lines(ax)["avg"].get_ydata()) == logbook.chapters["ones"].select("avg")


def test_chapters_of_a_run_are_labelled_in_words():
    logbook = tools.Logbook()
    stats = {"avg": 1.0, "std": 0.5, "min": 0.0, "max": 2.0}
    logbook.record(gen=0, nevals=4, seconds=1.5, wins=stats, improvement=stats, size=stats)
    labels = [ax.get_ylabel() for ax in plot_generations(logbook)]
    assert labels == ["Data sets won", "Improvement over\ncross entropy", "Size"]
    assert plot_generations(logbook, chapter="wins").get_ylabel() == "Data sets won"


def test_chapter_called_wins_in_another_problem_keeps_its_name():
    logbook = tools.Logbook()
    logbook.record(gen=0, wins={"avg": 1.0})
    assert plot_generations(logbook)[0].get_ylabel() == "Wins"


def test_vector_statistics_get_a_line_and_a_band_per_component():
    logbook = onemax(statistics(fitness_values, axis=0), kind=PairBits)
    ax = plot_generations(logbook)
    assert list(lines(ax)) == ["max[0]", "max[1]", "avg[0]", "avg[1]", "min[0]", "min[1]"]
    for field in ("max", "avg", "min"):
        for j, column in enumerate(np.transpose(logbook.select(field))):
            assert list(lines(ax)[f"{field}[{j}]"].get_ydata()) == list(column)
    assert len(ax.collections) == 2
    colors = {label: line.get_color() for label, line in lines(ax).items()}
    assert colors["max[0]"] == colors["min[0]"] != colors["max[1]"] == colors["min[1]"]
    assert lines(ax)["max[0]"].get_linestyle() != lines(ax)["min[0]"].get_linestyle()


def test_vector_that_is_shorter_in_one_record_leaves_a_gap():
    ax = plot_generations(logbook_of(avg=[np.array([1.0, 2.0]), np.array([3.0])]))
    assert drawn(ax) == {"avg[0]": [(0, 1), (1, 3)], "avg[1]": [(0, 2)]}


def test_numbers_that_are_not_finite_are_gaps():
    ax = plot_generations(
        logbook_of(avg=[1.0, NAN, 3.0], min=[-INF, 0.5, None], max=[INF, 9, 1e200])
    )
    expected = {"avg": [(0, 1), (2, 3)], "min": [(1, 0.5)], "max": [(1, 9)]}
    assert drawn(ax) == expected
    assert np.isnan(lines(ax)["avg"].get_ydata()[1])


def test_number_between_two_gaps_is_visible_in_a_long_run():
    values = [1.0] * 60
    values[30] = values[32] = NAN
    ax = plot_generations(logbook_of(avg=values, max=[2.0] * 60))
    assert lines(ax)["avg"].get_marker() == "o"
    assert lines(ax)["max"].get_marker() == "None"


@pytest.mark.parametrize("value", [NAN, -INF, 0.0, 3.0, 1.7e308, 5e-324])
def test_degenerate_logbooks_are_drawn_without_warnings(value, tmp_path, recwarn):
    ax = plot_generations(logbook_of(avg=[value], std=[value], max=[value]))
    ax.figure.savefig(tmp_path / "one.png")
    spread = [value, 1e99, -1e99, 1e-300, 1e-299, 2e-299, 3e-299]
    ax = plot_generations(logbook_of(avg=spread, std=spread))
    ax.figure.savefig(tmp_path / "spread.png")
    assert [str(warning.message) for warning in recwarn] == []


def test_text_and_objects_are_skipped():
    columns = {"max": ["high", "low"], "avg": [1.0, 2.0], "min": [{1}, {2}], "std": ["a", "b"]}
    ax = plot_generations(logbook_of(**columns))
    assert list(lines(ax)) == ["avg"]
    assert not ax.collections


def test_other_fields_are_drawn_where_the_usual_ones_do_not_exist():
    logbook = logbook_of(median=[1.0, 2.0], nevals=[5, 6], best=["01", "11"], iqr=[0.1, 0.2])
    assert list(lines(plot_generations(logbook))) == ["median", "iqr"]


def test_fields_choose_what_is_drawn_and_in_which_order():
    logbook = onemax(statistics(fitness_values))
    assert list(lines(plot_generations(logbook, fields=("min", "std")))) == ["min", "std"]
    assert list(lines(plot_generations(logbook, fields="nevals"))) == ["nevals"]


def test_lines_of_one_panel_differ_in_colour():
    logbook = logbook_of(max=[4.0], median=[3.0], avg=[2.0], mode=[1.5], min=[1.0])
    ax = plot_generations(logbook, fields=("max", "median", "avg", "mode", "min"))
    assert len({line.get_color() for line in ax.lines}) == 5


def test_records_without_generation_are_drawn_by_their_place():
    logbook = tools.Logbook()
    logbook.record(avg=3.0)
    logbook.record(gen=7, avg=4.0)
    ax = plot_generations(logbook)
    assert drawn(ax) == {"avg": [(0, 3), (1, 4)]}
    assert ax.get_xlabel() == "Record"


@pytest.mark.parametrize("ngen", [0, 1, 2, 5, 37])
def test_generation_ticks_are_whole_numbers(ngen):
    ax = plot_generations(onemax(statistics(fitness_values), ngen=ngen))
    low, high = ax.get_xlim()
    ticks = [tick for tick in ax.get_xticks() if low <= tick <= high]
    assert ticks
    assert all(tick == round(tick) for tick in ticks)


def test_scale_stays_linear_for_ordinary_statistics():
    assert plot_generations(onemax(statistics(fitness_values))).get_yscale() == "linear"


def test_few_extreme_statistics_do_not_flatten_the_others():
    values = [-0.3, -0.2, -0.1, 0.0, 0.1, -5e5]
    ax = plot_generations(logbook_of(avg=values))
    assert ax.get_yscale() == "symlog"
    assert drawn(ax)["avg"] == list(enumerate(values))
    heights = ax.transAxes.inverted().transform(ax.transData.transform([(0, -0.3), (4, 0.1)]))
    assert heights[1, 1] - heights[0, 1] > 0.2


def test_scale_chosen_by_the_caller_is_kept():
    ax = Figure().add_subplot()
    ax.set_yscale("log")
    plot_generations(logbook_of(avg=[1.0, 2.0, 3.0, 1e6]), ax=ax)
    assert ax.get_yscale() == "log"


def test_drawing_leaves_the_logbook_as_it_was():
    logbook = onemax(two_chapters())
    records = [dict(record) for record in logbook]
    plot_generations(logbook)
    with pytest.raises(ValueError):
        plot_generations(logbook, chapter="size")
    assert list(logbook) == records
    assert set(logbook.chapters) == {"fitness", "ones"}


def test_chapter_created_by_looking_it_up_is_not_drawn():
    logbook = onemax(two_chapters())
    assert len(logbook.chapters["typo"]) == 0
    assert len(plot_generations(logbook)) == 2
    flat = logbook_of(avg=[1.0, 2.0])
    assert len(flat.chapters["typo"]) == 0
    assert drawn(plot_generations(flat)) == {"avg": [(0, 1), (1, 2)]}


@pytest.mark.parametrize(
    ("logbook", "options", "message"),
    [
        (tools.Logbook(), {}, "expected a logbook with at least one record, got an empty one"),
        (
            logbook_of(avg=[1.0]),
            {"chapter": "size"},
            "expected a chapter of the logbook (it has none), got 'size'",
        ),
        (
            onemax(two_chapters()),
            {"chapter": "size"},
            "expected a chapter of the logbook ('fitness', 'ones'), got 'size'",
        ),
        (
            onemax(two_chapters()),
            {"ax": Figure().add_subplot()},
            "expected a chapter to draw on ax, one of 'fitness', 'ones'; got None",
        ),
        (
            logbook_of(avg=[1.0]),
            {"fields": ("avg", "median")},
            "expected fields among 'gen', 'avg'; got 'median'",
        ),
        (
            logbook_of(best=["x"]),
            {},
            "expected numbers to draw in the logbook, it has 'gen', 'best'",
        ),
    ],
)
def test_error_names_what_exists(logbook, options, message):
    with pytest.raises(ValueError) as caught:
        plot_generations(logbook, **options)
    assert str(caught.value) == message


def test_pair_returned_by_a_deap_algorithm_is_refused():
    with pytest.raises(TypeError, match="expected a deap.tools.Logbook, got tuple"):
        plot_generations(([], tools.Logbook()))
