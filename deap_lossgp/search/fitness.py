"""Fitness modes: pure functions from the raw figures of trainings to (wins, improvement).

Each mode reads one figure per task, smaller is better, and compares it with the same figure of the
cross-entropy baseline. ``thesis`` compares loss values, which no two losses share a scale for: it
is kept to reproduce the thesis, and misleads. The others cannot be fooled by rescaling a loss.
"""

import math

from deap_lossgp.errors import in_one_line, unknown_name
from deap_lossgp.training.results import TrainingResult
from deap_lossgp.user_functions import load_function

WORST = (0.0, -math.inf)
"""Fitness of a loss with a failed training: below everything else, and never NaN."""

ACCURACY_WEIGHT = 0.5
"""Share of the error rate in ``weighted``; the rest is cross entropy's."""


def error(result):
    """Validation error rate, 1 - accuracy."""
    return result.error_rate


def balanced_error(result):
    """1 - the mean over classes of the validation accuracy, so that rare classes count alike.

    None for results of package versions that had no such figure.

    References:
        Brodersen et al., The balanced accuracy and its posterior distribution, ICPR 2010.
    """
    if result.balanced_accuracy is None:
        return None
    return round(1.0 - result.balanced_accuracy, 12)  # equal shares of errors tie


def thesis(result):
    """The candidate's own validation loss (Algorithm 3, line 2)."""
    return result.loss


def reference(result):
    """Validation cross entropy of the network that the candidate trained."""
    return result.cross_entropy


def weighted(result):
    """Error rate and cross entropy, each in units of what guessing gets, in proportion.

    The thesis's section 5.2 proposes to weigh accuracy and loss value; cross entropy takes the
    place of the candidate's own value here, which means nothing across losses.
    """
    guessing = 1.0 - 1.0 / result.num_classes
    return (
        ACCURACY_WEIGHT * result.error_rate / guessing
        + (1.0 - ACCURACY_WEIGHT) * result.cross_entropy / math.log(result.num_classes)
    )


FITNESS_MODES = {
    mode.__name__: mode for mode in (error, balanced_error, thesis, weighted, reference)
}


def fitness_mode(mode):
    """The figure of a mode.

    Args:
        mode: A name of ``FITNESS_MODES``, ``module:function``, or a function:
            ``mode(result)``, the figure of a ``TrainingResult`` that is ``ok``, smaller is better.

    Raises:
        ValueError: No such mode, with the nearest name; or no such function.
    """
    if callable(mode):
        return mode
    if mode in FITNESS_MODES:
        return FITNESS_MODES[mode]
    if ":" in mode:
        return load_function(mode, "fitness")
    raise unknown_name("fitness", mode, FITNESS_MODES, hint="or give module:function")


def figure_of(result, mode):
    """The figure of a result under a mode; None if the training failed, or has no such figure.

    Raises:
        ValueError: A function of the user's fails, or returns no number.
    """
    if not result.ok:
        return None
    function = fitness_mode(mode)
    try:
        figure = function(result)
        if isinstance(figure, str):
            raise TypeError(f"the text {figure!r}")
        return figure if figure is None else float(figure)
    except Exception as error:
        name = mode if isinstance(mode, str) else getattr(mode, "__name__", repr(mode))
        raise ValueError(f"fitness {name!r}: expected a number for the result on {result.task}, "
                         f"got {in_one_line(error)}") from error


def compare(figures, baselines, mean_over_all=False):
    """Algorithm 3: data sets won, and the average improvement.

    An improvement is the baseline's figure minus the candidate's. By default it is averaged over
    the data sets won, or over all of them if none is; ties are not won.

    Args:
        figures: The candidate's figure for each data set, smaller is better; None if it failed.
        baselines: The baseline's, in the same order, all finite.
        mean_over_all: Average over all data sets whatever was won (thesis, section 5.2).

    Returns:
        (wins, improvement), as floats; ``WORST`` if a figure is None or not finite.

    Raises:
        ValueError: Different numbers of figures and baselines, or none; a baseline without figure.

    References:
        Thesis, Algorithm 3 and section 5.2.

    Examples:
        >>> compare([0.5, 2.0], [1.0, 1.5])
        (1.0, 0.5)
        >>> compare([0.5, 2.0], [1.0, 1.5], mean_over_all=True)
        (1.0, 0.0)
        >>> compare([2.0, 2.0], [1.0, 1.5])
        (0.0, -0.75)
    """
    if len(figures) != len(baselines) or not figures:
        raise ValueError(f"expected as many figures as baselines, at least 1, "
                         f"got {len(figures)} and {len(baselines)}")
    if any(base is None or not math.isfinite(base) for base in baselines):
        raise ValueError(f"expected finite figures of the baseline, got {baselines}")
    if any(figure is None or not math.isfinite(figure) for figure in figures):
        return WORST
    improvements = [base - figure for figure, base in zip(figures, baselines, strict=True)]
    won = [improvement for improvement in improvements if improvement > 0.0]
    averaged = won if won and not mean_over_all else improvements
    return float(len(won)), math.fsum(averaged) / len(averaged)


def fitness_of(results, baselines, mode="error", mean_over_all=False):
    """Fitness of one loss from its results on all tasks.

    Args:
        results: A ``TrainingResult`` per task.
        baselines: The cross-entropy baseline's ``TrainingResult`` per task, in the same order;
            its ``loss`` is its cross entropy.
        mode: As for ``fitness_mode``.
        mean_over_all: As for ``compare``.

    Returns:
        (wins, improvement)
    """
    figures, bases = ([figure_of(result, mode) for result in row] for row in (results, baselines))
    return compare(figures, bases, mean_over_all)


def check_fitness(fitness, tasks):
    """Tries a fitness on results that are made up, so that a faulty one fails before a training.

    Raises:
        ValueError: There is no such fitness, or it gives no number.
    """
    for task in tasks:
        figures, epochs = (1.0, 0.5, 1.0), task.epochs
        example = TrainingResult(task.name, task.data.num_classes, "ok", *figures, 1.0,
                                 *((figure,) * epochs for figure in figures),
                                 balanced_accuracy=0.5)
        if figure_of(example, fitness) is None:
            raise ValueError(f"fitness {fitness!r}: expected a number, got None")
