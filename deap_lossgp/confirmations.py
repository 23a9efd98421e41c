"""Found losses confirmed: trained in plain Keras beside known ones, over seeds, in pairs."""

import hashlib
import json
import os
import sys
from dataclasses import asdict, fields
from functools import lru_cache, partial
from itertools import product
from pathlib import Path

from deap import gp
from tqdm import tqdm

import deap_lossgp
from deap_lossgp.confirmation_results import (
    BASELINE,
    ConfirmationResult,
    epochs_table,
    figure_names,
    summary_table,
    trainings_table,
)
from deap_lossgp.confirmation_settings import (
    CHANGEABLE,
    OPTIMIZERS,
    TASK_OPTIONS,
    ConfirmationSettings,
)
from deap_lossgp.folders import RunFolder
from deap_lossgp.found_losses import FoundLoss, read_loss
from deap_lossgp.naming import in_one_line, unknown_name
from deap_lossgp.plotting import plot_learning_curves
from deap_lossgp.recording import write_csv
from deap_lossgp.results import ARITHMETIC, TrainingResult
from deap_lossgp.tasks import Task, source_of
from deap_lossgp.tensorflow_setup import import_tensorflow

_OUT_OF_MEMORY = ("MemoryError", "ResourceExhaustedError", "OutOfMemoryError")


def train_with_losses(losses, tasks=("digits",), *, output=None, threads=1, progress=True,
                      **options):
    """Trains losses side by side in plain Keras: all of ``examples/train_with_loss.py``, in a call.

    Every loss is trained on every task with the same seeds: the same initial weights, validation
    images and order of batches. Called again with the same arguments and more ``seeds``, losses,
    models or data sets, it trains what is missing.

    Args:
        losses: What ``read_loss`` takes, or ``FoundLoss`` objects, or one of these.
        tasks: Names of data sets, as ``load_dataset`` takes them, or ``Task`` objects, or one of
            these.
        output: The folder; by default one in ``runs/`` with a name of these arguments' own.
        threads: As for ``tensorflow_setup.prepare_tensorflow``.
        progress: Whether to draw a progress bar.
        **options: Fields of ``ConfirmationSettings``: ``models``, ``compare``, ``seeds``, ``seed``,
            ``epochs``... Those that describe tasks only for names of data sets.

    Returns:
        A ``ConfirmationResult``; printed, it is the command's report.

    Raises:
        TypeError: An option that there is not, or one that belongs to the given ``Task`` objects.
        ValueError: Losses, options, data or networks are not usable.
        OSError: The folder cannot be written.

    >>> train_with_losses("ngl", sedes=3)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    TypeError: unknown option 'sedes': did you mean 'seeds'? known: ...
    """
    losses = [losses] if isinstance(losses, str | Path | FoundLoss) else losses
    known = {f.name for f in fields(ConfirmationSettings)} - {"datasets"}
    for name in options.keys() - known:
        raise TypeError(str(unknown_name("option", name, known)))
    given = [tasks] if isinstance(tasks, str | Path | Task) else list(tasks)
    if all(isinstance(task, Task) for task in given):
        for name in options.keys() & {"models", "data_dir", *TASK_OPTIONS}:
            raise TypeError(f"{name} belongs to the tasks: expected it in Task(...), or names of "
                            f"data sets, got {name}={options[name]!r} beside Task objects")
        names = tuple(task.name for task in given)
    else:
        names, given = tuple(os.fspath(task) for task in given), None
    for name in options.keys() & {"models", "compare"}:
        options[name] = tuple([options[name]] if isinstance(options[name], str) else options[name])
    settings = ConfirmationSettings(datasets=names, **options)
    with Confirmation(losses, settings, output, tasks=given, threads=threads,
                      progress=progress) as confirmation:
        return confirmation.execute()


class Confirmation:
    """Losses trained side by side; make it, which checks everything, then ``execute`` it.

    What was stopped, by whatever, goes on when it is made and executed again: each training is in
    the folder's store as soon as it ends. Trainings that ended as ``error`` or ``oom`` are tried
    again.

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

    def __init__(self, losses, settings, output=None, *, tasks=None, threads=1, progress=True):
        self.settings = s = settings
        self._progress = progress
        self._losses = _found([*losses, *s.compare])
        self.tasks = s.tasks() if tasks is None else list(tasks)
        self._places = [(task.name, _model_name(task)) for task in self.tasks]
        if not self._places or len({*self._places}) < len(self._places):
            raise ValueError(f"expected tasks of distinct data sets and networks, at least 1, got "
                             f"{self._places}")
        described = self._described(tasks is not None)
        self.output = Path(output or Path("runs", self._name(described)))
        self._folder = RunFolder(self.output, described, CHANGEABLE)
        try:
            environment = _prepare_keras(threads)
            self._backend = environment.get("backend", "tensorflow")
            self._check_networks()
            self._folder.claim([task.data.summary() for task in self._by_data()])
            for note in (note for task in self._by_data() for note in task.data.notes()):
                print(note, file=sys.stderr)
            for difference in self._folder.differences(environment):
                print(f"Warning: {self.output} was begun with {difference}: the trainings from "
                      f"here on may differ", file=sys.stderr)
        except BaseException:
            self.close()
            raise

    def close(self):
        """Lets go of the folder."""
        self._folder.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def execute(self):
        """Trains what is missing, writes the folder and returns the ``ConfirmationResult``."""
        tasks, store, bar_ends = self.tasks, self._folder.store, 0
        grid = [*product(range(len(tasks)), self._losses, self.settings.seed_values())]
        self._results = {training: store.get(self._key(*training)) for training in grid}
        trainer = lru_cache(maxsize=1)(self._trainer)  # its network is compiled once for all seeds
        with tqdm(total=sum(tasks[task].epochs for task, _, _ in grid), unit="epoch", leave=False,
                  disable=not self._progress, dynamic_ncols=True) as bar:
            for training in grid:
                task, name, seed = training
                bar.set_description(", ".join((*self._places[task], name)))
                key = self._key(*training)
                result = store.get(key)
                if result is None or result.status in ("error", "oom"):
                    result = self._trained(tasks[task], partial(trainer, task, name), seed, bar)
                    store.put(key, result, expression=str(self._losses[name].tree), seed=seed,
                              replace=key in store)
                if result is not self._results[training]:
                    self._results[training] = result
                    self._write_trainings()
                bar_ends += tasks[task].epochs
                bar.update(bar_ends - bar.n)  # of those that ended early, or were known
        return self._write()

    def _trained(self, task, trainer, seed, bar):
        """The result of a training, whatever it is."""
        try:
            return trainer().train(seed, on_epoch=bar.update)
        except Exception as error:
            status = "oom" if type(error).__name__ in _OUT_OF_MEMORY else "error"
            return TrainingResult(task.name, task.data.num_classes, status,
                                  message=in_one_line(error))

    def _trainer(self, task, name):
        from deap_lossgp.keras_training import KerasTrainer
        from deap_lossgp.losses import TreeLoss

        s, task, loss = self.settings, self.tasks[task], self._losses[name]
        options = {"learning_rate": task.learning_rate, **OPTIMIZERS[s.optimizer]}
        return KerasTrainer(task, TreeLoss(loss, scale=s.scale),
                            {"class_name": s.optimizer, "config": options})

    def _key(self, task, name, seed):
        """A digest of all that determines a training."""
        found, s = self._losses[name], self.settings
        rows = {node.name: found.pset.context[node.name] for node in found.tree
                if isinstance(node, gp.Primitive)}
        code = [(name, source_of(row)) for name, row in sorted(rows.items())]
        what = (deap_lossgp.__version__, ARITHMETIC, "fit", self._backend, code,
                self.tasks[task].fingerprint, str(found.tree), s.optimizer, s.scale, seed)
        return hashlib.sha256(repr(what).encode()).hexdigest()

    def _check_networks(self):
        """Builds each network and loss once: what is wrong with them ends nothing half-way."""
        from deap_lossgp.losses import TreeLoss
        from deap_lossgp.networks import build_model

        for name, found in self._losses.items():
            try:
                TreeLoss(found, scale=self.settings.scale)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        for task in self.tasks:
            build_model(task)

    def _by_data(self):
        """The tasks without those of a data set that another has already."""
        return {id(task.data): task for task in reversed(self.tasks)}.values()

    def _described(self, given):
        """What determines the trainings, as JSON has it."""
        described = asdict(self.settings) | {"losses": {
            name: {"expression": str(found.tree), "primitives": found.pset.name}
            for name, found in self._losses.items()}}
        if given:
            described |= dict.fromkeys(["datasets", "models", *TASK_OPTIONS])
            described["tasks"] = [{"task": task, "model": model, "fingerprint": of.fingerprint}
                                  for (task, model), of
                                  in zip(self._places, self.tasks, strict=True)]
        return json.loads(json.dumps(described))

    def _name(self, described):
        """A folder name of its own; more seeds go into the same."""
        fixed = {name: value for name, value in described.items() if name != "seeds"}
        digest = hashlib.sha256(json.dumps(fixed, sort_keys=True).encode()).hexdigest()
        names = dict.fromkeys(task for task, _ in self._places)
        return "-".join([*names, "training", f"seed{self.settings.seed}", digest[:6]])

    def _write_trainings(self):
        """Writes what is known so far; returns both tables by name."""
        results = {(*self._places[task], name, seed): result
                   for (task, name, seed), result in self._results.items() if result}
        tables = {"trainings": trainings_table(results), "epochs": epochs_table(results)}
        for name, table in tables.items():
            self._write_csv(table, name)
        return tables

    def _write_csv(self, table, name):
        with self._folder.replacing(f"{name}.csv") as path:
            write_csv(table, path)

    def _write(self):
        tables = self._write_trainings()
        summary = summary_table(tables["trainings"])
        self._write_csv(summary, "summary")
        epochs = tables["epochs"]
        for (task, model), name in figure_names(epochs).items():
            rows = epochs[(epochs["task"] == task) & (epochs["model"] == model)]
            ax = plot_learning_curves(rows)
            ax.set_title(f"{task}, {model}", fontsize="medium", loc="left")
            with self._folder.replacing(name) as path:
                ax.figure.savefig(path, dpi=150, bbox_inches="tight", format="png")
        return ConfirmationResult(**tables, summary=summary, output=self.output)


def _found(losses):
    """{name: FoundLoss}, each under a name of its own; cross entropy is there and first."""
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


def _model_name(task):
    network = task.network
    return network if isinstance(network, str) else getattr(network, "__name__", repr(network))


def _prepare_keras(threads):
    """Sets up Keras and its backend; returns what the bits of a training depend on."""
    # With deterministic operations TensorFlow logs an error for each data set, which is none.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if os.environ.get("KERAS_BACKEND", "tensorflow") == "tensorflow":
        import_tensorflow()
    import keras

    backend = keras.backend.backend()
    if backend == "tensorflow":
        from deap_lossgp.tensorflow_setup import prepare_tensorflow

        return prepare_tensorflow(threads)
    if backend == "torch":
        import torch

        torch.set_num_threads(threads)
    return {"keras": keras.__version__, "backend": backend, "threads": threads}
