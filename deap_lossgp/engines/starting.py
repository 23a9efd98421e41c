"""Starts processes that end with this one, and says how they ended."""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

PROGRAM = Path(__file__).with_name("child.py")
"""What a started process executes."""

_PATIENCE = 5.0
"""Seconds that a process may take to end, once it has closed its connection."""


def check_python() -> None:
    """Refuses a Python that cannot start another one, such as a program in one file.

    Raises:
        ValueError: It cannot.
    """
    if not sys.executable or getattr(sys, "frozen", False):
        raise ValueError(f"expected a Python that can start others in sys.executable, got "
                         f"{sys.executable!r}; with workers=0 this process trains")


class Child:
    """A process that calls a function of this package, with the environment of this process.

    Ctrl-C in a terminal does not reach it. When this process ends, even if it is killed, or gives
    the object up, the file descriptor ends that the function gets; the function sees to the rest.

    Args:
        target: ``module:function``. It is called with the other end of ``connection``, that file
            descriptor, and the arguments.
        *arguments: Strings or numbers, few: they are sent before the process is known to live.

    Attributes:
        connection: The driver's end of a pipe.
        pid: The process's id.

    Raises:
        OSError: The system cannot start a process.
    """

    def __init__(self, target: str, *arguments: str | int | float) -> None:
        self._lifeline: Any = None
        self.connection, theirs = Pipe()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(PROGRAM), str(theirs.fileno())],
                stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
                **_inheriting(theirs))
        # Popen objects of living processes are kept somewhere; what ends with this object is not.
        self._lifeline, self._process.stdin = self._process.stdin, None
        self.pid = self._process.pid
        self._errors = _Errors(self._process.stderr)
        with suppress(OSError):  # it is dead already
            self.connection.send((sys.path, target, arguments))

    def __del__(self) -> None:
        if self._lifeline is not None:
            self._lifeline.close()

    def show_errors(self) -> None:
        """Shows from now on what the process writes to standard error."""
        self._errors.shown = True

    def end(self) -> None:
        """Sends the signal that ends the process, and does not wait; any thread may call it."""
        self._process.kill()

    def kill(self) -> None:
        """Ends the process, and waits until it has ended."""
        self.end()
        self._process.wait()
        self._lifeline.close()
        self.connection.close()

    def ending(self) -> str:
        """Returns in words how the process ended that has closed its end of the connection."""
        try:
            code = self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            return "a closed connection"
        self._errors.join(_PATIENCE)
        text = f"exit status {code}"
        if code < 0:
            with suppress(ValueError):  # a signal that this system does not know
                text = f"signal {-code} ({signal.strsignal(-code)})"
        return f"{text}: {self._errors.reason}" if self._errors.reason else text


class _Errors(threading.Thread):
    """Reads what a process writes to standard error, until it ends.

    Attributes:
        reason: The last line of the last traceback, or what was said on an abort; "" without one.
        shown: Whether to pass on what is read.
    """

    def __init__(self, stream):
        super().__init__(daemon=True)
        self._stream, self.reason, self.shown = stream, "", False
        self.start()

    def run(self):
        in_traceback = False
        for line in self._stream:
            if line.startswith("Traceback (most recent call last)"):
                in_traceback = True
            elif (in_traceback and not line[0].isspace()) or line.startswith(_FATAL):
                in_traceback, self.reason = False, " ".join(line.split())[:200]
            if self.shown:
                with suppress(Exception):  # whatever stands in for stderr here
                    sys.stderr.write(line)
                    sys.stderr.flush()


_FATAL = ("Fatal Python error", "terminate called", "  what():")
"""How lines begin that a process writes when it aborts."""


def _inheriting(connection):
    """Returns the options of ``Popen`` with which a process inherits the end of a pipe."""
    if os.name == "nt":
        os.set_handle_inheritable(connection.fileno(), True)
        return {"close_fds": False, "creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"pass_fds": [connection.fileno()], "process_group": 0}
