"""Engines: where trainings run, in this process or in worker processes.

An engine has ``train(jobs)``, which yields ``(index of the job, TrainingResult)`` as trainings
end, ``environment`` (what ``prepare_tensorflow`` returned, None before the first training) and
``close()``. It raises a ``TrainingError`` when no loss could be trained. Only jobs travel; a job's
result does not depend on the engine, on the number of workers or on the order in which they finish.
"""

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import wait

from deap_lossgp.naming import in_one_line
from deap_lossgp.tensorflow_setup import import_tensorflow

RETRIES = 2
"""How often a training is begun again whose process died."""

_STOPPED = 86
"""Exit status of a worker whose driver died."""


class TrainingError(ValueError):
    """Trainings fail for a reason that no loss is to blame for."""


class InProcess:
    """Trains in this process, one job after another; nothing ends a training before its time.

    Args:
        tasks: The ``Task`` objects.
        pset: The primitive set of the losses.
        environment: What ``prepare_tensorflow`` returned.
    """

    def __init__(self, tasks, pset, environment=None):
        self._tasks, self._pset = tasks, pset
        self.environment = environment
        self._worker = None

    @property
    def worker(self):
        """The ``Worker``, made when first asked for."""
        if self._worker is None:
            from deap_lossgp.worker import Worker

            self._worker = Worker(self._tasks, self._pset)
        return self._worker

    def train(self, jobs):
        for index, job in enumerate(jobs):
            try:
                self.worker.prepare(job)
            except ValueError as error:
                raise TrainingError(str(error)) from None
            except Exception as error:
                raise TrainingError(in_one_line(error)) from error
            yield index, self.worker.train(job)

    def close(self):
        pass


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
        memory = _memory(machine_share / workers)
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
        self._process = context.Process(target=_serve, args=(theirs, *setup), daemon=True)
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


@contextmanager
def interrupts_blocked():
    """Ctrl-C reaches all processes of a terminal; one started in here leaves it to its driver."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # it would be started in here and unblock them
    signals = {signal.SIGINT, signal.SIGTERM}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        with _handled_later(signals):
            yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _handled_later(signals):
    """Another thread may take a signal that this one blocks, and Python would handle it here."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived = []
    handlers = {number: signal.signal(number, lambda number, frame: arrived.append(number))
                for number in signals}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        for number in arrived:
            signal.raise_signal(number)


def _serve(connection, tasks, pset, threads, determinism, memory):
    """A worker's life."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    _end_with(multiprocessing.parent_process())
    try:
        import_tensorflow()
        from deap_lossgp.tensorflow_setup import prepare_tensorflow
        from deap_lossgp.worker import Worker

        environment = prepare_tensorflow(threads, determinism)
        if environment["device"].startswith("CPU"):
            _limit_memory(memory)
        connection.send(("environment", environment))
        worker = Worker(tasks, pset)
        while True:
            job = connection.recv()
            worker.prepare(job)
            connection.send(("started", None))
            connection.send(("ended", worker.train(job)))
    except EOFError:
        return
    except ValueError as error:
        connection.send(("refused", str(error)))
    except Exception as error:
        connection.send(("refused", in_one_line(error)))


def _end_with(driver):
    """Ends this process when its driver has ended, whatever the driver died of."""

    def end():
        wait([driver.sentinel])
        os._exit(_STOPPED)

    threading.Thread(target=end, daemon=True).start()
    if sys.platform == "linux":
        import fcntl

        # A loss may let no other thread run; the kernel's SIGIO ends the process even then.
        fcntl.fcntl(driver.sentinel, fcntl.F_SETOWN, os.getpid())
        flags = fcntl.fcntl(driver.sentinel, fcntl.F_GETFL)
        fcntl.fcntl(driver.sentinel, fcntl.F_SETFL, flags | os.O_ASYNC)


def _memory(share):
    """Bytes in a share of the machine's memory; None where that cannot be told."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            with open(path) as file:
                total = min(total, int(file.read()))
        except (OSError, ValueError):
            continue
    return int(share * total)


def _limit_memory(limit):
    """Lets allocations beyond a number of bytes fail; on Linux, where data can be limited."""
    if limit is None or sys.platform != "linux":
        return
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
