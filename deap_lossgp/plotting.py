"""Figures of DEAP logbooks, of a run's individuals, of a comparison's tables, and of losses.

Every function takes the axes to draw on, or makes a figure that belongs to nobody else, and returns
the axes; ``ax.figure.savefig("name.png")`` writes it, with or without a display. A table is
a pandas DataFrame, a list of dicts or the path of a CSV file; columns that are not named are
ignored. Matplotlib is loaded by the first call, pyplot and its backends never.
"""

import numpy as np
from deap import tools

from deap_lossgp.drawing import (
    columns_to_draw,
    draw_best_so_far,
    draw_individuals,
    draw_losses,
    draw_records,
    draw_strips,
    has_generations,
)
from deap_lossgp.figures import (
    BLACK,
    add_legend,
    new_axes,
    set_integer_ticks,
    set_scale,
    set_style,
    two_axes,
)
from deap_lossgp.learning_plots import plot_learning_curves as plot_learning_curves
from deap_lossgp.loss_plots import plot_loss as plot_loss  # figures are asked for here
from deap_lossgp.tables import quoted, read_table
from deap_lossgp.tree_plots import plot_tree as plot_tree

_CHAPTER_LABELS = {"wins": "Data sets won", "improvement": "Improvement over\ncross entropy"}
_AGAINST_LABELS = {
    "gen": "Generation",
    "trainings": "Trainings",
    "charged_seconds": "Time charged for trainings (s)",
}


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
    ours = chapters.keys() >= _CHAPTER_LABELS.keys()
    explained = set()
    for panel, (name, drawn) in zip(axes, columns.items(), strict=True):
        draw_records(panel, panels[name], drawn)
        if name is not None:
            words = _CHAPTER_LABELS if ours else {}
            panel.set_ylabel(words.get(name, str(name).capitalize()))
        explained = add_legend(panel, explained)
    last = panels[list(columns)[-1]]
    axes[-1].set_xlabel("Generation" if has_generations(last) else "Record")
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
    table = read_table(
        individuals, "individual", places=("gen", "index"), values=("improvement", "wins")
    )
    table = table.sort_values(["gen", "index"], kind="stable", ignore_index=True)
    rank = table.groupby("gen").cumcount()
    last = table.groupby("gen")["gen"].transform("size") - 1
    table["x"] = table["gen"] + jitter * (2 * rank - last) / last.clip(lower=1)

    axes = two_axes(axes)
    for ax, column in zip(axes, ("improvement", "wins"), strict=True):
        draw_individuals(ax, table, column)
    return _finish_panels(axes, table["improvement"], "gen")


def plot_comparison(progress, axes=None, against="gen"):
    """Draws several arms side by side: the best individual so far, improvement above, wins below.

    The line of an arm is the median of its replicates, of each panel's values on their own; the
    replicates are thin behind it. The best individual holds until the next record, also after the
    last one where other replicates go on longer; a replicate that has none yet, or none whose value
    is finite, counts as the lowest, and is a gap itself. As data sets won come first, the
    improvement of the best can fall where its wins rise.

    Args:
        progress: A table with the columns ``replicate``, ``arm``, ``gen``, ``best_improvement``,
            ``best_wins`` and the one named by ``against``.
        axes: Two axes, upper and lower; None makes a figure.
        against: What the generations are drawn over, in a column of that name: ``"gen"``,
            ``"trainings"`` or ``"charged_seconds"``, the latter two cumulative.

    Returns:
        The two axes, upper and lower, as an array of shape (2,).

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If there is no record, a column is missing or holds something other than
            numbers, ``axes`` are not two, or ``against`` is none of the three.

    References:
        The thesis's figures 4.5 and 4.6.

    >>> rows = [{"replicate": 0, "arm": arm, "gen": gen, "best_improvement": gen / 4 + i,
    ...          "best_wins": gen} for i, arm in enumerate(("archive", "random")) for gen in (0, 1)]
    >>> upper, lower = plot_comparison(rows)
    >>> [line.get_ydata().tolist() for line in upper.lines[:2]]
    [[0.0, 0.25], [1.0, 1.25]]
    """
    if against not in _AGAINST_LABELS:
        raise ValueError(f"expected against among {quoted(_AGAINST_LABELS)}; got {against!r}")
    table = read_table(progress, "record", keys=("replicate", "arm"), places=("gen", against),
                       values=("best_improvement", "best_wins"))  # fmt: skip
    table = table.rename(columns={"best_improvement": "improvement", "best_wins": "wins"})
    axes = two_axes(axes, width=8.0)
    for ax, column in zip(axes, ("improvement", "wins"), strict=True):
        draw_best_so_far(ax, table, against, column)
    title = "median of n replicates" if table["replicate"].nunique() > 1 else None
    return _finish_panels(axes, table["improvement"], against, title)


def plot_loss_accuracy(individuals, task, num_classes, ax=None, baseline=None):
    """Draws every individual's validation accuracy over the value of its loss, on one task.

    Each loss is measured by itself, so a low one need not mean a good network: the area is shaded
    in which a loss is lower than cross entropy's own and the accuracy no better than chance, and
    the legend counts the individuals in it. One that lives on unchanged, with its ``expression``,
    ``arm`` and ``replicate``, is one point; one that has no finite loss and accuracy has failed,
    which the legend counts too. Where losses differ by much, their axis is logarithmic, on both
    sides of zero if they reach it.

    Args:
        individuals: A table with the columns ``loss_<task>`` and ``accuracy_<task>``; ``arm``
            gives the colours where there is such a column.
        task: The task's name.
        num_classes: Number of its classes; chance is 1/num_classes.
        ax: The axes to draw on; None makes a figure.
        baseline: (loss, accuracy) of cross entropy on the task; None draws and counts neither.

    Returns:
        The axes.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If there is no individual, a column is missing or holds something other than
            numbers, there are fewer than two classes, or ``baseline`` is not two finite numbers.

    References:
        What the thesis's figures 4.7 to 4.9 show of single trainings.

    >>> rows = [{"loss_digits": 1e-6, "accuracy_digits": 0.1},
    ...         {"loss_digits": 0.4, "accuracy_digits": 0.9}]
    >>> ax = plot_loss_accuracy(rows, "digits", 10, baseline=(0.3, 0.88))
    >>> ax.get_xscale(), ax.collections[0].get_label().splitlines()[-1]
    ('log', '1 of 2')
    """
    loss, accuracy = f"loss_{task}", f"accuracy_{task}"
    if not num_classes >= 2:
        raise ValueError(f"expected num_classes of at least 2, got {num_classes}")
    star = np.array([0.0, 0.0] if baseline is None else baseline, dtype=float)
    if star.shape != (2,) or not np.isfinite(star).all():
        raise ValueError(f"expected a finite baseline (loss, accuracy), got {baseline}")
    table = read_table(individuals, "individual", values=(loss, accuracy),
                       extras=("replicate", "arm", "expression"))  # fmt: skip
    if "expression" in table:
        table = table.drop_duplicates()
    if "arm" not in table:
        table["arm"] = "individual"
    table = table.rename(columns={loss: "loss", accuracy: "accuracy"})
    ax = new_axes(width=8.0, height=3.6)[0] if ax is None else ax
    set_style(ax)
    draw_losses(ax, table, 1 / num_classes, baseline)
    ax.set_xlabel(f"Validation loss on {task}, each by its own function")
    ax.set_ylabel(f"Validation accuracy on {task}")
    add_legend(ax)
    return ax


def plot_test_accuracies(tests, ax=None):
    """Draws accuracies on the test set: a group for each task, a strip in it for each arm.

    A point is one replicate, the mean of its seeds; the bar is the mean of the points. An arm named
    ``cross_entropy`` is drawn in black. A training without an accuracy has failed: a cross at the
    bottom of its strip stands for it, and the legend counts them. Up to fifteen strips, the means
    are written above them.

    Args:
        tests: A table with the columns ``replicate``, ``arm``, ``task`` and ``test_accuracy``, one
            row for each training.
        ax: The axes to draw on; None makes a figure.

    Returns:
        The axes.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If there is no test, or a column is missing or holds something other than
            numbers.

    >>> rows = [{"replicate": 0, "arm": "archive", "task": "digits", "test_accuracy": accuracy}
    ...         for accuracy in (0.9, 0.92)]
    >>> plot_test_accuracies(rows).lines[0].get_ydata().tolist()
    [0.91]
    """
    table = read_table(tests, "test", keys=("replicate", "arm", "task"), values=("test_accuracy",))
    ax = new_axes(width=8.0)[0] if ax is None else ax
    set_style(ax, grid="y")
    draw_strips(ax, table)
    ax.set_ylabel("Accuracy on the test set")
    add_legend(ax)
    return ax


def _finish_panels(axes, improvements, against, title=None):
    """Scales, labels and legends of two panels, improvement above and data sets won below."""
    upper, lower = axes
    set_scale(upper, improvements)
    upper.axhline(0, color=BLACK, linewidth=0.9, linestyle="--", label="cross entropy")
    set_integer_ticks(lower.yaxis)
    explained = set()
    for ax, column in zip(axes, ("improvement", "wins"), strict=True):
        set_style(ax)
        ax.set_ylabel(_CHAPTER_LABELS[column])
        explained = add_legend(ax, explained, title)
        set_integer_ticks(ax.xaxis)
        if against != "gen":
            ax.set_xlim(left=0)
            steps = {"nbins": 6, "steps": [1, 2, 2.5, 5, 10]}
            ax.xaxis.get_major_locator().set_params(integer=against == "trainings", **steps)
    lower.set_xlabel(_AGAINST_LABELS[against])
    return axes
