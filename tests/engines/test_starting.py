"""Processes start or say why not, leave interrupts to their driver, and end with it."""

import os
import signal
import subprocess
import sys
import time

import pytest
from trained import GOOD, PSET, PYTHONPATH, TASK, results, wait_for

from deap_lossgp.engines import processes
from deap_lossgp.engines.engine import TrainingError
from deap_lossgp.engines.processes import WorkerProcesses
from deap_lossgp.engines.starting import Child

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def test_the_driving_process_does_without_tensorflow(driver):
    trains = driver("WorkerProcesses", "flat")
    assert trains.process.communicate() == ("no_gradient\n", "")
    assert trains.process.returncode == 0
    assert wait_for(lambda: not trains.descendants(), 5.0)


@pytest.mark.parametrize("seconds", [0.0, 1.0, 3.0])
def test_workers_that_are_starting_end_with_their_driver(driver, seconds):
    killed = driver("WorkerProcesses", "waits")
    assert wait_for(killed.workers)
    time.sleep(seconds)
    killed.kill()
    assert wait_for(lambda: not killed.descendants(), 5.0), killed.descendants()


@pytest.mark.parametrize("fault", ["waits", "loops", "holds"])
def test_workers_that_train_end_with_their_driver(driver, fault):
    killed = driver("WorkerProcesses", fault)
    assert wait_for(lambda: killed.noted(fault))
    assert killed.workers()
    killed.kill()
    assert wait_for(lambda: not killed.descendants(), 5.0), killed.descendants()


def test_an_interrupt_of_starting_workers_is_the_drivers_alone(driver):
    interrupted = driver("WorkerProcesses", "waits")
    assert wait_for(interrupted.workers)
    assert interrupted.interrupt() == ("", "")
    assert interrupted.process.returncode == 130
    assert wait_for(lambda: not interrupted.descendants(), 5.0)


def test_an_interrupt_of_a_training_is_the_drivers_alone(driver):
    interrupted = driver("WorkerProcesses", "waits")
    assert wait_for(lambda: interrupted.noted("waits"))
    assert interrupted.interrupt() == ("", "")
    assert interrupted.process.returncode == 130
    assert wait_for(lambda: not interrupted.descendants(), 5.0)


# a process that dies while it starts


@pytest.fixture
def starting_with(tmp_path, monkeypatch):
    """Makes workers execute some code while they start, in place of TensorFlow's."""
    def put(code):
        (tmp_path / "tensorflow.py").write_text(code)
        monkeypatch.syspath_prepend(tmp_path)
        return tmp_path

    return put


DEATHS = {
    "import os; os._exit(7)": "exit status 7",
    "import os, signal; os.kill(os.getpid(), signal.SIGKILL)": "signal 9 (Killed)",
    "raise MemoryError('no room')": "exit status 1: MemoryError: no room",
    "import faulthandler, os; faulthandler.enable(); os.abort()":
        "signal 6 (Aborted): Fatal Python error: Aborted",
}


@pytest.mark.parametrize("code", DEATHS)
def test_a_worker_that_cannot_start_is_tried_again_and_then_its_reason_is_told(code, starting_with):
    folder = starting_with(f"with open(__file__ + '.tried', 'a') as file:\n"
                           f"    file.write('x')\n{code}\n")
    with pytest.raises(TrainingError) as caught:
        list(WorkerProcesses([TASK], PSET).train(GOOD))
    assert str(caught.value) == (
        f"worker processes cannot start, 3 times in a row, the last time with {DEATHS[code]}; "
        f"with workers=0 this process trains")
    assert (folder / "tensorflow.py.tried").read_text() == "xxx"


def test_a_worker_that_dies_once_while_it_starts_costs_nothing(starting_with, expected):
    starting_with("""
import os, sys
if not os.path.exists(__file__ + ".tried"):
    open(__file__ + ".tried", "w").close()
    os._exit(1)
sys.path.remove(os.path.dirname(__file__))
del sys.modules["tensorflow"]
import tensorflow
""")
    engine = WorkerProcesses([TASK], PSET)
    try:
        assert results(engine, GOOD) == expected
    finally:
        engine.close()


def test_what_a_worker_refuses_is_told_at_once(starting_with):
    starting_with("raise ImportError('no\\nlibrary')")
    with pytest.raises(TrainingError, match=r"^TensorFlow cannot be imported \(no library\): pip "):
        list(WorkerProcesses([TASK], PSET).train(GOOD))


def test_a_worker_that_never_answers_is_given_up(starting_with, monkeypatch):
    monkeypatch.setattr(processes, "START_LIMIT", 3.0)
    starting_with("import time; time.sleep(1e8)")
    with pytest.raises(TrainingError, match=r"3 times in a row, the last time with no answer"):
        list(WorkerProcesses([TASK], PSET).train(GOOD))


def test_a_worker_that_takes_nothing_is_ended(monkeypatch):
    process = processes._Process()
    assert process.receive() == ("alive", None)
    os.kill(process._child.pid, signal.SIGSTOP)
    monkeypatch.setattr(processes, "START_LIMIT", 0.5)
    process.set_up((1, None, None), [bytes(10**7)])
    assert process.receive() == ("died", None) and process.ending == "signal 9 (Killed)"
    process.kill()


def test_a_system_that_starts_no_process_is_reported_in_one_line(monkeypatch):
    def refuse(*args, **options):
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    with pytest.raises(TrainingError, match=r"with BlockingIOError: \[Errno 11\] Resource [^\n]*$"):
        list(WorkerProcesses([TASK], PSET).train(GOOD))


def test_a_process_that_is_given_up_ends():
    child = Child("deap_lossgp.engines.serving:serve")
    process = child._process
    assert child.connection.recv() == ("alive", None)
    del child
    assert process.wait(10.0) in (0, -signal.SIGIO)


# programs that cannot be imported


PROGRAM = """
import types
import keras
from deap_lossgp.engines import WorkerProcesses
import faulty

def network(input_shape, num_classes):
    return keras.Sequential([keras.Input(input_shape), keras.layers.Flatten(),
                             keras.layers.Dense(num_classes, "softmax")])

module = types.ModuleType("made_up")
exec("def network(**shapes):\\n    return made(**shapes)", vars(module))
module.made = network
import sys
sys.modules["made_up"] = module
pset = faulty.primitive_set(faulty.row("same", lambda ops, a: ops.multiply(1.0, a)))
for made in (network, lambda **shapes: network(**shapes), module.network):
    task = faulty.digits(made)
    engine = WorkerProcesses([task], pset)
    job = faulty.job("same(neg(mul(y_true, log(y_pred))))", pset, task, exact=True)
    print(*(result.status for _, result in engine.train([job])), flush=True)
    engine.close()
"""


def test_a_program_from_standard_input_needs_no_guard():
    process = subprocess.run(
        [sys.executable, "-"], input=PROGRAM, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": PYTHONPATH})
    assert process.stdout.split() == ["ok"] * 3, process.stderr
