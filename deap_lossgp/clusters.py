"""The engine for many machines, on Ray.

It keeps the contract of ``deap_lossgp.engines``.
"""

import multiprocessing
import os
import signal
import uuid
from contextlib import suppress
from multiprocessing.connection import wait

from deap_lossgp.engines import RETRIES, TrainingError, WorkerProcesses, interrupts_blocked
from deap_lossgp.naming import in_one_line


class RayTasks:
    """Trains as tasks of a Ray cluster: started here, or the one that ``address`` names.

    A task hands its job to a worker process of its node (``WorkerProcesses``), which compiles the
    network and loads the data once and is kept; with GPUs Ray uses a process once, which frees the
    GPU's memory for certain. A training whose node is lost is begun again elsewhere.

    Args:
        tasks, pset, threads, determinism, time_limit: As for ``WorkerProcesses``; tasks and
            primitive set travel to each node once.
        address: As for ``ray.init``.
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
        self._address = address
        self._options = {"num_cpus": threads, "num_gpus": gpus_per_training,
                         "max_retries": RETRIES}
        self._setup = (tasks, pset, {"threads": threads, "determinism": determinism,
                                     "time_limit": time_limit})
        self._ray = ray
        self._name = uuid.uuid4().hex
        self._task = self._guard = None

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
        if self._task is None:
            return
        self._task = None
        if self._joined:
            self._ray.shutdown()
        self._end_guard()

    def _end_guard(self):
        if self._guard is not None:
            self._guard.kill()
            self._guard.join()
            self._guard = None

    def _start(self):
        self._joined = not self._ray.is_initialized()
        try:
            if self._joined:
                if self._address is None:
                    self._guard = _guard()
                self._ray.init(address=self._address, log_to_driver=False,
                               include_dashboard=False, logging_level="ERROR")
        except (ConnectionError, RuntimeError, ValueError) as error:
            self._end_guard()
            raise TrainingError(f"no Ray cluster ({in_one_line(error)})") from None
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


def _guard():
    """A process that ends the cluster of this process with it, whatever this one dies of.

    Most of a local cluster ends by itself when its driver is killed; Ray's agents first try to
    report it, for a minute.
    """
    context = multiprocessing.get_context("spawn")
    guard = context.Process(target=_end_cluster_with_driver, daemon=True)
    with interrupts_blocked():
        guard.start()
    return guard


def _end_cluster_with_driver():
    import psutil

    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    parent = multiprocessing.parent_process()
    started, cluster, ended, patience = set(), set(), False, 0.3
    while not ended:
        ended = wait([parent.sentinel], timeout=patience)
        with suppress(psutil.NoSuchProcess):
            started |= {p for p in psutil.Process(parent.pid).children() if _is_rays(p)}
        patience = 2.0 if started <= cluster else 0.3
        for process in started:
            with suppress(psutil.NoSuchProcess):
                cluster |= {process, *process.children(recursive=True)}
    for process in cluster:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def _is_rays(process):
    folder = f"{os.sep}ray{os.sep}"
    return any(folder in word for word in process.cmdline())
