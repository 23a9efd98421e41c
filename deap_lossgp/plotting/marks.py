"""The marks of figures: points of individuals, crosses of failures, and the looks of arms."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from deap_lossgp.plotting.axes import BLACK, CYCLE, GREY, LINESTYLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CROSS: dict[str, Any] = {"linestyle": "", "marker": "x", "markersize": 4.5, "color": GREY}
"""The look of a failure."""

_MARKERS = ("o", "s", "^", "D", "v", "P")
_POINT: dict[str, Any] = {"linestyle": "", "alpha": 0.7, "markeredgecolor": "white",
                          "markeredgewidth": 0.6}


def arm_styles(arms: Iterable[str]) -> dict[str, tuple]:
    """Chooses how arms look, by their order. They differ in more than colour.

    Args:
        arms: Names; ``cross_entropy`` is always black.

    Returns:
        dict: From arm to (colour, line style, marker).
    """
    styles = zip(itertools.cycle(CYCLE), itertools.cycle(LINESTYLES), itertools.cycle(_MARKERS))
    black = (BLACK, "--", "*")
    return {arm: black if arm == "cross_entropy" else next(styles) for arm in arms}


def draw_points(ax: Axes, xs: Any, ys: Any, color: Any, marker: str,
                label: str) -> None:
    """Draws a point for each individual or replicate."""
    size = 9 if marker == "*" else 5.5
    ax.plot(xs, ys, color=color, marker=marker, markersize=size, label=label, **_POINT)


def draw_failures(ax: Axes, xs: Any) -> None:
    """Draws a cross at the bottom of the axes for each failure; the legend counts them."""
    if len(xs):
        where: dict[str, Any] = {"transform": ax.get_xaxis_transform(),
                                 "label": f"failed ({len(xs)})"}
        ax.plot(xs, np.full(len(xs), 0.045), **CROSS, **where)
        ax.margins(y=0.12)
