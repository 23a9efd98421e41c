"""Workers killed and drivers interrupted while a worker starts, from the fork to the first result.

The moments are spread evenly over the time that an undisturbed start takes.
"""

import signal
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import replace

from deap_lossgp.engines.engine import Job, TrainingError
from deap_lossgp.engines.processes import RETRIES, WorkerProcesses
from deap_lossgp.found_losses import KNOWN_LOSSES
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.training.candidates import candidate_of
from deap_lossgp.training.tasks import Task
from deap_lossgp.trees import LossTree
from proofs.bench import numbers, total
from proofs.linux import workers

KILLS, INTERRUPTS, NOTEBOOK = (200, 4), (50, 2), (10, 2)
"""How many moments there are, and how many with ``--quick``."""

AT_ONCE = 5.0
"""Seconds within which an interrupt ends what it interrupts."""

KILLED = "signal 9 (Killed)"


def kill_while_starting(bench, number, rng):
    """Kills a worker while it starts: in odd rounds the first one only, in even ones each."""
    expected, seconds = _undisturbed(bench)
    moment = _share(KILLS, bench, number) * seconds
    times = 1 if number % 2 else 1 + RETRIES
    start = time.monotonic()
    with _killing(times, moment) as killed:
        try:
            result, outcome = _trained(), "result"
        except TrainingError as error:
            result, outcome = str(error), "refused"
    if outcome == "result" and result.status == "crashed":
        result, outcome = result.message, "crashed"
    right = result == expected if outcome == "result" else (
        len(killed) == times > 1 and KILLED in result)
    return {"moment": f"{moment:.3f}", "to_kill": times, "killed": len(killed), "outcome": outcome,
            "seconds": f"{time.monotonic() - start:.1f}", "held": int(right)}


def said_of_kills(rows):
    ends = {name: sum(row["outcome"] == name for row in rows)
            for name in ("result", "crashed", "refused")}
    return (f"{total(rows, 'killed')} workers killed up to {max(numbers(rows, 'moment')):.1f} s "
            f"after the fork; {ends['result']} right results, {ends['crashed']} crashed and "
            f"{ends['refused']} refused with the right reason")


def interrupt_while_starting(bench, number, rng):
    """Interrupts the command while its worker starts."""
    _, seconds = _undisturbed(bench)
    moment = _share(INTERRUPTS, bench, number) * seconds
    folder = bench.fresh("interrupted")
    with bench.started(bench.command(folder, ("--workers", "1"))) as process:
        begun = _until_started(process.pid)
        time.sleep(max(0.0, begun + moment - time.monotonic()))
        process.send_signal(signal.SIGINT)
        ended_after = _seconds_of(lambda: process.wait(10 * AT_ONCE))
        left = len(workers(process.pid))
        status = process.poll()
    said = "stopped. What was trained is kept" in (bench.output / "stderr.txt").read_text()
    return {"moment": f"{moment:.3f}", "status": status, "ended_after": f"{ended_after:.2f}",
            "left": left, "said": int(said),
            "held": int(status == 130 and said and ended_after < AT_ONCE and not left)}


def said_of_interrupts(rows):
    return (f"{total(rows, 'said')} with their line, the slowest after "
            f"{max(numbers(rows, 'ended_after')):.1f} s")


CELL = """
import keras, tempfile
from sklearn.datasets import load_digits
from deap_lossgp import evolve
from deap_lossgp.training import Task

def mine(input_shape, num_classes):
    return keras.Sequential([keras.Input(input_shape), keras.layers.Flatten(),
                             keras.layers.Dense(num_classes, "softmax")])

digits = load_digits()
tasks = [Task.from_arrays(name, digits.images, digits.target, epochs=1, network=mine)
         for name in ("a", "b")]
evolve(tasks, output=tempfile.mkdtemp(dir=FOLDER), workers=1, population=1, generations=0,
       finalists=0, test_seeds=0, progress=False).best.fitness.valid
"""


def notebook_while_starting(bench, number, rng, part=1.0):
    """Does both in a notebook's kernel: a kill in odd rounds, an interrupt in even ones.

    If the cell had ended before it was interrupted, it is tried again at half the time.
    """
    from jupyter_client.manager import start_new_kernel

    _, seconds = _undisturbed(bench)
    moment = part * _share(NOTEBOOK, bench, number) * seconds
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        with tempfile.TemporaryDirectory() as folder:
            cell = client.execute(f"FOLDER = {folder!r}\n{CELL}")
            pid = manager.provisioner.pid
            begun = _until_started(pid)
            time.sleep(max(0.0, begun + moment - time.monotonic()))
            if number % 2:
                for worker in workers(pid):
                    subprocess.run(["kill", "-KILL", str(worker)], check=False)
                limit, expected = 600.0, "ok"
            else:
                manager.interrupt_kernel()
                limit, expected = AT_ONCE, "KeyboardInterrupt"
            start = time.monotonic()
            reply = _reply(client, cell)
            ended_after = time.monotonic() - start
            left = len(workers(pid))
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    ended = reply.get("ename") or reply["status"]
    if number % 2 == 0 and ended == "ok" and ended_after < AT_ONCE / 100:
        return notebook_while_starting(bench, number, rng, part / 2.0)
    return {"moment": f"{moment:.3f}", "by": "kill" if number % 2 else "interrupt", "ended": ended,
            "ended_after": f"{ended_after:.2f}", "left": left,
            "held": int(ended == expected and ended_after < limit and not left)}


def said_of_notebooks(rows):
    late = [float(row["ended_after"]) for row in rows if row["by"] == "interrupt"]
    return f"kills and interrupts; the slowest interrupt after {max(late, default=0.0):.1f} s"


def _share(counts, bench, number):
    """Returns the part of a start after which the moment of a round is, in (0, 1)."""
    return (number - 0.5) / counts[bench.quick]


_UNDISTURBED = {}


def _undisturbed(bench):
    """Returns what a training without a kill gives, and the seconds from the fork to then."""
    if bench not in _UNDISTURBED:
        start = time.monotonic()
        _UNDISTURBED[bench] = _trained(), time.monotonic() - start
    return _UNDISTURBED[bench]


def _trained():
    pset, task = loss_primitive_set(), Task.load("digits", epochs=1, train_size=200)
    candidate = candidate_of(LossTree.from_string(KNOWN_LOSSES["mse"], pset), pset, task)
    engine = WorkerProcesses([task], pset)
    try:
        ((_, result),) = engine.train([Job(0, candidate, seed=1)])
    finally:
        engine.close()
    return replace(result, seconds=0.0)


@contextmanager
def _killing(times, moment):
    """Kills the first processes that are started, at a moment after their fork.

    Yields:
        list with the ids of those that were alive then.
    """
    start, killed, timers = subprocess.Popen, [], []

    def started(*args, **options):
        process = start(*args, **options)

        def kill():
            if process.poll() is None:
                killed.append(process.pid)
                process.kill()

        if len(timers) < times:
            timers.append(threading.Timer(moment, kill))
            timers[-1].start()
        return process

    subprocess.Popen = started
    try:
        yield killed
    finally:
        subprocess.Popen = start
        for timer in timers:
            timer.cancel()


def _reply(client, cell):
    """Waits until a kernel has executed a cell; returns what it says of it."""
    while True:
        message = client.get_shell_msg(timeout=600.0)
        if message["parent_header"].get("msg_id") == cell:  # others answer the client's start
            return message["content"]


def _until_started(pid):
    """Waits for a driver's worker; returns ``time.monotonic()`` then."""
    while not workers(pid):
        time.sleep(0.005)
    return time.monotonic()


def _seconds_of(function):
    start = time.monotonic()
    function()
    return time.monotonic() - start
