"""plot_loss and plot_tree: what is drawn, that it can be read, and that nothing is refused."""

import itertools
import json
import os
import random
import subprocess
import sys
import warnings

import numpy as np
import pytest
from deap import gp
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from deap_lossgp.curves.grid import GRID
from deap_lossgp.found_losses import FoundLoss, read_loss
from deap_lossgp.operators import genLoss
from deap_lossgp.plotting.losses import plot_loss
from deap_lossgp.plotting.trees import plot_tree
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.trees import LossTree

PSET = loss_primitive_set()
PLAIN = loss_primitive_set(protected=False)


def tree_of(expression, pset=PSET):
    return LossTree.from_string(expression, pset)


def random_tree(size, seed, pset=PSET):
    random.seed(seed)
    while True:
        tree = LossTree(genLoss(pset, max_size=size))
        if len(tree) > 0.9 * size:
            return tree


def drawn(ax):
    """Draws the figure, as saving it does; returns what measures text."""
    canvas = FigureCanvasAgg(ax.figure)
    canvas.draw()
    return canvas.get_renderer()


def line(ax, label):
    return next(each.get_ydata() for each in ax.lines if each.get_label() == label)


# plot_loss


def test_cross_entropy_is_drawn_as_it_is_written():
    (value, other_value), (slope, other_slope) = plot_loss(read_loss("cross_entropy"))
    np.testing.assert_allclose(value.lines[0].get_xdata(), GRID)
    np.testing.assert_allclose(line(value, "cross entropy"), -np.log(GRID) + np.log(0.99),
                               rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(line(slope, "cross entropy"), GRID - 1, atol=1e-6)
    for ax in (other_value, other_slope):
        np.testing.assert_allclose(line(ax, "cross entropy"), 0, atol=1e-12)


def test_a_factor_and_a_summand_change_nothing_in_the_figure():
    one, two = (plot_loss(tree_of(text), pset=PSET) for text in (
        "mul(sub(y_true, y_pred), sub(y_true, y_pred))",
        "add(7.0, mul(0.01, mul(sub(y_true, y_pred), sub(y_true, y_pred))))"))
    for a, b in zip(one.flat, two.flat, strict=True):
        np.testing.assert_allclose(line(a, "loss"), line(b, "loss"), rtol=1e-6, atol=1e-9)
        assert a.get_ylim() == pytest.approx(b.get_ylim())


def test_ngl_by_hand_for_other_classes():
    axes = plot_loss(read_loss("mse"))
    p, drawn = GRID, line(axes[1, 1], "NGL")
    slope = -np.exp(2.4092 - p) - np.sin(np.cos(np.sin(p))) * np.sin(np.sin(p)) * np.cos(p)
    centre = (p > 0.01) & (p < 0.99)
    ratio = drawn[centre] / (p * (1 - p) * slope)[centre]
    np.testing.assert_allclose(ratio, ratio[0])
    both = np.concatenate([drawn[centre], line(axes[1, 0], "NGL")[centre]])
    assert np.median(np.abs(both)) == pytest.approx(0.5, rel=1e-3)


def test_the_labels_name_the_classes_the_gradient_and_the_scale():
    axes = plot_loss(read_loss("mse"))
    assert [ax.get_title() for ax in axes[0]] == ["Target class, L(1, p)",
                                                  "Other classes, L(0, p)"]
    assert "p (1 − p) dL/dp" in axes[1, 0].get_ylabel()
    for ax in axes[:, 0]:
        assert "scaled to\ncross entropy's gradient" in ax.get_ylabel()
    legend = axes[0, 1].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["cross entropy", "NGL", "MSE"]


@pytest.mark.parametrize(
    ("losses", "pset", "labels"),
    [
        (tree_of("y_pred"), PSET, ["loss"]),
        ([tree_of("y_pred"), tree_of("log(y_pred)")], PSET, ["loss 1", "loss 2"]),
        (FoundLoss("mine", tree_of("y_pred", PLAIN), PLAIN), None, ["mine"]),
        ([FoundLoss("mine", tree_of("y_pred"), PSET), tree_of("y_true")], PSET,
         ["mine", "loss 2"]),
        ((read_loss(name) for name in ("mse", "focal")), None, ["MSE", "focal loss"]),
        (FoundLoss("_a$b$", tree_of("y_pred"), PSET), None, [r" _a\$b\$"]),
    ],
)  # fmt: skip
def test_trees_found_losses_and_lists_of_them_are_drawn(losses, pset, labels):
    axes = plot_loss(losses, pset=pset)
    for ax in axes.flat:
        assert [each.get_label() for each in ax.lines] == ["cross entropy", "NGL", *labels]
    drawn(axes[0, 0])


def test_the_known_losses_beside_are_chosen_and_never_drawn_twice():
    assert len(plot_loss(read_loss("mse"), beside=())[0, 0].lines) == 1
    assert len(plot_loss(read_loss("mse"), beside=("baikal",))[0, 0].lines) == 2
    both = plot_loss([read_loss("ngl"), read_loss("cross_entropy")])
    assert [each.get_label() for each in both[0, 0].lines] == ["NGL", "cross entropy"]


def test_lines_differ_in_colour_and_style():
    axes = plot_loss([read_loss(name) for name in ("mse", "focal", "baikal", "baikal_cma")])
    looks = {(each.get_color(), each.get_linestyle()) for each in axes[0, 0].lines}
    assert len(looks) == 6


def test_axes_given_are_drawn_on():
    given = Figure().subplots(2, 2)
    axes = plot_loss(read_loss("mse"), given)
    assert axes.shape == (2, 2) and all(a is b for a, b in zip(axes.flat, given.flat, strict=True))


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ([tree_of("y_pred")], {}, TypeError, "expected the pset of a LossTree, got None"),
        (["ngl"], {}, TypeError, "expected FoundLoss or LossTree, got str"),
        ([[]], {}, ValueError, "expected at least one loss, got none"),
        ([read_loss("ngl"), Figure().subplots(1, 2)], {}, ValueError, "four axes.* got 2"),
        ([read_loss("ngl")], {"beside": ["nlg"]}, ValueError, "did you mean 'ngl'"),
    ],
)
def test_wrong_arguments_are_refused(arguments, options, error, message):
    with pytest.raises(error, match=message):
        plot_loss(*arguments, **options)


@pytest.mark.parametrize("name", ["baikal", "cross_entropy"])
def test_a_pole_at_the_end_leaves_the_panel(name):
    for ax in plot_loss(read_loss(name)).flat:
        low, high = ax.get_ylim()
        assert high - low < 30 and ax.get_yscale() == "linear"


def test_a_pole_inside_is_a_gap_and_flattens_nothing():
    loss = tree_of("mul(y_true, div(1.0, sub(y_pred, 0.3)))")
    axes = plot_loss(loss, pset=PSET)
    values, (low, high) = line(axes[0, 0], "loss"), axes[0, 0].get_ylim()
    assert high - low < 100
    near = (GRID > 0.25) & (GRID < 0.35)
    assert np.isnan(values[near]).any() and not np.isnan(values[~near]).any()
    known = values[~np.isnan(values)]
    steps = np.stack([known[:-1], known[1:]])
    after_gap = np.isnan(values)[np.flatnonzero(~np.isnan(values))[1:] - 1]
    assert not ((steps.min(0) < low) & (steps.max(0) > high) & ~after_gap).any()


def test_a_loss_whose_gradient_spans_decades_does_not_flatten_cross_entropy():
    axes = plot_loss(tree_of("mul(y_true, exp(mul(20.0, sub(1.0, y_pred))))"), pset=PSET)
    assert axes[1, 0].get_yscale() == "symlog"
    values = line(axes[1, 0], "cross entropy")
    pixels = axes[1, 0].transData.transform(np.stack([GRID, values], axis=1))[:, 1]
    assert np.ptp(pixels) > 0.1 * axes[1, 0].bbox.height


@pytest.mark.parametrize("pset", [PSET, PLAIN], ids=["protected", "plain"])
def test_every_random_loss_is_drawn(pset):
    random.seed(6)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(25):
            axes = plot_loss(LossTree(genLoss(pset)), pset=pset)
            assert all(np.isfinite(ax.get_ylim()).all() for ax in axes.flat)
        drawn(axes[0, 0])


@pytest.mark.parametrize("expression", ["y_true", "1.0", "log(neg(y_pred))", "div(y_pred, 0.0)",
                                        "mul(1e300, mul(1e300, y_pred))"])  # fmt: skip
@pytest.mark.parametrize("pset", [PSET, PLAIN], ids=["protected", "plain"])
def test_constants_and_what_is_nowhere_finite_are_drawn(expression, pset):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        axes = plot_loss(tree_of(expression, pset), pset=pset)
        drawn(axes[0, 0])


# plot_tree


def labels(ax):
    return [text.get_text() for text in ax.texts]


def boxes(ax):
    return [patch for patch in ax.patches if isinstance(patch, FancyBboxPatch)]


def extents(ax):
    """(x0, y0, x1, y1) of the texts, and of the boxes, in pixels."""
    renderer = drawn(ax)
    return [np.array([each.get_window_extent(renderer).extents for each in artists])
            for artists in (ax.texts, boxes(ax))]


def assert_apart(extents):
    """No two overlap."""
    low = np.maximum(extents[:, None, :2], extents[None, :, :2])
    high = np.minimum(extents[:, None, 2:], extents[None, :, 2:])
    assert not np.triu((high > low).all(axis=2), k=1).any()


def assert_inside(extents, frames, slack=0.0):
    assert (extents[:, :2] >= frames[..., :2] - slack).all()
    assert (extents[:, 2:] <= frames[..., 2:] + slack).all()


def test_signs_names_and_numbers_of_few_digits_in_prefix_order():
    tree = tree_of("sub(div(sqrt(y_pred), add(y_true, -1.23456)), neg(mul(sin(3), y_pred)))")
    assert labels(plot_tree(tree)) == ["−", "/", "√", "y_pred", "+", "y_true", "−1.23",
                                       "−", "×", "sin", "3", "y_pred"]  # fmt: skip


@pytest.mark.parametrize("size", [5, 20, 60, 120, 300])
def test_labels_lie_in_their_boxes_and_boxes_beside_each_other(size):
    ax = plot_tree(random_tree(size, seed=size))
    texts, nodes = extents(ax)
    assert_inside(texts, nodes, slack=2.0)
    assert_apart(nodes)
    assert_inside(nodes, ax.figure.bbox.extents)


@pytest.mark.parametrize("size", [5, 20, 60])
def test_usual_trees_are_drawn_in_letters_of_nine_points(size):
    ax = plot_tree(random_tree(size, seed=size))
    assert {text.get_fontsize() for text in ax.texts} == {9.0}


def test_three_hundred_nodes_can_be_read():
    ax = plot_tree(random_tree(300, seed=1))
    assert ax.texts[0].get_fontsize() > 3.5
    assert max(ax.figure.get_size_inches()) <= 14.01


def test_operands_hang_below_in_their_order_and_centred():
    tree = random_tree(60, seed=3)
    ax = plot_tree(tree)
    places = [text.get_position() for text in ax.texts]
    for index, node in enumerate(tree):
        begin = index + 1
        children = []
        for _ in range(node.arity):
            children.append(places[begin])
            begin = tree.searchSubtree(begin).stop
        xs = [x for x, _ in children]
        assert xs == sorted(xs) and len({y for _, y in children}) <= 1
        if children:
            assert places[index][0] == pytest.approx((xs[0] + xs[-1]) / 2)
            assert places[index][1] > children[0][1]


def test_no_edge_crosses_a_label():
    ax = plot_tree(random_tree(120, seed=4))
    edges = ax.collections[0].get_segments()
    assert len(edges) == len(ax.texts) - 1
    for edge in edges:
        for box in boxes(ax):
            x0, y0, width, height = box.get_x(), box.get_y(), box.get_width(), box.get_height()
            inside = [x0 < x < x0 + width and y0 < y < y0 + height for x, y in edge]
            if any(inside):  # one of its own two ends
                continue
            for (xa, ya), (xb, yb) in itertools.pairwise(edge):
                assert (max(xa, xb) <= x0 or min(xa, xb) >= x0 + width
                        or max(ya, yb) <= y0 or min(ya, yb) >= y0 + height)


def test_letters_shrink_in_axes_that_are_given():
    figure = Figure(figsize=(4, 3))
    ax = figure.add_axes((0.1, 0.1, 0.8, 0.8))
    assert plot_tree(random_tree(60, seed=2), ax) is ax
    texts, nodes = extents(ax)
    assert_apart(nodes)
    assert_inside(texts, nodes, slack=2.0)
    assert_inside(nodes, ax.get_window_extent().extents)
    assert not ax.axison


def test_a_leaf_and_a_very_high_tree():
    assert labels(plot_tree(tree_of("y_pred"))) == ["y_pred"]
    chain = LossTree([PSET.mapping["sin"]] * 400 + [PSET.mapping["y_pred"]])
    assert len(labels(plot_tree(chain))) == 401


def test_trees_of_other_primitive_sets():
    pset = gp.PrimitiveSet("quartic", 1)
    pset.addPrimitive(max, 3, name="the_largest_$of$_three")
    tree = gp.PrimitiveTree([pset.mapping["the_largest_$of$_three"],
                             *[pset.mapping["ARG0"]] * 3])  # fmt: skip
    assert_inside(*extents(plot_tree(tree)), slack=2.0)


def test_an_empty_tree_is_refused():
    with pytest.raises(ValueError, match="at least one node, got an empty one"):
        plot_tree(LossTree())


def test_figures_of_losses_need_neither_pyplot_nor_tensorflow_nor_a_display(tmp_path):
    script = (
        "import sys\n"
        "from deap_lossgp.found_losses import read_loss\n"
        "from deap_lossgp.plotting import plot_loss, plot_tree\n"
        "assert 'matplotlib' not in sys.modules\n"
        "loss = read_loss('ngl')\n"
        "plot_loss(loss)[0, 0].figure.savefig('loss.png')\n"
        "plot_tree(loss.tree).figure.savefig('tree.png')\n"
        "import json; print(json.dumps(sorted(sys.modules)))\n"
    )
    environment = {key: value for key, value in os.environ.items() if key != "DISPLAY"}
    process = subprocess.run([sys.executable, "-W", "error", "-c", script], cwd=tmp_path,
                             capture_output=True, text=True, env=environment)  # fmt: skip
    assert process.returncode == 0, process.stderr
    loaded = {*json.loads(process.stdout)}
    assert not loaded & {"matplotlib.pyplot", "tensorflow", "keras"}
    assert all((tmp_path / name).stat().st_size > 5000 for name in ("loss.png", "tree.png"))
