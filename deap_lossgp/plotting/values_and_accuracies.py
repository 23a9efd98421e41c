"""The figure of a loss's values beside the accuracies of its network, by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from deap_lossgp.plotting.axes import (
    GREY,
    add_legend,
    given_or_new,
    legend_text,
    set_integer_ticks,
    set_loss_scale,
    set_style,
)
from deap_lossgp.plotting.columns import read_table
from deap_lossgp.plotting.marks import arm_styles

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from deap_lossgp.plotting.columns import Table


def plot_values_and_accuracies(epochs: Table,
                               axes: Sequence[Axes] | np.ndarray | None = None) -> np.ndarray:
    """Draws what trainings show by epoch: the validation accuracy, and the loss's own value.

    A row of the figure is a data set. Accuracies have the line of chance; values, each of its own
    loss, are on a logarithmic scale if they differ by orders of magnitude. The
    loss named ``cross_entropy`` is black.

    Args:
        epochs: A table with the columns ``task``, ``loss`` (a name), ``epoch``, ``val_accuracy``,
            ``val_loss`` and ``chance``.
        axes: Two axes for each task, accuracies first; None makes a figure.

    Returns:
        The axes, an array of shape (tasks, 2).

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: There is no epoch, a column is missing or holds something other than numbers,
            or there are more axes or fewer.

    Examples:
        >>> rows = [{"task": "digits", "loss": "mse", "epoch": epoch, "val_accuracy": epoch / 4,
        ...          "val_loss": 1 / epoch, "chance": 0.1} for epoch in (1, 2)]
        >>> accuracies, values = plot_values_and_accuracies(rows)[0]
        >>> [line.get_ydata().tolist() for line in (accuracies.lines[0], values.lines[0])]
        [[0.25, 0.5], [1.0, 0.5]]

    References:
        The thesis's figures 4.7 to 4.9 are such trainings as they were printed.
    """
    table = read_table(epochs, "epoch", keys=("task", "loss"), places=("epoch", "chance"),
                       values=("val_accuracy", "val_loss"))  # fmt: skip
    tasks = list(table["task"].unique())
    axes = given_or_new(axes, len(tasks), 2, f"2 axes for each of {len(tasks)} tasks", width=10.0,
                        height=2.9)
    styles = arm_styles(table["loss"].unique())
    explained = set()
    for row, task in zip(axes, tasks, strict=True):
        of_task = table[table["task"] == task]
        for ax, column, label in zip(row, ("val_accuracy", "val_loss"),
                                     ("Validation accuracy", "Validation loss, its own"),
                                     strict=True):
            set_style(ax)
            for loss, of_loss in of_task.groupby("loss", sort=False):
                color, linestyle, marker = styles[loss]
                ax.plot(of_loss["epoch"], of_loss[column], color=color, linestyle=linestyle,
                        marker=marker, markersize=6 if marker == "*" else 3.5, linewidth=1.6,
                        label=legend_text(loss))  # fmt: skip
            ax.set_ylabel(f"{label}\non {legend_text(task)}")
            set_integer_ticks(ax.xaxis)
        chance = {"color": GREY, "linestyle": ":", "label": "chance"}
        row[0].axhline(of_task["chance"].iloc[0], **chance)
        row[1].plot([], [], **chance)  # in the legend, which both share
        set_loss_scale(row[1], of_task["val_loss"].to_numpy(), "y")
        row[0].set_ylim(-0.02, max(0.1, 1.08 * np.nanmax([*of_task["val_accuracy"], 0.0])))
        explained = add_legend(row[1], explained)
    for ax in axes[-1]:
        ax.set_xlabel("Epoch")
    return axes
