"""Figures of logbooks, of individuals, of comparisons and of losses.

Every function takes the axes to draw on, or makes a figure that belongs to nobody else, and returns
the axes; ``ax.figure.savefig("name.png")`` writes it, with or without a display. A table is
a pandas DataFrame, a list of dicts or the path of a CSV file; columns that are not named are
ignored. Matplotlib is loaded by the first call, pyplot and its backends never.

One figure, one file; ``axes`` and ``marks`` are what they share, ``columns`` reads their tables.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={
    "arms": ["plot_comparison", "plot_test_accuracies"],
    "generations": ["plot_generations"],
    "individuals": ["plot_individuals", "plot_loss_accuracy"],
    "learning_curves": ["plot_learning_curves"],
    "losses": ["plot_loss"],
    "trees": ["plot_tree"],
})
