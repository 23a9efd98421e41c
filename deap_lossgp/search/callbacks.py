"""What a run tells others while it goes on: the events, and an adapter for TensorBoard."""

import math
import sys

from deap_lossgp.errors import in_one_line


class Callback:
    """Is told of a run's events; override those of interest.

    A callback that raises is reported once, on stderr, and ends nothing; it is told of what
    follows all the same. A resumed run tells of every generation, and of the trainings that it
    makes itself.
    """

    def on_training(self, result, expression):
        """A training has ended: its ``TrainingResult``, and the text of the loss trained with."""

    def on_generation(self, record):
        """A generation has been evaluated: a dict ``gen ntrained nscreened ncached seconds``, then
        ``wins_avg`` and so on, as in ``logbook.csv``."""

    def on_end(self, result):
        """The run is complete: its ``RunResult``."""


class CallbackList(Callback):
    """Several callbacks as one that never raises.

    Args:
        callbacks: The callbacks; what they have of the three methods is called.
        report: ``report(line)``, how a callback that raised is reported. Default: on stderr.
    """

    def __init__(self, callbacks=(), report=None):
        alone = isinstance(callbacks, Callback)
        self._callbacks = [callbacks] if alone else list(callbacks)
        events = "on_training", "on_generation", "on_end"
        for callback in self._callbacks:
            if not any(hasattr(callback, event) for event in events):
                raise TypeError(f"callbacks: expected objects with {', '.join(events)} or some of "
                                f"these, got {callback!r}")
        self._report = report or (lambda line: print(line, file=sys.stderr))
        self._reported = set()

    def on_training(self, result, expression):
        self._tell("on_training", result, expression)

    def on_generation(self, record):
        self._tell("on_generation", record)

    def on_end(self, result):
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

    ``tensorboard --logdir DIR`` shows, by generation, all numbers of ``logbook.csv``; by training,
    the validation accuracy on each task; and in the end the best loss as text.

    Args:
        log_dir: The folder to write to.

    Raises:
        ValueError: tensorboardX is not installed.
    """

    def __init__(self, log_dir):
        try:
            from tensorboardX import SummaryWriter
        except ImportError:
            raise ValueError("TensorBoard needs tensorboardX: "
                             "pip install -e '.[tensorboard]'") from None
        self._writer = SummaryWriter(str(log_dir))
        self._trainings = {}

    def on_training(self, result, expression):
        step = self._trainings[result.task] = self._trainings.get(result.task, 0) + 1
        if result.ok:
            self._writer.add_scalar(f"accuracy/{result.task}", result.accuracy, step)
        self._writer.add_scalar(f"seconds/{result.task}", result.seconds, step)

    def on_generation(self, record):
        for name, value in record.items():
            if name != "gen" and math.isfinite(value):
                chapter, _, statistic = name.partition("_")
                tag = f"{chapter}/{statistic}" if statistic else f"generation/{name}"
                self._writer.add_scalar(tag, value, record["gen"])
        self._writer.flush()

    def on_end(self, result):
        self._writer.add_text("best loss", str(result.best))
        self._writer.close()
