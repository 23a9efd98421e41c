"""The program of a worker process: it trains the jobs that it receives and ends with its driver.

It receives first its setup, then jobs, each as a parcel, and sends pairs (kind, content):

* ``("alive", None)`` at once;
* ``("ready", what prepare_tensorflow returned)`` when it waits for a job;
* ``("started", None)`` when a job's training begins, after everything is compiled;
* ``("ended", TrainingResult)`` when it is over;
* ``("refused", message)`` when no loss can be trained; then the process ends.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING

from deap_lossgp.engines.memory import limit_memory
from deap_lossgp.engines.parcels import receive, unpack
from deap_lossgp.errors import in_one_line
from deap_lossgp.training.tensorflow_setup import import_tensorflow

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_DRIVER_ENDED = 86
"""Exit status of a worker process whose driver has ended."""


def serve(connection: Connection, driver: int) -> None:
    """Trains jobs until the connection is closed or the driver ends.

    Args:
        connection: The worker's end of the pipe. The setup is (threads, determinism, memory,
            parcel of the ``Worker``'s arguments); memory are the most bytes to allocate when
            training on the CPU, None for no limit.
        driver: A file descriptor that ends with the driver.
    """
    _end_with(driver)
    try:
        connection.send(("alive", None))
        threads, determinism, memory = connection.recv()
        setup = receive(connection)
        import_tensorflow(quiet=False)  # the driver reads the messages, and knows a last one
        from deap_lossgp.engines.worker import Worker
        from deap_lossgp.training.tensorflow_setup import prepare_tensorflow

        environment = prepare_tensorflow(threads, determinism)
        if environment["device"].startswith("CPU"):
            limit_memory(memory)
        worker = Worker(*_unpacked(setup))
        connection.send(("ready", environment))
        while True:
            job = unpack(receive(connection))
            worker.prepare(job)
            connection.send(("started", None))
            connection.send(("ended", worker.train(job)))
    except EOFError:
        return
    except MemoryError:  # there may be room another time
        raise
    except ValueError as error:
        connection.send(("refused", str(error)))
    except Exception as error:
        connection.send(("refused", in_one_line(error)))


def _unpacked(setup):
    try:
        return unpack(setup)
    except MemoryError:
        raise
    except Exception as error:
        raise ValueError(f"a worker process cannot read what was sent to it "
                         f"({in_one_line(error)}); with workers=0 this process trains, and nothing "
                         f"needs to be sent") from error


def _end_with(driver):
    """Makes this process end when its driver has ended, even if the driver was killed."""

    def end():
        os.read(driver, 1)
        os._exit(_DRIVER_ENDED)

    threading.Thread(target=end, daemon=True).start()
    if sys.platform == "linux":
        import fcntl

        # A loss may let no other thread run; the kernel's SIGIO ends the process even then.
        fcntl.fcntl(driver, fcntl.F_SETOWN, os.getpid())
        flags = fcntl.fcntl(driver, fcntl.F_GETFL)
        fcntl.fcntl(driver, fcntl.F_SETFL, flags | os.O_ASYNC)
