"""A run's folder: whose it is, and files that are whole or not there."""

import json
import os
import platform
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from filelock import FileLock, Timeout

from deap_lossgp.search.store import Store

STORE = "evaluations.sqlite"


class RunFolder:
    """The folder of one run, held by one process at a time.

    The lock is the operating system's: it ends with the process that holds it, however that dies.

    Args:
        path: The folder; made by ``claim``.
        settings: What determines the run, as JSON has it.
        changeable: Names of settings that may be others in a folder that holds a run already.

    Attributes:
        store: The run's ``Store``, once the folder is open.

    Raises:
        ValueError: Another process works here, or another run's trainings lie here.
        OSError: The folder cannot be used.
    """

    def __init__(self, path, settings, changeable=()):
        self.path = Path(path)
        self.store = None
        self._settings, self._changeable = settings, changeable
        self._lock = FileLock(self.path / "run.lock", blocking=False)
        if any((self.path / name).exists() for name in ("run.json", STORE)):
            self._open()

    def claim(self, data=()):
        """Makes the folder if need be, and writes down whose it is, and on what data sets.

        Raises:
            ValueError: The folder holds trainings on other images.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        self._open()
        theirs = {d["name"]: d.get("digest") for d in self._read().get("data") or ()}
        for name, digest in ((d["name"], d["digest"]) for d in data):
            if len(self.store) and theirs.get(name, digest) not in (digest, None):
                raise ValueError(f"{self.path} holds a run on other images of {name}: choose "
                                 f"another folder with --output")
        content = {
            "settings": self._settings, "seed": self._settings.get("seed"),
            "data": list(data), "versions": versions(),
            "environment": self._read().get("environment"),
            "process": {"pid": os.getpid(), "host": platform.node(),
                        "since": datetime.now(UTC).isoformat(timespec="seconds")},
        }
        self.write_json("run.json", content)

    def differences(self, environment):
        """What differs from the environment of the run's first training, which is kept.

        Returns:
            list of str, like ``"threads 1, now 4"``.
        """
        content = self._read()
        if not content.get("environment"):
            self.write_json("run.json", {**content, "environment": environment})
            return []
        return [f"{name} {before}, now {environment.get(name)}"
                for name, before in content["environment"].items()
                if before != environment.get(name)]

    def write_json(self, name, content):
        with self.replacing(name) as path:
            path.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")

    @contextmanager
    def replacing(self, name):
        """A path to write to; what is written takes the name's place once it is whole."""
        draft = self.path / f".{name}"
        try:
            yield draft
            _to_disk(draft)
            os.replace(draft, self.path / name)
            _to_disk(self.path)
        finally:
            draft.unlink(missing_ok=True)

    def close(self):
        """Closes the store and lets go of the folder."""
        if self.store is not None:
            self.store.close()
            self.store = None
        self._lock.release()

    def _open(self):
        if self.store is not None:
            return
        try:
            self._lock.acquire()
        except Timeout:
            first = self._read().get("process") or {}
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
        theirs, ours = self._read().get("settings"), self._settings
        if theirs is None or not len(self.store):
            return
        for name in {**ours, **theirs}:
            if name not in self._changeable and ours.get(name) != theirs.get(name):
                raise ValueError(
                    f"{self.path} holds another run, with {name} {theirs.get(name)!r} instead "
                    f"of {ours.get(name)!r}: choose another folder with --output"
                )

    def _read(self):
        path = self.path / "run.json"
        if not path.exists():
            return {}
        try:
            content = json.loads(path.read_text("utf-8"))
            parts = [content["settings"], content.get("process") or {},
                     content.get("environment") or {}, *(content.get("data") or ())]
            if not all(isinstance(part, dict) for part in parts):
                raise TypeError
            for data in content.get("data") or ():
                data["name"]
            return content
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ValueError(f"{path} is not a run's file: choose another folder "
                             f"with --output") from None


def _to_disk(path):
    """Has the disk hold what was written, before anything relies on it; where folders can be."""
    if path.is_dir() and os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def versions():
    """Versions of Python and of the packages that results may depend on."""
    found = {"python": platform.python_version()}
    for name in ("deap_lossgp", "deap", "keras", "numpy", "scikit-learn", "tensorflow",
                 "tensorflow-cpu"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def write_csv(table, path):
    """Writes a table so that reading it gives the same numbers, to the last bit."""
    table.to_csv(path, index=False, lineterminator="\n")
