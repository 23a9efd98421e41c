"""The engine for many machines, on Ray.

It keeps the contract of ``deap_lossgp.engines.processes``.
"""

import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
import uuid
from contextlib import suppress
from multiprocessing.connection import wait

from deap_lossgp.engines.engine import TrainingError
from deap_lossgp.engines.processes import RETRIES, WorkerProcesses
from deap_lossgp.engines.signals import interrupts_blocked
from deap_lossgp.errors import in_one_line

_QUIET = 1.0
"""Seconds without a process of the cluster after which its guard takes it to have ended."""


class RayTasks:
    """Trains as tasks of a Ray cluster: started here, or the one that ``address`` names.

    A task hands its job to a worker process of its node (``WorkerProcesses``), which compiles the
    network and loads the data once and is kept; with GPUs Ray uses a process once, which frees the
    GPU's memory for certain. A training whose node is lost is begun again elsewhere.

    Args:
        tasks, pset, threads, determinism, time_limit: As for ``WorkerProcesses``; tasks and
            primitive set travel to each node once.
        address: Of a cluster, as for ``ray.init``; by default that of the environment variable
            RAY_ADDRESS, or a cluster of its own.
        gpus_per_training: GPUs of one training, in parts of one if need be.

    Raises:
        ValueError: Ray is not installed.
    """

    def __init__(self, tasks, pset, *, address=None, gpus_per_training=0.0, threads=1,
                 determinism=None, time_limit=None):
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray
        except ImportError:
            raise ValueError("the engine 'ray' needs Ray: pip install -e '.[ray]'") from None
        self.environment = None
        self._tasks = tasks
        self._address = address or os.environ.get("RAY_ADDRESS") or "local"
        self._options = {"num_cpus": threads, "num_gpus": gpus_per_training,
                         "max_retries": RETRIES}
        self._setup = (tasks, pset, {"threads": threads, "determinism": determinism,
                                     "time_limit": time_limit})
        self._ray = ray
        self._name = uuid.uuid4().hex
        self._task = self._guard = self._folder = None
        self._joined = False

    def train(self, jobs):
        jobs = list(jobs)
        if not jobs:
            return
        ray = self._ray
        if self._task is None:
            self._start()
        pending = {self._task.remote(self._name, self._setup_there, job): index
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

    def close(self):
        """Leaves the cluster if it was joined here; ends it if it was started here."""
        self._task = None
        if self._joined:
            self._joined = False
            self._ray.shutdown()
        self._end_guard()

    def _end_guard(self):
        if self._guard is not None:
            self._guard.kill()
            self._guard.join()
            self._guard = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _start(self):
        self._joined = not self._ray.is_initialized()
        options = {"address": self._address}
        try:
            if self._joined and self._address == "local":
                self._folder = _new_folder()
                self._guard = _guard(self._folder)
                options |= {"_temp_dir": self._folder, "include_dashboard": False}
            if self._joined:
                self._ray.init(log_to_driver=False, logging_level="ERROR", **options)
        except BaseException as error:
            self.close()
            if isinstance(error, OSError | RuntimeError | ValueError):
                raise TrainingError(f"no Ray cluster ({in_one_line(error)})") from None
            raise
        self._setup_there = self._ray.put(self._setup)
        self._task = self._ray.remote(_train_on_node).options(**self._options)


_ON_NODE = {}


def _train_on_node(name, setup, job):
    """The result of a job, and the environment; keeps the driver's engine for the next one."""
    if name not in _ON_NODE:
        while _ON_NODE:
            _ON_NODE.popitem()[1].close()
        tasks, pset, options = setup
        share = 0.9 * options["threads"] / os.cpu_count()
        _ON_NODE[name] = WorkerProcesses(tasks, pset, machine_share=share, **options)
    engine = _ON_NODE[name]
    ((_, result),) = engine.train([job])
    return result, engine.environment


def _new_folder():
    """An empty folder for what a cluster writes: logs, and sockets, whose paths must be short."""
    short = "/tmp" if sys.platform == "darwin" else None
    return tempfile.mkdtemp(prefix="lossgp-", dir=os.environ.get("RAY_TMPDIR", short))


def _guard(folder):
    """A process that ends the cluster of a folder with this process, whatever this one dies of.

    Most of a local cluster ends by itself when its driver is killed; Ray's agents first try to
    report it, for a minute, and the raylet may be starting a worker at that moment.
    """
    context = multiprocessing.get_context("spawn")
    guard = context.Process(target=_end_cluster_after_driver, args=(folder,), daemon=True)
    with interrupts_blocked():
        guard.start()
    return guard


def _end_cluster_after_driver(folder):
    import psutil

    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    wait([multiprocessing.parent_process().sentinel])
    last_found = time.monotonic()
    while time.monotonic() - last_found < _QUIET:
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if _is_of_cluster(process, folder):
                    process.kill()
                    last_found = time.monotonic()
        time.sleep(0.05)
    shutil.rmtree(folder, ignore_errors=True)


def _is_of_cluster(process, folder):
    """Ray's servers name their folder; workers and agents rename themselves, but log there."""
    return (any(folder in word for word in process.cmdline())
            or any(file.path.startswith(folder) for file in process.open_files()))
