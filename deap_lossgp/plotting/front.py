"""The figure of a run's Pareto front: what a larger loss gains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from deap_lossgp.plotting.axes import (
    BLACK,
    BLUE,
    GREY,
    RED,
    add_legend,
    new_axes,
    set_integer_ticks,
    set_scale,
    set_style,
)
from deap_lossgp.plotting.columns import read_table
from deap_lossgp.plotting.marks import draw_points

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from deap_lossgp.plotting.columns import Table


def plot_front(front: Table, individuals: Table | None = None, ax: Axes | None = None) -> Axes:
    """Draws the losses that no other one beats in both improvement and number of nodes.

    A line shows the best improvement with so many nodes or fewer. If a few values would flatten all
    others, the scale of the improvement is linear around zero and logarithmic beyond.

    Args:
        front: A pandas DataFrame, a list of dicts or the path of a CSV file such as a run's
            ``front.csv``, with the columns ``nodes`` and ``improvement``; others are ignored.
        individuals: A table such as ``individuals.csv``, with the columns ``size`` and
            ``improvement``, whose points are drawn behind; None draws none.
        ax: The axes to draw on; None makes a figure.

    Returns:
        The axes.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: There is no loss, or a column is missing or holds something other than numbers.

    Examples:
        >>> ax = plot_front([{"nodes": 9, "improvement": 0.2}, {"nodes": 5, "improvement": 0.1}])
        >>> ax.lines[0].get_xydata().tolist()
        [[5.0, 0.1], [9.0, 0.2]]
    """
    table = read_table(front, "loss", places=("nodes", "improvement"))
    table = table.sort_values(["nodes", "improvement"], kind="stable")
    ax = new_axes()[0, 0] if ax is None else ax
    set_style(ax)
    ax.plot(table["nodes"], table["improvement"], color=RED, linewidth=1.4,
            drawstyle="steps-post", label="best so small", zorder=2)  # fmt: skip
    drawn = [table["improvement"]]
    if individuals is not None:
        others = read_table(individuals, "individual", places=("size",), values=("improvement",))
        others = others.dropna().drop_duplicates()
        draw_points(ax, others["size"], others["improvement"], GREY, "o", "individual")
        drawn.append(others["improvement"])
    draw_points(ax, table["nodes"], table["improvement"], BLUE, "D", f"on the front ({len(table)})")
    set_scale(ax, np.concatenate(drawn))
    ax.axhline(0, color=BLACK, linewidth=0.9, linestyle="--", label="cross entropy")
    set_integer_ticks(ax.xaxis)
    ax.set_xlabel("Nodes")
    ax.set_ylabel("Improvement over\ncross entropy")
    add_legend(ax)
    return ax
