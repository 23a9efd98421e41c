"""Earlier runs from whose trainings the surrogate of a search learns, besides the atlas.

What they trained may be of any data set, network and budget. So each task of a run is evidence of
its own: its accuracies are taken relative to its own cross entropy, at its own first, third and
last epoch (``evidence_of``), with landmarks for its own number of classes. Where a run trained the
very tasks of this one (the same images, network and budget), its trainings count as much as one's
own, else as much as those of the atlas. Trainings that failed for a reason outside the loss
(memory, time) say nothing of it and are left out; ``nan`` and ``no_gradient`` are at chance. Of a
run only what its search has trained is read: finalists and tests may be of another budget or
learning rate, which the store does not say.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from contextlib import contextmanager
from functools import cached_property, reduce
from operator import add
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from deap_lossgp.errors import in_one_line, said_of_path
from deap_lossgp.found_losses import KNOWN_LOSSES
from deap_lossgp.search.folders import STORE, digest, task_digests
from deap_lossgp.search.store import Store
from deap_lossgp.search.trainings import primitives_of
from deap_lossgp.surrogate.evidence import FAILED, OWN_WEIGHT, Evidence, evidence_of

if TYPE_CHECKING:
    from deap import gp

    from deap_lossgp.training.tasks import Task

_TOLD = ("ok", "stopped", *FAILED)


class EarlierRuns:
    """The trainings of earlier runs, read at once; falsy if there are none.

    Args:
        folders: The folders of the runs.
        pset: The primitive set, which must be theirs.
        tasks: The ``Task`` objects of the run that learns.

    Attributes:
        content: Bytes that are equal where the same was read.

    Raises:
        ValueError: A folder is missing, holds no run, a run over other primitives, one of fitness
            ``thesis``, one whose trainings were only predicted, or one without cross entropy.
        OSError: A folder cannot be read.
    """

    def __init__(self, folders: Sequence[Path | str], pset: gp.PrimitiveSet,
                 tasks: Sequence[Task]) -> None:
        self._pset, self._tasks = pset, tasks
        self._groups = [group for folder in dict.fromkeys(folders)
                        for group in self._read(Path(folder))]

    def __bool__(self) -> bool:
        return bool(self._groups)

    @cached_property
    def content(self) -> bytes:
        return repr(self._groups).encode()

    def evidence(self, by_task: Any = None, own_weight: float = OWN_WEIGHT) -> Evidence:
        """Returns all trainings as one ``Evidence``.

        Args:
            by_task: As for ``evidence_of``.
            own_weight: How much those count that were made on the very tasks of this run.
        """
        by_task = {} if by_task is None else by_task
        return reduce(add, (self._evidence(group, own_weight, by_task) for group in self._groups))

    def __str__(self) -> str:
        """Says in one line what was learnt from, and whether it was of this run's data sets."""
        trained = sum(len(rows) for *_, rows in self._groups)
        theirs = {task for task, *_ in self._groups}
        own = [task.name for task in self._tasks if task.name in theirs]
        return f"The surrogate also learned from {trained} trainings of earlier runs" + (
            f", among them trainings on {', '.join(own)}: what was found there does not stand on "
            f"this run alone." if own else f", on {', '.join(sorted(theirs))}.")

    def _read(self, folder):
        """Yields for each task of a run (name, classes, is it this run's, images, epochs, rows)."""
        content = self._checked(folder)
        # The arms of a comparison have seeds of their own, and no finalists.
        seed = None if "arms" in content["settings"] else content["settings"]["seed"]
        try:
            with _writable(folder / STORE) as path, Store(path) as store:
                rows = [row for row in store.rows() if row["status"] in _TOLD
                        and seed in (None, row["seed"])]
        except ValueError as error:
            raise ValueError(f"learn_from: {error}") from error
        images = {row["name"]: row.get("trained_on") or row.get("train")
                  for row in content.get("data") or ()}
        same = task_digests(self._tasks)
        name_of = {task.name: name for task, name in zip(self._tasks, same, strict=True)}
        for task, classes in sorted({(row["task"], row["num_classes"]) for row in rows}):
            known = {}
            for row in rows:  # a stopped training may have been finished later
                if row["task"] == task:
                    key = row["expression"], row["seed"]
                    value = row["accuracies"], row["status"]
                    known[key] = max(known.get(key, value), value, key=lambda of: len(of[0]))
            name = name_of.get(task)
            is_own = bool(name) and content["code"].get(name) == same[name]
            epochs = max((len(accuracies) for (text, _), (accuracies, _) in known.items()
                          if text == KNOWN_LOSSES["cross_entropy"]), default=0)
            if not epochs:
                raise ValueError(f"learn_from: {folder} holds no training with cross entropy on "
                                 f"{task}, with which the others could be compared")
            size = images.get(task) or self._tasks[0].budget[0]  # an older folder does not say it
            yield task, classes, is_own, size, epochs, sorted(known.items())

    def _checked(self, folder):
        """Returns the content of a folder's run.json once the run is one to learn from."""
        try:
            content = json.loads((folder / "run.json").read_text("utf-8"))
            settings, code = content["settings"], content["code"]
            primitives, fitness, _ = code["primitives"], settings["fitness"], settings["seed"]
        except FileNotFoundError:
            raise ValueError(f"learn_from: expected the folder of a run, got {folder}, which holds "
                             f"no run.json{said_of_path(folder)}") from None
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"learn_from: expected the folder of a run, got {folder}, whose "
                             f"run.json is none ({in_one_line(error)})") from None
        if primitives != digest(repr(primitives_of(self._pset)).encode()):
            raise ValueError(f"learn_from: expected a run with the same primitives, got {folder}, "
                             f"whose primitives are others")
        if code.get("trainings") == "predicted":
            raise ValueError(f"learn_from: expected a run that has trained, got {folder}, whose "
                             f"trainings were predicted")
        if fitness == "thesis":
            raise ValueError(f"learn_from: expected a run that brings losses to the common scale, "
                             f"got {folder} of fitness thesis, which trains them as they are")
        if not (folder / STORE).exists():
            raise ValueError(f"learn_from: expected the folder of a run, got {folder}, which holds "
                             f"no {STORE}")
        return content

    def _evidence(self, group, own_weight, by_task):
        import pandas as pd

        task, classes, is_own, images, epochs, rows = group
        table = pd.DataFrame([{
            "dataset": task, "images": images, "epochs": epochs, "seed": seed,
            "expression": text, "status": status,
            "validation_accuracies": " ".join(map(repr, accuracies)),
        } for (text, seed), (accuracies, status) in rows])
        return evidence_of(table, self._pset, weight=own_weight if is_own else 1.0,
                           classes={task: classes}, by_task=by_task)


@contextmanager
def _writable(store):
    """Gives the path of a store, or of a copy where its folder is not ours to write in.

    SQLite opens no file of its write-ahead log in a folder that it cannot write to.
    """
    if os.access(store.parent, os.W_OK):
        yield store
        return
    with TemporaryDirectory() as copy:
        for path in store.parent.glob(f"{store.name}*"):
            shutil.copy(path, copy)
        yield Path(copy, store.name)
