"""The raw figures of every training, in one SQLite file, written as each training ends."""

import dataclasses
import errno
import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Self

from deap_lossgp.errors import in_one_line
from deap_lossgp.search.cells import INTEGER, NUMBER, NUMBERS, TEXT, TRUTH
from deap_lossgp.training.results import TrainingResult

APPLICATION_ID = 0x4C6F7347  # "LosG"
VERSION = 3
TIMEOUT = 30.0  # seconds to wait while another process writes

COLUMNS: dict[str, tuple[str, Callable, Callable]] = {
    "key": TEXT, "task": TEXT, "num_classes": INTEGER, "expression": TEXT, "seed": INTEGER,
    "status": TEXT, "loss": NUMBER, "accuracy": NUMBER, "cross_entropy": NUMBER,
    "test_accuracy": NUMBER, "balanced_accuracy": NUMBER, "seconds": NUMBER, "losses": NUMBERS,
    "accuracies": NUMBERS, "cross_entropies": NUMBERS, "exact": TRUTH, "message": TEXT,
    "test_balanced_accuracy": NUMBER,
}  # fmt: skip
OF_VERSION = {2: [*COLUMNS][:-1], VERSION: [*COLUMNS]}


def _schema(columns):
    return (f"CREATE TABLE trainings ({', '.join(f'{name} {COLUMNS[name][0]}' for name in columns)}"
            ", checksum TEXT NOT NULL, PRIMARY KEY (key))")


SCHEMA = _schema(COLUMNS)
# With names: else SQLite may count the columns that the table had before another process upgraded.
INSERT = (f"INSERT INTO trainings ({', '.join(COLUMNS)}, checksum) "
          f"VALUES ({', '.join('?' * (len(COLUMNS) + 1))})")
REPLACE = INSERT.replace("INSERT", "REPLACE", 1)

# What bytes of any kind may raise when they are read as a result.
UNREADABLE = (sqlite3.Error, ArithmeticError, MemoryError, RecursionError, TypeError, ValueError)
FAILURES = {
    sqlite3.SQLITE_FULL: (errno.ENOSPC, "no room left"),
    sqlite3.SQLITE_IOERR_SHMSIZE: (errno.ENOSPC, "no room left"),
    sqlite3.SQLITE_BUSY: (errno.EBUSY, "another process holds the file"),
    sqlite3.SQLITE_READONLY: (errno.EROFS, "the file is read-only"),
}


class StoreError(ValueError):
    """The file cannot be used as a store: it is damaged, foreign, or of another version."""


class Store:
    """Results of trainings by key, in memory and in one SQLite file.

    A result is on the disk when ``put`` returns. When a store is opened, every row is read and
    checked against its checksum. Any SQLite client can read the table ``trainings`` meanwhile;
    numbers that SQLite or JSON cannot hold are texts there: ``nan inf -inf -zero``. What
    another process adds is seen when the store is opened the next time. A store of version 2 gets
    the column that it lacks, without values, when something is first put or discarded.

    Args:
        path: The file; made where it is missing or empty. Default: in memory only.

    Raises:
        StoreError: The file is damaged, foreign, of another version, or cannot be opened.
        OSError: Another process holds the file, or the disk is full or fails.

    Examples:
        >>> with Store() as store:
        ...     store.put("k", TrainingResult("digits", 10, "nan"), expression="y_pred", seed=1)
        ...     store.get("k").status, store.get("other"), len(store)
        ('nan', None, 1)
    """

    def __init__(self, path: Path | str | None = None) -> None:
        self._file = ":memory:" if path is None else os.path.abspath(path)
        self._connection, self._results = None, {}
        try:
            self._connection = sqlite3.connect(
                self._file, timeout=TIMEOUT, isolation_level="IMMEDIATE",
                check_same_thread=False,  # Dask calls from several threads, one at a time
            )
            self._open()
            self._results = self._read()
        except StoreError:
            self.close()
            raise
        except UNREADABLE as error:
            self.close()
            raise self._unusable(error) from error

    def get(self, key: str) -> TrainingResult | None:
        """Returns the ``TrainingResult`` that was put under the key, or None."""
        return self._results.get(key)

    def put(self, key: str, result: TrainingResult, *, expression: str, seed: int,
            replace: bool = False) -> None:
        """Writes one result; when this returns, a killed process does not lose it.

        Args:
            key: A text that no other training has.
            result: The TrainingResult.
            expression: The text of the loss, for those who read the file.
            seed: The integer seed of the training, for those who read the file.
            replace: Whether it may replace a result under this key.

        Raises:
            ValueError: The file holds a result under this key already.
            OSError: It could not be written (ENOSPC: the disk is full); the store is as before.
        """
        cells = {**vars(result), "key": key, "expression": expression, "seed": seed}
        row = [write(cells[name]) for name, (_, write, _) in COLUMNS.items()]
        try:
            self._change(REPLACE if replace else INSERT, [(*row, _checksum(row))])
        except sqlite3.IntegrityError as error:
            raise ValueError(f"{self._file!r} holds a training with key {key!r} already") from error
        self._results[key] = result

    def discard(self, keys: Iterable[str]) -> None:
        """Deletes the results under these keys: all, or after an OSError none."""
        keys = list(keys)
        self._change("DELETE FROM trainings WHERE key = ?", [(TEXT[1](key),) for key in keys])
        for key in keys:
            self._results.pop(key, None)

    def keys(self) -> list[str]:
        """Returns the keys, in the order in which they were put."""
        return list(self._results)

    def rows(self) -> list[dict[str, Any]]:
        """Returns a dict per training as the file has it: ``COLUMNS`` without the key."""
        return [{name: value for name, value in row.items() if name != "key"}
                for row in self._rows()]

    def __len__(self) -> int:
        return len(self._results)

    def __contains__(self, key: str) -> bool:
        return key in self._results

    def close(self) -> None:
        """Ends the writing and leaves one file, unless others have it open; ``get`` still works."""
        if self._connection is not None:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _open(self):
        execute = self._connection.execute
        execute("PRAGMA trusted_schema = OFF")
        # Before the marks: another process may be making the file.
        empty = not execute("SELECT 1 FROM sqlite_master").fetchone()
        marks = self._pragma("application_id"), self._pragma("user_version")
        if empty and marks == (0, 0):
            with self._connection:  # all or nothing, and once where two processes make it
                execute("BEGIN IMMEDIATE")
                execute(SCHEMA.replace("TABLE", "TABLE IF NOT EXISTS"))
                execute(f"PRAGMA application_id = {APPLICATION_ID}")
                execute(f"PRAGMA user_version = {VERSION}")
            marks = APPLICATION_ID, VERSION
        if marks[0] != APPLICATION_ID:
            raise StoreError(f"{self._file!r}: expected a store of trainings, got the database of "
                             "another program; name another file")  # fmt: skip
        if marks[1] not in OF_VERSION:
            age, remedy = ("newer", "upgrade deap_lossgp") if marks[1] > VERSION else (
                "older", "remove it to train anew")
            raise StoreError(f"{self._file!r}: expected a store of version {VERSION}, got the {age}"
                             f" version {marks[1]}; {remedy}")
        self._write_ahead()
        # FULL outlasts power cuts as well, and a row costs 0.3 ms; with NORMAL 0.03 ms.
        execute("PRAGMA synchronous = FULL")

    def _write_ahead(self):
        """Lets others read during the writing; SQLite does not wait here for who makes the file."""
        end = time.monotonic() + TIMEOUT
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                    raise
                time.sleep(0.02)

    def _upgrade(self):
        """Makes a table of version 2 one of this version, inside a transaction."""
        if self._pragma("user_version") == 2:
            rows = [[*row, None] for row in self._cells()]
            self._connection.execute("DROP TABLE trainings")
            self._connection.execute(SCHEMA)
            self._connection.executemany(INSERT, [(*row, _checksum(row)) for row in rows])
            self._connection.execute(f"PRAGMA user_version = {VERSION}")

    def _check(self, version):
        """Checks that the file has the table of a version, nothing else, and no damage."""
        objects = self._connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
        if objects != [("table", "trainings", _schema(OF_VERSION[version])),
                       ("index", "sqlite_autoindex_trainings_1", None)]:
            raise ValueError(f"not the table of version {version}")
        if (report := self._pragma("integrity_check(1)")) != "ok":
            raise ValueError(report)

    def _read(self):
        names = [field.name for field in dataclasses.fields(TrainingResult)]
        with self._connection:
            self._connection.execute("BEGIN")  # another process may upgrade it meanwhile
            self._check(self._pragma("user_version"))
            return {row["key"]: TrainingResult(**{name: row[name] for name in names})
                    for row in self._rows()}

    def _rows(self):
        """Yields each row of the file as a dict of ``COLUMNS``, checked and with values read."""
        for row in self._cells():
            row += [None] * (len(COLUMNS) - len(row))  # of version 2
            yield {name: read(cell)
                   for (name, (_, _, read)), cell in zip(COLUMNS.items(), row, strict=True)}

    def _cells(self):
        """Yields each row of the file as a list, checked."""
        for *row, checksum in self._connection.execute("SELECT * FROM trainings"):
            if _checksum(row) != checksum:
                raise ValueError(f"a row that does not agree with its checksum (key {row[0]!r})")
            yield row

    def _pragma(self, name):
        return self._connection.execute(f"PRAGMA {name}").fetchone()[0]

    def _change(self, statement, rows):
        try:
            with self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                self._upgrade()
                self._connection.executemany(statement, rows)
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error as error:
            raise self._os_error(error) from error

    def _unusable(self, error):
        """Returns the error to raise for one that came up while the file was opened and read."""
        code = _code(error) & 0xFF  # the kind; the rest are its cases
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            return self._os_error(error)
        expected, remedy = "an undamaged store of trainings", "remove it to train anew"
        if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            expected, remedy = "a file in a folder that can be written to", "name another file"
        came = in_one_line(error).removeprefix("ValueError: ")
        return StoreError(f"{self._file!r}: expected {expected}, got {came}; {remedy}")

    def _os_error(self, error):
        code, other = _code(error), (errno.EIO, "cannot be written")
        number, reason = FAILURES.get(code) or FAILURES.get(code & 0xFF, other)
        return OSError(number, f"{reason} ({error})", self._file)


def _code(error):
    return getattr(error, "sqlite_errorcode", 0)


def _checksum(row):
    return hashlib.sha256(json.dumps(row, default=bytes.hex).encode()).hexdigest()
