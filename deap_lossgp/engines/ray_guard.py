"""Ends a Ray cluster that was started here, with all its processes and files."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from deap_lossgp.engines.starting import Child

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

_QUIET = 1.0
"""After so many seconds without a process of the cluster, the cluster has ended."""


class ClusterGuard:
    """A process that ends a local cluster when this process ends, even if it is killed.

    Most of a local cluster ends by itself when its driver is killed. But Ray's agents first try to
    report it, for a minute, and the raylet may be starting a worker at that moment.

    Attributes:
        folder: A new folder for what the cluster writes (logs and sockets). The guard knows the
            cluster's processes by it.
    """

    def __init__(self) -> None:
        # The paths of sockets must be short; on macOS those of temporary files are long.
        short = "/tmp" if sys.platform == "darwin" else None
        self.folder = tempfile.mkdtemp(prefix="lossgp-", dir=os.environ.get("RAY_TMPDIR", short))
        self._process = None
        try:
            self._process = Child(f"{__name__}:end_after_driver", self.folder)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Ends the guard and removes the folder; the cluster must have been shut down before."""
        if self._process is not None:
            self._process.kill()
            self._process = None
        shutil.rmtree(self.folder, ignore_errors=True)


def end_after_driver(connection: Connection, driver: int, folder: str) -> None:
    """Waits until the driver has ended, and ends its cluster; the guard's process calls this.

    Args:
        connection: Not used.
        driver: A file descriptor that ends with the driver.
        folder: The cluster's folder.
    """
    import psutil

    os.read(driver, 1)
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
    """Returns whether a process names the folder, as Ray's servers do, or writes there.

    Ray's workers and agents rename themselves, but their logs are in the folder.
    """
    return (any(folder in word for word in process.cmdline())
            or any(file.path.startswith(folder) for file in process.open_files()))
