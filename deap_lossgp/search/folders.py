"""The folder of one experiment: it is locked while in use, and its files are always complete."""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

import deap_lossgp
from deap_lossgp.data.names import dataset_name
from deap_lossgp.search.store import Store

if TYPE_CHECKING:
    import pandas as pd

    from deap_lossgp.training.tasks import Task

STORE = "evaluations.sqlite"
SETTINGS = ("trainings", "threads", "determinism", "flags")
"""What is recorded with the code and a user sets, ``trainings`` by the choice of an engine."""

NUMBERS = ("clock", "finished")
NOTES = ("environment", "progress", *NUMBERS)
"""What later starts find in run.json: dicts, two of them from names to numbers."""


class RunFolder:
    """The folder of one experiment, held by one process at a time.

    The lock is the operating system's: it ends with the process that holds it, however it ends.

    Args:
        path: The folder; made by ``claim``.
        settings: What determines the results, as JSON holds it.
        changeable: Names of settings that may change in a folder that holds trainings already.
        growing: Names of settings, numbers, that may change there but are never less than those
            with which ``finish`` was called.

    Attributes:
        store: The folder's ``Store``, once the folder is open.

    Raises:
        ValueError: Another process works here, or the trainings here are of other settings.
        OSError: The folder cannot be used.
    """

    def __init__(self, path: Path | str, settings: dict[str, Any], changeable: Sequence[str] = (),
                 growing: Sequence[str] = ()) -> None:
        self.path = Path(path)
        self.store: Any = None
        self._settings, self._changeable, self._growing = settings, changeable, growing
        self._made = []
        self._lock = FileLock(self.path / "run.lock", blocking=False)
        if any((self.path / name).exists() for name in ("run.json", STORE)):
            self._open()

    def claim(self, data: Sequence[dict[str, Any]], code: dict[str, str]) -> None:
        """Makes the folder if it is missing, and writes into run.json to which run it belongs.

        Args:
            data: What ``ImageData.summary`` says of each data set.
            code: What enters the store's keys besides losses and seeds: a dict from a name (of a
                package, of a task) to a version or digest. Later starts may add names.

        Raises:
            ValueError: The folder holds trainings on other images, or of other code or tasks: these
                could not be found again, and everything would be trained anew.
        """
        self._made = [path for path in (self.path, *self.path.parents) if not path.exists()]
        self.path.mkdir(parents=True, exist_ok=True)
        self._open()
        content = self.content()
        if len(self.store):
            self._check_data(data, content)
            self._check_code(code, content)
        self.write_json("run.json", {
            "settings": self._settings, "seed": self._settings.get("seed"),
            "data": list(data), "versions": versions(),
            "code": {**(content.get("code") or {}), **code},
            **{name: content.get(name) if len(self.store) else None for name in NOTES},
            "process": {"pid": os.getpid(), "host": platform.node(),
                        "since": datetime.now(UTC).isoformat(timespec="seconds")},
        })

    def differences(self, environment: dict[str, Any]) -> list[str]:
        """Compares with the environment of the folder's first training, which is kept.

        Returns:
            list of str, like ``"threads 1, now 4"``.
        """
        if not (first := self.noted("environment")):
            self.note("environment", environment)
        return [f"{name} {before}, now {environment.get(name)}"
                for name, before in first.items() if before != environment.get(name)]

    def noted(self, name: str) -> dict[str, Any]:
        """Returns the dict that run.json holds under one of ``NOTES``, empty if there is none."""
        return self.content().get(name) or {}

    def note(self, name: str, content: dict[str, Any]) -> None:
        """Writes a dict into run.json, where later starts find it; its name is in ``NOTES``."""
        self.write_json("run.json", {**self.content(), name: content})

    def finish(self, **reached: float) -> None:
        """Notes that the folder holds a complete experiment, which may grow but not shrink.

        Args:
            **reached: Numbers that are less than the settings of these names.
        """
        self.note("finished", {name: self._settings[name] for name in self._growing} | reached)

    def write_json(self, name: str, content: Any) -> None:
        """Writes a JSON file."""
        with self.replacing(name) as path:
            path.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")

    @contextmanager
    def replacing(self, name: str) -> Iterator[Path]:
        """Yields a path to write to; the file takes the place of ``name`` once it is whole."""
        draft = self.path / f".{name}"
        try:
            yield draft
            _to_disk(draft)
            os.replace(draft, self.path / name)
            _to_disk(self.path)
        finally:
            draft.unlink(missing_ok=True)

    def close(self) -> None:
        """Closes the store and releases the folder; one that was made for nothing is removed."""
        unused = self._made and self.store is not None and not len(self.store)
        if self.store is not None:
            self.store.close()
            self.store = None
        own = [self.path / name for name in ("run.json", STORE, f"{STORE}-wal", f"{STORE}-shm")]
        lock = self.path / "run.lock"
        unused = unused and {*self.path.iterdir()} <= {*own, lock}
        if unused:
            for path in own:
                path.unlink(missing_ok=True)
        self._lock.release()
        if unused:
            with suppress(OSError):  # somebody else came
                lock.unlink(missing_ok=True)
                for path in self._made:
                    path.rmdir()

    def _open(self):
        if self.store is not None:
            return
        try:
            self._lock.acquire()
        except Timeout:
            first = self.content().get("process") or {}
            raise ValueError(
                f"{self.path} is in use by process {first.get('pid', '?')} on "
                f"{first.get('host', '?')}, since {first.get('since', '?')}: wait for it, or "
                f"choose another folder with --output"
            ) from None
        try:
            self.store = Store(self.path / STORE)
            self._check_settings()
        except BaseException:
            self.close()
            raise

    def _check_settings(self):
        theirs, ours = self.content().get("settings"), self._settings
        if theirs is None or not len(self.store):
            return
        for name, before in self.noted("finished").items():
            if name in self._growing and ours[name] < before:
                raise ValueError(
                    f"{self.path} holds a finished run with {name} {before}, which can only grow, "
                    f"got {ours[name]}: choose another folder with --output"
                )
        for name in {**ours, **theirs}:
            free = name in self._changeable or name in self._growing
            if not free and ours.get(name) != theirs.get(name):
                raise ValueError(
                    f"{self.path} holds another run, with {name} {theirs.get(name)!r} instead "
                    f"of {ours.get(name)!r}: choose another folder with --output"
                )

    def _check_data(self, data, content):
        theirs = {d["name"]: d.get("digest") for d in content.get("data") or ()}
        for name, digest in ((d["name"], d["digest"]) for d in data):
            if theirs.get(name, digest) not in (digest, None):
                raise ValueError(f"{self.path} holds a run on other images of {name}: choose "
                                 f"another folder with --output")

    def _check_code(self, code, content):
        theirs = content.get("code") or {}
        other = [name for name, digest in code.items() if theirs.get(name, digest) != digest]
        if settings := [f"{name} {theirs[name]}, now {code[name]}" for name in other
                        if name in SETTINGS]:
            raise ValueError(f"{self.path} was begun with {'; '.join(settings)}: choose the same, "
                             f"or another folder with --output")
        if other or not theirs:
            begun = (content.get("versions") or {}).get("deap_lossgp", "unknown")
            raise ValueError(f"{self.path} holds trainings of other code or tasks ("
                             f"{', '.join(other) or 'not recorded in run.json'}): choose another "
                             f"folder with --output, or use the version of deap_lossgp that began "
                             f"it ({begun})")

    def content(self) -> dict[str, Any]:
        """Returns what run.json holds, as ``run_record`` does."""
        return run_record(self.path)


def run_record(folder: Path | str) -> dict[str, Any]:
    """Reads the ``run.json`` of a run's folder.

    Args:
        folder: The folder.

    Returns:
        dict: What the file holds; empty if it is not there.

    Raises:
        ValueError: It is not a run's file.
    """
    path = Path(folder) / "run.json"
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text("utf-8"))
        parts = [content["settings"], *(content.get("data") or ()),
                 *(content.get(name) or {} for name in ("process", "versions", "code", *NOTES))]
        if not all(isinstance(part, dict) for part in parts):
            raise TypeError
        for number in (n for name in NUMBERS for n in (content.get(name) or {}).values()):
            if not math.isfinite(number):
                raise ValueError
        for data in content.get("data") or ():
            data["name"]
        return content
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        raise ValueError(f"{path} is not a run's file: choose another folder "
                         f"with --output") from None


def folder_name(datasets: Sequence[str], kind: str, settings: dict[str, Any]) -> str:
    """Makes the name of a folder: data sets, kind, seed, and a digest of the settings.

    Args:
        datasets: Names or paths of the data sets.
        kind: A word for the kind of experiment.
        settings: What the name depends on, as JSON holds it; with a ``seed``.
    """
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
    names = dict.fromkeys(map(dataset_name, datasets))
    return "-".join([*names, kind, f"seed{settings['seed']}", digest[:6]])


def digest(content: bytes) -> str:
    """Returns 16 hexadecimal digits that stand for bytes, in the ``code`` of a run.json."""
    return hashlib.sha256(content).hexdigest()[:16]


def task_digests(tasks: Iterable[Task]) -> dict[str, str]:
    """Returns what the ``code`` of a run.json says of ``Task`` objects."""
    return {f"{task.name}, {task.network_name}": task.fingerprint[:16] for task in tasks}


def _to_disk(path):
    """Writes a file or folder to the disk before anything relies on it (folders: on POSIX only)."""
    if path.is_dir() and os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def versions() -> dict[str, str]:
    """Returns the versions of Python and of the packages that results may depend on."""
    found = {"python": platform.python_version(), "deap_lossgp": deap_lossgp.__version__}
    for name in ("deap", "keras", "numpy", "scikit-learn", "tensorflow", "tensorflow-cpu"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def write_csv(table: pd.DataFrame, path: Path | str) -> None:
    """Writes a table so that reading it gives the same numbers, to the last bit."""
    table.to_csv(path, index=False, lineterminator="\n")
