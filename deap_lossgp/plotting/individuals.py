"""The figure of a run's individuals by generation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from deap_lossgp.plotting.axes import BLUE, RED
from deap_lossgp.plotting.columns import read_table
from deap_lossgp.plotting.marks import draw_failures, draw_points
from deap_lossgp.plotting.panels import finish_panels, two_panels

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes

    from deap_lossgp.plotting.columns import Table


def plot_individuals(individuals: Table, axes: Sequence[Axes] | np.ndarray | None = None,
                     jitter: float = 0.15) -> np.ndarray:
    """Draws every individual of a run by generation: improvement above, data sets won below.

    A line joins the best individuals of the generations, the same ones in both panels; the best has
    most wins and then the greatest improvement, as ``LossFitness`` ranks. An individual whose value
    is not finite has failed: a cross at the bottom of the panel stands for it, and the legend
    counts the crosses. If a few values would flatten all others, the scale of the improvement is
    linear around zero, in half of the panel, and logarithmic beyond.

    Args:
        individuals: A pandas DataFrame, a list of dicts or the path of a CSV file such as a run's
            ``individuals.csv``, with the columns ``gen``, ``index``, ``improvement`` and ``wins``;
            others are ignored.
        axes: Two axes, upper and lower; None makes a figure.
        jitter: Half of the width, in generations, over which the individuals of one generation are
            spread in the order of their index; at least 0 and less than 0.5.

    Returns:
        The two axes, upper and lower, as an array of shape (2,).

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: There is no individual, a column is missing or holds something other than
            numbers, ``axes`` are not two, or ``jitter`` is out of range.

    Examples:
        >>> rows = [{"gen": 0, "index": 0, "improvement": -0.1, "wins": 0},
        ...         {"gen": 0, "index": 1, "improvement": 0.2, "wins": 1}]
        >>> upper, lower = plot_individuals(rows, jitter=0.1)
        >>> upper.lines[0].get_xydata().tolist()
        [[-0.1, -0.1], [0.1, 0.2]]

    References:
        The thesis's figures 4.1 to 4.4.
    """
    if not 0 <= jitter < 0.5:
        raise ValueError(f"expected 0 <= jitter < 0.5, got {jitter}")
    table = read_table(
        individuals, "individual", places=("gen", "index"), values=("improvement", "wins")
    )
    table = table.sort_values(["gen", "index"], kind="stable", ignore_index=True)
    rank = table.groupby("gen").cumcount()
    last = table.groupby("gen")["gen"].transform("size") - 1
    table["x"] = table["gen"] + jitter * (2 * rank - last) / last.clip(lower=1)

    axes = two_panels(axes)
    for ax, column in zip(axes, ("improvement", "wins"), strict=True):
        _draw_individuals(ax, table, column)
    return finish_panels(axes, table["improvement"], "gen")


def _draw_individuals(ax, table, column):
    """Draws one panel: points, the line of the best, and crosses for the failures."""
    draw_points(ax, table["x"], table[column], BLUE, "o", "individual")
    order = table.sort_values(["wins", "improvement"], ascending=False, kind="stable")
    best = order.dropna().drop_duplicates("gen").set_index("gen").reindex(table["gen"].unique())
    line = {"color": RED, "linewidth": 1.4, "marker": "o", "markersize": 5}
    ax.plot(best["x"], best[column], label="best individual", **line)
    draw_failures(ax, table["x"][table[column].isna()])
