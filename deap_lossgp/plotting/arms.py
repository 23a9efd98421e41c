"""Figures of a comparison's arms: the best so far, and accuracies on the test set."""

import math

import numpy as np

from deap_lossgp.plotting.axes import BLACK, add_legend, new_axes, set_style, two_axes
from deap_lossgp.plotting.columns import finite, quoted, read_table
from deap_lossgp.plotting.marks import (
    AGAINST_LABELS,
    arm_styles,
    draw_failed,
    finish_panels,
    plot_points,
)


def plot_comparison(progress, axes=None, against="gen"):
    """Draws several arms side by side: the best individual so far, improvement above, wins below.

    The line of an arm is the median of its replicates, of each panel's values on their own; the
    replicates are thin behind it. The best individual holds until the next record, also after the
    last one where other replicates go on longer; a replicate that has none yet, or none whose value
    is finite, counts as the lowest, and is a gap itself. As data sets won come first, the
    improvement of the best can fall where its wins rise.

    Args:
        progress: A table with the columns ``replicate``, ``arm``, ``gen``, ``best_improvement``,
            ``best_wins`` and the one named by ``against``.
        axes: Two axes, upper and lower; None makes a figure.
        against: What the generations are drawn over, in a column of that name: ``"gen"``,
            ``"trainings"`` or ``"charged_seconds"``, the latter two cumulative.

    Returns:
        The two axes, upper and lower, as an array of shape (2,).

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If there is no record, a column is missing or holds something other than
            numbers, ``axes`` are not two, or ``against`` is none of the three.

    References:
        The thesis's figures 4.5 and 4.6.

    Examples:
        >>> rows = [{"replicate": 0, "arm": arm, "gen": gen, "best_improvement": gen / 4 + i,
        ...          "best_wins": gen}
        ...         for i, arm in enumerate(("archive", "random")) for gen in (0, 1)]
        >>> upper, lower = plot_comparison(rows)
        >>> [line.get_ydata().tolist() for line in upper.lines[:2]]
        [[0.0, 0.25], [1.0, 1.25]]
    """
    if against not in AGAINST_LABELS:
        raise ValueError(f"expected against among {quoted(AGAINST_LABELS)}; got {against!r}")
    table = read_table(progress, "record", keys=("replicate", "arm"), places=("gen", against),
                       values=("best_improvement", "best_wins"))  # fmt: skip
    table = table.rename(columns={"best_improvement": "improvement", "best_wins": "wins"})
    axes = two_axes(axes, width=8.0)
    for ax, column in zip(axes, ("improvement", "wins"), strict=True):
        draw_best_so_far(ax, table, against, column)
    title = "median of n replicates" if table["replicate"].nunique() > 1 else None
    return finish_panels(axes, table["improvement"], against, title)


def plot_test_accuracies(tests, ax=None):
    """Draws accuracies on the test set: a group for each task, a strip in it for each arm.

    A point is one replicate, the mean of its seeds; the bar is the mean of the points. An arm named
    ``cross_entropy`` is drawn in black. A training without an accuracy has failed: a cross at the
    bottom of its strip stands for it, and the legend counts them. Up to fifteen strips, the means
    are written above them.

    Args:
        tests: A table with the columns ``replicate``, ``arm``, ``task`` and ``test_accuracy``, one
            row for each training.
        ax: The axes to draw on; None makes a figure.

    Returns:
        The axes.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If there is no test, or a column is missing or holds something other than
            numbers.

    Examples:
        >>> rows = [{"replicate": 0, "arm": "archive", "task": "digits", "test_accuracy": accuracy}
        ...         for accuracy in (0.9, 0.92)]
        >>> plot_test_accuracies(rows).lines[0].get_ydata().tolist()
        [0.91]
    """
    table = read_table(tests, "test", keys=("replicate", "arm", "task"), values=("test_accuracy",))
    ax = new_axes(width=8.0)[0] if ax is None else ax
    set_style(ax, grid="y")
    draw_strips(ax, table)
    ax.set_ylabel("Accuracy on the test set")
    add_legend(ax)
    return ax


WRITTEN_MEANS = 15
"""As many means as have room to be written out."""


def draw_best_so_far(ax, table, against, column):
    """Draws the median of each arm's replicates, and every replicate thin behind it."""
    drawstyle = "default" if against == "gen" else "steps-post"
    styles = arm_styles(table["arm"].unique())
    records = table.sort_values([against, "gen"], kind="stable")
    records = records.drop_duplicates(["arm", "replicate", against], keep="last")
    for i, (arm, (color, linestyle, marker)) in enumerate(styles.items()):
        rows = records[records["arm"] == arm].set_index(against)
        replicates = {name: group[column] for name, group in rows.groupby("replicate")}
        xs = np.unique(rows.index)
        held = [values.reindex(xs, method="ffill") for values in replicates.values()]
        # Nothing yet is less than anything, for a median as for a best individual.
        median = finite(np.median(np.nan_to_num(np.stack(held), nan=-np.inf), axis=0))
        known = np.flatnonzero(np.isfinite(median))
        begun = known[0] if len(known) else 0
        xs, median = xs[begun:], median[begun:]
        for name, values in replicates.items() if len(replicates) > 1 else ():
            dots = "." if values.isna().any() or len(values) == 1 else None
            ax.plot(values.index, values, color=color, drawstyle=drawstyle, marker=dots,
                    linewidth=0.7, alpha=0.45, markersize=2.5, label=f"_{arm} {name}",
                    zorder=2)  # fmt: skip
        every = 1 if np.isnan(median).any() else math.ceil(len(xs) / 9)
        # Narrow above wide, so that lines that coincide are all seen, with markers in turn.
        ax.plot(xs, median, color=color, drawstyle=drawstyle, linestyle=linestyle, marker=marker,
                markevery=sorted({*range(i % every, len(xs), every), len(xs) - 1}),
                linewidth=max(2.4 - 0.4 * i, 1.2), markersize=5, zorder=3,
                label=f"{arm} (n = {len(replicates)})")  # fmt: skip


def draw_strips(ax, table):
    """Draws the replicates' mean test accuracies, a group for each task, a strip for each arm."""
    tasks, styles = list(table["task"].unique()), arm_styles(table["arm"].unique())
    width, crosses = 0.8 / len(styles), []
    for i, (arm, (color, _, marker)) in enumerate(styles.items()):
        rows = table[table["arm"] == arm]
        name = "cross entropy" if arm == "cross_entropy" else arm
        label = f"{name} (n = {rows['replicate'].nunique()})"
        for task, strip in rows.groupby("task", sort=False):
            x = tasks.index(task) + width * (i - (len(styles) - 1) / 2)
            crosses += [*(x + width * _spread(strip["test_accuracy"].isna().sum()))]
            means = strip.groupby("replicate")["test_accuracy"].mean().dropna()
            if means.empty:
                continue
            plot_points(ax, x + width * _spread(len(means)), means, color, marker, label)
            ends = [x - 0.42 * width, x + 0.42 * width]
            ax.plot(ends, [means.mean()] * 2, color=BLACK, linewidth=1.4, label="_mean", zorder=4)
            if len(tasks) * len(styles) <= WRITTEN_MEANS:
                above = {"xytext": (0, 6), "textcoords": "offset points", "rotation": 45,
                         "rotation_mode": "anchor"}  # fmt: skip
                ax.annotate(f"{means.mean():.3f}", (x, means.max()), fontsize=6.5, **above)
    ax.plot([], [], color=BLACK, linewidth=1.4, label="mean")
    draw_failed(ax, crosses)
    ax.set_xticks(range(len(tasks)), tasks)
    ax.tick_params(axis="x", length=0)
    ax.set_xlim(-0.5, len(tasks) - 0.5)


def _spread(n):
    return np.linspace(-0.25, 0.25, n) if n > 1 else np.zeros(n)
