"""The result of one training: raw figures, from which any fitness can be computed later."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from statistics import fmean
from typing import cast

import numpy as np

FAILURES = ("nan", "no_gradient", "error", "oom", "timeout", "crashed")
STATUSES = ("ok", "stopped", *FAILURES)

ARITHMETIC = 7
"""Version of the arithmetic. Increase it when the same training gives other figures, to the bit."""


@dataclass(frozen=True)
class TrainingResult:
    """The raw figures of one training on one task; for a failed training they are None.

    Attributes:
        task: Name of the task's data set.
        num_classes: Number of its classes.
        status: One of ``STATUSES``. ``stopped`` is a training that was stopped after a rung, with
            the figures that it had there; everything but ``ok`` and ``stopped`` has failed.
        loss: Validation loss under the candidate (the raw loss, mean over classes).
        accuracy: Validation accuracy, in [0, 1].
        cross_entropy: Validation cross entropy of the trained network, in nats.
        seconds: Wall time of the training.
        losses, accuracies, cross_entropies: The same figures at the end of each epoch.
        exact: Whether it was trained on the exact path instead of on curves.
        message: What went wrong, in one line; else empty.
        test_accuracy: Accuracy on the test set, in [0, 1]; None unless it was asked for.
        balanced_accuracy: Mean over classes of the share of a class's validation images that is
            classified right, in [0, 1].
        test_balanced_accuracy: The same on the test set; None unless it was asked for, and in a
            store of a version that did not have it.

    Examples:
        >>> TrainingResult("digits", 10, "ok", 0.2, 0.9, 0.3, 1.0).error_rate
        0.1
    """

    task: str
    num_classes: int
    status: str
    loss: float | None = None
    accuracy: float | None = None
    cross_entropy: float | None = None
    seconds: float = 0.0
    losses: tuple[float, ...] = ()
    accuracies: tuple[float, ...] = ()
    cross_entropies: tuple[float, ...] = ()
    exact: bool = False
    message: str = ""
    test_accuracy: float | None = None
    balanced_accuracy: float | None = None
    test_balanced_accuracy: float | None = None

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise ValueError(f"status must be one of {', '.join(STATUSES)}, got {self.status!r}")

    @property
    def failed(self) -> bool:
        """Whether the training came to no figures at all, instead of being finished or stopped."""
        return self.status in FAILURES

    @property
    def ok(self) -> bool:
        return self.status == "ok"

    def over_last(self, epochs: int) -> TrainingResult:
        """Returns the result with its figures averaged over so many epochs at its end.

        With a constant learning rate an epoch's figures go up and down by as much as losses differ.
        Of 26 good losses on CIFAR-10, trained for 6 epochs with 3 seeds each, the accuracy at one
        seed has a rank correlation with the test accuracy at the other two of .77 after the last
        epoch, of .81 over the last 3, of .84 over the last 4.

        Args:
            epochs: How many, at least 1; all if there are fewer.

        Returns:
            A ``TrainingResult``: loss, accuracy and cross entropy are averaged; nothing else has
            figures by epoch.

        Examples:
            >>> result = TrainingResult("digits", 10, "ok", 0.2, 0.9, 0.3, 1.0, (0.4, 0.2),
            ...                         (0.7, 0.9), (0.5, 0.3))
            >>> round(result.over_last(2).accuracy, 2)
            0.8
        """
        if epochs <= 1 or not self.accuracies:
            return self
        loss, accuracy, cross_entropy = (
            fmean(figures[-epochs:])
            for figures in (self.losses, self.accuracies, self.cross_entropies))
        return replace(self, loss=loss, accuracy=accuracy, cross_entropy=cross_entropy)

    @property
    def error_rate(self) -> float:
        """1 - accuracy, rounded so that equal numbers of errors give equal rates."""
        return round(1.0 - cast(float, self.accuracy), 12)


def stopped_at(result: TrainingResult, stops: Iterable[tuple[int, float]]) -> TrainingResult:
    """Returns a result as it is, or as it would be had its training been stopped.

    A training that was not stopped, or at a later rung, so stands for one that is stopped earlier.

    Args:
        result: A ``TrainingResult``.
        stops: Pairs of an epoch and an accuracy, as ``Trainer.train`` takes them.
    """
    for epoch, least in stops:
        if epoch <= len(result.accuracies) and result.accuracies[epoch - 1] < least:
            share = epoch / len(result.accuracies)
            return replace(
                result, status="stopped", message="", seconds=share * result.seconds,
                loss=result.losses[epoch - 1], accuracy=result.accuracies[epoch - 1],
                cross_entropy=result.cross_entropies[epoch - 1], losses=result.losses[:epoch],
                accuracies=result.accuracies[:epoch], test_accuracy=None, balanced_accuracy=None,
                test_balanced_accuracy=None, cross_entropies=result.cross_entropies[:epoch])
    return result


def balanced_accuracy(right: np.ndarray, labels: np.ndarray) -> float:
    """Returns the mean over classes of the share of right predictions; only classes that occur.

    Args:
        right: Whether each prediction is right, shape (n,), bool.
        labels: The classes, shape (n,), int.

    Returns:
        float in [0, 1].

    Examples:
        >>> balanced_accuracy(np.array([True, True, True, False]), np.array([0, 0, 0, 1]))
        0.5
    """
    counts = np.bincount(labels)
    present = counts > 0  # a small validation set may lack a rare class
    return float(np.mean(np.bincount(labels, weights=right)[present] / counts[present]))
