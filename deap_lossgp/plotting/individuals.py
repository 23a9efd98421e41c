"""Figures of a run's individuals."""

import numpy as np

from deap_lossgp.plotting.axes import (
    BLACK,
    BLUE,
    RED,
    add_legend,
    new_axes,
    set_loss_scale,
    set_style,
    two_axes,
)
from deap_lossgp.plotting.columns import read_table
from deap_lossgp.plotting.marks import CROSS, arm_styles, draw_failed, finish_panels, plot_points

ROUNDING = 1e-6
"""An accuracy of a tenth, stored in float32, is not above a chance of a tenth."""


# Individuals and arms


def draw_individuals(ax, table, column):
    """Draws one panel: points, the line of the best, and crosses for what is not finite."""
    plot_points(ax, table["x"], table[column], BLUE, "o", "individual")
    order = table.sort_values(["wins", "improvement"], ascending=False, kind="stable")
    best = order.dropna().drop_duplicates("gen").set_index("gen").reindex(table["gen"].unique())
    line = {"color": RED, "linewidth": 1.4, "marker": "o", "markersize": 5}
    ax.plot(best["x"], best[column], label="best individual", **line)
    draw_failed(ax, table["x"][table[column].isna()])


def draw_losses(ax, table, chance, baseline):
    """Draws accuracy over loss, arm by arm if there are arms, chance, and cross entropy."""
    points = table.dropna(subset=["loss", "accuracy"])
    star = np.reshape([] if baseline is None else baseline, (-1, 2))
    set_loss_scale(ax, np.concatenate([points["loss"], star[:, 0]]))
    for arm, (color, _, marker) in arm_styles(table["arm"].unique()).items():
        rows = points[points["arm"] == arm]
        plot_points(ax, rows["loss"], rows["accuracy"], color, marker, f"{arm} ({len(rows)})")
    if len(points) < len(table):
        ax.plot([], [], label=f"failed ({len(table) - len(points)}), not drawn", **CROSS)

    line = {"color": BLACK, "linewidth": 0.9}
    ax.axhline(chance, linestyle="--", label=f"chance ({chance:.3g})", **line)
    top = max([chance, *points["accuracy"], *star[:, 1]])
    ax.set_ylim(-0.04 * top, 1.06 * top)
    for x, y in star:
        ax.plot([x], [y], linestyle="", marker="*", markersize=13, color=BLACK, zorder=4,
                markeredgecolor="white", label="cross entropy")  # fmt: skip
        ax.axvline(x, linestyle=":", **line)
        ax.axhline(y, linestyle=":", **line)
        worthless = (points["loss"] < x) & (points["accuracy"] <= chance + ROUNDING)
        text = f"less loss than cross entropy,\nno better than chance:\n{worthless.sum()} of "
        left, right = ax.get_xlim()
        ax.fill_between([left, x], ax.get_ylim()[0], chance, color=RED, alpha=0.15, linewidth=0,
                        label=text + f"{len(points)}", zorder=0)  # fmt: skip
        ax.set_xlim(left, right)


def plot_individuals(individuals, axes=None, jitter=0.15):
    """Draws every individual of a run by generation: improvement above, data sets won below.

    The best individual of each generation, by wins and then by improvement as ``LossFitness``
    ranks them, is joined by a line, the same individual in both panels. An individual whose value
    is not finite has failed: a cross at the bottom of the panel stands for it, and the legend
    counts it. Where few values would flatten all others, the scale of the improvement is linear
    around zero, in half of the panel, and logarithmic beyond.

    Args:
        individuals: A pandas DataFrame, a list of dicts or the path of a CSV file such as a run's
            ``individuals.csv``, with the columns ``gen``, ``index``, ``improvement`` and ``wins``;
            others are ignored.
        axes: Two axes, upper and lower; None makes a figure.
        jitter: Half-width, in generations, over which the individuals of one generation are spread
            in the order of their index, from 0 to below 0.5.

    Returns:
        The two axes, upper and lower, as an array of shape (2,).

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If there is no individual, a column is missing or holds something other than
            numbers, ``axes`` are not two, or ``jitter`` is out of range.

    References:
        The thesis's figures 4.1 to 4.4.

    Examples:
        >>> rows = [{"gen": 0, "index": 0, "improvement": -0.1, "wins": 0},
        ...         {"gen": 0, "index": 1, "improvement": 0.2, "wins": 1}]
        >>> upper, lower = plot_individuals(rows, jitter=0.1)
        >>> upper.lines[0].get_xydata().tolist()
        [[-0.1, -0.1], [0.1, 0.2]]
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

    axes = two_axes(axes)
    for ax, column in zip(axes, ("improvement", "wins"), strict=True):
        draw_individuals(ax, table, column)
    return finish_panels(axes, table["improvement"], "gen")


def plot_loss_accuracy(individuals, task, num_classes, ax=None, baseline=None):
    """Draws every individual's validation accuracy over the value of its loss, on one task.

    Each loss is measured by itself, so a low one need not mean a good network: the area is shaded
    in which a loss is lower than cross entropy's own and the accuracy no better than chance, and
    the legend counts the individuals in it. One that lives on unchanged, with its ``expression``,
    ``arm`` and ``replicate``, is one point; one that has no finite loss and accuracy has failed,
    which the legend counts too. Where losses differ by much, their axis is logarithmic, on both
    sides of zero if they reach it.

    Args:
        individuals: A table with the columns ``loss_<task>`` and ``accuracy_<task>``; ``arm``
            gives the colours where there is such a column.
        task: The task's name.
        num_classes: Number of its classes; chance is 1/num_classes.
        ax: The axes to draw on; None makes a figure.
        baseline: (loss, accuracy) of cross entropy on the task; None draws and counts neither.

    Returns:
        The axes.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If there is no individual, a column is missing or holds something other than
            numbers, there are fewer than two classes, or ``baseline`` is not two finite numbers.

    References:
        What the thesis's figures 4.7 to 4.9 show of single trainings.

    Examples:
        >>> rows = [{"loss_digits": 1e-6, "accuracy_digits": 0.1},
        ...         {"loss_digits": 0.4, "accuracy_digits": 0.9}]
        >>> ax = plot_loss_accuracy(rows, "digits", 10, baseline=(0.3, 0.88))
        >>> ax.get_xscale(), ax.collections[0].get_label().splitlines()[-1]
        ('log', '1 of 2')
    """
    loss, accuracy = f"loss_{task}", f"accuracy_{task}"
    if not num_classes >= 2:
        raise ValueError(f"expected num_classes of at least 2, got {num_classes}")
    star = np.array([0.0, 0.0] if baseline is None else baseline, dtype=float)
    if star.shape != (2,) or not np.isfinite(star).all():
        raise ValueError(f"expected a finite baseline (loss, accuracy), got {baseline}")
    table = read_table(individuals, "individual", values=(loss, accuracy),
                       extras=("replicate", "arm", "expression"))  # fmt: skip
    if "expression" in table:
        table = table.drop_duplicates()
    if "arm" not in table:
        table["arm"] = "individual"
    table = table.rename(columns={loss: "loss", accuracy: "accuracy"})
    ax = new_axes(width=8.0, height=3.6)[0] if ax is None else ax
    set_style(ax)
    draw_losses(ax, table, 1 / num_classes, baseline)
    ax.set_xlabel(f"Validation loss on {task}, each by its own function")
    ax.set_ylabel(f"Validation accuracy on {task}")
    add_legend(ax)
    return ax
