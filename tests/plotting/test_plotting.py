"""plotting.py: what is drawn, where, and that nothing but the figure is touched."""

import math
import os
import random
import subprocess
import sys

import matplotlib
import numpy as np
import pandas as pd
import pytest
from deap import algorithms, base, tools
from matplotlib.figure import Figure

from deap_lossgp.plotting.arms import plot_comparison, plot_test_accuracies
from deap_lossgp.plotting.generations import plot_generations
from deap_lossgp.plotting.individuals import plot_individuals, plot_loss_accuracy

NAN, INF = math.nan, math.inf


class BitFitness(base.Fitness):
    weights = (1.0,)


class PairFitness(base.Fitness):
    weights = (1.0, -1.0)


class Bits(list):
    def __init__(self, content):
        super().__init__(content)
        self.fitness = BitFitness()


class PairBits(list):
    def __init__(self, content):
        super().__init__(content)
        self.fitness = PairFitness()


def statistics(key, **options):
    stats = tools.Statistics(key)
    stats.register("avg", np.mean, **options)
    stats.register("std", np.std, **options)
    stats.register("min", np.min, **options)
    stats.register("max", np.max, **options)
    return stats


def onemax(stats, ngen=5, kind=Bits):
    """The logbook of DEAP's own eaSimple on OneMax."""
    random.seed(1)
    toolbox = base.Toolbox()
    toolbox.register("bit", random.randint, 0, 1)
    toolbox.register("individual", tools.initRepeat, kind, toolbox.bit, 20)
    toolbox.register("population", tools.initRepeat, list, toolbox.individual)
    values = {Bits: lambda ones: (ones,), PairBits: lambda ones: (ones, 40 - 3 * ones)}[kind]
    toolbox.register("evaluate", lambda individual: values(sum(individual)))
    toolbox.register("mate", tools.cxTwoPoint)
    toolbox.register("mutate", tools.mutFlipBit, indpb=0.05)
    toolbox.register("select", tools.selTournament, tournsize=3)
    population = toolbox.population(12)
    return algorithms.eaSimple(population, toolbox, 0.5, 0.2, ngen, stats=stats, verbose=False)[1]


def fitness_values(individual):
    return individual.fitness.values


def two_chapters():
    return tools.MultiStatistics(fitness=statistics(fitness_values), ones=statistics(sum))


def logbook_of(**columns):
    logbook = tools.Logbook()
    for gen, values in enumerate(zip(*columns.values(), strict=True)):
        logbook.record(gen=gen, **dict(zip(columns, values, strict=True)))
    return logbook


def lines(ax):
    return {line.get_label(): line for line in ax.lines}


def drawn(ax):
    """The points on the axes, as {label: [(x, y)...]}; numbers left out are not among them."""
    found = {}
    for line in ax.lines:
        points = np.asarray(line.get_xydata(), dtype=float)
        found[line.get_label()] = [tuple(p) for p in points[np.isfinite(points).all(axis=1)]]
    return found


def texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()] if ax.get_legend() else []


def run_python(code, **environment):
    env = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=env | environment, capture_output=True, text=True)


# Logbooks


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


# Individuals


def rows_of(*generations):
    """Rows from one list of (improvement, wins) per generation."""
    return [
        {"gen": gen, "index": index, "expression": "x", "improvement": improvement, "wins": wins}
        for gen, pairs in enumerate(generations)
        for index, (improvement, wins) in enumerate(pairs)
    ]


ROWS = rows_of([(-0.1, 0), (0.3, 1), (-0.2, 0)], [(0.1, 2), (0.3, 1), (0.05, 2)])


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


# Individuals of one arm of a comparison


def test_table_filtered_to_one_arm_is_drawn_as_that_arm_alone():
    rows = [{**row, "replicate": 0, "arm": "a", "loss_digits": 0.5} for row in ROWS]
    others = [{**row, "arm": "b", "improvement": -9.0} for row in rows]
    table = pd.DataFrame([row for pair in zip(others, rows, strict=True) for row in pair])
    filtered = plot_individuals(table[table["arm"] == "a"])
    assert [drawn(ax) for ax in filtered] == [drawn(ax) for ax in plot_individuals(ROWS)]


# Comparisons


def progress_of(arms, trainings=(10, 20, 30)):
    """Records from {arm: {replicate: [(improvement, wins)...]}}."""
    return [
        {"replicate": replicate, "arm": arm, "gen": gen, "trainings": trainings[gen],
         "charged_seconds": 1.5 * trainings[gen], "best_improvement": pair[0],
         "best_wins": pair[1]}
        for arm, replicates in arms.items()
        for replicate, pairs in replicates.items()
        for gen, pair in enumerate(pairs)
    ]  # fmt: skip


TWO_ARMS = progress_of({
    "zebra": {0: [(0.1, 1), (0.2, 1)], 1: [(0.3, 0), (0.4, 2)], 2: [(0.2, 1), (0.1, 3)]},
    "ape": {0: [(-0.1, 0), (0.5, 1)], 1: [(-0.3, 0), (0.1, 1)], 2: [(0.0, 0), (0.0, 0)]},
})  # fmt: skip


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


# Loss and accuracy


def figures_of(*pairs, **columns):
    return [{"loss_digits": loss, "accuracy_digits": accuracy, **columns}
            for loss, accuracy in pairs]  # fmt: skip


PAIRS = [(1e-6, 0.1), (0.5, 0.9), (30.0, 0.95), (0.01, 0.05), (0.2, 0.11)]


def test_every_individual_is_a_point_of_its_loss_and_its_accuracy():
    ax = plot_loss_accuracy(figures_of(*PAIRS), "digits", 10)
    assert drawn(ax)["individual (5)"] == PAIRS
    assert ax.get_xlabel() == "Validation loss on digits, each by its own function"
    assert ax.get_ylabel() == "Validation accuracy on digits"
    assert texts(ax) == ["individual (5)", "chance (0.1)"]
    assert list(lines(ax)["chance (0.1)"].get_ydata()) == [0.1, 0.1]
    low, high = ax.get_ylim()
    assert low < 0 < 0.95 < high < 1.1


def test_arms_have_colours_and_counts():
    rows = figures_of(*PAIRS[:2], arm="b") + figures_of(*PAIRS[2:], arm="a")
    ax = plot_loss_accuracy(rows, "digits", 10)
    assert drawn(ax).items() >= {"b (2)": PAIRS[:2], "a (3)": PAIRS[2:]}.items()
    b, a = lines(ax)["b (2)"], lines(ax)["a (3)"]
    assert b.get_color() != a.get_color()
    assert b.get_marker() != a.get_marker()


def test_baseline_is_a_star_and_losses_that_beat_it_by_chance_are_counted():
    ax = plot_loss_accuracy(figures_of(*PAIRS), "digits", 10, baseline=(0.3, 0.88))
    star = lines(ax)["cross entropy"]
    assert (star.get_marker(), drawn(ax)["cross entropy"]) == ("*", [(0.3, 0.88)])
    (area,) = ax.collections
    assert area.get_label().endswith("no better than chance:\n2 of 5")
    assert area.get_label() in texts(ax)
    corners = area.get_paths()[0].get_extents()
    assert (corners.x1, corners.y1) == pytest.approx((0.3, 0.1))
    assert (corners.x0, corners.y0) == pytest.approx((ax.get_xlim()[0], ax.get_ylim()[0]))


def test_chance_in_single_precision_is_not_above_chance():
    rows = figures_of((0.1, float(np.float32(0.1))), (0.1, 0.1002))
    ax = plot_loss_accuracy(rows, "digits", 10, baseline=(0.3, 0.9))
    assert ax.collections[0].get_label().endswith("1 of 2")


def test_loss_equal_to_that_of_cross_entropy_does_not_beat_it():
    ax = plot_loss_accuracy(figures_of((0.3, 0.1)), "digits", 10, baseline=(0.3, 0.9))
    assert ax.collections[0].get_label().endswith("0 of 1")


@pytest.mark.parametrize(
    ("losses", "scale"),
    [
        ([0.1, 0.2, 1.5], "linear"),
        ([-0.5, 0.0, 0.3], "linear"),
        ([1e-8, 0.1, 3.0], "log"),
        ([0.0, 1e-8, 0.1, 3.0], "symlog"),
        ([-40.0, 1e-3, 0.1], "symlog"),
        ([5e-324, 1e99], "symlog"),
        ([0.0], "linear"),
    ],
)
def test_scale_of_the_losses_shows_them_all(losses, scale, tmp_path, recwarn):
    ax = plot_loss_accuracy(figures_of(*[(x, 0.5) for x in losses]), "digits", 10)
    ax.figure.savefig(tmp_path / "losses.png")
    assert ax.get_xscale() == scale
    xs = ax.transAxes.inverted().transform(ax.transData.transform([(x, 0.5) for x in losses]))
    assert ((xs[:, 0] > 0) & (xs[:, 0] < 1)).all()
    assert [str(warning.message) for warning in recwarn] == []


def test_ticks_of_symmetric_losses_do_not_overlap():
    losses = [*-(10.0 ** np.arange(-8, 3)), 0.0, *10.0 ** np.arange(-8, 3)]
    ax = plot_loss_accuracy(figures_of(*[(x, 0.5) for x in losses]), "digits", 10)
    ax.figure.draw_without_rendering()
    low, high = ax.get_xlim()
    shown = [text for text in ax.get_xticklabels() if low <= text.get_position()[0] <= high]
    boxes = [text.get_window_extent() for text in shown]
    assert len(boxes) >= 5
    assert all(a.x1 < b.x0 for a, b in zip(boxes, boxes[1:], strict=False))
    assert "0" in [text.get_text() for text in shown]


@pytest.mark.parametrize("failure", [None, NAN, INF])
def test_individuals_without_loss_or_accuracy_are_counted_as_failed(failure):
    rows = figures_of((failure, 0.5), (0.2, failure), (0.3, 0.4))
    ax = plot_loss_accuracy(rows, "digits", 10)
    assert drawn(ax)["individual (1)"] == [(0.3, 0.4)]
    assert "failed (2), not drawn" in texts(ax)


def test_losses_that_all_failed_are_drawn(tmp_path):
    rows = figures_of((None, None), (None, None))
    ax = plot_loss_accuracy(rows, "digits", 10, baseline=(0.3, 0.9))
    ax.figure.savefig(tmp_path / "failed.png")
    assert texts(ax)[:2] == ["individual (0)", "failed (2), not drawn"]


def test_individual_that_lives_on_is_one_point():
    rows = figures_of((0.2, 0.4), expression="x", replicate=0, arm="a")
    rows += [{**rows[0], "gen": 1}, {**rows[0], "replicate": 1}, {**rows[0], "expression": "y"}]
    assert "a (3)" in lines(plot_loss_accuracy(rows, "digits", 10))


# Accuracies on the test set


def accuracies_of(accuracies):
    """Rows from {(task, arm): [[accuracy of a seed...] of a replicate...]}."""
    return [
        {"replicate": replicate, "arm": arm, "task": task, "seed": seed, "test_accuracy": accuracy}
        for (task, arm), replicates in accuracies.items()
        for replicate, seeds in enumerate(replicates)
        for seed, accuracy in enumerate(seeds)
    ]


TESTS = accuracies_of({
    ("digits", "evolved"): [[0.5, 0.7], [0.8, 0.8], [0.9, 1.0]],
    ("digits", "cross_entropy"): [[0.5, 0.6], [0.65, 0.65]],
    ("wine", "evolved"): [[0.1, 0.1], [0.2, 0.2], [0.3, 0.3]],
})  # fmt: skip


def strips(ax):
    """The points of each strip, as [(label, xs, ys)]."""
    return [(line.get_label(), list(line.get_xdata()), list(line.get_ydata()))
            for line in ax.lines if "(n = " in line.get_label()]  # fmt: skip


def test_points_are_the_replicates_means_in_a_strip_for_each_arm():
    ax = plot_test_accuracies(TESTS)
    found = strips(ax)
    assert [label for label, _, _ in found] == [
        "evolved (n = 3)", "evolved (n = 3)", "cross entropy (n = 2)"]  # fmt: skip
    assert [ys for _, _, ys in found] == [
        pytest.approx([0.6, 0.8, 0.95]), pytest.approx([0.1, 0.2, 0.3]),
        pytest.approx([0.55, 0.65])]  # fmt: skip
    assert max(found[0][1]) < 0 < min(found[2][1])
    assert min(found[1][1]) > 0.5 and max(found[1][1]) < 1
    assert [text.get_text() for text in ax.get_xticklabels()] == ["digits", "wine"]
    assert ax.get_ylabel() == "Accuracy on the test set"


def test_mean_of_each_strip_is_a_bar_across_it_and_written_above():
    ax = plot_test_accuracies(TESTS)
    bars = [line for line in ax.lines if line.get_label() == "_mean"]
    means = [2.35 / 3, 0.2, 0.6]
    assert [list(bar.get_ydata()) for bar in bars] == [pytest.approx([m, m]) for m in means]
    for bar, (_, xs, _) in zip(bars, strips(ax), strict=True):
        assert bar.get_xdata()[0] < min(xs) <= max(xs) < bar.get_xdata()[1]
    assert [text.get_text() for text in ax.texts] == ["0.783", "0.200", "0.600"]


def test_cross_entropy_is_black_and_takes_no_colour_from_the_arms():
    rows = accuracies_of({("digits", arm): [[0.5]] for arm in ("cross_entropy", "a", "b")})
    look = {line.get_label(): line.get_color() for line in plot_test_accuracies(rows).lines}
    others = plot_comparison(progress_of({"a": {0: [(0.1, 1)]}, "b": {0: [(0.1, 1)]}}))[0]
    assert look["cross entropy (n = 1)"] == "#333333"
    for arm in ("a (n = 1)", "b (n = 1)"):
        assert look[arm] == lines(others)[arm].get_color()


def test_failed_tests_are_crosses_at_the_bottom_of_their_strip():
    rows = accuracies_of({("digits", "a"): [[0.5, None], [NAN, NAN]], ("digits", "b"): [[0.6]]})
    ax = plot_test_accuracies(rows)
    assert [ys for _, _, ys in strips(ax)] == [[0.5], [0.6]]
    crosses = lines(ax)["failed (3)"]
    assert all(x < 0 for x in crosses.get_xdata())
    assert texts(ax) == ["a (n = 2)", "b (n = 1)", "mean", "failed (3)"]


def test_means_are_not_written_where_they_would_overlap():
    rows = accuracies_of({(f"task {i}", arm): [[0.5]] for i in range(4) for arm in "abcd"})
    assert not plot_test_accuracies(rows).texts


def test_written_means_do_not_overlap():
    rows = accuracies_of({(f"task {i}", arm): [[0.5], [0.4]] for i in range(3) for arm in "abcde"})
    ax = plot_test_accuracies(rows)
    ax.figure.draw_without_rendering()
    boxes = sorted((text.get_window_extent() for text in ax.texts), key=lambda box: box.x0)
    assert len(boxes) == 15
    assert all(a.x1 < b.x0 for a, b in zip(boxes, boxes[1:], strict=False))


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
        (
            lambda: plot_loss_accuracy([], "digits", 10),
            "expected at least one individual, got an empty table",
        ),
        (
            lambda: plot_loss_accuracy(figures_of((0.1, 0.2)), "wine", 3),
            "expected the columns 'loss_wine', 'accuracy_wine'; 'loss_wine', 'accuracy_wine' "
            "not among 'loss_digits', 'accuracy_digits'",
        ),
        (
            lambda: plot_loss_accuracy(figures_of((0.1, 0.2)), "digits", 1),
            "expected num_classes of at least 2, got 1",
        ),
        (
            lambda: plot_loss_accuracy(figures_of((0.1, 0.2)), "digits", 10, baseline=(None, 0.5)),
            "expected a finite baseline (loss, accuracy), got (None, 0.5)",
        ),
        (
            lambda: plot_loss_accuracy(figures_of((0.1, 0.2)), "digits", 10, baseline=0.5),
            "expected a finite baseline (loss, accuracy), got 0.5",
        ),
        (lambda: plot_test_accuracies([]), "expected at least one test, got an empty table"),
        (
            lambda: plot_test_accuracies([{"replicate": 0, "arm": "a", "task": "digits"}]),
            "expected the columns 'replicate', 'arm', 'task', 'test_accuracy'; 'test_accuracy' "
            "not among 'replicate', 'arm', 'task'",
        ),
    ],
)
def test_error_of_a_comparison_says_what_was_expected(draw, message):
    with pytest.raises(ValueError) as caught:
        draw()
    assert str(caught.value) == message


# The figure and nothing else


def test_png_is_a_picture_with_something_on_it(tmp_path):
    path = tmp_path / "figure.png"
    figures = {
        "flat": plot_generations(onemax(statistics(fitness_values))).figure,
        "chapters": plot_generations(onemax(two_chapters()))[0].figure,
        "individuals": plot_individuals(ROWS)[0].figure,
        "comparison": plot_comparison(TWO_ARMS)[0].figure,
        "losses": plot_loss_accuracy(figures_of(*PAIRS), "digits", 10).figure,
        "tests": plot_test_accuracies(TESTS).figure,
    }
    for name, figure in figures.items():
        figure.savefig(path)
        assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n"), name
        pixels = matplotlib.image.imread(path)
        width, height = (figure.get_size_inches() * figure.dpi).round()
        assert pixels.shape[:2] == (height, width), name
        ink = (pixels[..., :3] < 1).any(axis=2)
        assert 0.01 < ink.mean() < 0.5, name


def test_settings_of_matplotlib_are_left_as_they_were():
    before = dict(matplotlib.rcParams)
    plot_generations(onemax(two_chapters()))
    plot_individuals(ROWS)
    plot_comparison(TWO_ARMS, against="trainings")
    plot_loss_accuracy(figures_of(*PAIRS), "digits", 10, baseline=(0.3, 0.88))
    plot_test_accuracies(TESTS)
    assert dict(matplotlib.rcParams) == before


def test_import_loads_neither_matplotlib_nor_tensorflow():
    code = (
        "import sys, deap_lossgp.plotting.arms\n"
        "print([m for m in ('matplotlib', 'pandas', 'tensorflow', 'keras') if m in sys.modules])"
    )
    done = run_python(code)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_drawing_needs_neither_pyplot_nor_a_display(tmp_path):
    path = tmp_path / "figure.png"
    code = (
        "import sys\n"
        "from deap import tools\n"
        "from deap_lossgp.plotting.generations import plot_generations\n",
    "from deap_lossgp.plotting.individuals import plot_individuals\n"
        "logbook = tools.Logbook()\n"
        "logbook.record(gen=0, avg=1.0)\n"
        f"plot_generations(logbook).figure.savefig({str(path)!r})\n"
        "plot_individuals([dict(gen=0, index=0, improvement=0.1, wins=1)])\n"
        "print('matplotlib' in sys.modules, 'matplotlib.pyplot' in sys.modules)"
    )
    done = run_python(code, MPLBACKEND="tkagg")
    assert (done.stdout.strip(), done.stderr) == ("True False", "")
    assert path.read_bytes().startswith(b"\x89PNG")
