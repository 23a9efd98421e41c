"""What travels to a process and back: bytes made of objects, with the user's functions.

This is the only file that unpickles: from pipes between a driver and the processes that it has
started.
"""

from __future__ import annotations

import io
import os
import pickle
import sys
from collections.abc import Sequence
from contextlib import suppress
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

import cloudpickle

from deap_lossgp.errors import in_one_line

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from deap import gp

    from deap_lossgp.training.tasks import Task


def pack(content: object) -> list:
    """Makes bytes of an object.

    Functions and classes of the main program travel as their code, and so do those of modules that
    another process would not find; others by name.

    Args:
        content: The object.

    Returns:
        list of bytes-like objects: the object, and beside it the contents of its arrays, uncopied.

    Raises:
        Exception: Something cannot travel; the class of the error depends on it.
    """
    buffers, file = [], io.BytesIO()
    pickler = _Pickler(file, protocol=5, buffer_callback=buffers.append)
    try:
        pickler.dump(content)
    finally:
        for module in pickler.by_value:
            cloudpickle.unregister_pickle_by_value(module)
    return [file.getbuffer(), *(buffer.raw() for buffer in buffers)]


def unpack(parts: list) -> Any:
    """Returns the object of which ``pack`` has made bytes."""
    return pickle.loads(parts[0], buffers=parts[1:])


def pack_setup(tasks: Sequence[Task], pset: gp.PrimitiveSet) -> list:
    """Packs what a worker process needs, or says what cannot travel.

    Args:
        tasks: List of ``Task`` objects.
        pset: The primitive set.

    Returns:
        list, as of ``pack``.

    Raises:
        ValueError: Names what cannot be sent, and why.
    """
    try:
        return pack((tasks, pset))
    except Exception as error:
        what, reason = "the setup of the trainings", error
    parts = {f"the {name} of task {task.name!r}": getattr(task, name)
             for task in tasks for name in ("network", "callbacks", "data")}
    parts |= {f"primitive {name!r}": value for name, value in pset.context.items()
              if name != "__builtins__"}
    for name, part in parts.items():
        try:
            pack(part)
        except Exception as error:
            what, reason = name, error
            break
    raise ValueError(f"{what} cannot be sent to a worker process ({in_one_line(reason)}); with "
                     f"workers=0 this process trains, and nothing needs to be sent")


def send(connection: Connection, parts: list) -> None:
    """Sends what ``pack`` returned."""
    connection.send([memoryview(part).nbytes for part in parts])
    for part in parts:
        connection.send_bytes(part)


def receive(connection: Connection) -> list:
    """Receives what ``send`` sends, for ``unpack``.

    Raises:
        EOFError: The other end is closed.
    """
    parts = [bytearray(size) for size in connection.recv()]
    for part in parts:
        connection.recv_bytes_into(part)
    return parts


class _Pickler(cloudpickle.Pickler):
    """Registers modules that another process would not find with cloudpickle."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.by_value, self._seen = [], {"__main__"}

    def reducer_override(self, obj):
        name = None
        if isinstance(obj, FunctionType | type):
            name = obj.__module__
        elif isinstance(obj, ModuleType):
            name = obj.__name__
        if name in sys.modules and name not in self._seen:
            self._seen.add(name)
            if not _is_found(name) and name not in cloudpickle.list_registry_pickle_by_value():
                cloudpickle.register_pickle_by_value(sys.modules[name])
                self.by_value.append(sys.modules[name])
        return super().reducer_override(obj)


def _is_found(name):
    """Returns whether a process with the same ``sys.path`` finds this module, in the same file."""
    parent, _, _ = name.rpartition(".")
    path = getattr(sys.modules.get(parent), "__path__", None) if parent else None
    for finder in sys.meta_path:
        with suppress(Exception):
            if spec := finder.find_spec(name, path):
                here = getattr(sys.modules[name], "__file__", None)
                return (not spec.has_location or here is None
                        or os.path.realpath(here) == os.path.realpath(spec.origin))
    return False
