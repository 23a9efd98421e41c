"""Rungs: after which epochs a training is stopped, and below which accuracy.

Most losses show after one epoch what they are worth: of 306 random losses on CIFAR-10, 134 of the
145 that end at chance are recognised after the first of six epochs, and no good one is lost.

This is successive halving, asynchronous between generations: a training goes on after a rung if its
accuracy is among the best 1/``ETA`` of all trainings that reached this rung in earlier generations.
So what a training is compared with is known before it begins, whatever the number of workers and
wherever a resumed run goes on.

References:
    K. Jamieson and A. Talwalkar, Non-stochastic best arm identification and hyperparameter
    optimization, AISTATS 2016, arXiv:1502.07943.
    L. Li et al., A system for massively parallel hyperparameter tuning, MLSys 2020,
    arXiv:1810.05934 (asynchronous successive halving).
"""

import math
from collections.abc import Sequence

RUNGS = (1, 3)
"""Epochs after which a training may be stopped, if more follow."""

ETA = 2
"""One of so many trainings goes on after a rung."""

LEARNED = 0.25
"""The least share of cross entropy's gain over chance that must be learned by the first rung."""


def stops_of(accuracies: Sequence[Sequence[float]], baseline: Sequence[float], num_classes: int,
             epochs: int) -> tuple[tuple[int, float], ...]:
    """Says when trainings of the next generation are to be stopped on one task.

    Args:
        accuracies: For each training so far its validation accuracies by epoch.
        baseline: Cross entropy's validation accuracies by epoch.
        num_classes: Number of classes of the task.
        epochs: Epochs of a whole training.

    Returns:
        tuple of (epoch, least accuracy), as ``Trainer.train`` takes it. At the first rung a loss
        must have learned something, whatever the others have.

    Examples:
        >>> stops_of([(0.3, 0.4), (0.2,)], (0.4, 0.5, 0.5, 0.5), 10, 4)
        ((1, 0.3),)
        >>> stops_of([], (0.5, 0.6), 10, 2)
        ((1, 0.2),)
    """
    stops, chance = [], 1.0 / num_classes
    for rung in (rung for rung in RUNGS if rung < epochs):
        reached = sorted((known[rung - 1] for known in accuracies if len(known) >= rung),
                         reverse=True)
        least = reached[math.ceil(len(reached) / ETA) - 1] if len(reached) >= ETA else 0.0
        if rung == RUNGS[0] and baseline:
            least = max(least, chance + LEARNED * (baseline[0] - chance))
        if least > 0.0:
            stops.append((rung, least))  # not rounded: an equal accuracy is not below it
    return tuple(stops)
