"""The figure of accuracies on the test set: a strip of replicates for each arm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from deap_lossgp.plotting.axes import BLACK, add_legend, legend_text, new_axes, set_style
from deap_lossgp.plotting.columns import read_table
from deap_lossgp.plotting.marks import arm_styles, draw_failures, draw_points

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from deap_lossgp.plotting.columns import Table

_WRITTEN_MEANS = 15
"""The most strips whose means are written; more means would overlap."""


def plot_test_accuracies(tests: Table, ax: Axes | None = None) -> Axes:
    """Draws accuracies on the test set: a group for each task, with a strip for each arm.

    A point is one replicate, the mean of its seeds; the bar is the mean of the points. An arm named
    ``cross_entropy`` is black. A training without an accuracy has failed: a cross at the bottom of
    its strip stands for it, and the legend counts the crosses. If there are at most fifteen strips,
    the means are written above them.

    Args:
        tests: A table with the columns ``replicate``, ``arm``, ``task`` and ``test_accuracy``, one
            row for each training.
        ax: The axes to draw on; None makes a figure.

    Returns:
        The axes.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: There is no test, or a column is missing or holds something other than
            numbers.

    Examples:
        >>> rows = [{"replicate": 0, "arm": "archive", "task": "digits", "test_accuracy": accuracy}
        ...         for accuracy in (0.9, 0.92)]
        >>> plot_test_accuracies(rows).lines[0].get_ydata().tolist()
        [0.91]
    """
    table = read_table(tests, "test", keys=("replicate", "arm", "task"), values=("test_accuracy",))
    ax = new_axes(width=8.0)[0, 0] if ax is None else ax
    set_style(ax, grid="y")
    _draw_strips(ax, table)
    ax.set_ylabel("Accuracy on the test set")
    add_legend(ax)
    return ax


def _draw_strips(ax, table):
    """Draws the replicates' mean test accuracies, a group for each task, a strip for each arm."""
    tasks, styles = list(table["task"].unique()), arm_styles(table["arm"].unique())
    width, crosses = 0.8 / len(styles), []
    for i, (arm, (color, _, marker)) in enumerate(styles.items()):
        rows = table[table["arm"] == arm]
        label = f"{legend_text(arm)} (n = {rows['replicate'].nunique()})"
        for task, strip in rows.groupby("task", sort=False):
            x = tasks.index(task) + width * (i - (len(styles) - 1) / 2)
            crosses += [*(x + width * _spread(strip["test_accuracy"].isna().sum()))]
            means = strip.groupby("replicate")["test_accuracy"].mean().dropna()
            if means.empty:
                continue
            draw_points(ax, x + width * _spread(len(means)), means, color, marker, label)
            ends = [x - 0.42 * width, x + 0.42 * width]
            ax.plot(ends, [means.mean()] * 2, color=BLACK, linewidth=1.4, label="_mean", zorder=4)
            if len(tasks) * len(styles) <= _WRITTEN_MEANS:
                above = {"xytext": (0, 6), "textcoords": "offset points", "rotation": 45,
                         "rotation_mode": "anchor"}  # fmt: skip
                ax.annotate(f"{means.mean():.3f}", (x, means.max()), fontsize=6.5, **above)
    ax.plot([], [], color=BLACK, linewidth=1.4, label="mean")
    draw_failures(ax, crosses)
    ax.set_xticks(range(len(tasks)), [legend_text(task) for task in tasks])
    ax.tick_params(axis="x", length=0)
    ax.set_xlim(-0.5, len(tasks) - 0.5)


def _spread(n):
    """Places n points side by side in a strip of width 1."""
    return np.linspace(-0.25, 0.25, n) if n > 1 else np.zeros(n)
