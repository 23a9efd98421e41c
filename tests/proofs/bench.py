"""Where rounds take place: runs, their files, and the tables of the rounds."""

import csv
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

EVOLVE = Path(__file__).parents[2] / "examples" / "evolve_loss.py"
SMALL = ["--population", "8", "--generations", "4", "--epochs", "2", "--train-size", "300",
         "--test-seeds", "1"]
SMALLER = ["--population", "4", "--generations", "2", "--epochs", "1", "--train-size", "300",
           "--test-seeds", "1", "--max-size", "30", "--no-preselect"]
TWO_WORKERS = ("--workers", "2")
RAY = ("--engine", "ray")
SETUPS = [("--workers", "1"), TWO_WORKERS, RAY, ("--workers", "4")]
EVERYTHING = ("--audit", "0.5", "--tune-constants", "6", "--rate-factors", "0.5", "2",
              "--final-epochs", "3", "--final-size", "200", "--select", "simplest")
"""What is not switched on by default."""


def trainings(folder):
    """Returns the store's rows by key, read as any SQLite client does; {} before it exists."""
    path = Path(folder).absolute() / "evaluations.sqlite"
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            return {row[1]: row for row in connection.execute("SELECT rowid, * FROM trainings")}
    except sqlite3.OperationalError:
        return {}


def trainings_left(folder):
    """Returns the rows that a dead process left, read from a copy, so that nothing is repaired."""
    with tempfile.TemporaryDirectory() as copy:  # elsewhere: the folder's disk may be full
        for path in folder.glob("evaluations.sqlite*"):
            shutil.copy(path, copy)
        try:
            with closing(sqlite3.connect(Path(copy) / "evaluations.sqlite")) as connection:
                return {row[1]: row for row in connection.execute("SELECT rowid, * FROM trainings")}
        except sqlite3.OperationalError:
            return {}


def results(folder):
    """Returns what each table of a run says, without seconds, and its result; None before its end.

    Returns:
        dict by file name.
    """
    if not (folder / "best_loss.json").exists():
        return None
    tables = {"best_loss.json": (folder / "best_loss.json").read_bytes()}
    for path in sorted(folder.glob("*.csv")):
        with path.open(newline="") as file:
            tables[path.name] = [{name: row[name] for name in row if name != "seconds"}
                                 for row in csv.DictReader(file)]
    return tables


class Undisturbed(NamedTuple):
    """A run that nothing disturbed."""

    results: dict
    trainings: int
    seconds: float


class Bench:
    """Where rounds take place: folders, runs in them, and the tables of the rounds."""

    def __init__(self, output, seed, quick):
        self.output, self.seed, self.quick = Path(output).absolute(), seed, quick
        self.output.mkdir(parents=True, exist_ok=True)
        self._undisturbed = {}

    def command(self, folder, options=TWO_WORKERS):
        return [sys.executable, str(EVOLVE), *(SMALLER if self.quick else SMALL), *options,
                "--output", str(folder)]

    @contextmanager
    def started(self, command, **environment):
        """Starts a command in a session of its own; ends it and its workers afterwards."""
        with open(self.output / "stderr.txt", "w+") as errors:
            process = subprocess.Popen(
                command, cwd=self.output, start_new_session=True, text=True,
                stdout=subprocess.DEVNULL, stderr=errors, env={**os.environ, **environment},
            )
            try:
                yield process
            finally:
                process.kill()
                process.wait()

    def finished(self, command, **environment):
        """Runs a command to its end and returns (status, stderr, seconds)."""
        start = time.monotonic()
        with self.started(command, **environment) as process:
            status = process.wait()
        return status, (self.output / "stderr.txt").read_text(), time.monotonic() - start

    def undisturbed(self, options=TWO_WORKERS):
        if options not in self._undisturbed:
            folder = self.fresh("undisturbed")
            status, errors, seconds = self.finished(self.command(folder, options))
            if status:
                raise RuntimeError(f"the undisturbed run ended with status {status}: {errors}")
            self._undisturbed[options] = Undisturbed(results(folder), len(trainings(folder)),
                                                     seconds)
        return self._undisturbed[options]

    def fresh(self, name):
        """Returns the path of a folder in ``output`` that does not exist; removes an old one."""
        folder = self.output / name
        shutil.rmtree(folder, ignore_errors=True)
        return folder

    def until_trained(self, process, folder, count):
        """Waits for so many trainings in the store; returns False if the process ends before."""
        while process.poll() is None:
            if len(trainings(folder)) >= count:
                return True
            time.sleep(0.02)
        return False

    def resumed(self, command, folder, snapshots, expected=None):
        """Runs the command again and compares; returns the columns that say if all was kept."""
        status, errors, _ = self.finished(command)
        expected, rows = expected or self.undisturbed(), trainings(folder)
        repeated = sum(rows.get(key) != row for kept in snapshots for key, row in kept.items())
        identical = results(folder) == expected.results
        held = not status and identical and not repeated and len(rows) == expected.trainings
        if held:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            print(f"{' '.join(command)}\n{errors}", file=sys.stderr)
        return {"status": status, "identical": int(identical), "repeated": repeated,
                "held": int(held)}

    def rows(self, name):
        """Returns the rows of a proof, those of other seeds included."""
        path = self.output / f"{name}.csv"
        if not path.exists():
            return []
        with open(path, newline="") as file:
            return list(csv.DictReader(file))

    def add(self, name, row):
        """Adds a row to a proof's table; the file is complete at any moment."""
        path, rows = self.output / f"{name}.csv", [*self.rows(name), row]
        with open(path.with_suffix(".draft"), "w", newline="") as file:
            writer = csv.DictWriter(file, row, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        os.replace(path.with_suffix(".draft"), path)


def numbers(rows, column):
    return [float(row[column]) for row in rows]


def total(rows, column):
    return sum(int(number) for row in rows for number in row[column].split())
