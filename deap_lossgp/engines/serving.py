"""The program of a worker process: it trains the jobs that it receives and ends with its driver.

It receives jobs, and sends pairs (kind, content):

* ``("environment", what prepare_tensorflow returned)``, once, when it is ready;
* ``("started", None)`` when a job's training begins, after everything is compiled;
* ``("ended", TrainingResult)`` when it is over;
* ``("refused", message)`` when no loss can be trained; then the process ends.
"""

import multiprocessing
import os
import sys
import threading
from multiprocessing.connection import wait

from deap_lossgp.engines.memory import limit_memory
from deap_lossgp.engines.spawning import accept_termination
from deap_lossgp.errors import in_one_line
from deap_lossgp.training.tensorflow_setup import import_tensorflow

_DRIVER_ENDED = 86
"""Exit status of a worker process whose driver has ended."""


def serve(connection, tasks, pset, threads, determinism, memory):
    """Trains jobs until the connection is closed or the driver ends.

    Args:
        connection: The worker's end of the pipe.
        tasks, pset: As for ``Worker``.
        threads, determinism: As for ``prepare_tensorflow``.
        memory: The most bytes to allocate when training on the CPU; None for no limit.
    """
    accept_termination()
    _end_with(multiprocessing.parent_process())
    try:
        import_tensorflow()
        from deap_lossgp.engines.worker import Worker
        from deap_lossgp.training.tensorflow_setup import prepare_tensorflow

        environment = prepare_tensorflow(threads, determinism)
        if environment["device"].startswith("CPU"):
            limit_memory(memory)
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
    """Makes this process end when its driver has ended, even if the driver was killed."""

    def end():
        wait([driver.sentinel])
        os._exit(_DRIVER_ENDED)

    threading.Thread(target=end, daemon=True).start()
    if sys.platform == "linux":
        import fcntl

        # A loss may let no other thread run; the kernel's SIGIO ends the process even then.
        fcntl.fcntl(driver.sentinel, fcntl.F_SETOWN, os.getpid())
        flags = fcntl.fcntl(driver.sentinel, fcntl.F_GETFL)
        fcntl.fcntl(driver.sentinel, fcntl.F_SETFL, flags | os.O_ASYNC)
