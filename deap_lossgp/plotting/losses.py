"""The figure of losses: value and gradient over the predicted probability."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from deap_lossgp.curves.grid import GRID, interpolate
from deap_lossgp.curves.loss_curves import LossCurves
from deap_lossgp.found_losses import FoundLoss, read_loss
from deap_lossgp.plotting.axes import (
    BLACK,
    CYCLE,
    EXTREME_RATIO,
    GREY,
    LINESTYLES,
    add_legend,
    given_or_new,
    legend_text,
    set_scale,
    set_style,
)
from deap_lossgp.plotting.columns import finite
from deap_lossgp.trees import LossTree

if TYPE_CHECKING:
    from deap import gp
    from matplotlib.axes import Axes

_WRITTEN = {"mse": "MSE", "ngl": "NGL", "baikal": "Baikal", "baikal_cma": "Baikal-CMA",
            "focal": "focal loss"}  # fmt: skip
_BESIDE_STYLES = {"cross_entropy": (BLACK, "--"), "ngl": (GREY, ":")}
_TITLES = {1: "Target class", 0: "Other classes"}
_CLASSES = {1: "the target class", 0: "another class"}
_NEARLY_RIGHT = {1: 0.99, 0: 0.01}
"""A prediction that is nearly right, for the target class and for the others."""

_MIDDLE = np.linspace(0.01, 0.99, 197)
"""The predictions that decide the limits of the panels; poles may lie at both ends."""


def plot_loss(losses: FoundLoss | LossTree | Iterable[FoundLoss | LossTree],
              axes: Sequence[Axes] | np.ndarray | None = None, *,
              pset: gp.PrimitiveSet | None = None,
              beside: Sequence[str] = ("cross_entropy", "ngl")) -> np.ndarray:
    """Draws losses over p: value above, gradient below; target class left, other classes right.

    All losses are brought to the common scale, as before a training: the median of
    abs(p (1 - p) dL/dp), the gradient that reaches a logit, is that of cross entropy. The value of
    a nearly right prediction (p = 0.99 for the target class, p = 0.01 for others) is subtracted
    from all values, since a constant trains nothing. What is not finite is a gap, and a pole leaves
    the panel. If losses still differ so much that one would flatten the others, the scale is linear
    around zero and logarithmic beyond.

    Args:
        losses: A ``FoundLoss``, as ``read_loss`` gives, a ``LossTree``, or a sequence of these.
        axes: Four axes, two rows of two; None makes a figure.
        pset: The primitive set of every ``LossTree``.
        beside: Names of known losses to draw beside them.

    Returns:
        The four axes, as an array of shape (2, 2).

    Raises:
        TypeError: ``losses`` holds something else, or a ``LossTree`` and ``pset`` is None.
        ValueError: There is no loss, a name is unknown or ``axes`` are not four.

    Examples:
        >>> from deap_lossgp.found_losses import read_loss
        >>> axes = plot_loss(read_loss("mse"))
        >>> [line.get_label() for line in axes[0, 0].lines]
        ['cross entropy', 'NGL', 'MSE']
    """
    losses = _found(losses, pset)
    known = [read_loss(name) for name in beside]
    known = [loss for loss in known if str(loss.tree) not in {str(each.tree) for each in losses}]
    axes = given_or_new(axes, 2, 2, "four axes, two rows of two", width=9.0, height=2.4)
    styles = _styles(known, losses)
    drawn = [(*style, LossCurves.of(loss.tree, loss.pset))
             for loss, style in zip([*known, *losses], styles, strict=True)]
    for column, label in enumerate((1, 0)):
        upper, lower = axes[:, column]
        for ax, quantity in ((upper, _values), (lower, _gradients)):
            _draw(ax, [(style, quantity(curves, label)) for *style, curves in drawn])
        upper.set_title(f"{_TITLES[label]}, L({label}, p)", fontsize="medium")
        lower.set_xlabel(f"Predicted probability p of {_CLASSES[label]}")
    axes[0, 0].set_ylabel("Value, scaled to\ncross entropy's gradient")
    axes[1, 0].set_ylabel("p (1 − p) dL/dp, scaled to\ncross entropy's gradient")
    add_legend(axes[0, 1])
    return axes


def _found(losses, pset):
    """Returns what ``plot_loss`` takes as a list of ``FoundLoss``."""
    if isinstance(losses, FoundLoss | LossTree):
        losses = [losses]
    losses, found = list(losses), []
    for place, loss in enumerate(losses, start=1):
        if isinstance(loss, LossTree):
            if pset is None:
                raise TypeError("expected the pset of a LossTree, got None")
            name = "loss" if len(losses) == 1 else f"loss {place}"
            loss = FoundLoss(name, loss, pset)
        if not isinstance(loss, FoundLoss):
            raise TypeError(f"expected FoundLoss or LossTree, got {type(loss).__name__}")
        found.append(loss)
    if not found:
        raise ValueError("expected at least one loss, got none")
    return found


def _styles(known, losses):
    """Yields (label, colour, line style) of each loss; known ones may have their own."""
    cycle = zip(itertools.cycle(CYCLE), itertools.cycle(LINESTYLES))
    for loss in [*known, *losses]:
        style = _BESIDE_STYLES.get(loss.name) if loss in known else None
        label = legend_text(_WRITTEN.get(loss.name, loss.name)) or "loss"
        yield label, *(style or next(cycle))


def _values(curves, label):
    with np.errstate(all="ignore"):
        values = curves.values[label]
        right = float(interpolate(values, _NEARLY_RIGHT[label]))
        return (curves.scale_factor or 1.0) * (values - (right if np.isfinite(right) else 0.0))


def _gradients(curves, label):
    with np.errstate(all="ignore"):
        return (curves.scale_factor or 1.0) * GRID * (1.0 - GRID) * curves.derivatives[label]


def _draw(ax, lines):
    """Draws lines (style, values on the grid), within limits that do not depend on poles."""
    lines = [(style, finite(values)) for style, values in lines]
    middle = [interpolate(values, _MIDDLE) for _, values in lines]
    middle = [values[np.isfinite(values)] for values in middle]
    limits = np.reshape([_limits(values) for values in middle if values.size], (-1, 2))
    low, high = limits[:, 0].min(initial=np.inf), limits[:, 1].max(initial=-np.inf)
    if not low <= high:
        low, high = 0.0, 0.0
    margin = 0.06 * (high - low) or 1.0
    low, high = low - margin, high + margin
    for order, ((label, color, linestyle), values) in enumerate(lines):
        # Narrow lines above wide ones show all lines that coincide.
        width = 1.3 if color in (BLACK, GREY) else max(2.6 - 0.4 * order, 1.6)
        ax.plot(GRID, _without_jumps(values, low, high), color=color, linestyle=linestyle,
                label=label, linewidth=width, zorder=5.0 - width)  # fmt: skip
    spans = np.sort(limits[:, 1] - limits[:, 0])
    spans = spans[spans > 0.0]
    if spans.size and spans[-1] > EXTREME_RATIO * spans[(len(spans) - 1) // 2]:
        set_scale(ax, np.clip(np.concatenate(middle), low, high))
    ax.set_xlim(0.0, 1.0)
    ax.set_ylim(low, high)
    set_style(ax)


def _limits(values):
    """Returns the range within Tukey's fences, as the whiskers of a box plot show it."""
    low, high = np.quantile(values, [0.25, 0.75])
    reach = 1.5 * (high - low)
    return [max(values.min(), low - reach), min(values.max(), high + reach)]


def _without_jumps(values, low, high):
    """Makes a gap at each pole, where a line leaves a panel at one end and returns at the other."""
    side = np.sign(values - high) + np.sign(values - low)  # -2 below, 0 inside, 2 above
    jumps = np.abs(np.diff(side)) == 4.0
    return np.where(np.append(jumps, False), np.nan, values)
