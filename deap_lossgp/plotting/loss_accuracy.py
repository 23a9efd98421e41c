"""The figure of accuracy over loss: low values of a loss beside what the networks learnt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from deap_lossgp.plotting.axes import BLACK, RED, add_legend, new_axes, set_loss_scale, set_style
from deap_lossgp.plotting.columns import read_table
from deap_lossgp.plotting.marks import CROSS, arm_styles, draw_points

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from deap_lossgp.plotting.columns import Table

_ROUNDING = 1e-6
"""An accuracy of 0.1, stored in float32, is not above a chance of 0.1."""


def plot_loss_accuracy(individuals: Table, task: str, num_classes: int, ax: Axes | None = None,
                       baseline: tuple[float, float] | None = None) -> Axes:
    """Draws every individual's validation accuracy over the value of its loss, on one task.

    Every loss has a scale of its own, so a low value does not mean a good network. The shaded area
    holds the individuals whose loss is lower than cross entropy's own and whose accuracy is no
    better than chance; the legend counts them. An individual that lives on unchanged, with the same
    ``expression``, ``arm`` and ``replicate``, is one point. An individual without a finite loss and
    accuracy has failed, and the legend counts these too. If losses differ by orders of magnitude,
    their axis is logarithmic; if some are zero or negative, on both sides of zero.

    Args:
        individuals: A table with the columns ``loss_<task>`` and ``accuracy_<task>``; the
            column ``arm``, if there is one, gives the colours.
        task: The task's name.
        num_classes: The number of its classes; chance is 1/num_classes.
        ax: The axes to draw on; None makes a figure.
        baseline: (loss, accuracy) of cross entropy on the task; None draws and counts neither.

    Returns:
        The axes.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: There is no individual, a column is missing or holds something other than
            numbers, there are fewer than two classes, or ``baseline`` is not two finite numbers.

    Examples:
        >>> rows = [{"loss_digits": 1e-6, "accuracy_digits": 0.1},
        ...         {"loss_digits": 0.4, "accuracy_digits": 0.9}]
        >>> ax = plot_loss_accuracy(rows, "digits", 10, baseline=(0.3, 0.88))
        >>> ax.get_xscale(), ax.collections[0].get_label().splitlines()[-1]
        ('log', '1 of 2')

    References:
        The thesis's figures 4.7 to 4.9 show the same for single trainings.
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
    ax = new_axes(width=8.0, height=3.6)[0, 0] if ax is None else ax
    set_style(ax)
    _draw_losses(ax, table, 1 / num_classes, baseline)
    ax.set_xlabel(f"Validation loss on {task}, each by its own function")
    ax.set_ylabel(f"Validation accuracy on {task}")
    add_legend(ax)
    return ax


def _draw_losses(ax, table, chance, baseline):
    """Draws accuracy over loss arm by arm, the line of chance, and cross entropy."""
    points = table.dropna(subset=["loss", "accuracy"])
    star = np.reshape([] if baseline is None else baseline, (-1, 2))
    set_loss_scale(ax, np.concatenate([points["loss"], star[:, 0]]))
    for arm, (color, _, marker) in arm_styles(table["arm"].unique()).items():
        rows = points[points["arm"] == arm]
        draw_points(ax, rows["loss"], rows["accuracy"], color, marker, f"{arm} ({len(rows)})")
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
        worthless = (points["loss"] < x) & (points["accuracy"] <= chance + _ROUNDING)
        text = f"less loss than cross entropy,\nno better than chance:\n{worthless.sum()} of "
        left, right = ax.get_xlim()
        ax.fill_between([left, x], ax.get_ylim()[0], chance, color=RED, alpha=0.15, linewidth=0,
                        label=text + f"{len(points)}", zorder=0)  # fmt: skip
        ax.set_xlim(left, right)
