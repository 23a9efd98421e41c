"""Callbacks of a run: the events that it reports, and an adapter for TensorBoard."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from deap_lossgp.errors import in_one_line

if TYPE_CHECKING:
    from deap_lossgp.search.run_results import RunResult
    from deap_lossgp.training.results import TrainingResult


class Callback:
    """The events of a run; a subclass overrides those of interest.

    If a callback raises, this is reported once, on stderr; the run goes on, and later events are
    still reported to the callback. A resumed run reports every generation, and the trainings that
    it makes itself.
    """

    def on_training(self, result: TrainingResult, expression: str) -> None:
        """Is called after a training, with its ``TrainingResult`` and the text of the loss."""

    def on_generation(self, record: dict[str, Any]) -> None:
        """Is called after a generation, with a dict of its figures, as in ``logbook.csv``:
        ``gen ntrained nscreened ncached seconds``, then ``wins_avg`` and so on."""

    def on_end(self, result: RunResult) -> None:
        """Is called when the run is complete, with its ``RunResult``."""


class CallbackList(Callback):
    """Several callbacks as one that never raises.

    Args:
        callbacks: The callbacks, or one; each needs at least one of the three methods.
        report: ``report(line)`` reports a callback that raised. Default: on stderr.

    Raises:
        TypeError: An object has none of the methods.
    """

    def __init__(self, callbacks: Callback | Sequence[Any] = (),
                 report: Callable[[str], None] | None = None) -> None:
        several = isinstance(callbacks, Iterable) and not isinstance(callbacks, Callback)
        self._callbacks: list[Any] = list(cast(Iterable, callbacks)) if several else [callbacks]
        events = "on_training", "on_generation", "on_end"
        for callback in self._callbacks:
            if not any(hasattr(callback, event) for event in events):
                raise TypeError(f"callbacks: expected objects with {', '.join(events)} or some of "
                                f"these, got {callback!r}")
        self._report = report or (lambda line: print(line, file=sys.stderr))
        self._reported = set()

    def on_training(self, result: TrainingResult, expression: str) -> None:
        self._tell("on_training", result, expression)

    def on_generation(self, record: dict[str, Any]) -> None:
        self._tell("on_generation", record)

    def on_end(self, result: RunResult) -> None:
        self._tell("on_end", result)

    def _tell(self, event, *content):
        for number, callback in enumerate(self._callbacks):
            try:
                getattr(callback, event, _nothing)(*content)
            except Exception as error:
                if number not in self._reported:
                    self._reported.add(number)
                    self._report(f"Warning: {type(callback).__name__}.{event} raised "
                                 f"{in_one_line(error)}: the run goes on without it")


def _nothing(*content):
    pass


class TensorBoard(Callback):
    """Writes generation curves, accuracies and the best loss for TensorBoard.

    ``tensorboard --logdir DIR`` shows all numbers of ``logbook.csv`` by generation, the validation
    accuracy on each task by training, and in the end the best loss as text.

    Args:
        log_dir: The folder to write to.

    Raises:
        ValueError: tensorboardX is not installed.
    """

    def __init__(self, log_dir: Path | str) -> None:
        try:
            from tensorboardX import SummaryWriter
        except ImportError:
            raise ValueError("TensorBoard needs tensorboardX: "
                             "pip install -e '.[tensorboard]'") from None
        self._writer = SummaryWriter(str(log_dir))
        self._trainings = {}

    def on_training(self, result: TrainingResult, expression: str) -> None:
        step = self._trainings[result.task] = self._trainings.get(result.task, 0) + 1
        if result.ok:
            self._writer.add_scalar(f"accuracy/{result.task}", result.accuracy, step)
        self._writer.add_scalar(f"seconds/{result.task}", result.seconds, step)

    def on_generation(self, record: dict[str, Any]) -> None:
        for name, value in record.items():
            if name != "gen" and math.isfinite(value):
                chapter, _, statistic = name.partition("_")
                tag = f"{chapter}/{statistic}" if statistic else f"generation/{name}"
                self._writer.add_scalar(tag, value, record["gen"])
        self._writer.flush()

    def on_end(self, result: RunResult) -> None:
        self._writer.add_text("best loss", str(result.best))
        self._writer.close()
