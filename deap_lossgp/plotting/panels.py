"""The two panels of a search: improvement over cross entropy above, data sets won below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deap_lossgp.plotting.axes import (
    BLACK,
    add_legend,
    given_or_new,
    set_integer_ticks,
    set_scale,
    set_style,
)

if TYPE_CHECKING:
    import numpy as np

PANEL_LABELS = {"improvement": "Improvement over\ncross entropy", "wins": "Data sets won"}
"""What is drawn, from top to bottom, in words."""

AGAINST_LABELS = {
    "gen": "Generation",
    "trainings": "Trainings",
    "charged_seconds": "Time charged for trainings (s)",
}
"""What it can be drawn against, in words."""


def two_panels(axes: Any, width: float = 7.0) -> np.ndarray:
    """Returns the upper and the lower axes, as an array of shape (2,); made here if None.

    Raises:
        ValueError: The given axes are not two.
    """
    return given_or_new(axes, 2, 1, "two axes, upper and lower", width=width, height=2.3,
                        height_ratios=(3, 2))[:, 0]  # fmt: skip


def finish_panels(axes: np.ndarray, improvements: Any, against: str,
                  title: str | None = None) -> np.ndarray:
    """Adds scales, labels and legends.

    Args:
        axes: From ``two_panels``.
        improvements: All improvements that are drawn, an array of shape (n,).
        against: A key of ``AGAINST_LABELS``.
        title: The legends' title.

    Returns:
        The axes.
    """
    upper, lower = axes
    set_scale(upper, improvements)
    upper.axhline(0, color=BLACK, linewidth=0.9, linestyle="--", label="cross entropy")
    set_integer_ticks(lower.yaxis)
    explained = set()
    for ax, label in zip(axes, PANEL_LABELS.values(), strict=True):
        set_style(ax)
        ax.set_ylabel(label)
        explained = add_legend(ax, explained, title)
        set_integer_ticks(ax.xaxis)
        if against != "gen":
            ax.set_xlim(left=0)
            steps = {"nbins": 6, "steps": [1, 2, 2.5, 5, 10]}
            ax.xaxis.get_major_locator().set_params(integer=against == "trainings", **steps)
    lower.set_xlabel(AGAINST_LABELS[against])
    return axes
