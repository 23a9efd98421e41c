"""The program of every process that the package starts: it calls a function of the package.

    python -P child.py CONNECTION

It is started by its path, and imports nothing but the standard library before it knows where its
driver finds modules. It never imports the driver's own program, which therefore needs no guard, and
may be a notebook or come from standard input.
"""

import importlib
import os
import sys
from multiprocessing import connection


def main(handle: int) -> None:
    """Receives ``(sys.path, "module:function", arguments)`` and calls the function.

    Args:
        handle: The process's end of a connection to its driver. The function gets it as its first
            argument. The second is a file descriptor that ends with the driver: it is what was
            standard input.
    """
    driver = os.dup(0)
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    kind = getattr(connection, "PipeConnection", connection.Connection)  # the first on Windows
    here = kind(handle)
    sys.path[:], target, arguments = here.recv()
    module, _, function = target.partition(":")
    getattr(importlib.import_module(module), function)(here, driver, *arguments)


if __name__ == "__main__":
    main(int(sys.argv[1]))
