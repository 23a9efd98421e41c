"""The state of a run, read from its folder by those who watch; its process takes no notice."""

import os
import platform
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from deap_lossgp.errors import printable, said_of_path
from deap_lossgp.search.folders import STORE, run_record
from deap_lossgp.search.reports.store_reading import read_trainings

_COLUMNS = ("task", "expression", "seed", "status", "accuracy", "test_accuracy", "seconds")
RUNNING, STOPPED, COMPLETE = "running", "stopped", "complete"


@dataclass(frozen=True)
class RunState:
    """What a run's folder says while the run grows. Printed, it is a few lines.

    Attributes:
        folder: The folder.
        record: What its ``run.json`` holds.
        trainings: list of dicts ``task expression seed status accuracy test_accuracy seconds``, in
            the order of their ends.
        status: ``running``, ``stopped`` (its process is gone) or ``complete``. A process on
            another machine is taken to run.
    """

    folder: Path
    record: dict
    trainings: list
    status: str

    @property
    def settings(self) -> dict[str, Any]:
        """The run's settings, a dict."""
        return self.record["settings"]

    @property
    def title(self) -> str:
        """The run in words."""
        names = ", ".join(str(data["name"]) for data in self.record.get("data") or ())
        return f"{names}: {self._kind}, seed {self.record.get('seed')}"

    @property
    def is_run(self) -> bool:
        """Whether it is a run, with generations; else a comparison or a collection."""
        return "algorithm" in self.settings and "arms" not in self.settings

    @property
    def _kind(self):
        if "arms" in self.settings:
            return "comparison"
        return self.settings.get("algorithm") or "collection of trainings"

    @cached_property
    def generations(self) -> list[tuple[int, float, float | None]]:
        """list of (generation, wins, improvement) of the best so far; None is not finite."""
        noted = (self.record.get("progress") or {}).get("generations")
        rows = noted.items() if isinstance(noted, dict) else ()
        return sorted((int(number), *entry) for number, entry in rows
                      if number.isdecimal() and _is_entry(entry))

    @property
    def best(self) -> str | None:
        """The text of the best loss so far; None before the first generation ends."""
        text = (self.record.get("progress") or {}).get("best")
        return text if self.generations and isinstance(text, str) else None

    @property
    def generation_text(self) -> str:
        """Which generation has ended; of what is no run, what it is."""
        if not self.is_run:
            return f"a {self._kind}"
        total = self.settings.get("generations")
        if not self.generations:
            return f"no generation of 0 to {total} has ended"
        return f"generation {self.generations[-1][0]} of {total} has ended"

    @property
    def trainings_text(self) -> str:
        """How many trainings there are: those of the search, and with other seeds."""
        total = len(self.trainings)
        text = f"{total} trainings"
        if self.is_run:
            own = sum(row["seed"] == self.record.get("seed") for row in self.trainings)
            text = f"{own} trainings in the search"
            if others := total - own:
                text += f", {others} with fresh seeds"
        ended = Counter(row["status"] for row in self.trainings if row["status"] != "ok")
        return text + "".join(f", {count} {status}" for status, count in sorted(ended.items()))

    @property
    def texts(self) -> list[str]:
        """All that there is to say; only a run has a best loss."""
        return [self.generation_text, self.trainings_text,
                *([self.best_text] if self.is_run else [])]

    @property
    def best_text(self) -> str:
        """How good the best so far is."""
        if not self.generations:
            return "no best loss yet"
        _, wins, improvement = self.generations[-1]
        if improvement is None:
            return "no loss has a fitness yet"
        return f"best so far {improvement:+.4f}, {wins:g} data sets won"

    def __str__(self) -> str:
        return "; ".join(self.texts)


def read_state(folder: Path | str) -> RunState:
    """Reads the state of a run.

    Args:
        folder: The run's folder; nothing is written there.

    Returns:
        A ``RunState``.

    Raises:
        ValueError: There is no run, or its files cannot be read.
        OSError: Likewise.
    """
    folder = Path(folder)
    record = run_record(folder)
    if not record:
        raise ValueError(f"expected the folder of a run, with a run.json; got "
                         f"{printable(str(folder))}{said_of_path(folder)}")
    trainings = read_trainings(folder / STORE, _COLUMNS)
    return RunState(folder, record, trainings, _status(folder, record))


def _is_entry(entry):
    return (isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], int | float)
            and isinstance(entry[1], int | float | None))


def _status(folder, record):
    process = record.get("process") or {}
    page = folder / "report.html"
    if record.get("finished") and page.exists():
        try:
            began = datetime.fromisoformat(process["since"]).timestamp()
        except (KeyError, TypeError, ValueError):
            began = 0.0
        if page.stat().st_mtime >= began:
            return COMPLETE
    return RUNNING if _may_live(process) else STOPPED


def _may_live(process):
    """Tells whether a process may be alive: here that can be found out, elsewhere it cannot."""
    pid = process.get("pid")
    if process.get("host") != platform.node() or os.name != "posix" or not isinstance(pid, int):
        return True
    try:
        os.kill(pid, 0)  # sends nothing
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
