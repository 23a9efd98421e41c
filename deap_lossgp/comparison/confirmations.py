"""Found losses confirmed: trained in plain Keras beside known ones, over seeds, in pairs."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from functools import lru_cache, partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deap import gp

import deap_lossgp
from deap_lossgp.comparison.confirmation_results import (
    BASELINE,
    ConfirmationResult,
    epochs_table,
    figure_names,
    summary_table,
    trainings_table,
)
from deap_lossgp.comparison.settings import OPTIMIZERS, ConfirmationSettings
from deap_lossgp.errors import in_one_line
from deap_lossgp.found_losses import FoundLoss, read_loss
from deap_lossgp.plotting.learning_curves import plot_learning_curves
from deap_lossgp.search.experiments import Experiment, read_call
from deap_lossgp.search.folders import digest
from deap_lossgp.training.results import ARITHMETIC, TrainingResult
from deap_lossgp.training.tensorflow_setup import (
    arithmetic_settings,
    import_tensorflow,
    own_options,
)
from deap_lossgp.user_functions import source_of

if TYPE_CHECKING:
    from deap_lossgp.training.tasks import Task

_OUT_OF_MEMORY = ("MemoryError", "ResourceExhaustedError", "OutOfMemoryError")


def train_with_losses(losses: str | Path | FoundLoss | Sequence[str | Path | FoundLoss],
                      tasks: str | Task | Sequence[str | Task] = ("digits",), *,
                      output: Path | str | None = None, threads: int = 1, progress: bool = True,
                      **options: Any) -> ConfirmationResult:
    """Trains losses side by side in plain Keras: does what ``lossgp train`` does.

    It trains in this process. TensorFlow keeps the number of threads and the determinism that the
    trainings need; Keras's settings are put back.

    Every loss is trained on every task with the same seeds: the same initial weights, validation
    images and order of batches. Called again with the same arguments and more ``seeds``, losses,
    models or data sets, it trains what is missing.

    Args:
        losses: What ``read_loss`` takes, or ``FoundLoss`` objects, or one of these.
        tasks: Names of data sets, as ``load_dataset`` takes them, or ``Task`` objects, or one of
            these.
        output: The folder; by default one in ``runs/`` with a name made of these arguments.
        threads: As for ``tensorflow_setup.prepare_tensorflow``.
        progress: Whether to draw a progress bar.
        **options: Fields of ``ConfirmationSettings``: ``models``, ``compare``, ``seeds``, ``seed``,
            ``epochs``... Those that describe tasks belong to names of data sets only.

    Returns:
        A ``ConfirmationResult``; its text is the command's report.

    Raises:
        TypeError: There is no such option, or it belongs to the given ``Task`` objects.
        ValueError: Losses, options, data or networks are not usable.
        OSError: The folder cannot be written.

    Examples:
        >>> train_with_losses("ngl", sedes=3)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        TypeError: unknown option 'sedes': did you mean 'seeds'? known: ...
    """
    losses = [losses] if isinstance(losses, str | Path | FoundLoss) else losses
    given, settings = read_call(tasks, options, ConfirmationSettings)
    with Confirmation(losses, settings, output, tasks=given, threads=threads,
                      progress=progress) as confirmation:
        return confirmation.execute()


class Confirmation(Experiment):
    """Losses trained side by side; make it, which checks everything, then ``execute`` it.

    Trainings that ended as ``error`` or ``oom`` are tried again by the next confirmation in the
    same folder.

    Args:
        losses: As for ``train_with_losses``, in a list.
        settings: ``ConfirmationSettings``.
        output, threads, progress: As for ``train_with_losses``.
        tasks: The ``Task`` objects; by default what the settings describe.

    Raises:
        ValueError: Losses, settings, data or networks are not usable, or the folder holds something
            else, or is in use.
        OSError: The folder cannot be written.
    """

    settings: ConfirmationSettings

    kind = "training"
    changeable = (*Experiment.changeable, "losses", "compare", "tasks", "datasets", "models",
                  "seeds")
    not_in_name = ("seeds",)

    def __init__(self, losses: Sequence[str | Path | FoundLoss], settings: ConfirmationSettings,
                 output: Path | str | None = None, *, threads: int = 1, **options: Any) -> None:
        self._losses = _found([*losses, *settings.compare])
        self._threads = threads
        super().__init__(settings, output, **options)

    def prepare(self) -> None:
        self._places = [(task.name, task.network_name) for task in self.tasks]
        if not self._places or len({*self._places}) < len(self._places):
            raise ValueError(f"expected tasks of distinct data sets and networks, at least 1, got "
                             f"{self._places}")
        self._environment = _prepare_keras(self._threads)
        self._backend = self._environment.get("backend", "tensorflow")
        options = own_options() if self._backend == "tensorflow" else {}
        self._settings = arithmetic_settings(self._environment["threads"], None, **options)
        self._check_networks()

    def described(self, tasks: Sequence[Task] | None) -> dict[str, Any]:
        losses = {name: {"expression": str(found.tree), "primitives": found.pset.name}
                  for name, found in self._losses.items()}
        return {**super().described(tasks), "losses": losses}

    def code(self) -> dict[str, Any]:
        rows = {f"{found.pset.name} {name}": digest(repr(source).encode())
                for found in self._losses.values() for name, source in _rows(found)}
        return {**super().code(), "backend": self._backend, **rows, **self._settings}

    def execute(self) -> ConfirmationResult:
        """Trains what is missing, writes the folder and returns the ``ConfirmationResult``."""
        self.warn_of_differences(self._environment)
        tasks, store, done = self.tasks, self._folder.store, 0
        grid = [*product(range(len(tasks)), self._losses, self.settings.seed_values())]
        self._results = {training: store.get(self._key(*training)) for training in grid}
        trainer = lru_cache(maxsize=1)(self._trainer)  # its network is compiled once for all seeds
        with self.showing_progress(sum(tasks[task].epochs for task, _, _ in grid), "epoch"):
            for training in grid:
                task, name, seed = training
                self._bar.set_description(", ".join((*self._places[task], name)))
                key = self._key(*training)
                result = store.get(key)
                if result is None or result.status in ("error", "oom"):
                    result = self._trained(tasks[task], partial(trainer, task, name), seed)
                    store.put(key, result, expression=str(self._losses[name].tree), seed=seed,
                              replace=key in store)
                if result is not self._results[training]:
                    self._results[training] = result
                    self._write_trainings()
                done += tasks[task].epochs
                self.advance(done)  # by more than its own epochs if it ended early or was known
        return self._write()

    def _trained(self, task, trainer, seed):
        """Trains, and returns the result; an error is a result, too."""
        try:
            return trainer().train(seed, on_epoch=self._bar.update)
        except Exception as error:
            status = "oom" if type(error).__name__ in _OUT_OF_MEMORY else "error"
            return TrainingResult(task.name, task.data.num_classes, status,
                                  message=in_one_line(error))

    def _trainer(self, task, name):
        from deap_lossgp.losses import TreeLoss
        from deap_lossgp.training.keras_trainer import KerasTrainer

        s, task, loss = self.settings, self.tasks[task], self._losses[name]
        options = {"learning_rate": task.learning_rate, **OPTIMIZERS[s.optimizer]}
        return KerasTrainer(task, TreeLoss(loss, scale=s.scale),
                            {"class_name": s.optimizer, "config": options})

    def _key(self, task, name, seed):
        """Returns a digest of all that determines a training."""
        found, s = self._losses[name], self.settings
        what = (deap_lossgp.__version__, ARITHMETIC, "fit", self._backend, self._settings,
                _rows(found), self.tasks[task].fingerprint, str(found.tree), s.optimizer, s.scale,
                seed)
        return hashlib.sha256(repr(what).encode()).hexdigest()

    def _check_networks(self):
        """Builds each network and loss once, so that faulty ones are refused before a training."""
        from deap_lossgp.losses import TreeLoss
        from deap_lossgp.training.networks import build_model

        for name, found in self._losses.items():
            try:
                TreeLoss(found, scale=self.settings.scale)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        for task in self.tasks:
            build_model(task)

    def _write_trainings(self):
        """Writes what is known so far; returns both tables by name."""
        results = {(*self._places[task], name, seed): result
                   for (task, name, seed), result in self._results.items() if result}
        tables = {"trainings": trainings_table(results), "epochs": epochs_table(results)}
        for name, table in tables.items():
            self.write_table(table, f"{name}.csv")
        return tables

    def _write(self):
        tables = self._write_trainings()
        summary = summary_table(tables["trainings"])
        self.write_table(summary, "summary.csv")
        epochs = tables["epochs"]
        for (task, model), name in figure_names(epochs).items():
            ax = plot_learning_curves(
                epochs[(epochs["task"] == task) & (epochs["model"] == model)])
            ax.set_title(f"{task}, {model}", fontsize="medium", loc="left")
            self.write_figure(ax, name)
        return ConfirmationResult(**tables, summary=summary, output=self.output)


def _found(losses):
    """Returns {name: FoundLoss} with distinct names; cross entropy is always the first."""
    found = {BASELINE: read_loss(BASELINE)}
    for loss in losses:
        loss = loss if isinstance(loss, FoundLoss) else read_loss(loss)
        name, number = loss.name, 2
        while name in found and not _same(loss, found[name]):
            name, number = f"{loss.name} {number}", number + 1
        found[name] = loss
    return found


def _same(loss, other):
    return (str(loss.tree), loss.pset.name) == (str(other.tree), other.pset.name)


def _rows(found):
    """Returns (name, source) of each primitive that a loss uses, in the order of names."""
    rows = {node.name: found.pset.context[node.name] for node in found.tree
            if isinstance(node, gp.Primitive)}
    return [(name, source_of(row)) for name, row in sorted(rows.items())]


def _prepare_keras(threads):
    """Sets up Keras and its backend; returns what the bits of a training depend on."""
    # With deterministic operations TensorFlow logs an error for each data set. It is harmless.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if os.environ.get("KERAS_BACKEND", "tensorflow") == "tensorflow":
        import_tensorflow()
    import keras

    backend = keras.backend.backend()
    if backend == "tensorflow":
        from deap_lossgp.training.tensorflow_setup import prepare_tensorflow

        return prepare_tensorflow(threads)
    if backend == "torch":
        import torch

        torch.set_num_threads(threads)
    return {"keras": keras.__version__, "backend": backend, "threads": threads}
