"""The marks of the figures of runs and comparisons: records of a logbook, individuals and arms.

Arms differ in marker and line style as well as in colour.
"""

import itertools

import numpy as np

from deap_lossgp.plotting.axes import (
    BLACK,
    CYCLE,
    GREY,
    LINESTYLES,
    add_legend,
    set_integer_ticks,
    set_scale,
    set_style,
)

MARKERS = ("o", "s", "^", "D", "v", "P")
POINT = {"linestyle": "", "alpha": 0.7, "markeredgecolor": "white", "markeredgewidth": 0.6}
CROSS = {"linestyle": "", "marker": "x", "markersize": 4.5, "color": GREY}


def draw_failed(ax, xs):
    """Draws a cross at the bottom of the axes for each, and counts them in the legend."""
    if len(xs):
        where = {"transform": ax.get_xaxis_transform(), "label": f"failed ({len(xs)})"}
        ax.plot(xs, np.full(len(xs), 0.045), **CROSS, **where)
        ax.margins(y=0.12)


def arm_styles(arms):
    """A colour, a line style and a marker for each arm, by their order; black is cross entropy."""
    styles = zip(itertools.cycle(CYCLE), itertools.cycle(LINESTYLES), itertools.cycle(MARKERS))
    black = (BLACK, "--", "*")
    return {arm: black if arm == "cross_entropy" else next(styles) for arm in arms}


def plot_points(ax, xs, ys, color, marker, label):
    size = 9 if marker == "*" else 5.5
    ax.plot(xs, ys, color=color, marker=marker, markersize=size, label=label, **POINT)


CHAPTER_LABELS = {"wins": "Data sets won", "improvement": "Improvement over\ncross entropy"}
AGAINST_LABELS = {
    "gen": "Generation",
    "trainings": "Trainings",
    "charged_seconds": "Time charged for trainings (s)",
}


def finish_panels(axes, improvements, against, title=None):
    """Scales, labels and legends of two panels, improvement above and data sets won below."""
    upper, lower = axes
    set_scale(upper, improvements)
    upper.axhline(0, color=BLACK, linewidth=0.9, linestyle="--", label="cross entropy")
    set_integer_ticks(lower.yaxis)
    explained = set()
    for ax, column in zip(axes, ("improvement", "wins"), strict=True):
        set_style(ax)
        ax.set_ylabel(CHAPTER_LABELS[column])
        explained = add_legend(ax, explained, title)
        set_integer_ticks(ax.xaxis)
        if against != "gen":
            ax.set_xlim(left=0)
            steps = {"nbins": 6, "steps": [1, 2, 2.5, 5, 10]}
            ax.xaxis.get_major_locator().set_params(integer=against == "trainings", **steps)
    lower.set_xlabel(AGAINST_LABELS[against])
    return axes
