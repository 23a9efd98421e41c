"""plot_loss_accuracy: accuracy over loss."""

import numpy as np
import pytest
from figure_samples import INF, NAN, PAIRS, drawn, figures_of, lines, texts

from deap_lossgp.plotting import plot_loss_accuracy


def test_every_individual_is_a_point_of_its_loss_and_its_accuracy():
    ax = plot_loss_accuracy(figures_of(*PAIRS), "digits", 10)
    assert drawn(ax)["individual (5)"] == PAIRS
    assert ax.get_xlabel() == "Validation loss on digits, each by its own function"
    assert ax.get_ylabel() == "Validation accuracy on digits"
    assert texts(ax) == ["individual (5)", "chance (0.1)"]
    assert list(lines(ax)["chance (0.1)"].get_ydata()) == [0.1, 0.1]
    low, high = ax.get_ylim()
    assert low < 0 < 0.95 < high < 1.1


def test_arms_have_colours_and_counts():
    rows = figures_of(*PAIRS[:2], arm="b") + figures_of(*PAIRS[2:], arm="a")
    ax = plot_loss_accuracy(rows, "digits", 10)
    assert drawn(ax).items() >= {"b (2)": PAIRS[:2], "a (3)": PAIRS[2:]}.items()
    b, a = lines(ax)["b (2)"], lines(ax)["a (3)"]
    assert b.get_color() != a.get_color()
    assert b.get_marker() != a.get_marker()


def test_baseline_is_a_star_and_losses_that_beat_it_by_chance_are_counted():
    ax = plot_loss_accuracy(figures_of(*PAIRS), "digits", 10, baseline=(0.3, 0.88))
    star = lines(ax)["cross entropy"]
    assert (star.get_marker(), drawn(ax)["cross entropy"]) == ("*", [(0.3, 0.88)])
    (area,) = ax.collections
    assert area.get_label().endswith("no better than chance:\n2 of 5")
    assert area.get_label() in texts(ax)
    corners = area.get_paths()[0].get_extents()
    assert (corners.x1, corners.y1) == pytest.approx((0.3, 0.1))
    assert (corners.x0, corners.y0) == pytest.approx((ax.get_xlim()[0], ax.get_ylim()[0]))


def test_chance_in_single_precision_is_not_above_chance():
    rows = figures_of((0.1, float(np.float32(0.1))), (0.1, 0.1002))
    ax = plot_loss_accuracy(rows, "digits", 10, baseline=(0.3, 0.9))
    assert ax.collections[0].get_label().endswith("1 of 2")


def test_loss_equal_to_that_of_cross_entropy_does_not_beat_it():
    ax = plot_loss_accuracy(figures_of((0.3, 0.1)), "digits", 10, baseline=(0.3, 0.9))
    assert ax.collections[0].get_label().endswith("0 of 1")


@pytest.mark.parametrize(
    ("losses", "scale"),
    [
        ([0.1, 0.2, 1.5], "linear"),
        ([-0.5, 0.0, 0.3], "linear"),
        ([1e-8, 0.1, 3.0], "log"),
        ([0.0, 1e-8, 0.1, 3.0], "symlog"),
        ([-40.0, 1e-3, 0.1], "symlog"),
        ([5e-324, 1e99], "symlog"),
        ([0.0], "linear"),
    ],
)
def test_scale_of_the_losses_shows_them_all(losses, scale, tmp_path, recwarn):
    ax = plot_loss_accuracy(figures_of(*[(x, 0.5) for x in losses]), "digits", 10)
    ax.figure.savefig(tmp_path / "losses.png")
    assert ax.get_xscale() == scale
    xs = ax.transAxes.inverted().transform(ax.transData.transform([(x, 0.5) for x in losses]))
    assert ((xs[:, 0] > 0) & (xs[:, 0] < 1)).all()
    assert [str(warning.message) for warning in recwarn] == []


def test_ticks_of_symmetric_losses_do_not_overlap():
    losses = [*-(10.0 ** np.arange(-8, 3)), 0.0, *10.0 ** np.arange(-8, 3)]
    ax = plot_loss_accuracy(figures_of(*[(x, 0.5) for x in losses]), "digits", 10)
    ax.figure.draw_without_rendering()
    low, high = ax.get_xlim()
    shown = [text for text in ax.get_xticklabels() if low <= text.get_position()[0] <= high]
    boxes = [text.get_window_extent() for text in shown]
    assert len(boxes) >= 5
    assert all(a.x1 < b.x0 for a, b in zip(boxes, boxes[1:], strict=False))
    assert "0" in [text.get_text() for text in shown]


@pytest.mark.parametrize("failure", [None, NAN, INF])
def test_individuals_without_loss_or_accuracy_are_counted_as_failed(failure):
    rows = figures_of((failure, 0.5), (0.2, failure), (0.3, 0.4))
    ax = plot_loss_accuracy(rows, "digits", 10)
    assert drawn(ax)["individual (1)"] == [(0.3, 0.4)]
    assert "failed (2), not drawn" in texts(ax)


def test_losses_that_all_failed_are_drawn(tmp_path):
    rows = figures_of((None, None), (None, None))
    ax = plot_loss_accuracy(rows, "digits", 10, baseline=(0.3, 0.9))
    ax.figure.savefig(tmp_path / "failed.png")
    assert texts(ax)[:2] == ["individual (0)", "failed (2), not drawn"]


def test_individual_that_lives_on_is_one_point():
    rows = figures_of((0.2, 0.4), expression="x", replicate=0, arm="a")
    rows += [{**rows[0], "gen": 1}, {**rows[0], "replicate": 1}, {**rows[0], "expression": "y"}]
    assert "a (3)" in lines(plot_loss_accuracy(rows, "digits", 10))


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (
            lambda: plot_loss_accuracy([], "digits", 10),
            "expected at least one individual, got an empty table",
        ),
        (
            lambda: plot_loss_accuracy(figures_of((0.1, 0.2)), "wine", 3),
            "expected the columns 'loss_wine', 'accuracy_wine'; 'loss_wine', 'accuracy_wine' "
            "not among 'loss_digits', 'accuracy_digits'",
        ),
        (
            lambda: plot_loss_accuracy(figures_of((0.1, 0.2)), "digits", 1),
            "expected num_classes of at least 2, got 1",
        ),
        (
            lambda: plot_loss_accuracy(figures_of((0.1, 0.2)), "digits", 10, baseline=(None, 0.5)),
            "expected a finite baseline (loss, accuracy), got (None, 0.5)",
        ),
        (
            lambda: plot_loss_accuracy(figures_of((0.1, 0.2)), "digits", 10, baseline=0.5),
            "expected a finite baseline (loss, accuracy), got 0.5",
        ),
    ],
)
def test_error_says_what_was_expected(draw, message):
    with pytest.raises(ValueError) as caught:
        draw()
    assert str(caught.value) == message
