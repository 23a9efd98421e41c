"""What runs, comparisons and confirmations share: settings, tasks, and a folder with a store."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import deap_lossgp
from deap_lossgp.errors import unknown_name
from deap_lossgp.pages.sections import Figure
from deap_lossgp.plotting.svg import as_svg
from deap_lossgp.progress_bar import progress_bar
from deap_lossgp.search.folders import RunFolder, folder_name, task_digests, write_csv
from deap_lossgp.training.results import ARITHMETIC
from deap_lossgp.training.tasks import Task, TaskSettings

if TYPE_CHECKING:
    import pandas as pd


class Experiment:
    """Trainings on tasks, kept in a folder.

    A subclass adds ``kind`` (a word for the folder's default name), ``prepare()`` (checks the tasks
    and prepares the trainings, before the folder is claimed) and ``execute()``.

    An experiment that was stopped goes on when it is made and executed again: all its randomness
    comes from the seed, and each training is in the folder's store as soon as it ends, so that
    nothing is trained twice.

    Args:
        settings: ``TaskSettings`` with a ``seed``.
        output: The folder; by default one in ``runs/`` with a name made of the settings.
        progress: Whether to draw a progress bar.
        tasks: The ``Task`` objects; by default what the settings describe. If they are given, the
            settings' ``datasets`` must be their names.

    Attributes:
        settings: The settings.
        tasks: The list of ``Task`` objects.
        output: The folder's path.

    Raises:
        ValueError: Settings or data are not usable, the folder holds another experiment, or another
            process works in it.
        OSError: The folder cannot be written.
    """

    settings: TaskSettings

    if TYPE_CHECKING:
        @property
        def kind(self) -> str: ...

        def prepare(self) -> None: ...

    changeable: tuple[str, ...] = ("data_dir",)
    """Settings that may change in a folder that holds trainings, if the images are the same."""
    growing: tuple[str, ...] = ()
    """Settings that may grow in a folder that holds a finished experiment; nothing is lost."""
    not_in_name: tuple[str, ...] = ()
    """Settings that the folder's default name does not depend on."""

    def __init__(self, settings: TaskSettings, output: Path | str | None = None, *,
                 progress: bool = True, tasks: Sequence[Task] | None = None) -> None:
        self.settings = settings
        self._progress, self._bar = progress, progress_bar(disable=True)
        described = json.loads(json.dumps(self.described(tasks)))
        named = {name: value for name, value in described.items() if name not in self.not_in_name}
        default = Path("runs", folder_name(settings.datasets, self.kind, named))
        self.output = default if output is None else Path(output)
        self._folder = RunFolder(self.output, described, self.changeable, self.growing)
        try:
            self.tasks = settings.load_tasks() if tasks is None else list(tasks)
            self.prepare()
            tasks = {task.name: task for task in self.tasks}.values()
            self._folder.claim([{**task.data.summary(), "trained_on": task.budget[0]}
                                for task in tasks], self.code())
            for note in (note for task in tasks for note in task.data.notes()):
                self.warn(note)
        except BaseException:
            self.close()
            raise

    def described(self, tasks: Sequence[Task] | None) -> dict[str, Any]:
        """Returns a dict of all that determines the results, for ``run.json``.

        Args:
            tasks: The ``Task`` objects that were given, or None.
        """
        described = asdict(self.settings)
        if tasks is not None:
            described |= dict.fromkeys(self.settings.task_fields())
            described["tasks"] = [{"name": task.name, "fingerprint": task.fingerprint}
                                  for task in tasks]
        return described

    def code(self) -> dict[str, Any]:
        """Returns what enters the store's keys besides losses and seeds; for ``RunFolder``."""
        return {"deap_lossgp": deap_lossgp.__version__, "arithmetic": ARITHMETIC,
                **task_digests(self.tasks)}

    def close(self) -> None:
        """Releases the folder."""
        self._folder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def showing_progress(self, total: int, unit: str) -> Iterator[None]:
        """Draws a progress bar of so many units."""
        with progress_bar(total=total, unit=unit, disable=not self._progress, leave=False,
                          dynamic_ncols=True) as self._bar:
            yield

    def advance(self, done: int) -> None:
        """Shows that so many units are done, whether they were trained or known."""
        self._bar.update(max(0, done - self._bar.n))

    def describe_progress(self, text: str) -> None:
        """Shows beside the progress bar what it is about."""
        self._bar.set_description_str(text)

    def warn(self, line: str) -> None:
        """Prints a line on stderr, above the progress bar."""
        self._bar.write(line, file=sys.stderr)

    def warn_of_differences(self, environment: dict[str, Any]) -> None:
        """Warns if the folder's first training was made in another environment."""
        for difference in self._folder.differences(environment):
            self.warn(f"Warning: {self.output} was begun with {difference}: "
                      f"the trainings from here on may differ")

    def write_table(self, table: pd.DataFrame, name: str) -> None:
        """Writes a ``DataFrame`` as a CSV file into the folder."""
        with self._folder.replacing(name) as path:
            write_csv(table, path)

    def write_text(self, text: str, name: str) -> None:
        """Writes a text as UTF-8 into the folder."""
        with self._folder.replacing(name) as path:
            path.write_text(text, encoding="utf-8", errors="backslashreplace")

    def write_figure(self, axes: Any, name: str) -> None:
        """Writes the figure of some axes as a PNG file into the folder."""
        with self._folder.replacing(name) as path:
            axes.figure.savefig(path, dpi=150, bbox_inches="tight", format="png")

    def figure(self, axes: Any, name: str, caption: str, alt: str = "") -> Figure:
        """Writes the figure of some axes as a PNG file, and returns it as a part of a page.

        Args:
            axes: The axes.
            name: The file's name without its ending.
            caption, alt: As for ``deap_lossgp.pages.Figure``.
        """
        self.write_figure(axes, f"{name}.png")
        return Figure(self.output / f"{name}.png", caption, as_svg(axes, name), alt)


def read_call(tasks: Any, options: dict[str, Any], settings_class: type[TaskSettings],
              *others: type) -> tuple:
    """Reads the arguments of a call that makes an experiment.

    Args:
        tasks: Names or paths of data sets, or ``Task`` objects, or one of these.
        options: dict of fields of the classes; ``datasets`` is not among them.
        settings_class: A subclass of ``TaskSettings``.
        *others: Further dataclasses with options.

    Returns:
        (list of ``Task`` objects or None, settings, an object of each other class)

    Raises:
        TypeError: There is no such option, or it describes tasks and ``Task`` objects are given.
        ValueError: The options are not usable.
    """
    given: Any = [tasks] if isinstance(tasks, str | Path | Task) else list(tasks)
    own = [{field.name for field in fields(cls)} - {"datasets"}
           for cls in (settings_class, *others)]
    for name in options.keys() - set.union(*own):
        raise TypeError(str(unknown_name("option", name, set.union(*own))))
    for task in given:
        if not isinstance(task, str | Path | Task):
            raise TypeError(f"expected names of data sets or Task objects, got "
                            f"{type(task).__name__}")
    if all(isinstance(task, Task) for task in given):
        for name in options.keys() & {*settings_class.task_fields()}:
            raise TypeError(f"{name} belongs to the tasks: expected it in Task(...), or names of "
                            f"data sets, got {name}={options[name]!r} beside Task objects")
        names = tuple(task.name for task in given)
    else:
        names, given = tuple(os.fspath(task) for task in given), None
    settings, *rest = ({name: options[name] for name in names_of & options.keys()}
                       for names_of in own)
    return given, settings_class(datasets=names, **settings), *(
        cls(**options_of) for cls, options_of in zip(others, rest, strict=True))
