"""The figure of a comparison: the best individual so far, arm by arm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from deap_lossgp.plotting.axes import legend_text
from deap_lossgp.plotting.columns import finite, quoted, read_table
from deap_lossgp.plotting.marks import arm_styles
from deap_lossgp.plotting.panels import AGAINST_LABELS, finish_panels, two_panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from deap_lossgp.plotting.columns import Table


def plot_comparison(progress: Table, axes: Sequence[Axes] | np.ndarray | None = None,
                    against: str = "gen") -> np.ndarray:
    """Draws the best individual so far of several arms: improvement above, data sets won below.

    The line of an arm is the median of its replicates, for each panel on its own; thin lines behind
    it are the replicates. A replicate keeps its best individual until its next record, and after
    its last one if other replicates go on longer. A replicate that has no best individual yet, or
    none with a finite value, counts as the lowest value, and its own line has a gap. As data sets
    won count first, the improvement of the best individual can fall while its wins rise.

    Args:
        progress: A table with the columns ``replicate``, ``arm``, ``gen``, ``best_improvement``,
            ``best_wins`` and the one named by ``against``.
        axes: Two axes, upper and lower; None makes a figure.
        against: The column of the x axis: ``"gen"``, ``"trainings"`` or ``"charged_seconds"``; the
            latter two are cumulative.

    Returns:
        The two axes, upper and lower, as an array of shape (2,).

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: There is no record, a column is missing or holds something other than numbers,
            ``axes`` are not two, or ``against`` is none of the three.

    Examples:
        >>> rows = [{"replicate": 0, "arm": arm, "gen": gen, "best_improvement": gen / 4 + i,
        ...          "best_wins": gen}
        ...         for i, arm in enumerate(("archive", "random")) for gen in (0, 1)]
        >>> upper, lower = plot_comparison(rows)
        >>> [line.get_ydata().tolist() for line in upper.lines[:2]]
        [[0.0, 0.25], [1.0, 1.25]]

    References:
        The thesis's figures 4.5 and 4.6.
    """
    if against not in AGAINST_LABELS:
        raise ValueError(f"expected against among {quoted(AGAINST_LABELS)}; got {against!r}")
    table = read_table(progress, "record", keys=("replicate", "arm"), places=("gen", against),
                       values=("best_improvement", "best_wins"))  # fmt: skip
    table = table.rename(columns={"best_improvement": "improvement", "best_wins": "wins"})
    axes = two_panels(axes, width=8.0)
    for ax, column in zip(axes, ("improvement", "wins"), strict=True):
        _draw_arms(ax, table, against, column)
    title = "median of n replicates" if table["replicate"].nunique() > 1 else None
    return finish_panels(axes, table["improvement"], against, title)


def _draw_arms(ax, table, against, column):
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
        # For the median, a replicate that has nothing yet is lower than all others.
        median = finite(np.median(np.nan_to_num(np.stack(held), nan=-np.inf), axis=0))
        known = np.flatnonzero(np.isfinite(median))
        begun = known[0] if len(known) else 0
        xs, median = xs[begun:], median[begun:]
        for name, values in replicates.items():
            if len(replicates) == 1:
                continue  # the median is its line
            dots = "." if values.isna().any() or len(values) == 1 else None
            ax.plot(values.index, values, color=color, drawstyle=drawstyle, marker=dots,
                    linewidth=0.7, alpha=0.45, markersize=2.5, label=f"_{arm} {name}",
                    zorder=2)  # fmt: skip
        every = 1 if np.isnan(median).any() else math.ceil(len(xs) / 9)
        # Narrow lines above wide ones, and markers in turn, show all lines that coincide.
        ax.plot(xs, median, color=color, drawstyle=drawstyle, linestyle=linestyle, marker=marker,
                markevery=sorted({*range(i % every, len(xs), every), len(xs) - 1}),
                linewidth=max(2.4 - 0.4 * i, 1.2), markersize=5, zorder=3,
                label=f"{legend_text(arm)} (n = {len(replicates)})")  # fmt: skip
