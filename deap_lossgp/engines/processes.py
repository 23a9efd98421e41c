"""The engine of worker processes: it replaces those that die and stops those that are late."""

import signal
import time
from collections import Counter, deque
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import wait

from deap_lossgp.engines.engine import Engine, TrainingError
from deap_lossgp.engines.memory import memory_share
from deap_lossgp.engines.serving import serve
from deap_lossgp.engines.spawning import start_process

RETRIES = 2
"""How often a training is begun again after its process died."""

MACHINE_SHARE = 0.9
"""The part of a machine's memory that all its worker processes together may use."""


class WorkerProcesses(Engine):
    """Trains in worker processes, each with a compiled trainer per task.

    A training whose process dies is begun again, ``RETRIES`` times; after that its status is
    ``crashed``. One that exceeds its time is stopped with its process; its status is ``timeout``.
    Neither changes other results. Each process may allocate its share of the machine's memory, so
    that a loss that allocates without end becomes ``oom`` before the machine runs out. Workers end
    when this process ends, even if it is killed.

    Args:
        tasks: The ``Task`` objects.
        pset: The primitive set of the losses; it must pickle.
        workers: Number of processes.
        threads, determinism: As for ``prepare_tensorflow``.
        time_limit: Seconds that one training may take, without compiling; None for no limit.
        machine_share: As for ``MACHINE_SHARE``.
    """

    def __init__(self, tasks, pset, workers=1, *, threads=1, determinism=None, time_limit=None,
                 machine_share=MACHINE_SHARE):
        self._tasks = tasks
        self._setup = (tasks, pset, threads, determinism, memory_share(machine_share / workers))
        self._size = workers
        self._time_limit = time_limit
        self._processes = []

    def train(self, jobs):
        jobs = list(jobs)
        waiting = deque(range(len(jobs)))
        deaths = Counter()
        unfinished = len(jobs)
        try:
            while unfinished:
                self._hand_out(jobs, waiting)
                for process, result in self._endings():
                    index, process.index = process.index, None
                    if result is None:
                        deaths[index] += 1
                        if deaths[index] <= RETRIES:
                            waiting.appendleft(index)
                            continue
                        message = (f"its process ended {deaths[index]} times, the last time with "
                                   f"{process.exit_text()}")
                        result = self._failed(process, "crashed", message)
                    unfinished -= 1
                    yield index, result
        finally:
            if unfinished:
                self.close()  # after an error, or when the caller stops listening, nothing runs on

    def close(self):
        for process in self._processes:
            process.kill()
        self._processes = []

    def _hand_out(self, jobs, waiting):
        """Starts the processes that are missing, and gives each idle one a waiting job."""
        while len(self._processes) < self._size:
            self._processes.append(_Process(self._setup))
        for process in self._processes:
            if process.index is None and waiting:
                index = waiting.popleft()
                process.begin(index, jobs[index])

    def _endings(self):
        """Waits until a process sends something, dies or exceeds its time.

        Yields:
            (process, ``TrainingResult``) for each training that is over; (process, None) for one
            whose process died.
        """
        deadlines = {
            process: process.started + self._time_limit
            for process in self._processes if self._time_limit and process.started
        }
        left = max(0.0, min(deadlines.values()) - time.monotonic()) if deadlines else None
        ready = set(wait([process.connection for process in self._processes], left))
        now = time.monotonic()  # once: the caller may need time for each result
        for process in list(self._processes):
            if process.connection in ready:
                yield from self._ending(process)
            elif process in deadlines and now >= deadlines[process]:
                self._remove(process)
                message = f"stopped after {self._time_limit:g} s"
                yield process, self._failed(process, "timeout", message)

    def _ending(self, process):
        """Receives what a process has sent (see ``serving``); yields at most once, as above."""
        match process.receive():
            case "refused", message:
                raise TrainingError(message)
            case "environment", environment:
                self.environment = environment
            case "started", None:
                process.start_clock()
            case "ended", result:
                process.stop_clock()
                if result.status == "oom":
                    self._remove(process)  # other allocations may have failed there, unnoticed
                yield process, result
            case "died", None:
                self._remove(process)
                if process.index is not None:
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
        index, job: The job that it trains and the job's index; the index is None when it is idle.
        started: ``time.monotonic()`` when the training began; None while it compiles or is idle.
        seconds: How long the training took, once it is over.
    """

    def __init__(self, setup):
        self.connection, theirs = Pipe()
        self._process = start_process(serve, theirs, *setup)
        theirs.close()
        self.index = self.job = self.started = None
        self.seconds = 0.0

    def begin(self, index, job):
        self.index, self.job, self.started, self.seconds = index, job, None, 0.0
        with suppress(OSError):  # it is dead; the driver notices when it waits
            self.connection.send(job)

    def receive(self):
        try:
            return self.connection.recv()
        except (EOFError, OSError):
            return "died", None

    def start_clock(self):
        self.started = time.monotonic()

    def stop_clock(self):
        if self.started is not None:
            self.seconds = time.monotonic() - self.started
        self.started = None

    def kill(self):
        self.stop_clock()
        self._process.kill()
        self._process.join()
        self.connection.close()

    def exit_text(self):
        code = self._process.exitcode
        if code is not None and code < 0:
            return f"signal {-code} ({signal.strsignal(-code)})"
        return f"exit status {code}"
