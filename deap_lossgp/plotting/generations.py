"""The figure of a DEAP logbook by generation."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from deap import tools

from deap_lossgp.plotting.axes import (
    BLACK,
    BLUE,
    CYCLE,
    LINESTYLES,
    RED,
    add_legend,
    new_axes,
    set_integer_ticks,
    set_scale,
    set_style,
)
from deap_lossgp.plotting.columns import finite, quoted
from deap_lossgp.plotting.panels import PANEL_LABELS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_USUAL_FIELDS = ("max", "avg", "min")
_BOOKKEEPING = ("gen", "nevals", "std")
_FIELD_COLORS = {"max": BLUE, "avg": BLACK, "min": RED}


def plot_generations(logbook: tools.Logbook, ax: Axes | None = None, chapter: str | None = None,
                     fields: Sequence[str] | None = None) -> Axes | np.ndarray:
    """Draws the statistics of any DEAP logbook by generation.

    There is a line for each field, or for each component of a field that holds vectors, such as
    those of ``numpy.mean`` with ``axis=0``. The band is avg ± std, if avg is drawn and there is
    std. Numbers that are not finite, or beyond 1e100, are gaps; fields that are not numbers are
    skipped. If a few values would flatten all others, the scale is linear around zero and
    logarithmic beyond.

    Args:
        logbook: A ``deap.tools.Logbook``, flat or with chapters.
        ax: The axes to draw on; None makes a figure.
        chapter: The chapter to draw, in one panel. None draws all chapters of a logbook that has
            chapters, in a panel each; then ``ax`` must be None, unless there is only one chapter.
        fields: The fields to draw. None draws those of max, avg and min that exist or, if there is
            none of them, every number but ``gen``, ``nevals`` and ``std``.

    Returns:
        The axes. If all chapters were drawn on a new figure, an array of axes of shape (chapters,),
        from top to bottom.

    Raises:
        TypeError: ``logbook`` is not a logbook.
        ValueError: There is no record, no such chapter, no such field or no number to draw, or
            one ``ax`` is given for several chapters.

    Examples:
        >>> logbook = tools.Logbook()
        >>> logbook.record(gen=0, nevals=8, avg=0.5, max=1.0)
        >>> logbook.record(gen=1, nevals=6, avg=0.8, max=2.0)
        >>> ax = plot_generations(logbook)
        >>> [(line.get_label(), line.get_ydata().tolist()) for line in ax.lines]
        [('max', [1.0, 2.0]), ('avg', [0.5, 0.8])]
    """
    if not isinstance(logbook, tools.Logbook):
        raise TypeError(f"expected a deap.tools.Logbook, got {type(logbook).__name__}")
    # DEAP creates an empty chapter when a missing one is looked up, so empty ones do not count.
    chapters = {name: records for name, records in logbook.chapters.items() if records}
    if chapter is not None and chapter not in chapters:
        raise ValueError(f"expected a chapter of the logbook ({quoted(chapters)}), got {chapter!r}")
    if not logbook and not chapters:
        raise ValueError("expected a logbook with at least one record, got an empty one")
    if chapter is None and len(chapters) > 1 and ax is not None:
        raise ValueError(f"expected a chapter to draw on ax, one of {quoted(chapters)}; got None")

    panels = chapters or {None: logbook}
    if chapter is not None:
        panels = {chapter: chapters[chapter]}
    columns = _columns_to_draw(panels, (fields,) if isinstance(fields, str) else fields)

    if ax is not None:
        axes = np.array([ax])
    else:
        axes = new_axes(len(columns), height=3.4 if len(columns) == 1 else 2.3)[:, 0]
    ours = chapters.keys() >= PANEL_LABELS.keys()
    explained = set()
    for panel, (name, drawn) in zip(axes, columns.items(), strict=True):
        _draw_records(panel, panels[name], drawn)
        if name is not None:
            words = PANEL_LABELS if ours else {}
            panel.set_ylabel(words.get(name, str(name).capitalize()))
        explained = add_legend(panel, explained)
    last = panels[list(columns)[-1]]
    axes[-1].set_xlabel("Generation" if _has_generations(last) else "Record")
    return axes if ax is None and chapter is None and chapters else axes[0]


def _columns_to_draw(panels, fields):
    """Chooses and reads columns: {panel: {field: values of shape (records, components)}}."""
    existing = {
        name: list(dict.fromkeys(field for record in records for field in record))
        for name, records in panels.items()
    }
    everything = list(dict.fromkeys(field for names in existing.values() for field in names))
    for field in fields or ():
        if field not in everything:
            raise ValueError(f"expected fields among {quoted(everything)}; got {field!r}")
    columns = {}
    for name, records in panels.items():
        numeric = {field: _numbers(records, field) for field in existing[name]}
        numeric = {field: values for field, values in numeric.items() if values is not None}
        wanted = fields
        if wanted is None:
            wanted = [field for field in _USUAL_FIELDS if field in numeric]
            wanted = wanted or [field for field in numeric if field not in _BOOKKEEPING]
        drawn = {field: numeric[field] for field in wanted if field in numeric}
        if drawn:
            columns[name] = drawn
    if not columns:
        raise ValueError(f"expected numbers to draw in the logbook, it has {quoted(everything)}")
    return columns


def _draw_records(ax, records, columns):
    """Draws the columns as lines over gen or, if there is none, over the places of the records."""
    gens = _numbers(records, "gen")[:, 0] if _has_generations(records) else np.arange(len(records))
    std = _numbers(records, "std")
    taken = {_FIELD_COLORS.get(field) for field in columns}
    free = itertools.cycle([color for color in CYCLE if color not in taken])
    for i, (field, values) in enumerate(columns.items()):
        color = _FIELD_COLORS.get(field) or next(free)
        for j, component in enumerate(values.T):
            style = {"color": color, "label": field, "linewidth": 1.6, "zorder": 3}
            if values.shape[1] > 1:  # a colour per component, a line style per field
                style |= {"color": CYCLE[j % len(CYCLE)], "label": f"{field}[{j}]"}
                style["linestyle"] = LINESTYLES[i % len(LINESTYLES)]
            # Without markers a number between two gaps would be invisible.
            marked = len(gens) <= 40 or np.isnan(component).any()
            ax.plot(gens, component, marker="o" if marked else None, markersize=3.2, **style)
            if field == "avg" and std is not None and std.shape == values.shape:
                low, high = finite(component - std[:, j]), finite(component + std[:, j])
                label = f"{style['label']} ± std"
                fill = {"color": style["color"], "alpha": 0.15, "linewidth": 0, "label": label}
                ax.fill_between(gens, low, high, **fill)
    set_scale(ax, np.concatenate([values.ravel() for values in columns.values()]))
    set_style(ax)
    set_integer_ticks(ax.xaxis)


def _has_generations(records):
    """Tells whether every record has one number ``gen``."""
    values = _numbers(records, "gen")
    return values is not None and values.shape[1] == 1 and bool(np.isfinite(values).all())


def _numbers(records, field):
    """Reads a column of shape (records, components), with NaN for what is not finite.

    Returns None if the column holds something other than numbers.
    """
    column = [record.get(field) for record in records]
    if all(value is None for value in column):
        return None
    rows = []
    for value in column:
        try:
            row = np.asarray(math.nan if value is None else value)
            if row.dtype.kind not in "biufO":
                return None
            rows.append(row.astype(float).ravel())
        except (TypeError, ValueError, OverflowError):
            return None
    values = np.full((len(rows), max(len(row) for row in rows)), np.nan)
    for target, row in zip(values, rows, strict=True):
        target[: len(row)] = row
    return finite(values)
