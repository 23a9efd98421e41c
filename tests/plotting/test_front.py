"""The figure of the Pareto front: positions, labels, and errors for wrong tables."""

import pytest
from figure_samples import INF, NAN, drawn, texts

from deap_lossgp.plotting import plot_front
from deap_lossgp.plotting.axes import new_axes

FRONT = [{"nodes": 9, "improvement": 0.3}, {"nodes": 3, "improvement": -0.1},
         {"nodes": 5, "improvement": 0.1}]
OTHERS = [{"size": 4, "improvement": -0.2}, {"size": 9, "improvement": 0.2},
          {"size": 9, "improvement": 0.2}, {"size": 6, "improvement": -INF},
          {"size": 7, "improvement": NAN}]


def test_the_line_is_what_is_best_with_so_many_nodes_or_fewer():
    ax = plot_front(FRONT)
    points = [(3.0, -0.1), (5.0, 0.1), (9.0, 0.3)]
    assert drawn(ax)["best so small"] == drawn(ax)["on the front (3)"] == points
    assert ax.lines[0].get_drawstyle() == "steps-post"
    assert texts(ax) == ["best so small", "on the front (3)", "cross entropy"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Nodes", "Improvement over\ncross entropy")
    assert all(tick == int(tick) for tick in ax.get_xticks())


def test_individuals_are_behind_it_each_once_and_without_the_failures():
    ax = plot_front(FRONT, OTHERS)
    assert drawn(ax)["individual"] == [(4.0, -0.2), (9.0, 0.2)]
    labels = [line.get_label() for line in ax.lines]
    assert labels.index("individual") < labels.index("on the front (3)")


def test_it_draws_on_given_axes_and_from_files(tmp_path):
    path, ax = tmp_path / "front.csv", new_axes()[0, 0]
    path.write_text("expression,nodes,improvement\ny_pred,1,0.5\n")
    assert plot_front(path, ax=ax) is ax
    assert drawn(ax)["on the front (1)"] == [(1.0, 0.5)]


def test_one_extreme_loss_does_not_flatten_the_others():
    assert plot_front(FRONT).get_yscale() == "linear"
    assert plot_front([*FRONT, {"nodes": 2, "improvement": -1e6}]).get_yscale() == "symlog"
    assert plot_front(FRONT, [{"size": 2, "improvement": -1e6}]).get_yscale() == "symlog"


@pytest.mark.parametrize(("table", "message"), [
    ([], "at least one loss, got an empty table"),
    ([{"nodes": 3}], "'improvement' not among 'nodes'"),
    ([{"nodes": 3, "improvement": NAN}], "expected finite numbers in the column 'improvement'"),
    ([{"nodes": "three", "improvement": 0.1}], "expected numbers in the column 'nodes'"),
])
def test_a_wrong_table_is_named(table, message):
    with pytest.raises(ValueError, match=message):
        plot_front(table)
