"""What all figures share: colours, axes, scales and legends.

The colours are those of Okabe and Ito, which the colour-blind can tell apart.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from deap_lossgp.plotting.columns import LARGEST

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

BLACK, BLUE, RED, GREY = "#333333", "#0072B2", "#D55E00", "#666666"
CYCLE = (BLUE, RED, "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
LINESTYLES = ("-", "--", ":", "-.")

EXTREME_RATIO = 30
"""A linear scale flattens the data if the largest magnitude exceeds the median so many times."""


def new_axes(rows: int = 1, columns: int = 1, width: float = 7.0, height: float = 3.4,
             height_ratios: Sequence[float] | None = None) -> np.ndarray:
    """Makes axes on a figure that pyplot does not know.

    Args:
        rows: Number of rows; all axes share one x axis.
        columns: Number of columns.
        width: Width of the figure in inches.
        height: Height of a row in inches.
        height_ratios: Relative heights of the rows; None makes them equal.

    Returns:
        An array of axes of shape (rows, columns).
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, 0.4 + height * rows), dpi=150, layout="constrained")
    ratios = {"height_ratios": height_ratios}
    axes = figure.subplots(rows, columns, sharex=True, squeeze=False, gridspec_kw=ratios)
    figure.align_ylabels(axes[:, 0])
    return axes


def given_or_new(axes: Any, rows: int, columns: int, expected: str, **size: Any) -> np.ndarray:
    """Returns the axes that were given, or makes new ones if they are None.

    Args:
        axes: Axes in any shape, or None.
        rows: Number of rows.
        columns: Number of columns.
        expected: What the axes should be, in words.
        **size: For ``new_axes``.

    Returns:
        An array of axes of shape (rows, columns).

    Raises:
        ValueError: There are more axes or fewer.
    """
    if axes is None:
        return new_axes(rows, columns, **size)
    axes = np.asarray(axes, dtype=object).ravel()
    if len(axes) != rows * columns:
        raise ValueError(f"expected {expected}, got {len(axes)}")
    return axes.reshape(rows, columns)


def set_style(ax: Axes, grid: Literal["both", "x", "y"] = "both") -> None:
    """Draws a light grid and removes the frame above and on the right."""
    ax.grid(color="#E3E3E3", linewidth=0.7, axis=grid)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def set_integer_ticks(axis: Axis) -> None:
    """Puts the ticks of an axis on whole numbers."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def add_legend(ax: Axes, explained: Collection[str] = (), title: str | None = None) -> set[str]:
    """Adds a legend on the right of the axes, for labels that no legend explains yet.

    Args:
        ax: The axes.
        explained: The labels that other legends of the figure explain.
        title: The legend's title.

    Returns:
        A set of all labels that are explained now.
    """
    pairs = zip(*ax.get_legend_handles_labels(), strict=True)
    new = {label: handle for handle, label in pairs if label not in explained}
    if new:
        look: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0),
                                "borderaxespad": 0, "frameon": False, "alignment": "left"}
        ax.legend(new.values(), new.keys(), title=title, **look)
    return {*explained, *new}


def legend_text(name: str) -> str:
    """Returns a name so that Matplotlib shows it as it is, and cross entropy in words.

    Matplotlib hides labels that begin with an underscore, and reads what is between dollars.

    Examples:
        >>> legend_text("cross_entropy"), legend_text("_mine")
        ('cross entropy', ' _mine')
    """
    text = "cross entropy" if name == "cross_entropy" else str(name).replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text


def set_scale(ax: Axes, values: Any) -> None:
    """Makes a linear y axis symmetric logarithmic if a few extreme values would flatten the rest.

    Args:
        ax: The axes.
        values: The values that are drawn, an array of any shape.
    """
    from matplotlib.ticker import MaxNLocator

    sizes = _sizes(values)
    if len(sizes) < 3 or ax.get_yscale() != "linear":
        return
    if not sizes[-1] > EXTREME_RATIO * np.median(sizes):
        return
    # A round number that is larger than at least half of the values.
    width = MaxNLocator(1, steps=[1, 2, 5, 10]).tick_values(0, np.median(sizes))[-1]
    linscale = max(1.0, math.log10(sizes[-1] / width))
    ax.set_yscale("symlog", linthresh=width, linscale=linscale)
    _set_symlog_ticks(ax.yaxis, sizes[-1], np.linspace(-width, width, 5), linscale / 4)


def set_loss_scale(ax: Axes, values: Any, name: str = "x") -> None:
    """Makes a linear axis logarithmic if the losses on it differ by orders of magnitude.

    If some losses are zero or negative, it is symmetric, and linear around zero.

    Args:
        ax: The axes.
        values: The losses that are drawn, an array of shape (n,).
        name: The axis, ``"x"`` or ``"y"``.
    """
    sizes, scale = _sizes(values), {"x": ax.set_xscale, "y": ax.set_yscale}[name]
    axis = {"x": ax.xaxis, "y": ax.yaxis}[name]
    if len(sizes) < 2 or axis.get_scale() != "linear" or sizes[-1] <= EXTREME_RATIO * sizes[0]:
        return
    if np.nanmin(values) >= 1 / LARGEST:
        scale("log")
        return
    width = 10.0 ** math.floor(math.log10(max(np.quantile(sizes, 0.05), 1 / LARGEST)))
    decades = math.log10(sizes[-1] / width) * (2 if np.nanmin(values) < 0 else 1)
    gap = max(1.0, decades / 6)
    scale("symlog", linthresh=width, linscale=gap)
    _set_symlog_ticks(axis, sizes[-1], np.array([-width, 0, width]), gap)
    axis.set_major_formatter(lambda value, _: _power_text(value) if value else "0")


def _sizes(values):
    return np.unique(np.abs(values[np.isfinite(values) & (values != 0)]))


def _set_symlog_ticks(axis, largest, inner, gap):
    """Puts ticks on a symmetric logarithmic axis.

    Args:
        axis: The axis.
        largest: The largest magnitude on it.
        inner: The ticks of its linear part, in ascending order.
        gap: How many decades the other ticks are apart, at least.
    """
    from matplotlib.ticker import FixedLocator, NullLocator

    first, last = math.log10(inner[-1]), math.log10(largest)
    beyond = 10.0 ** np.arange(math.ceil(first + gap), last + 1, math.ceil(gap))
    axis.set_major_locator(FixedLocator(np.concatenate([-beyond[::-1], inner, beyond])))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(lambda value, _: _tick_text(value))


def _tick_text(value):
    if abs(value) < 1e4:
        return f"{value:g}".replace("-", "\N{MINUS SIGN}")
    return _power_text(value)


def _power_text(value):
    return rf"${'-' if value < 0 else ''}10^{{{round(math.log10(abs(value)))}}}$"
