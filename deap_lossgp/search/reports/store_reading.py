"""The trainings of a store, for those who only look: nothing is written, and nobody waits."""

import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deap_lossgp.search.store import COLUMNS, UNREADABLE

_ATTEMPTS = 5
_PAUSE = 0.05  # seconds


def read_trainings(path: Path | str, columns: Sequence[str]) -> list[dict[str, Any]]:
    """Reads the trainings of a store, even while a process writes to it.

    Args:
        path: The file.
        columns: Names of ``COLUMNS`` of ``deap_lossgp.search.store``.

    Returns:
        list with a dict from column to value for each training, in the order of their ends; empty
        if there is no such file.

    Raises:
        ValueError: It cannot be read, or is not a store.
    """
    path = Path(path)
    for attempt in range(_ATTEMPTS):
        if not path.exists():
            return []
        try:
            return _rows(path, columns)
        except UNREADABLE as error:  # the other process may just open or close the file
            problem = error
            time.sleep(_PAUSE * (attempt + 1))
    raise ValueError(f"{path}: the trainings cannot be read: {problem}")


def _rows(path, columns):
    # A file that is open elsewhere has the newest rows beside it, and an index of them, in two more
    # files. Without these, to open it in any other way than as immutable would make them.
    live = path.with_name(f"{path.name}-shm").exists()
    option = "mode=ro&readonly_shm=1" if live else "immutable=1"
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?{option}", uri=True)
    try:
        rows = connection.execute(
            f"SELECT {', '.join(columns)} FROM trainings ORDER BY rowid").fetchall()
    finally:
        connection.close()
    return [{name: COLUMNS[name][2](cell) for name, cell in zip(columns, row, strict=True)}
            for row in rows]
