"""Jobs for the tests of engines, good and faulty, trained here and by drivers of their own."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import faulty

from deap_lossgp.engines.starting import PROGRAM
from deap_lossgp.found_losses import KNOWN_LOSSES

TASK = faulty.digits()
PSET = faulty.primitive_set()
GOOD = [
    faulty.job(KNOWN_LOSSES["cross_entropy"], PSET, TASK),
    faulty.job(KNOWN_LOSSES["mse"], PSET, TASK, seed=2),
    faulty.job(KNOWN_LOSSES["ngl"], PSET, TASK, test=True),
    faulty.job("mul(y_true, sub(mul(1e-6, sin(mul(1e5, y_pred))), y_pred))", PSET, TASK),
    faulty.job(KNOWN_LOSSES["baikal"], PSET, TASK),
    faulty.job(KNOWN_LOSSES["cross_entropy"], PSET, TASK, exact=True),
]
TIME_LIMIT = 6.0
PYTHONPATH = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
"""Where other processes find the modules of the tests."""


FAULTS = {
    "exits": ("crashed", "its process ended 3 times, the last time with exit status 3"),
    "kills": ("crashed", "its process ended 3 times, the last time with signal 9 (Killed)"),
    "leaves": ("error", "SystemExit: 3"),
    "leaves_at_last": ("error", "SystemExit: 3"),
    "raises": ("error", "ValueError: the fault of this loss"),
    "loops": ("timeout", "stopped after 6 s"),
    "sleeps": ("timeout", "stopped after 6 s"),
    "allocates": ("oom", "MemoryError"),
    "hoards": ("oom", "MemoryError"),
    "nan": ("nan", "are not finite"),
    "infinite": ("nan", "the loss is not finite"),
    "flat": ("no_gradient", "the weights did not change"),
}


def faulty_job(name):
    return faulty.faulty_job(name, PSET, TASK)


def results(engine, jobs):
    """Returns the results in the order of the jobs; without the seconds, which differ."""
    pairs = dict(engine.train(jobs))
    assert sorted(pairs) == list(range(len(jobs)))
    return [replace(pairs[index], seconds=0.0) for index in range(len(jobs))]


DRIVER = """
import sys
import faulty
from deap_lossgp.engines.ray_tasks import RayTasks
from deap_lossgp.engines.processes import WorkerProcesses

if __name__ == "__main__":
    name, *faults = sys.argv[1:]
    task, pset = faulty.digits(), faulty.primitive_set()
    engine = {"RayTasks": RayTasks, "WorkerProcesses": WorkerProcesses}[name]([task], pset)
    try:
        for _, result in engine.train([faulty.faulty_job(fault, pset, task) for fault in faults]):
            print(result.status, *sorted({"keras", "tensorflow"} & {*sys.modules}), flush=True)
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        engine.close()
"""


class Driver:
    """A process that trains, in a session of its own, and everything that it has started."""

    def __init__(self, folder, *arguments):
        script = folder / "driver.py"
        script.write_text(DRIVER)
        self._folder = folder
        self.process = subprocess.Popen(
            [sys.executable, script, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, start_new_session=True,
            env={**os.environ, faulty.NOTES: str(folder), "PYTHONPATH": PYTHONPATH},
        )  # fmt: skip

    def descendants(self):
        """Returns {process id: command line} of what it has started and is alive."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                state, _, _, session = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
                if int(session) == self.process.pid and state != "Z":
                    line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    found[int(folder.name)] = line
            except OSError:
                continue
        found.pop(self.process.pid, None)
        return found

    def workers(self):
        return [pid for pid, line in self.descendants().items() if PROGRAM.name in line]

    def noted(self, name):
        return (self._folder / name).exists()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def interrupt(self):
        """Presses Ctrl-C; returns what all the processes have printed, as (stdout, stderr)."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.communicate(timeout=60)


def wait_for(condition, seconds=120.0):
    """Waits for a condition; returns whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def alive(processes):
    return [pid for pid in processes if Path(f"/proc/{pid}").exists()]


