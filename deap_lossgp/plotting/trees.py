"""The figure of a loss tree: layers of nodes from the root down."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from deap_lossgp.constants import is_constant
from deap_lossgp.expressions import number_text
from deap_lossgp.plotting.axes import BLACK, BLUE, GREY, RED

if TYPE_CHECKING:
    from deap import gp
    from matplotlib.axes import Axes

_SIGNS = {"add": "+", "sub": "−", "mul": "×", "div": "/", "neg": "−", "sqrt": "√"}
_COLORS = {"y_true": RED, "y_pred": BLUE}
_POINTS = 72
_LARGEST_FONT = 9.0
_LARGEST_FIGURE = (14.0, 14.0)
# Lengths in ems: the padding of a label, the gap between labels, the height of a label, the
# distance of layers, the margin around the tree.
_PADDING, _GAP, _HEIGHT, _LAYER, _MARGIN = 0.7, 0.45, 1.5, 2.2, 0.6


def plot_tree(tree: gp.PrimitiveTree, ax: Axes | None = None) -> Axes:
    """Draws a loss as a tree, with the root at the top and the first operand on the left.

    The primitives add, sub, mul, div, neg and sqrt are drawn as signs, others by name; constants
    have three digits. Labels never overlap: in small axes the letters become smaller.

    Args:
        tree: A ``LossTree``, or any ``deap.gp.PrimitiveTree``.
        ax: The axes to draw on, whose frame is removed; None makes a figure of the tree's size.

    Returns:
        The axes.

    Raises:
        ValueError: The tree has no node.

    Examples:
        >>> from deap_lossgp.found_losses import read_loss
        >>> ax = plot_tree(read_loss("cross_entropy").tree)
        >>> [text.get_text() for text in ax.texts]
        ['−', '×', 'y_true', 'log', 'y_pred']

    References:
        E. M. Reingold and J. S. Tilford, Tidier drawings of trees, IEEE Transactions on Software
        Engineering 7(2), 1981: subtrees as close as their outlines allow, operands centred.
    """
    nodes = list(tree)
    if not nodes:
        raise ValueError("expected a tree with at least one node, got an empty one")
    labels = [_label(node) for node in nodes]
    widths = _widths(labels)
    xs, depths, parents = _layout(nodes, widths)
    left = min(x - width / 2 for x, width in zip(xs, widths, strict=True))
    right = max(x + width / 2 for x, width in zip(xs, widths, strict=True))
    span = np.array([right - left, _LAYER * max(depths) + _HEIGHT]) + 2 * _MARGIN  # in ems
    ax = _new_axes(span) if ax is None else ax
    size = np.array([ax.bbox.width, ax.bbox.height]) * _POINTS / ax.figure.dpi
    font = min(_LARGEST_FONT, *(size / span))
    _draw_edges(ax, xs, depths, parents, font)
    _draw_nodes(ax, nodes, labels, widths, xs, depths, font)
    # A unit of either axis is one em of the letters, so that lengths in ems are true on paper.
    middle = np.array([left + right, -_LAYER * max(depths)]) / 2
    (left, bottom), (right, top) = middle - size / font / 2, middle + size / font / 2
    ax.set_xlim(left, right)
    ax.set_ylim(bottom, top)
    ax.set_axis_off()
    return ax


def _label(node):
    if node.arity:
        return _SIGNS.get(node.name, node.name)
    if not is_constant(node):
        return str(node.value)
    return number_text(node.value, digits=3).replace("-", "−")


def _layout(nodes, widths):
    """Places nodes.

    Args:
        nodes: The nodes in prefix order.
        widths: Their widths.

    Returns:
        xs, depths, parents: lists; the root's x is 0 and its parent is None.
    """
    # Subtrees: (index, left outline by depth, right outline by depth), relative to their roots.
    stack = []
    shifts = [0.0] * len(nodes)
    for index in reversed(range(len(nodes))):
        operands = [stack.pop() for _ in range(nodes[index].arity)]
        places, lefts, rights = [], [], []
        for _, left, right in operands:
            overlaps = [a + _GAP - b for a, b in zip(rights, left, strict=False)]
            place = max(overlaps, default=0.0)
            lefts += [place + x for x in left[len(lefts):]]
            rights = [place + x for x in right] + rights[len(right):]
            places.append(place)
        middle = (places[0] + places[-1]) / 2 if places else 0.0
        for (operand, _, _), place in zip(operands, places, strict=True):
            shifts[operand] = place - middle
        half = widths[index] / 2
        stack.append((index, [-half, *(x - middle for x in lefts)],
                      [half, *(x - middle for x in rights)]))
    xs, depths, parents, waiting = [], [], [], [None]
    for index, node in enumerate(nodes):
        parent = waiting.pop()
        xs.append(shifts[index] + (0.0 if parent is None else xs[parent]))
        depths.append(0 if parent is None else depths[parent] + 1)
        parents.append(parent)
        waiting += [index] * node.arity
    return xs, depths, parents


def _widths(labels):
    """Measures labels with their padding, in ems; none is narrower than it is high."""
    from matplotlib.textpath import TextPath

    measured = {}
    for label in {*labels}:
        plain = label.replace("$", r"\$")  # no mathematics
        measured[label] = TextPath((0.0, 0.0), plain, size=100.0).get_extents().width / 100.0
    return [max(measured[label] + _PADDING, _HEIGHT) for label in labels]


def _new_axes(span):
    """Makes axes that fill a figure, for the largest font with which the figure is small enough."""
    from matplotlib.figure import Figure

    font = min(_LARGEST_FONT, *(np.array(_LARGEST_FIGURE) * _POINTS / span))
    figure = Figure(figsize=np.maximum(span * font / _POINTS, (1.5, 1.0)), dpi=150)
    return figure.add_axes((0.0, 0.0, 1.0, 1.0))


def _draw_edges(ax, xs, depths, parents, font):
    """Draws edges with right angles between the layers, so that none crosses a label."""
    from matplotlib.collections import LineCollection

    edges = []
    for x, depth, parent in zip(xs, depths, parents, strict=True):
        if parent is not None:
            top, bottom = -_LAYER * depths[parent], -_LAYER * depth
            bend = (top + bottom) / 2
            edges.append([(xs[parent], top), (xs[parent], bend), (x, bend), (x, bottom)])
    ax.add_collection(LineCollection(edges, colors="#999999", linewidths=0.1 * font, zorder=1))


def _draw_nodes(ax, nodes, labels, widths, xs, depths, font):
    from matplotlib.patches import FancyBboxPatch

    for node, label, width, x, depth in zip(nodes, labels, widths, xs, depths, strict=True):
        color = BLACK if node.arity or is_constant(node) else _COLORS.get(label, BLACK)
        corner = (x - width / 2, -_LAYER * depth - _HEIGHT / 2)
        ax.add_patch(FancyBboxPatch(
            corner, width, _HEIGHT, boxstyle="round,pad=0,rounding_size=0.35", zorder=2,
            linewidth=0.09 * font, edgecolor=GREY if node.arity else color,
            facecolor="white" if node.arity else "#F0F0F0",
        ))
        ax.text(x, -_LAYER * depth, label, fontsize=font, color=color, zorder=3,
                ha="center", va="center_baseline", parse_math=False)  # fmt: skip
