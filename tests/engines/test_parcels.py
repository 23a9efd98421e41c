"""What travels arrives as it was, and what cannot travel is named."""

import importlib.util
import os
import subprocess
import sys
import threading
import types

import cloudpickle
import faulty
import numpy as np
import pytest
from proofs.linux import workers
from trained import PSET, TASK

from deap_lossgp.engines.parcels import pack, pack_setup, unpack
from deap_lossgp.engines.processes import WorkerProcesses
from deap_lossgp.engines.ray_tasks import RayTasks

READ = """
import pickle, sys
print(pickle.load(sys.stdin.buffer)(20))
"""


def called_elsewhere(function):
    """Returns what a function prints of 20 in a process that knows nothing of this one."""
    (data,) = pack(function)
    process = subprocess.run([sys.executable, "-c", READ], input=bytes(data), capture_output=True)
    assert not process.returncode, process.stderr.decode()
    return int(process.stdout)


def test_arrays_travel_beside_the_object_and_are_not_copied():
    array = np.arange(12.0).reshape(3, 4)
    parts = pack({"array": array, "text": "images"})
    assert len(parts) == 2 and np.shares_memory(np.frombuffer(parts[1]), array)
    content = unpack([bytearray(part) for part in parts])
    assert content["text"] == "images" and (content["array"] == array).all()
    assert content["array"].flags.writeable


def test_functions_that_another_process_does_not_find_travel_as_their_code(tmp_path):
    made = types.ModuleType("made_up")
    exec("two = 2\ndef function(x):\n    return two * x", vars(made))
    path = tmp_path / "elsewhere.py"
    path.write_text("def function(x):\n    return 3 * x\n")
    spec = importlib.util.spec_from_file_location("elsewhere", path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    namesake = types.ModuleType("colorsys")  # there is another of this name in the library
    namesake.__file__ = str(path)
    exec("def function(x):\n    return 5 * x", vars(namesake))
    with pytest.MonkeyPatch.context() as patch:
        for module, factor in ((made, 2), (loaded, 3), (namesake, 5)):
            patch.setitem(sys.modules, module.__name__, module)
            assert called_elsewhere(module.function) == factor * 20
    assert not cloudpickle.list_registry_pickle_by_value()
    assert called_elsewhere(lambda x: x + 1) == 21


def test_functions_of_modules_that_are_found_travel_by_name():
    for function in (np.median, faulty.linear, pytest.raises, pack):
        assert len(pack(function)[0]) < 200


class Holding:
    """A function with a lock."""

    def __init__(self, function):
        self.function, self.lock = function, threading.Lock()

    def __call__(self, *arguments, **shapes):
        return self.function(*arguments, **shapes)


LOCKED = Holding(faulty.linear)
LOCKED_ROW = faulty.row("locked", Holding(lambda ops, a: ops.multiply(1.0, a)))


@pytest.mark.parametrize("make", [
    WorkerProcesses, pytest.param(RayTasks, marks=pytest.mark.frameworks)])
@pytest.mark.parametrize(("task", "pset", "what"), [
    (faulty.digits(LOCKED), PSET, "the network of task 'digits'"),
    (faulty.digits(), faulty.primitive_set(LOCKED_ROW), "primitive 'locked'"),
])
def test_what_cannot_travel_is_refused_by_name_before_anything_starts(make, task, pset, what):
    if make is RayTasks:
        pytest.importorskip("ray")
    with pytest.raises(ValueError) as caught:
        make([TASK, task], pset, threads=1)
    assert str(caught.value) == (
        f"{what} cannot be sent to a worker process (TypeError: cannot pickle '_thread.lock' "
        f"object); with workers=0 this process trains, and nothing needs to be sent")
    assert not workers(os.getpid())


def test_callbacks_that_cannot_travel_are_named():
    task = faulty.digits()
    object.__setattr__(task, "callbacks", Holding(list))
    with pytest.raises(ValueError, match="^the callbacks of task 'digits' cannot be sent"):
        pack_setup([task], PSET)
