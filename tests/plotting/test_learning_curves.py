"""Learning curves, against NumPy's mean and standard deviation."""

import numpy as np
import pandas as pd
import pytest

from deap_lossgp.plotting.learning_curves import plot_learning_curves


def table(curves):
    """Rows from {(loss, seed): accuracies by epoch}."""
    return pd.DataFrame([
        {"loss": loss, "seed": seed, "epoch": epoch, "val_accuracy": value}
        for (loss, seed), values in curves.items() for epoch, value in enumerate(values, 1)
    ])


CURVES = {("cross_entropy", 1): [0.2, 0.5, 0.6], ("cross_entropy", 2): [0.3, 0.4, 0.8],
          ("ngl", 1): [0.1, 0.2, 0.3], ("ngl", 2): [0.2, None]}  # fmt: skip


def test_lines_are_means_over_seeds_and_bands_standard_deviations():
    ax = plot_learning_curves(table(CURVES))
    entropy = np.array([CURVES["cross_entropy", 1], CURVES["cross_entropy", 2]])
    line, band = ax.lines[0], ax.collections[0].get_paths()[0].vertices
    np.testing.assert_allclose(line.get_ydata(), entropy.mean(axis=0))
    assert line.get_xdata().tolist() == [1, 2, 3]
    for epoch in (1, 2, 3):
        inside = band[band[:, 0] == epoch, 1]
        mean, std = entropy[:, epoch - 1].mean(), entropy[:, epoch - 1].std(ddof=1)
        np.testing.assert_allclose([inside.min(), inside.max()], [mean - std, mean + std])


def test_a_failed_training_is_left_out_and_counted():
    ax = plot_learning_curves(table(CURVES))
    assert ax.lines[1].get_ydata().tolist() == [0.1, 0.2, 0.3]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "cross entropy (n = 2)", "ngl (n = 1, 1 failed)"]


def test_losses_may_have_seeds_of_their_own():
    ax = plot_learning_curves(table({**CURVES, ("cross_entropy", 3): [0.4, 0.6, 0.7]}))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "cross entropy (n = 3)", "ngl (n = 1, 1 failed)"]


def test_a_loss_of_which_every_training_failed_is_in_the_legend():
    ax = plot_learning_curves(table({("bad", 1): [None], ("ngl", 1): [0.5, 0.6]}))
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["bad (n = 0, 1 failed)", "ngl (n = 1)"]


def test_names_that_matplotlib_would_read_are_shown_as_they_are():
    ax = plot_learning_curves(table({("_mine", 1): [0.5], ("$x$", 1): [0.5]}))
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == [" _mine (n = 1)", r"\$x\$ (n = 1)"]


def test_curves_of_several_networks_are_not_mixed():
    mixed = table(CURVES).assign(model=["a", "b"] * 5 + ["a"])
    with pytest.raises(ValueError, match="the rows of one model, got those of 'a', 'b'"):
        plot_learning_curves(mixed)


def test_axes_of_the_callers_own_are_drawn_on():
    ax = plot_learning_curves(table(CURVES))
    assert plot_learning_curves(table({("mse", 1): [0.5]}), ax) is ax
    assert ax.get_xlabel() == "Epoch" and len(ax.lines) == 3
