"""The engine of worker processes: it replaces those that die and stops those that are late."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

from deap_lossgp.engines.engine import Engine, Job, TrainingError
from deap_lossgp.engines.memory import memory_share
from deap_lossgp.engines.parcels import pack, pack_setup, send
from deap_lossgp.engines.starting import Child, check_python
from deap_lossgp.training.tensorflow_setup import arithmetic_settings

if TYPE_CHECKING:
    from deap import gp

    from deap_lossgp.training.results import TrainingResult
    from deap_lossgp.training.tasks import Task

RETRIES = 2
"""How often a training is begun again after its process died."""

START_LIMIT = 300.0
"""Seconds that a process may take for one step of its start: to answer, to receive, to be ready."""

MACHINE_SHARE = 0.9
"""The part of a machine's memory that all its worker processes together may use."""


class WorkerProcesses(Engine):
    """Trains in worker processes, each with a compiled trainer per task.

    A training whose process dies is begun again, ``RETRIES`` times; after that its status is
    ``crashed``. One that exceeds its time is stopped with its process; its status is ``timeout``.
    Neither changes other results. A process that dies before it can train is started again,
    ``RETRIES`` times; after that ``train`` raises a ``TrainingError`` that says how it died. Each
    process may allocate its share of the machine's memory, so that a loss that allocates without
    end becomes ``oom`` before the machine runs out. Workers end when this process ends, even if it
    is killed.

    A worker is a program of this package. It has this process's environment, working directory and
    ``sys.path``, and does not import the main program; functions that are defined there, and
    lambdas, are sent to it.

    Args:
        tasks: The ``Task`` objects.
        pset: The primitive set of the losses.
        workers: Number of processes.
        threads, determinism: As for ``prepare_tensorflow``.
        time_limit: Seconds that one training may take, without compiling; None for no limit.
        machine_share: As for ``MACHINE_SHARE``.

    Raises:
        ValueError: No process can be started, or something of the tasks or the primitives cannot
            be sent to it.
    """

    def __init__(self, tasks: Sequence[Task], pset: gp.PrimitiveSet, workers: int = 1, *,
                 threads: int = 1, determinism: bool | None = None, time_limit: float | None = None,
                 machine_share: float = MACHINE_SHARE) -> None:
        check_python()
        self._tasks = tasks
        self.settings = arithmetic_settings(threads, determinism)
        self._options = threads, determinism, memory_share(machine_share / workers)
        self._setup = pack_setup(tasks, pset)
        self._size = workers
        self._time_limit = time_limit
        self._processes, self._owner = [], os.getpid()
        self._failed_starts = 0

    def train(self, jobs: Iterable[Job]) -> Iterator[tuple[int, TrainingResult]]:
        jobs = list(jobs)
        waiting = deque(range(len(jobs)))
        deaths = Counter()
        unfinished = len(jobs)
        if self._owner != os.getpid():  # a forked copy: the processes are the original's
            self._processes, self._owner = [], os.getpid()
        self._failed_starts = 0
        try:
            while unfinished:
                self._start_missing(unfinished)
                self._hand_out(jobs, waiting)
                for process, result in self._endings():
                    index, process.index = process.index, None
                    if result is None:
                        deaths[index] += 1
                        if deaths[index] <= RETRIES:
                            waiting.appendleft(index)
                            continue
                        message = (f"its process ended {deaths[index]} times, the last time with "
                                   f"{process.ending}")
                        result = self._failed(process, "crashed", message)
                    unfinished -= 1
                    yield index, result
        finally:
            if unfinished:
                self.close()  # after an error, or when the caller stops listening, nothing runs on

    def close(self) -> None:
        if self._owner == os.getpid():
            for process in self._processes:
                process.kill()
        self._processes = []

    def _start_missing(self, unfinished):
        while len(self._processes) < min(self._size, unfinished):
            try:
                self._processes.append(_Process())
            except OSError as error:
                self._start_failed(f"{type(error).__name__}: {error}")

    def _start_failed(self, reason):
        self._failed_starts += 1
        if self._failed_starts > RETRIES:
            raise TrainingError(f"worker processes cannot start, {self._failed_starts} times in a "
                                f"row, the last time with {reason}; with workers=0 this process "
                                f"trains")

    def _hand_out(self, jobs, waiting):
        """Gives each idle process a waiting job."""
        for process in self._processes:
            if process.ready and process.index is None and waiting:
                index = waiting.popleft()
                process.begin(index, jobs[index])

    def _endings(self):
        """Waits until a process sends something, dies or exceeds its time.

        Yields:
            (process, ``TrainingResult``) for each training that is over; (process, None) for one
            whose process died.
        """
        deadlines = {process: process.deadline for process in self._processes if process.deadline}
        left = max(0.0, min(deadlines.values()) - time.monotonic()) if deadlines else None
        ready = set(wait([process.connection for process in self._processes], left))
        now = time.monotonic()  # once: the caller may need time for each result
        for process in list(self._processes):
            if process.connection in ready:
                yield from self._ending(process)
            elif process in deadlines and now >= deadlines[process]:
                self._remove(process)
                if process.ready:
                    message = f"stopped after {self._time_limit:g} s"
                    yield process, self._failed(process, "timeout", message)
                else:
                    self._start_failed(f"no answer in {START_LIMIT:g} s")

    def _ending(self, process):
        """Receives what a process has sent (see ``serving``); yields at most once, as above."""
        match process.receive():
            case "refused", message:
                raise TrainingError(message)
            case "alive", None:
                process.set_up(self._options, self._setup)
            case "ready", environment:
                self._failed_starts = 0
                self.environment = environment
                process.make_ready()
            case "started", None:
                process.start_clock(self._time_limit)
            case "ended", result:
                process.stop_clock()
                if result.status == "oom":
                    self._remove(process)  # other allocations may have failed there, unnoticed
                yield process, result
            case "died", None:
                self._remove(process)
                if not process.ready:
                    self._start_failed(process.ending)
                elif process.index is not None:
                    yield process, None

    def _remove(self, process):
        process.kill()
        self._processes.remove(process)

    def _failed(self, process, status, message):
        job = process.job
        return job.failed(self._tasks[job.task], status, message, process.seconds)


class _Process:
    """A worker process as its driver sees it.

    Attributes:
        connection: The driver's end of the pipe.
        ready: Whether it has been started and set up.
        index, job: The job that it trains and the job's index; the index is None when it is idle.
        deadline: ``time.monotonic()`` when it will be too late; None where it may take its time.
        seconds: How long the training took, once it is over.
        ending: How the process ended, in words, if it died.
    """

    def __init__(self):
        self._child = Child("deap_lossgp.engines.serving:serve")
        self.connection = self._child.connection
        self.ready, self.ending = False, ""
        self.index = self.job = self._started = None
        self.seconds = 0.0
        self.deadline = time.monotonic() + START_LIMIT

    def set_up(self, options, setup):
        self._send(options, setup)
        self.deadline = time.monotonic() + START_LIMIT

    def make_ready(self):
        self.ready, self.deadline = True, None
        self._child.show_errors()

    def begin(self, index, job):
        self.index, self.job, self.seconds = index, job, 0.0
        self._send(None, pack(job))

    def _send(self, options, parcel):
        """Sends to a process that receives; one that takes nothing for too long is ended."""
        late = threading.Timer(START_LIMIT, self._child.end)
        late.daemon = True  # an interrupt may come before the next line
        late.start()
        try:
            with suppress(OSError):  # it is dead; the driver notices when it waits
                if options is not None:
                    self.connection.send(options)
                send(self.connection, parcel)
        finally:
            late.cancel()

    def receive(self):
        try:
            return self.connection.recv()
        except (EOFError, OSError):
            self.ending = self._child.ending()
            return "died", None

    def start_clock(self, limit):
        self._started = time.monotonic()
        self.deadline = limit and self._started + limit

    def stop_clock(self):
        if self._started is not None:
            self.seconds = time.monotonic() - self._started
        self._started = self.deadline = None

    def kill(self):
        self.stop_clock()
        self._child.kill()
