"""The result of one training: raw figures, from which any fitness can be computed later."""

from dataclasses import dataclass

FAILURES = ("nan", "no_gradient", "error", "oom", "timeout", "crashed")
STATUSES = ("ok", "stopped", *FAILURES)

ARITHMETIC = 5
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

    def __post_init__(self):
        if self.status not in STATUSES:
            raise ValueError(f"status must be one of {', '.join(STATUSES)}, got {self.status!r}")

    @property
    def failed(self):
        """Whether the training came to no figures at all, instead of being finished or stopped."""
        return self.status in FAILURES

    @property
    def ok(self):
        return self.status == "ok"

    @property
    def error_rate(self):
        """1 - accuracy, rounded so that equal numbers of errors give equal rates."""
        return round(1.0 - self.accuracy, 12)
