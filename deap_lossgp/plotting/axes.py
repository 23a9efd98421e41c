"""What the figures share: colours, axes, scales and legends.

Matplotlib is loaded by the first call, pyplot and its backends never. Colours are Okabe and Ito's,
which the colour-blind can tell apart.
"""

import math

import numpy as np

from deap_lossgp.plotting.columns import LARGEST

BLACK, BLUE, RED, GREY = "#333333", "#0072B2", "#D55E00", "#666666"
CYCLE = (BLUE, RED, "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
LINESTYLES = ("-", "--", ":", "-.")

EXTREME_RATIO = 30
"""Largest over median magnitude from which a linear scale would flatten half of the data."""


def new_axes(count=1, width=7.0, height=3.4, height_ratios=None):
    """Axes one above the other, as an array, on a figure that belongs to nobody else."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, 0.4 + height * count), dpi=150, layout="constrained")
    ratios = {"height_ratios": height_ratios}
    axes = figure.subplots(count, 1, sharex=True, squeeze=False, gridspec_kw=ratios)[:, 0]
    figure.align_ylabels(axes)
    return axes


def four_axes(axes, width=9.0, height=2.4):
    """Two rows of two axes as an array of shape (2, 2), made here if None."""
    if axes is None:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(width, 0.4 + 2 * height), dpi=150, layout="constrained")
        axes = figure.subplots(2, 2, sharex=True)
        figure.align_ylabels(axes[:, 0])
    axes = np.asarray(axes, dtype=object).ravel()
    if len(axes) != 4:
        raise ValueError(f"expected four axes, two rows of two, got {len(axes)}")
    return axes.reshape(2, 2)


def two_axes(axes, width=7.0):
    """The upper and the lower of two axes, made here if None."""
    if axes is None:
        axes = new_axes(2, width, height=2.3, height_ratios=(3, 2))
    axes = np.asarray(axes, dtype=object).ravel()
    if len(axes) != 2:
        raise ValueError(f"expected two axes, upper and lower, got {len(axes)}")
    return axes


def set_style(ax, grid="both"):
    ax.grid(color="#E3E3E3", linewidth=0.7, axis=grid)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def set_integer_ticks(axis):
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def add_legend(ax, explained=(), title=None):
    """Adds a legend beside the data, of what is not explained yet; returns what now is."""
    pairs = zip(*ax.get_legend_handles_labels(), strict=True)
    new = {label: handle for handle, label in pairs if label not in explained}
    if new:
        place = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0), "borderaxespad": 0}
        look = {"frameon": False, "alignment": "left"}
        ax.legend(new.values(), new.keys(), title=title, **look, **place)
    return {*explained, *new}


def set_scale(ax, values):
    """Turns a linear y axis into a symmetric logarithmic one where extremes would flatten it."""
    from matplotlib.ticker import MaxNLocator

    sizes = _sizes(values)
    if len(sizes) < 3 or ax.get_yscale() != "linear":
        return
    if not sizes[-1] > EXTREME_RATIO * np.median(sizes):
        return
    # A round number that at least half of the values lie within.
    width = MaxNLocator(1, steps=[1, 2, 5, 10]).tick_values(0, np.median(sizes))[-1]
    linscale = max(1.0, math.log10(sizes[-1] / width))
    ax.set_yscale("symlog", linthresh=width, linscale=linscale)
    _set_symlog_ticks(ax.yaxis, sizes[-1], np.linspace(-width, width, 5), linscale / 4)


def set_loss_scale(ax, values):
    """Turns a linear x axis into a logarithmic one where losses differ by much.

    It is symmetric, and linear around zero, where there are losses of zero or below.
    """
    sizes = _sizes(values)
    if len(sizes) < 2 or ax.get_xscale() != "linear" or sizes[-1] <= EXTREME_RATIO * sizes[0]:
        return
    if np.nanmin(values) >= 1 / LARGEST:
        ax.set_xscale("log")
        return
    width = 10.0 ** math.floor(math.log10(max(np.quantile(sizes, 0.05), 1 / LARGEST)))
    decades = math.log10(sizes[-1] / width) * (2 if np.nanmin(values) < 0 else 1)
    gap = max(1.0, decades / 6)
    ax.set_xscale("symlog", linthresh=width, linscale=gap)
    _set_symlog_ticks(ax.xaxis, sizes[-1], np.array([-width, 0, width]), gap)
    ax.xaxis.set_major_formatter(lambda value, _: _power_text(value) if value else "0")


def _sizes(values):
    return np.unique(np.abs(values[np.isfinite(values) & (values != 0)]))


def _set_symlog_ticks(axis, largest, inner, gap):
    """Ticks a symmetric logarithmic axis: where it is linear, and at least gap decades apart."""
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
