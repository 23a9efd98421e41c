"""The processes of this machine, as Linux lists them."""

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from deap_lossgp.engines.starting import PROGRAM


def processes():
    """Returns {(pid, start time): the parent's pid} of all processes that are not zombies."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent, *rest = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if state not in "ZX":
            found[int(path.parent.name), int(rest[17])] = int(parent)
    return found


def descendants(pid):
    """Returns the (pid, start time) of all processes below one."""
    known, generation = processes(), {pid}
    below = set()
    while generation:
        children = {process for process, parent in known.items() if parent in generation}
        below |= children
        generation = {child for child, _ in children}
    return below


def bearing(mark):
    """Returns the (pid, start time) of all processes with a mark in their environment.

    A child inherits the mark, and keeps it when its parent dies.
    """
    found = set()
    for pid, start in processes():
        try:
            if mark.encode() in Path(f"/proc/{pid}/environ").read_bytes():
                found.add((pid, start))
        except OSError:
            continue
    return found


def workers(pid):
    """Returns the pids of a driver's worker processes."""
    found = []
    for child, _ in descendants(pid):
        try:
            if os.fsencode(PROGRAM) in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(child)
        except OSError:
            continue
    return sorted(found)


def memory_mb(pid="self"):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(f"process {pid} has no memory")


def in_another_process(function, *args):
    """Calls a function in a new process, where no earlier proof has left memory behind."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *args).result()
