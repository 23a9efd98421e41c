"""Figures of logbooks, individuals, comparisons and losses: one figure, one file.

Every function draws on the axes that it is given, or on a new figure, and returns the axes;
``ax.figure.savefig("name.png")`` writes the figure, with or without a display; ``as_svg`` makes an
element for a web page of it. A table is a pandas
DataFrame, a list of dicts or the path of a CSV file. Matplotlib is loaded by the first call, pyplot
never. ``axes``, ``panels`` and ``marks`` are what figures share; ``columns`` reads their tables.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={
    "accuracies": ["plot_test_accuracies"],
    "best_so_far": ["plot_comparison"],
    "front": ["plot_front"],
    "funnel": ["plot_funnel"],
    "generations": ["plot_generations"],
    "individuals": ["plot_individuals"],
    "learning_curves": ["plot_learning_curves"],
    "loss_accuracy": ["plot_loss_accuracy"],
    "losses": ["plot_loss"],
    "svg": ["as_svg"],
    "trees": ["plot_tree"],
    "values_and_accuracies": ["plot_values_and_accuracies"],
})
