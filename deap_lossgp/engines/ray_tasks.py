"""The engine for several GPUs or machines, on Ray."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from deap_lossgp.engines.engine import Engine, Job, TrainingError
from deap_lossgp.engines.parcels import pack_setup
from deap_lossgp.engines.processes import MACHINE_SHARE, RETRIES, WorkerProcesses
from deap_lossgp.engines.ray_guard import ClusterGuard
from deap_lossgp.errors import in_one_line
from deap_lossgp.training.tensorflow_setup import arithmetic_settings

if TYPE_CHECKING:
    from deap import gp

    from deap_lossgp.training.results import TrainingResult
    from deap_lossgp.training.tasks import Task


class RayTasks(Engine):
    """Trains as tasks of a Ray cluster: the one that ``address`` names, or one started here.

    A task hands its job to a worker process on its node (``WorkerProcesses``), which compiles the
    network and loads the data once and is kept. With GPUs Ray uses a process only once, which
    certainly frees the GPU's memory. A training whose node is lost is begun again on another.

    Args:
        tasks, pset, threads, determinism, time_limit: As for ``WorkerProcesses``; tasks and
            primitive set travel to each node once.
        address: Address of a cluster, as for ``ray.init``. The default is the environment variable
            RAY_ADDRESS, and without it a cluster that is started here and ended by ``close``.
        gpus_per_training: GPUs of one training; may be a fraction.

    Raises:
        ValueError: Ray is not installed, or something of the tasks or the primitives cannot be sent
            to another process.
    """

    def __init__(self, tasks: Sequence[Task], pset: gp.PrimitiveSet, *, address: str | None = None,
                 gpus_per_training: float = 0.0, threads: int = 1, determinism: bool | None = None,
                 time_limit: float | None = None) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray
        except ImportError:
            raise ValueError("the engine 'ray' needs Ray: pip install -e '.[ray]'") from None
        pack_setup(tasks, pset)  # refused here rather than on a node
        self._ray = ray
        self._tasks = tasks
        self.settings = arithmetic_settings(threads, determinism)
        self._address = address or os.environ.get("RAY_ADDRESS") or "local"
        self._options = {"num_cpus": threads, "num_gpus": gpus_per_training,
                         "max_retries": RETRIES}
        self._setup = (tasks, pset, {"threads": threads, "determinism": determinism,
                                     "time_limit": time_limit})
        self._name = uuid.uuid4().hex
        self._task: Any = None
        self._shared_setup = self._guard = None
        self._joined = False

    def train(self, jobs: Iterable[Job]) -> Iterator[tuple[int, TrainingResult]]:
        jobs = list(jobs)
        if not jobs:
            return
        ray = self._ray
        if self._task is None:
            self._start()
        pending = {self._task.remote(self._name, self._shared_setup, job): index
                   for index, job in enumerate(jobs)}
        try:
            while pending:
                (ended,), _ = ray.wait(list(pending))
                index = pending.pop(ended)
                try:
                    result, self.environment = ray.get(ended)
                except ray.exceptions.RayTaskError as error:
                    raise TrainingError(str(error.cause)) from None
                except ray.exceptions.RayError as error:
                    job = jobs[index]
                    result = job.failed(self._tasks[job.task], "crashed", in_one_line(error))
                yield index, result
        finally:
            for reference in pending:
                ray.cancel(reference, force=True)

    def close(self) -> None:
        """Leaves the cluster if it was joined here; ends it if it was started here."""
        self._task = None
        if self._joined:
            self._joined = False
            self._ray.shutdown()
        if self._guard is not None:
            self._guard.close()
            self._guard = None

    def _start(self):
        """Joins or starts the cluster, and puts there what all tasks need."""
        self._joined = not self._ray.is_initialized()
        try:
            if self._joined:
                self._ray.init(address=self._address, log_to_driver=False, logging_level="ERROR",
                               **self._own_cluster())
        except BaseException as error:
            self.close()
            if isinstance(error, OSError | RuntimeError | ValueError):
                raise TrainingError(f"no Ray cluster ({in_one_line(error)})") from None
            raise
        self._shared_setup = self._ray.put(self._setup)
        self._task = self._ray.remote(_train_on_node).options(**self._options)

    def _own_cluster(self):
        """Returns further options of ``ray.init``; a cluster that is started here gets a guard."""
        if self._address != "local":
            return {}
        self._guard = ClusterGuard()
        return {"_temp_dir": self._guard.folder, "include_dashboard": False}


_ENGINES_ON_NODE = {}
"""In a process of Ray's: the ``WorkerProcesses`` of the driver's engine, by the engine's name."""


def _train_on_node(name, setup, job):
    """Returns (result, environment) of a job; keeps the workers of this engine for the next job."""
    if name not in _ENGINES_ON_NODE:
        while _ENGINES_ON_NODE:
            _ENGINES_ON_NODE.popitem()[1].close()
        tasks, pset, options = setup
        share = MACHINE_SHARE * options["threads"] / os.cpu_count()
        _ENGINES_ON_NODE[name] = WorkerProcesses(tasks, pset, machine_share=share, **options)
    engine = _ENGINES_ON_NODE[name]
    ((_, result),) = engine.train([job])
    return result, engine.environment
