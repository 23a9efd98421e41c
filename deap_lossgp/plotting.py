"""Figures from DEAP logbooks and from a run's table of individuals.

Every function takes the axes to draw on, or makes a figure that belongs to nobody else, and returns
the axes; ``ax.figure.savefig("name.png")`` writes it, with or without a display. Matplotlib
is loaded by the first call, pyplot and its backends never. Colours are Okabe and Ito's, which the
colour-blind can tell apart.
"""

import itertools
import math
import os

import numpy as np
from deap import tools

_BLACK, _BLUE, _RED = "#333333", "#0072B2", "#D55E00"
_CYCLE = (_BLUE, _RED, "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_FIELD_COLORS = {"max": _BLUE, "avg": _BLACK, "min": _RED}
_LINESTYLES = ("-", "--", ":", "-.")

_USUAL_FIELDS = ("max", "avg", "min")
_BOOKKEEPING = ("gen", "nevals", "std")
_COLUMNS = ("gen", "index", "improvement", "wins")
_CHAPTER_LABELS = {"wins": "Data sets won", "improvement": "Improvement over\ncross entropy"}

_LARGEST = 1e100
"""Numbers beyond this are left out as infinite ones are: Matplotlib's margins would overflow."""

_EXTREME_RATIO = 30
"""Largest over median magnitude from which a linear scale would flatten half of the data."""


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
        raise ValueError(f"expected a chapter of the logbook ({_names(chapters)}), got {chapter!r}")
    if not logbook and not chapters:
        raise ValueError("expected a logbook with at least one record, got an empty one")
    if chapter is None and len(chapters) > 1 and ax is not None:
        raise ValueError(f"expected a chapter to draw on ax, one of {_names(chapters)}; got None")

    panels = chapters or {None: logbook}
    if chapter is not None:
        panels = {chapter: chapters[chapter]}
    columns = _columns_to_draw(panels, (fields,) if isinstance(fields, str) else fields)

    if ax is not None:
        axes = np.array([ax])
    else:
        axes = _new_axes(len(columns), height=3.4 if len(columns) == 1 else 2.3)
    ours = chapters.keys() >= _CHAPTER_LABELS.keys()
    explained = set()
    for panel, (name, drawn) in zip(axes, columns.items(), strict=True):
        _draw_records(panel, panels[name], drawn)
        if name is not None:
            words = _CHAPTER_LABELS if ours else {}
            panel.set_ylabel(words.get(name, str(name).capitalize()))
        _add_legend(panel, explained)
    axes[-1].set_xlabel("Generation" if _has_generations(panels[list(columns)[-1]]) else "Record")
    return axes if ax is None and chapter is None and chapters else axes[0]


def plot_individuals(individuals, axes=None, jitter=0.15):
    """Draws every individual of a run by generation: improvement above, data sets won below.

    The best individual of each generation, by wins and then by improvement as ``LossFitness``
    ranks them, is joined by a line, the same individual in both panels. An individual whose value
    is not finite has failed: a cross at the bottom of the panel stands for it, and the legend
    counts it. Where few values would flatten all others, the scale of the improvement is linear
    around zero, in half of the panel, and logarithmic beyond.

    Args:
        individuals: A pandas DataFrame, a list of dicts or the path of a CSV file such as a run's
            ``individuals.csv``, with the columns ``gen``, ``index``, ``improvement`` and ``wins``;
            others are ignored.
        axes: Two axes, upper and lower; None makes a figure.
        jitter: Half-width, in generations, over which the individuals of one generation are spread
            in the order of their index, from 0 to below 0.5.

    Returns:
        The two axes, upper and lower, as an array of shape (2,).

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If there is no individual, a column is missing or holds something other than
            numbers, ``axes`` are not two, or ``jitter`` is out of range.

    References:
        The thesis's figures 4.1 to 4.4.

    >>> rows = [{"gen": 0, "index": 0, "improvement": -0.1, "wins": 0},
    ...         {"gen": 0, "index": 1, "improvement": 0.2, "wins": 1}]
    >>> upper, lower = plot_individuals(rows, jitter=0.1)
    >>> upper.lines[0].get_xydata().tolist()
    [[-0.1, -0.1], [0.1, 0.2]]
    """
    if not 0 <= jitter < 0.5:
        raise ValueError(f"expected 0 <= jitter < 0.5, got {jitter}")
    table = _individuals_table(individuals)
    if axes is None:
        axes = _new_axes(2, height=2.3, height_ratios=(3, 2))
    axes = np.asarray(axes, dtype=object).ravel()
    if len(axes) != 2:
        raise ValueError(f"expected two axes, upper and lower, got {len(axes)}")

    rank = table.groupby("gen").cumcount()
    last = table.groupby("gen")["gen"].transform("size") - 1
    table["x"] = table["gen"] + jitter * (2 * rank - last) / last.clip(lower=1)

    explained = set()
    for ax, column in zip(axes, ("improvement", "wins"), strict=True):
        _draw_individuals(ax, table, column)
        _set_scale(ax, table[column]) if column == "improvement" else _integer_ticks(ax.yaxis)
        if column == "improvement":
            ax.axhline(0, color=_BLACK, linewidth=0.9, linestyle="--", label="cross entropy")
        _style(ax)
        ax.set_ylabel(_CHAPTER_LABELS[column])
        _add_legend(ax, explained)
    axes[1].set_xlabel("Generation")
    return axes


def _names(names):
    return ", ".join(repr(name) for name in names) or "it has none"


def _columns_to_draw(panels, fields):
    """Which columns each panel draws: {panel: {field: values of shape (records, components)}}."""
    existing = {
        name: list(dict.fromkeys(field for record in records for field in record))
        for name, records in panels.items()
    }
    everything = list(dict.fromkeys(field for names in existing.values() for field in names))
    for field in fields or ():
        if field not in everything:
            raise ValueError(f"expected fields among {_names(everything)}; got {field!r}")
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
        raise ValueError(f"expected numbers to draw in the logbook, it has {_names(everything)}")
    return columns


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
    return _finite(values)


def _finite(values):
    return np.where(np.abs(values) <= _LARGEST, values, np.nan)


def _has_generations(records):
    values = _numbers(records, "gen")
    return values is not None and values.shape[1] == 1 and bool(np.isfinite(values).all())


def _draw_records(ax, records, columns):
    """Draws the columns as lines over gen, or over the records' places where they have no gen."""
    gens = _numbers(records, "gen")[:, 0] if _has_generations(records) else np.arange(len(records))
    std = _numbers(records, "std")
    taken = {_FIELD_COLORS.get(field) for field in columns}
    free = itertools.cycle([color for color in _CYCLE if color not in taken])
    for i, (field, values) in enumerate(columns.items()):
        color = _FIELD_COLORS.get(field) or next(free)
        for j, component in enumerate(values.T):
            style = {"color": color, "label": field, "linewidth": 1.6, "zorder": 3}
            if values.shape[1] > 1:  # colour says which component, line style which field
                style |= {"color": _CYCLE[j % len(_CYCLE)], "label": f"{field}[{j}]"}
                style["linestyle"] = _LINESTYLES[i % len(_LINESTYLES)]
            # Without markers a number between two gaps would be invisible.
            marked = len(gens) <= 40 or np.isnan(component).any()
            ax.plot(gens, component, marker="o" if marked else None, markersize=3.2, **style)
            if field == "avg" and std is not None and std.shape == values.shape:
                low, high = _finite(component - std[:, j]), _finite(component + std[:, j])
                label = f"{style['label']} ± std"
                fill = {"color": style["color"], "alpha": 0.15, "linewidth": 0, "label": label}
                ax.fill_between(gens, low, high, **fill)
    _set_scale(ax, np.concatenate([values.ravel() for values in columns.values()]))
    _style(ax)


def _individuals_table(individuals):
    """The four columns as floats, sorted by generation and index, NaN where not finite."""
    import pandas as pd

    if isinstance(individuals, str | os.PathLike):
        individuals = pd.read_csv(individuals)
    table = pd.DataFrame(individuals)
    missing = [name for name in _COLUMNS if name not in table.columns]
    if table.empty:
        raise ValueError("expected at least one individual, got an empty table")
    if missing:
        expected = f"expected the columns {_names(_COLUMNS)}"
        raise ValueError(f"{expected}; {_names(missing)} not among {_names(table.columns)}")
    numbers = {}
    for name in _COLUMNS:
        try:
            numbers[name] = _finite(pd.to_numeric(table[name]).to_numpy(dtype=float))
        except (TypeError, ValueError) as err:
            raise ValueError(f"expected numbers in the column {name!r}: {err}") from err
    for name in ("gen", "index"):
        if np.isnan(numbers[name]).any():
            raise ValueError(f"expected finite numbers in the column {name!r}, got NaN or infinity")
    return pd.DataFrame(numbers).sort_values(["gen", "index"], kind="stable", ignore_index=True)


def _draw_individuals(ax, table, column):
    """Draws one panel: points, the line of the best, and crosses for what is not finite."""
    point = {"linestyle": "", "marker": "o", "markersize": 5.5, "color": _BLUE, "alpha": 0.7}
    edge = {"markeredgecolor": "white", "markeredgewidth": 0.6}
    ax.plot(table["x"], table[column], label="individual", **point, **edge)

    order = table.sort_values(["wins", "improvement"], ascending=False, kind="stable")
    best = order.dropna().drop_duplicates("gen").set_index("gen").reindex(table["gen"].unique())
    line = {"color": _RED, "linewidth": 1.4, "marker": "o", "markersize": 5}
    ax.plot(best["x"], best[column], label="best individual", **line)

    failed = table["x"][table[column].isna()]
    if len(failed):
        cross = {"linestyle": "", "marker": "x", "markersize": 4.5, "color": "#666666"}
        bottom = np.full(len(failed), 0.045)
        where = {"transform": ax.get_xaxis_transform(), "label": f"failed ({len(failed)})"}
        ax.plot(failed, bottom, **cross, **where)
        ax.margins(y=0.12)


def _new_axes(count, height, height_ratios=None):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 0.4 + height * count), dpi=150, layout="constrained")
    ratios = {"height_ratios": height_ratios}
    axes = figure.subplots(count, 1, sharex=True, squeeze=False, gridspec_kw=ratios)[:, 0]
    figure.align_ylabels(axes)
    return axes


def _style(ax):
    ax.grid(color="#E3E3E3", linewidth=0.7)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    _integer_ticks(ax.xaxis)


def _integer_ticks(axis):
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def _add_legend(ax, explained):
    """Adds a legend beside the data, of what the panels above have not explained."""
    pairs = zip(*ax.get_legend_handles_labels(), strict=True)
    new = {label: handle for handle, label in pairs if label not in explained}
    if new:
        place = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0), "borderaxespad": 0}
        ax.legend(new.values(), new.keys(), frameon=False, **place)
    explained.update(new)


def _set_scale(ax, values):
    """Turns a linear y axis into a symmetric logarithmic one where extremes would flatten it."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

    sizes = np.unique(np.abs(values[np.isfinite(values) & (values != 0)]))
    if len(sizes) < 3 or ax.get_yscale() != "linear":
        return
    if not sizes[-1] > _EXTREME_RATIO * np.median(sizes):
        return
    # A round number that at least half of the values lie within.
    width = MaxNLocator(1, steps=[1, 2, 5, 10]).tick_values(0, np.median(sizes))[-1]
    first, last = math.log10(width), math.log10(sizes[-1])
    linscale = max(1.0, last - first)
    ax.set_yscale("symlog", linthresh=width, linscale=linscale)
    gap = linscale / 4
    beyond = 10.0 ** np.arange(math.ceil(first + gap), last + 1, math.ceil(gap))
    ticks = np.concatenate([-beyond[::-1], np.linspace(-width, width, 5), beyond])
    ax.yaxis.set_major_locator(FixedLocator(ticks))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _tick_text(value)))


def _tick_text(value):
    if abs(value) < 1e4:
        return f"{value:g}".replace("-", "\N{MINUS SIGN}")
    return rf"${'-' if value < 0 else ''}10^{{{round(math.log10(abs(value)))}}}$"
