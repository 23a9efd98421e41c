"""The engines by name, and how trainings are executed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deap_lossgp.engines.engine import Engine, InProcess
from deap_lossgp.engines.processes import WorkerProcesses
from deap_lossgp.engines.ray_tasks import RayTasks
from deap_lossgp.engines.tabular import Tabular
from deap_lossgp.errors import at_least, unknown_name
from deap_lossgp.settings import check_numbers, documented, setting
from deap_lossgp.training.tensorflow_setup import (
    arithmetic_settings,
    check_tensorflow,
    import_tensorflow,
    own_options,
    prepare_tensorflow,
)

if TYPE_CHECKING:
    from deap import gp

    from deap_lossgp.training.tasks import Task


def local_engine(tasks: Sequence[Task], pset: gp.PrimitiveSet, workers: int, *, threads: int,
                 determinism: bool | None, time_limit: float | None) -> Engine:
    """Returns ``WorkerProcesses``, or ``InProcess`` for no workers."""
    if workers:
        return WorkerProcesses(tasks, pset, workers, threads=threads, determinism=determinism,
                               time_limit=time_limit)
    import_tensorflow()
    environment = prepare_tensorflow(threads, determinism)
    settings = arithmetic_settings(environment["threads"], determinism, **own_options())
    return InProcess(tasks, pset, environment, settings)


@dataclass(frozen=True)
class EngineRow:
    """A row of ``ENGINES``.

    Attributes:
        make: ``make(tasks, pset, threads=..., determinism=..., time_limit=...)``, and its own
            options by name; returns an ``Engine``.
        about: What it trains on, in a few words, for ``--help``.
        options: Its own options: fields of ``Execution`` that it takes and not every engine does.
    """

    make: Callable
    about: str
    options: tuple[str, ...] = ()


ENGINES = {
    "local": EngineRow(local_engine, "worker processes", ("workers",)),
    "ray": EngineRow(RayTasks, "a cluster", ("address", "gpus_per_training")),
    "tabular": EngineRow(Tabular, "nothing: figures are predicted from the atlas"),
}


ARITHMETIC_GROUP = "arithmetic"


@documented
@dataclass(frozen=True, kw_only=True)
class Execution:
    """How trainings are executed.

    A run may be resumed with another ``Execution``, except for ``threads`` and ``determinism``, on
    which the bits of a training depend.

    A value that is out of its range, or that the engine does not take, is a ValueError.
    """

    group = "execution (may change when a run is resumed)"

    workers: int = setting(1, "processes that train; with 0 this process trains")
    engine: str = setting("local", "the engine: " + " or ".join(
        f"{name} ({row.about})" for name, row in ENGINES.items()))
    address: str | None = setting(
        None, "address of a Ray cluster, or auto for this machine's; by default RAY_ADDRESS, or "
              "a new one")
    gpus_per_training: float = setting(0.0, "GPUs that Ray gives each training; may be a fraction")
    threads: int = setting(1, "threads per operation on the CPU; more for large networks",
                           group=ARITHMETIC_GROUP)
    determinism: bool | None = setting(
        None, "whether operations are deterministic; by default on the CPU only",
        group=ARITHMETIC_GROUP)
    time_limit: float | None = setting(
        None, "time of one training, without compiling; a longer one has failed",
        metavar="SECONDS")

    def __post_init__(self) -> None:
        check_numbers(self, Execution)
        if self.engine not in ENGINES:
            raise unknown_name("engine", self.engine, ENGINES)
        for name, least in (("workers", 0), ("threads", 1), ("gpus_per_training", 0)):
            at_least(self, name, least)
        if self.time_limit is not None and not 0.0 < self.time_limit < float("inf"):
            raise ValueError(f"time_limit must be positive and finite, got {self.time_limit}")
        if self.time_limit and self.engine == "local" and not self.workers:
            raise ValueError("time_limit needs workers, at least 1, got 0")
        # A number of workers always has a value, so every engine accepts it.
        accepted = ("workers", *ENGINES[self.engine].options)
        for name, row in ENGINES.items():
            refused = [o for o in row.options if o not in accepted and getattr(self, o)]
            if refused:
                raise ValueError(f"only the engine {name!r} takes {' and '.join(refused)}, "
                                 f"got engine {self.engine!r}")


def make_engine(tasks: Sequence[Task], pset: gp.PrimitiveSet, execution: Execution) -> Engine:
    """Makes the engine that settings describe.

    Args:
        tasks: The ``Task`` objects.
        pset: The primitive set of the losses.
        execution: An ``Execution``.

    Returns:
        An ``Engine``.

    Raises:
        ValueError: What the engine needs is not installed, or Keras has another backend than
            TensorFlow.
    """
    check_tensorflow()
    row = ENGINES[execution.engine]
    names = ("threads", "determinism", "time_limit", *row.options)
    return row.make(tasks, pset, **{name: getattr(execution, name) for name in names})
