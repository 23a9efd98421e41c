"""A worker process from within: it trains what it is sent and ends with its driver."""

import multiprocessing
import os
import signal
import sys
import threading
from multiprocessing.connection import wait

from deap_lossgp.backend import import_tensorflow
from deap_lossgp.errors import in_one_line

_STOPPED = 86
"""Exit status of a worker whose driver died."""


def serve(connection, tasks, pset, threads, determinism, memory):
    """A worker's life."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    _end_with(multiprocessing.parent_process())
    try:
        import_tensorflow()
        from deap_lossgp.engines.worker import Worker
        from deap_lossgp.training.loop import prepare_tensorflow

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


def share_of_memory(share):
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
