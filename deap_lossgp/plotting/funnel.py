"""The figure of a search's funnel: how many losses reach each stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deap_lossgp.plotting.axes import BLUE, new_axes, set_style
from deap_lossgp.plotting.columns import read_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from deap_lossgp.plotting.columns import Table


def plot_funnel(stages: Table, ax: Axes | None = None) -> Axes:
    """Draws a bar for each stage of a search, from all losses that were made down to the winner.

    The scale is logarithmic, and the number of losses stands beside each bar, with its share of the
    stage before.

    Args:
        stages: A table with the columns ``stage`` and ``losses``, in the order of the stages.
        ax: The axes to draw on; None makes a figure.

    Returns:
        The axes.

    Raises:
        ValueError: There is no stage, a column is missing, or a number is negative.

    Examples:
        >>> ax = plot_funnel([{"stage": "made", "losses": 200}, {"stage": "trained", "losses": 10}])
        >>> [text.get_text() for text in ax.texts]
        ['200', '10 (5%)']
    """
    table = read_table(stages, "stage", keys=("stage",), places=("losses",))
    losses = table["losses"].to_numpy()
    if losses.min() < 0.0:
        raise ValueError(f"expected numbers of losses, at least 0, got {losses.min():g}")
    ax = new_axes(height=0.4 * len(table) + 0.6)[0, 0] if ax is None else ax
    set_style(ax, grid="x")
    ax.barh(table["stage"], losses, color=BLUE, height=0.7)
    before = None
    for place, number in enumerate(losses):
        share = f" ({number / before:.0%})" if before else ""
        ax.annotate(f"{number:g}{share}", (max(number, 0.5), place), xytext=(4, 0),
                    textcoords="offset points", va="center", fontsize=9)
        before = number
    ax.set_xscale("log")
    ax.set_xlim(0.5, 4.0 * max(losses.max(), 1.0))
    ax.invert_yaxis()
    ax.set_xlabel("Losses")
    return ax
