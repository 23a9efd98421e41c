"""Kills of drivers and workers: nothing is lost, nothing is trained twice, nothing is left."""

import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from contextlib import suppress
from pathlib import Path

from proofs.bench import (
    EVERYTHING,
    RAY,
    SETUPS,
    TWO_WORKERS,
    numbers,
    results,
    total,
    trainings,
    trainings_left,
)
from proofs.linux import bearing, descendants, processes, workers

PATIENCE = 5.0
"""Seconds that processes may outlive their driver."""


def driver_kill(bench, number, rng):
    """Kills the driver at random times, once to three times; then runs it to its end."""
    kills, expected = (1, 1, 2, 1, 3)[(number - 1) % 5], bench.undisturbed()
    longest = expected.seconds
    while True:
        folder = bench.fresh(f"driver-kill-{number}")
        command, times, snapshots = bench.command(folder), [], []
        while len(times) < kills:
            moment, start = rng.uniform(0.0, longest), time.monotonic()
            with bench.started(command) as process:
                try:
                    process.wait(moment)
                    break
                except subprocess.TimeoutExpired:
                    process.kill()
            times.append(moment)
            snapshots.append(trainings_left(folder))
        if times:
            break
        longest = time.monotonic() - start  # it was faster this time
    return {"kills": " ".join(f"{moment:.3f}" for moment in times),
            "stored": " ".join(str(len(kept)) for kept in snapshots),
            **bench.resumed(command, folder, snapshots)}


def said_of_driver_kill(rows):
    kills = sum(len(row["kills"].split()) for row in rows)
    return (f"{kills} kills, {total(rows, 'stored')} trainings stored at the kills, "
            f"{total(rows, 'identical')} identical, {total(rows, 'repeated')} repeated")


def ten_kills(bench, number, rng):
    """Kills a run ten times that has every part switched on; each round has other workers."""
    setup, kills = SETUPS[number - 1], 2 if bench.quick else 10
    everything, learned = EVERYTHING, bench.output / "learned"
    if not bench.quick:  # the smaller runs have no surrogate
        if results(learned) is None:
            bench.finished(bench.command(learned))
        everything = (*EVERYTHING, "--learn-from", str(learned))
    expected = bench.undisturbed(everything)
    folder, snapshots = bench.fresh(f"ten-kills-{number}"), []
    command = bench.command(folder, (*everything, *setup))
    while len(snapshots) < kills:
        moment = (len(snapshots) + rng.uniform(0.0, 1.0)) / kills
        with bench.started(command) as process:
            bench.until_trained(process, folder, int(moment * expected.trainings))
            time.sleep(rng.uniform(0.0, 0.3))
            if process.poll() is not None:
                break  # it was complete: the row tells fewer kills than asked for
        snapshots.append(trainings_left(folder))
    row = bench.resumed(command, folder, snapshots, expected)
    return {"options": " ".join(setup), "kills": len(snapshots),
            "stored": " ".join(str(len(kept)) for kept in snapshots),
            "trainings": expected.trainings, "files": len(expected.results), **row,
            "held": int(row["held"] and len(snapshots) == kills)}


def said_of_ten_kills(rows):
    return (f"{total(rows, 'kills')} kills, {total(rows, 'trainings')} trainings, "
            f"{total(rows, 'repeated')} repeated; {total(rows, 'identical')} identical")


def worker_kill(bench, number, rng):
    """Kills one worker; the run itself must go on."""
    expected = bench.undisturbed()
    while True:
        folder = bench.fresh(f"worker-kill-{number}")
        command, count = bench.command(folder), rng.randrange(1, expected.trainings - 2)
        with bench.started(command) as process:
            if not bench.until_trained(process, folder, count):
                continue
            time.sleep(rng.uniform(0.0, 0.3))
            alive = workers(process.pid)
            if not alive:
                continue
            os.kill(rng.choice(alive), signal.SIGKILL)
            snapshot = trainings(folder)
            status = process.wait()
        row = {"stored": len(snapshot), "workers": len(alive), "driver_status": status}
        again = bench.resumed(command, folder, [snapshot])  # trains nothing any more
        return {**row, **again, "held": int(again["held"] and not status)}


def said_of_worker_kill(rows):
    return f"{total(rows, 'identical')} identical, {total(rows, 'repeated')} trainings repeated"


def orphans(bench, number, rng, options=TWO_WORKERS):
    """Kills the driver; all that it started must end within ``PATIENCE``."""
    mark, below = f"LOSSGP_SOAK={uuid.uuid4().hex}", set()
    longest = bench.undisturbed(options).seconds
    while not below:  # a kill before anything was started, or after all, would prove nothing
        folder = bench.fresh(f"orphans-{number}")
        moment, begun = rng.uniform(0.0, longest), time.monotonic()
        with bench.started(bench.command(folder, options), **dict([mark.split("=")])) as process:
            try:
                process.wait(moment)
                longest = time.monotonic() - begun
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGSTOP)  # nothing is started while we look
                below = descendants(process.pid)
                process.kill()
    start = time.monotonic()
    while True:
        left, gone_after = (processes().keys() & below) | bearing(mark), time.monotonic() - start
        if not left or gone_after > PATIENCE:
            break
        time.sleep(0.05)
    for pid, _ in left:
        with suppress(OSError):  # it may end at this moment
            command = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0")
            print(f"left: {command!r}", file=sys.stderr)
            os.kill(pid, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)
    return {"kill": f"{moment:.3f}", "descendants": len(below), "gone_after": f"{gone_after:.2f}",
            "left": len(left), "held": int(not left)}


def orphans_ray(bench, number, rng):
    """Does the same with a Ray cluster."""
    return orphans(bench, number, rng, RAY)


def said_of_orphans(rows):
    return (f"{total(rows, 'descendants')} processes, {total(rows, 'left')} left; the last was "
            f"gone after {max(numbers(rows, 'gone_after')):.1f} s")
