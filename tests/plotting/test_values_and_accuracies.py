"""Values beside accuracies by epoch, one row for each data set."""

import pytest
from figure_samples import EPOCHS, NAN

from deap_lossgp.plotting.values_and_accuracies import plot_values_and_accuracies


def test_a_row_is_a_data_set_with_its_chance():
    axes = plot_values_and_accuracies(EPOCHS)
    assert axes.shape == (2, 2)
    for row, task, chance in zip(axes, ("cifar10", "cifar100"), (0.1, 0.01), strict=True):
        assert all(task in ax.get_ylabel() for ax in row)
        entropy, best, line = row[0].lines
        assert entropy.get_xydata().tolist() == [[1, 0.3], [2, 0.6]]
        assert best.get_xydata().tolist() == [[1, 0.35], [2, 0.7]]
        assert set(line.get_ydata()) == {chance}
        assert row[1].lines[1].get_ydata().tolist() == [900.0, 450.0]
        assert row[1].get_yscale() == "log"  # cross entropy's 2 would not be seen


def test_one_legend_explains_all():
    axes = plot_values_and_accuracies(EPOCHS)
    labels = [text.get_text() for text in axes[0, 1].get_legend().get_texts()]
    assert labels == ["cross entropy", "best loss", "chance"]
    assert all(ax.get_legend() is None for ax in (axes[0, 0], *axes[1]))


def test_a_training_that_failed_midway_is_drawn_as_far_as_it_came():
    rows = [*EPOCHS[:3], {**EPOCHS[3], "val_accuracy": NAN, "val_loss": NAN}]
    (row,) = plot_values_and_accuracies(rows)
    assert row[0].get_ylim()[1] == pytest.approx(0.6 * 1.08)


def test_axes_of_the_callers_own_are_counted():
    axes = plot_values_and_accuracies(EPOCHS[:4])
    assert (plot_values_and_accuracies(EPOCHS[:4], axes.ravel()) == axes).all()
    with pytest.raises(ValueError, match="expected 2 axes for each of 2 tasks, got 2"):
        plot_values_and_accuracies(EPOCHS, axes.ravel())
