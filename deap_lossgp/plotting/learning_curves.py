"""The figure of learning curves: validation accuracy by epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deap_lossgp.plotting.axes import (
    add_legend,
    legend_text,
    new_axes,
    set_integer_ticks,
    set_style,
)
from deap_lossgp.plotting.columns import quoted, read_table
from deap_lossgp.plotting.marks import arm_styles

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from deap_lossgp.plotting.columns import Table


def plot_learning_curves(epochs: Table, ax: Axes | None = None) -> Axes:
    """Draws the learning curves of losses on one data set and network.

    The line of a loss is the mean of its trainings; the band is one standard deviation above and
    below it. A training with a gap in its accuracies has failed: it is left out, and the legend
    counts it. A loss named ``cross_entropy`` is black.

    Args:
        epochs: A table with the columns ``loss``, ``seed``, ``epoch`` and ``val_accuracy``, such as
            rows of ``epochs.csv``. Its columns ``task`` and ``model``, if there are any, hold
            one value each.
        ax: The axes to draw on; None makes a figure.

    Returns:
        The axes.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: There is no epoch, a column is missing or holds something other than
            numbers, or there are several data sets or networks.

    Examples:
        >>> rows = [{"loss": "ngl", "seed": seed, "epoch": epoch,
        ...          "val_accuracy": epoch / 4 + seed / 8}
        ...         for seed in (0, 1) for epoch in (1, 2)]
        >>> line, = plot_learning_curves(rows).lines
        >>> line.get_label(), line.get_xydata().tolist()
        ('ngl (n = 2)', [[1.0, 0.3125], [2.0, 0.5625]])
    """
    table = read_table(epochs, "epoch", keys=("loss", "seed"), places=("epoch",),
                       values=("val_accuracy",), extras=("task", "model"))  # fmt: skip
    for column in ("task", "model"):
        if column in table and table[column].nunique() > 1:
            raise ValueError(f"expected the rows of one {column}, got those of "
                             f"{quoted(table[column].unique())}")
    ax = new_axes(width=8.0)[0, 0] if ax is None else ax
    set_style(ax)
    for loss, (color, linestyle, marker) in arm_styles(table["loss"].unique()).items():
        rows = table[table["loss"] == loss]
        failed = rows.loc[rows["val_accuracy"].isna(), "seed"].unique()
        whole = rows[~rows["seed"].isin(failed)]
        curve = whole.groupby("epoch")["val_accuracy"].agg(["mean", "std"])
        count = f"n = {whole['seed'].nunique()}"
        if len(failed):
            count += f", {len(failed)} failed"
        ax.plot(curve.index, curve["mean"], color=color, linestyle=linestyle, marker=marker,
                markersize=6 if marker == "*" else 3.5, linewidth=1.6, zorder=3,
                label=f"{legend_text(loss)} ({count})")  # fmt: skip
        low, high = curve["mean"] - curve["std"], curve["mean"] + curve["std"]
        ax.fill_between(curve.index, low, high, color=color, alpha=0.13, linewidth=0)
    set_integer_ticks(ax.xaxis)
    ax.set_xlabel("Epoch")
    ax.set_ylabel("Validation accuracy")
    several = table["seed"].nunique() > 1
    add_legend(ax, title="mean ± standard deviation\nof n trainings" if several else None)
    return ax
