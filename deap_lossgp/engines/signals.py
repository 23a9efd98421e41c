"""Interrupts that are kept from worker processes while they are started."""

import signal
import threading
from contextlib import contextmanager
from multiprocessing import resource_tracker


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
