"""Engines: where trainings run, in this process or in worker processes.

An engine has ``train(jobs)``, which yields ``(index of the job, TrainingResult)`` as trainings
end, ``environment`` (what ``prepare_tensorflow`` returned, None before the first training) and
``close()``. It raises a ``TrainingError`` when no loss could be trained. Only jobs travel; a job's
result does not depend on the engine, on the number of workers or on the order in which they finish.
"""

import multiprocessing
import signal
import time
from collections import deque
from contextlib import suppress
from multiprocessing.connection import wait

from deap_lossgp.engines.engine import TrainingError
from deap_lossgp.engines.serving import serve, share_of_memory
from deap_lossgp.engines.signals import interrupts_blocked

RETRIES = 2
"""How often a training is begun again whose process died."""


class WorkerProcesses:
    """Trains in processes of its own, each with a compiled trainer per task.

    A training whose process dies is begun again, ``RETRIES`` times, then it has ``crashed``; one
    that exceeds its time ends as ``timeout``, with its process; either costs nothing but itself.
    Memory is limited to the process's share of the machine's, so that a loss that allocates
    without end is ``oom`` before the machine is. Workers end when this process does, however.

    Args:
        tasks: The ``Task`` objects.
        pset: The primitive set of the losses; it must pickle.
        workers: Number of processes.
        threads, determinism: As for ``prepare_tensorflow``.
        time_limit: Seconds of one training; None for no limit. Compiling does not count.
        machine_share: The part of the machine's memory that all of them together may use.
    """

    def __init__(self, tasks, pset, workers=1, *, threads=1, determinism=None, time_limit=None,
                 machine_share=0.9):
        self.environment = None
        self._tasks = tasks
        memory = share_of_memory(machine_share / workers)
        self._setup = (tasks, pset, threads, determinism, memory)
        self._size = workers
        self._time_limit = time_limit
        self._processes = []

    def train(self, jobs):
        jobs = list(jobs)
        waiting, deaths = deque(range(len(jobs))), [0] * len(jobs)
        unfinished = len(jobs)
        try:
            while unfinished:
                while len(self._processes) < self._size:
                    self._processes.append(_Process(self._setup))
                for process in self._processes:
                    if process.job is None and waiting:
                        index = waiting.popleft()
                        process.begin(index, jobs[index])
                for process, ending in self._endings():
                    index, process.job = process.job, None
                    if ending == "death":
                        if index is None:
                            continue
                        deaths[index] += 1
                        if deaths[index] <= RETRIES:
                            waiting.appendleft(index)
                            continue
                        ending = "crashed", (f"its process ended {deaths[index]} times, "
                                             f"the last time with {process.exit_text()}")
                    if isinstance(ending, tuple):
                        job = jobs[index]
                        ending = job.failed(self._tasks[job.task], *ending, process.seconds)
                    unfinished -= 1
                    yield index, ending
        finally:
            if unfinished:
                # Who stops listening, or an error, leaves nothing running.
                self.close()

    def close(self):
        """Ends the processes at once."""
        for process in self._processes:
            process.kill()
        self._processes = []

    def _endings(self):
        """Pairs of a process and what ended there: a ``TrainingResult``, (status, message), or
        ``"death"``.
        """
        deadlines = {
            process: process.started + self._time_limit
            for process in self._processes if self._time_limit and process.started
        }
        left = max(0.0, min(deadlines.values()) - time.monotonic()) if deadlines else None
        ready = set(wait([process.connection for process in self._processes], left))
        now = time.monotonic()  # who listens to the results may take its time in between
        for process in list(self._processes):
            if process.connection in ready:
                try:
                    kind, content = process.connection.recv()
                except (EOFError, OSError):
                    kind, content = "ended", "death"
                    self._end(process)
                if kind == "refused":
                    raise TrainingError(content)
                elif kind == "environment":
                    self.environment = content
                elif kind == "started":
                    process.started = time.monotonic()
                else:
                    process.stop_clock()
                    if getattr(content, "status", None) == "oom":
                        self._end(process)  # who knows what else could not be allocated there
                    yield process, content
            elif process in deadlines and now >= deadlines[process]:
                self._end(process)
                yield process, ("timeout", f"stopped after {self._time_limit:g} s")

    def _end(self, process):
        process.kill()
        self._processes.remove(process)


class _Process:
    """A worker process as the driver sees it."""

    def __init__(self, setup):
        context = multiprocessing.get_context("spawn")  # a fork of TensorFlow would hang
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, *setup), daemon=True)
        with interrupts_blocked():
            self._process.start()
        theirs.close()
        self.job = self.started = None
        self.seconds = 0.0

    def begin(self, index, job):
        self.job, self.started, self.seconds = index, None, 0.0
        with suppress(OSError):  # it is dead, which the next wait tells
            self.connection.send(job)

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
