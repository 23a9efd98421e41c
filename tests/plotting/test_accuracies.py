"""plot_test_accuracies: strips of replicates."""

import pytest
from figure_samples import NAN, TESTS, accuracies_of, lines, progress_of, texts

from deap_lossgp.plotting import plot_comparison, plot_test_accuracies


def strips(ax):
    """The points of each strip, as [(label, xs, ys)]."""
    return [(line.get_label(), list(line.get_xdata()), list(line.get_ydata()))
            for line in ax.lines if "(n = " in line.get_label()]  # fmt: skip


def test_points_are_the_replicates_means_in_a_strip_for_each_arm():
    ax = plot_test_accuracies(TESTS)
    found = strips(ax)
    assert [label for label, _, _ in found] == [
        "evolved (n = 3)", "evolved (n = 3)", "cross entropy (n = 2)"]  # fmt: skip
    assert [ys for _, _, ys in found] == [
        pytest.approx([0.6, 0.8, 0.95]), pytest.approx([0.1, 0.2, 0.3]),
        pytest.approx([0.55, 0.65])]  # fmt: skip
    assert max(found[0][1]) < 0 < min(found[2][1])
    assert min(found[1][1]) > 0.5 and max(found[1][1]) < 1
    assert [text.get_text() for text in ax.get_xticklabels()] == ["digits", "wine"]
    assert ax.get_ylabel() == "Accuracy on the test set"


def test_mean_of_each_strip_is_a_bar_across_it_and_written_above():
    ax = plot_test_accuracies(TESTS)
    bars = [line for line in ax.lines if line.get_label() == "_mean"]
    means = [2.35 / 3, 0.2, 0.6]
    assert [list(bar.get_ydata()) for bar in bars] == [pytest.approx([m, m]) for m in means]
    for bar, (_, xs, _) in zip(bars, strips(ax), strict=True):
        assert bar.get_xdata()[0] < min(xs) <= max(xs) < bar.get_xdata()[1]
    assert [text.get_text() for text in ax.texts] == ["0.783", "0.200", "0.600"]


def test_cross_entropy_is_black_and_takes_no_colour_from_the_arms():
    rows = accuracies_of({("digits", arm): [[0.5]] for arm in ("cross_entropy", "a", "b")})
    look = {line.get_label(): line.get_color() for line in plot_test_accuracies(rows).lines}
    others = plot_comparison(progress_of({"a": {0: [(0.1, 1)]}, "b": {0: [(0.1, 1)]}}))[0]
    assert look["cross entropy (n = 1)"] == "#333333"
    for arm in ("a (n = 1)", "b (n = 1)"):
        assert look[arm] == lines(others)[arm].get_color()


def test_failed_tests_are_crosses_at_the_bottom_of_their_strip():
    rows = accuracies_of({("digits", "a"): [[0.5, None], [NAN, NAN]], ("digits", "b"): [[0.6]]})
    ax = plot_test_accuracies(rows)
    assert [ys for _, _, ys in strips(ax)] == [[0.5], [0.6]]
    crosses = lines(ax)["failed (3)"]
    assert all(x < 0 for x in crosses.get_xdata())
    assert texts(ax) == ["a (n = 2)", "b (n = 1)", "mean", "failed (3)"]


def test_means_are_not_written_where_they_would_overlap():
    rows = accuracies_of({(f"task {i}", arm): [[0.5]] for i in range(4) for arm in "abcd"})
    assert not plot_test_accuracies(rows).texts


def test_written_means_do_not_overlap():
    rows = accuracies_of({(f"task {i}", arm): [[0.5], [0.4]] for i in range(3) for arm in "abcde"})
    ax = plot_test_accuracies(rows)
    ax.figure.draw_without_rendering()
    boxes = sorted((text.get_window_extent() for text in ax.texts), key=lambda box: box.x0)
    assert len(boxes) == 15
    assert all(a.x1 < b.x0 for a, b in zip(boxes, boxes[1:], strict=False))


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plot_test_accuracies([]), "expected at least one test, got an empty table"),
        (
            lambda: plot_test_accuracies([{"replicate": 0, "arm": "a", "task": "digits"}]),
            "expected the columns 'replicate', 'arm', 'task', 'test_accuracy'; 'test_accuracy' "
            "not among 'replicate', 'arm', 'task'",
        ),
    ],
)
def test_error_says_what_was_expected(draw, message):
    with pytest.raises(ValueError) as caught:
        draw()
    assert str(caught.value) == message
