"""Fitness modes: pure functions from the raw figures of trainings to (wins, improvement).

Each mode reads one figure per task, smaller is better, and compares it with the same figure of the
cross-entropy baseline. ``thesis`` compares values of losses, although no two losses share a scale:
it is kept to reproduce the thesis, and it misleads. Rescaling a loss cannot fool the other modes.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING

from deap_lossgp.errors import in_one_line, unknown_name
from deap_lossgp.training.results import TrainingResult
from deap_lossgp.training.tensorflow_setup import quiet_start_up
from deap_lossgp.user_functions import load_function

if TYPE_CHECKING:
    from deap_lossgp.training.tasks import Task

FitnessMode = str | Callable[[TrainingResult], float]
"""As ``fitness_mode`` takes it."""

WORST = (0.0, -math.inf)
"""Fitness of a loss with a failed training: below everything else, and never NaN."""

FIGURES = ("accuracy", "accuracies", "balanced_accuracy", "cross_entropy", "cross_entropies",
           "error_rate", "loss", "losses", "num_classes", "seconds", "task")
"""What a user's fitness may read of a ``TrainingResult``."""

ACCURACY_WEIGHT = 0.5
"""Share of the error rate in ``weighted``; the rest is the share of cross entropy."""


def error(result: TrainingResult) -> float:
    """Returns the validation error rate, 1 - accuracy."""
    return result.error_rate


def balanced_error(result: TrainingResult) -> float:
    """Returns 1 - the mean over classes of the validation accuracy: rare classes count the same.

    References:
        Brodersen et al., The balanced accuracy and its posterior distribution, ICPR 2010.
    """
    return round(1.0 - result.balanced_accuracy, 12)  # equal shares of errors tie


def thesis(result: TrainingResult) -> float:
    """Returns the candidate's own validation loss.

    Algorithm 3, line 2, says "the loss values"; that they are those of the validation is read.
    """
    return result.loss


def reference(result: TrainingResult) -> float:
    """Returns the validation cross entropy of the network that the candidate trained."""
    return result.cross_entropy


def weighted(result: TrainingResult) -> float:
    """Returns the weighted mean of error rate and cross entropy, each divided by that of guessing.

    The thesis's section 5.2 proposes to weigh accuracy and loss value. Here cross entropy takes the
    place of the candidate's own value, which cannot be compared between losses.
    """
    guessing = 1.0 - 1.0 / result.num_classes
    return (
        ACCURACY_WEIGHT * result.error_rate / guessing
        + (1.0 - ACCURACY_WEIGHT) * result.cross_entropy / math.log(result.num_classes)
    )


FITNESS_MODES = {
    mode.__name__: mode for mode in (error, balanced_error, thesis, weighted, reference)
}
"""By name, the functions that ``fitness`` chooses from."""


def fitness_mode(
        mode: FitnessMode,
) -> Callable[[TrainingResult], float]:
    """Returns the function of a mode.

    Args:
        mode: A name of ``FITNESS_MODES``, ``module:function``, or a function:
            ``mode(result)`` returns the figure of a ``TrainingResult`` that is ``ok``, smaller is
            better.

    Raises:
        ValueError: There is no such mode, with the nearest name; or no such function.
    """
    if callable(mode):
        return mode
    if mode in FITNESS_MODES:
        return FITNESS_MODES[mode]
    if ":" in mode:
        return _own_fitness(mode)
    module, dot, function = mode.rpartition(".")
    meant = f", such as {module}:{function}" if dot else ""
    raise unknown_name("fitness", mode, FITNESS_MODES, guess=not dot,
                       hint=f"or give module:function{meant}")


def _own_fitness(name):
    imported = name.partition(":")[0] in sys.modules
    with nullcontext() if imported else quiet_start_up():  # the module may import TensorFlow
        return load_function(name, "fitness")


def figure_of(result: TrainingResult,
              mode: FitnessMode) -> float | None:
    """Returns the figure of a result under a mode; None if the training failed.

    Raises:
        ValueError: A user's function fails, or returns no number.
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
        known = f"; a result has {', '.join(FIGURES)}" * isinstance(error, AttributeError)
        raise ValueError(f"fitness {name!r}: expected a number for the result on {result.task}, "
                         f"got {in_one_line(error)}{known}") from error


def mean_figure(results: Iterable[TrainingResult],
                mode: FitnessMode) -> float:
    """Returns the mean of the results' figures under a mode, infinite if a training failed.

    Raises:
        ValueError: As for ``figure_of``.
    """
    figures = [figure_of(result, mode) for result in results]
    finite = all(figure is not None and math.isfinite(figure) for figure in figures)
    return math.fsum(figures) / len(figures) if finite else math.inf


def compare(figures: Sequence[float | None], baselines: Sequence[float],
            mean_over_all: bool = False) -> tuple[float, float]:
    """Returns the number of data sets won and the average improvement (Algorithm 3).

    An improvement is the baseline's figure minus the candidate's. By default it is averaged over
    the data sets won, or over all if none is won. A tie is not won.

    Args:
        figures: The candidate's figure for each data set, smaller is better; None if it failed.
        baselines: The baseline's, in the same order, all finite.
        mean_over_all: Whether to average over all data sets always (thesis, section 5.2).

    Returns:
        (wins, improvement), as floats; ``WORST`` if a figure is None or not finite.

    Raises:
        ValueError: The numbers of figures and baselines differ or are 0, or a baseline has no
            figure.

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


def fitness_of(results: Sequence[TrainingResult], baselines: Sequence[TrainingResult],
               mode: FitnessMode = "error",
               mean_over_all: bool = False) -> tuple[float, float]:
    """Returns the fitness of one loss from its results on all tasks.

    Args:
        results: A ``TrainingResult`` per task.
        baselines: The cross-entropy baseline's ``TrainingResult`` per task, in the same order;
            its ``loss`` is its cross entropy.
        mode: As for ``fitness_mode``.
        mean_over_all: As for ``compare``.

    Returns:
        (wins, improvement), as ``compare`` does.
    """
    figures, bases = ([figure_of(result, mode) for result in row] for row in (results, baselines))
    return compare(figures, bases, mean_over_all)


def check_fitness(fitness: FitnessMode, tasks: Sequence[Task]) -> None:
    """Tries a fitness on invented results, so that a faulty one fails before any training.

    Raises:
        ValueError: There is no such fitness, or it gives no number.
    """
    for task in tasks:
        figures, epochs = (1.0, 0.5, 1.0), task.epochs
        losses, accuracies, entropies = ((figure,) * epochs for figure in figures)
        example = TrainingResult(task.name, task.data.num_classes, "ok", *figures, 1.0, losses,
                                 accuracies, entropies, balanced_accuracy=0.5)
        if figure_of(example, fitness) is None:
            raise ValueError(f"fitness {fitness!r}: expected a number, got None")
