"""The marks of the figures of runs and comparisons: records of a logbook, individuals and arms.

Arms differ in marker and line style as well as in colour.
"""

import itertools
import math

import numpy as np

from deap_lossgp.figures import (
    BLACK,
    BLUE,
    CYCLE,
    GREY,
    LINESTYLES,
    RED,
    set_integer_ticks,
    set_loss_scale,
    set_scale,
    set_style,
)
from deap_lossgp.tables import finite, quoted

FIELD_COLORS = {"max": BLUE, "avg": BLACK, "min": RED}
MARKERS = ("o", "s", "^", "D", "v", "P")
POINT = {"linestyle": "", "alpha": 0.7, "markeredgecolor": "white", "markeredgewidth": 0.6}
CROSS = {"linestyle": "", "marker": "x", "markersize": 4.5, "color": GREY}

USUAL_FIELDS = ("max", "avg", "min")
BOOKKEEPING = ("gen", "nevals", "std")

ROUNDING = 1e-6
"""An accuracy of a tenth, stored in float32, is not above a chance of a tenth."""

WRITTEN_MEANS = 15
"""As many means as have room to be written out."""


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


# Individuals and arms


def draw_individuals(ax, table, column):
    """Draws one panel: points, the line of the best, and crosses for what is not finite."""
    _plot_points(ax, table["x"], table[column], BLUE, "o", "individual")
    order = table.sort_values(["wins", "improvement"], ascending=False, kind="stable")
    best = order.dropna().drop_duplicates("gen").set_index("gen").reindex(table["gen"].unique())
    line = {"color": RED, "linewidth": 1.4, "marker": "o", "markersize": 5}
    ax.plot(best["x"], best[column], label="best individual", **line)
    draw_failed(ax, table["x"][table[column].isna()])


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


def _plot_points(ax, xs, ys, color, marker, label):
    size = 9 if marker == "*" else 5.5
    ax.plot(xs, ys, color=color, marker=marker, markersize=size, label=label, **POINT)


def draw_best_so_far(ax, table, against, column):
    """Draws the median of each arm's replicates, and every replicate thin behind it."""
    drawstyle = "default" if against == "gen" else "steps-post"
    styles = arm_styles(table["arm"].unique())
    records = table.sort_values([against, "gen"], kind="stable")
    records = records.drop_duplicates(["arm", "replicate", against], keep="last")
    for i, (arm, (color, linestyle, marker)) in enumerate(styles.items()):
        rows = records[records["arm"] == arm].set_index(against)
        replicates = {name: group[column] for name, group in rows.groupby("replicate")}
        xs = np.unique(rows.index)
        held = [values.reindex(xs, method="ffill") for values in replicates.values()]
        # Nothing yet is less than anything, for a median as for a best individual.
        median = finite(np.median(np.nan_to_num(np.stack(held), nan=-np.inf), axis=0))
        known = np.flatnonzero(np.isfinite(median))
        begun = known[0] if len(known) else 0
        xs, median = xs[begun:], median[begun:]
        for name, values in replicates.items() if len(replicates) > 1 else ():
            dots = "." if values.isna().any() or len(values) == 1 else None
            ax.plot(values.index, values, color=color, drawstyle=drawstyle, marker=dots,
                    linewidth=0.7, alpha=0.45, markersize=2.5, label=f"_{arm} {name}",
                    zorder=2)  # fmt: skip
        every = 1 if np.isnan(median).any() else math.ceil(len(xs) / 9)
        # Narrow above wide, so that lines that coincide are all seen, with markers in turn.
        ax.plot(xs, median, color=color, drawstyle=drawstyle, linestyle=linestyle, marker=marker,
                markevery=sorted({*range(i % every, len(xs), every), len(xs) - 1}),
                linewidth=max(2.4 - 0.4 * i, 1.2), markersize=5, zorder=3,
                label=f"{arm} (n = {len(replicates)})")  # fmt: skip


def draw_losses(ax, table, chance, baseline):
    """Draws accuracy over loss, arm by arm if there are arms, chance, and cross entropy."""
    points = table.dropna(subset=["loss", "accuracy"])
    star = np.reshape([] if baseline is None else baseline, (-1, 2))
    set_loss_scale(ax, np.concatenate([points["loss"], star[:, 0]]))
    for arm, (color, _, marker) in arm_styles(table["arm"].unique()).items():
        rows = points[points["arm"] == arm]
        _plot_points(ax, rows["loss"], rows["accuracy"], color, marker, f"{arm} ({len(rows)})")
    if len(points) < len(table):
        ax.plot([], [], label=f"failed ({len(table) - len(points)}), not drawn", **CROSS)

    line = {"color": BLACK, "linewidth": 0.9}
    ax.axhline(chance, linestyle="--", label=f"chance ({chance:.3g})", **line)
    top = max([chance, *points["accuracy"], *star[:, 1]])
    ax.set_ylim(-0.04 * top, 1.06 * top)
    for x, y in star:
        ax.plot([x], [y], linestyle="", marker="*", markersize=13, color=BLACK, zorder=4,
                markeredgecolor="white", label="cross entropy")  # fmt: skip
        ax.axvline(x, linestyle=":", **line)
        ax.axhline(y, linestyle=":", **line)
        worthless = (points["loss"] < x) & (points["accuracy"] <= chance + ROUNDING)
        text = f"less loss than cross entropy,\nno better than chance:\n{worthless.sum()} of "
        left, right = ax.get_xlim()
        ax.fill_between([left, x], ax.get_ylim()[0], chance, color=RED, alpha=0.15, linewidth=0,
                        label=text + f"{len(points)}", zorder=0)  # fmt: skip
        ax.set_xlim(left, right)


def draw_strips(ax, table):
    """Draws the replicates' mean test accuracies, a group for each task, a strip for each arm."""
    tasks, styles = list(table["task"].unique()), arm_styles(table["arm"].unique())
    width, crosses = 0.8 / len(styles), []
    for i, (arm, (color, _, marker)) in enumerate(styles.items()):
        rows = table[table["arm"] == arm]
        name = "cross entropy" if arm == "cross_entropy" else arm
        label = f"{name} (n = {rows['replicate'].nunique()})"
        for task, strip in rows.groupby("task", sort=False):
            x = tasks.index(task) + width * (i - (len(styles) - 1) / 2)
            crosses += [*(x + width * _spread(strip["test_accuracy"].isna().sum()))]
            means = strip.groupby("replicate")["test_accuracy"].mean().dropna()
            if means.empty:
                continue
            _plot_points(ax, x + width * _spread(len(means)), means, color, marker, label)
            ends = [x - 0.42 * width, x + 0.42 * width]
            ax.plot(ends, [means.mean()] * 2, color=BLACK, linewidth=1.4, label="_mean", zorder=4)
            if len(tasks) * len(styles) <= WRITTEN_MEANS:
                above = {"xytext": (0, 6), "textcoords": "offset points", "rotation": 45,
                         "rotation_mode": "anchor"}  # fmt: skip
                ax.annotate(f"{means.mean():.3f}", (x, means.max()), fontsize=6.5, **above)
    ax.plot([], [], color=BLACK, linewidth=1.4, label="mean")
    draw_failed(ax, crosses)
    ax.set_xticks(range(len(tasks)), tasks)
    ax.tick_params(axis="x", length=0)
    ax.set_xlim(-0.5, len(tasks) - 0.5)


def _spread(n):
    return np.linspace(-0.25, 0.25, n) if n > 1 else np.zeros(n)
