"""Figures of DEAP logbooks by generation."""

import itertools
import math

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
from deap_lossgp.plotting.marks import CHAPTER_LABELS

FIELD_COLORS = {"max": BLUE, "avg": BLACK, "min": RED}

USUAL_FIELDS = ("max", "avg", "min")
BOOKKEEPING = ("gen", "nevals", "std")


# Records of a logbook


def columns_to_draw(panels, fields):
    """Which columns each panel draws: {panel: {field: values of shape (records, components)}}."""
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
            wanted = [field for field in USUAL_FIELDS if field in numeric]
            wanted = wanted or [field for field in numeric if field not in BOOKKEEPING]
        drawn = {field: numeric[field] for field in wanted if field in numeric}
        if drawn:
            columns[name] = drawn
    if not columns:
        raise ValueError(f"expected numbers to draw in the logbook, it has {quoted(everything)}")
    return columns


def has_generations(records):
    values = _numbers(records, "gen")
    return values is not None and values.shape[1] == 1 and bool(np.isfinite(values).all())


def draw_records(ax, records, columns):
    """Draws the columns as lines over gen, or over the records' places where they have no gen."""
    gens = _numbers(records, "gen")[:, 0] if has_generations(records) else np.arange(len(records))
    std = _numbers(records, "std")
    taken = {FIELD_COLORS.get(field) for field in columns}
    free = itertools.cycle([color for color in CYCLE if color not in taken])
    for i, (field, values) in enumerate(columns.items()):
        color = FIELD_COLORS.get(field) or next(free)
        for j, component in enumerate(values.T):
            style = {"color": color, "label": field, "linewidth": 1.6, "zorder": 3}
            if values.shape[1] > 1:  # colour says which component, line style which field
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


def _numbers(records, field):
    """A column of shape (records, components), NaN where not finite; None if it has no numbers."""
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


def plot_generations(logbook, ax=None, chapter=None, fields=None):
    """Draws the statistics of any DEAP logbook by generation.

    One line per field, and per component where a field holds vectors, as ``numpy.mean`` with
    ``axis=0`` gives them; the band is avg ± std where a logbook has both and avg is drawn. Numbers
    that are not finite, or beyond 1e100, are left out, as gaps; fields that are not numbers are
    skipped. Where few values would flatten all others, the scale is linear around zero and
    logarithmic beyond.

    Args:
        logbook: A ``deap.tools.Logbook``, flat or with chapters.
        ax: The axes to draw on; None makes a figure.
        chapter: The chapter to draw, in one panel. None draws all chapters, a panel each, of a
            logbook that has chapters; then ``ax`` must be None, unless there is only one.
        fields: The fields to draw. None draws max, avg and min as far as they exist, and, where
            none does, every number but ``gen``, ``nevals`` and ``std``.

    Returns:
        The axes; a one-dimensional array of axes, top to bottom, where all chapters were drawn on
        a figure made here.

    Raises:
        TypeError: If ``logbook`` is not a logbook.
        ValueError: If there is no record, no such chapter, no such field or no number to draw, or
            if one ``ax`` is given for several chapters.

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
    # Looking a missing chapter up creates an empty one, so empty chapters do not count.
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
    columns = columns_to_draw(panels, (fields,) if isinstance(fields, str) else fields)

    if ax is not None:
        axes = np.array([ax])
    else:
        axes = new_axes(len(columns), height=3.4 if len(columns) == 1 else 2.3)
    ours = chapters.keys() >= CHAPTER_LABELS.keys()
    explained = set()
    for panel, (name, drawn) in zip(axes, columns.items(), strict=True):
        draw_records(panel, panels[name], drawn)
        if name is not None:
            words = CHAPTER_LABELS if ours else {}
            panel.set_ylabel(words.get(name, str(name).capitalize()))
        explained = add_legend(panel, explained)
    last = panels[list(columns)[-1]]
    axes[-1].set_xlabel("Generation" if has_generations(last) else "Record")
    return axes if ax is None and chapter is None and chapters else axes[0]
