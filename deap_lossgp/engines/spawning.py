"""Starts processes that leave interrupts to the process that started them."""

import multiprocessing
import signal
import threading
from contextlib import contextmanager
from multiprocessing import resource_tracker


def start_process(target, *args):
    """Starts a process that calls a function.

    Ctrl-C reaches every process of a terminal; a process started here ignores it. Its function
    should call ``accept_termination`` first.

    Args:
        target: A function of a module, so that it can be found by name in the new process.
        *args: Its arguments; they must pickle.

    Returns:
        A ``multiprocessing.Process``, a daemon.
    """
    context = multiprocessing.get_context("spawn")  # a fork of TensorFlow would hang
    process = context.Process(target=target, args=args, daemon=True)
    with interrupts_blocked():
        process.start()
    return process


def accept_termination():
    """Lets SIGTERM end this process, which ``start_process`` has started; Ctrl-C stays blocked."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


@contextmanager
def interrupts_blocked():
    """Blocks SIGINT and SIGTERM, here and in processes that are started in the meantime.

    What arrives in the meantime is handled afterwards.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # The tracker unblocks these signals when it starts, so it must be running before.
    resource_tracker.ensure_running()
    signals = {signal.SIGINT, signal.SIGTERM}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        with _handled_later(signals):
            yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _handled_later(signals):
    """Puts off the signals that another thread receives; Python handles them in the main thread."""
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
