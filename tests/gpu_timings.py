"""The parts of ``gpu_check.py`` that time trainings, each arm in a process of ``gpu_arms.py``."""

import contextlib
import os
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

from gpu_rows import append_rows

HERE = Path(__file__).parent
SETTINGS = [  # network, precision, images of an epoch, rounds, with XLA too
    ("small_cnn", "float32", 8192, 7, True),
    ("resnet8", "float32", 8192, 5, True),
    ("inception_v3", "float32", 640, 3, False),
    ("inception_v3", "bfloat16", 640, 3, False),
    ("resnet8", "bfloat16", 8192, 3, True),
    ("small_cnn", "bfloat16", 8192, 3, True),
    ("inception_v3", "float32", 640, 3, True),
]


class Arms:
    """A process of ``gpu_arms.py`` that trains when told to.

    Args:
        command: Its arguments.
        limit: Seconds until it is ended.
    """

    def __init__(self, command, limit, log):
        environment = dict(os.environ)
        if command[0] == "torch":
            # PyTorch brings its own libraries; those laid out for TensorFlow are not for it.
            for name in ("PYTHONPATH", "LD_LIBRARY_PATH"):
                environment.pop(name, None)
        python = os.environ.get("TORCH_PYTHON", sys.executable)
        self._process = subprocess.Popen(
            [python if command[0] == "torch" else sys.executable, HERE / "gpu_arms.py", *command],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, bufsize=1,
            env=environment,
        )
        self._timer = threading.Timer(limit, self._process.kill)
        self._timer.start()

    def names(self):
        """Waits until it is ready; what it says until then is printed."""
        for line in self._process.stdout:
            if line.startswith("ready"):
                return line.rstrip("\n").split("\t")[1:]
            print("   ", line.rstrip(), flush=True)
        return []

    def start(self, name):
        self._process.stdin.write(name + "\n")
        self._process.stdin.flush()

    def seconds(self):
        return float(self._process.stdout.readline())

    def close(self):
        self._timer.cancel()
        self._process.kill()
        self._process.wait()


def candidates(options, log):
    """Each setting's arms in turn, those of both frameworks."""
    for network, precision, count, rounds, xla in SETTINGS:
        if options.left() < 60:
            return
        if options.networks and f"{network}/{precision}" not in options.networks:
            continue
        if xla and network == "inception_v3" and options.no_xla_inception:
            continue
        common = ["--network", network, "--precision", precision,
                  "--count", str(options.count or count),
                  *(["--images", options.images] if options.images else [])]
        limit = min(options.left(), 600)
        workers = [Arms(["tensorflow", *common, "--xla", "off", *(["on"] if xla else [])], limit,
                        log)]
        if not options.no_torch:
            workers.append(Arms(["torch", *common], limit, log))
        arms = {name: worker for worker in workers for name in worker.names()}
        times = {name: [] for name in arms}
        with contextlib.suppress(ValueError, BrokenPipeError):  # it was ended
            for number in range(rounds):
                for name, worker in arms.items():
                    worker.start(name)
                    times[name].append(worker.seconds())
                    append_rows(options.output / "candidates.csv", [{
                        "network": network, "precision": precision,
                        "images": options.count or count, "arm": name, "round": number,
                        "seconds": round(times[name][-1], 5)}])
        for worker in workers:
            worker.close()
        for name, seconds in times.items():
            if seconds:
                ratio = statistics.median(
                    a / b for a, b in zip(times["curves"], seconds, strict=False))
                print(f"{network:<13}{precision:<10}{name:<30}{statistics.median(seconds):>9.4f} s"
                      f"   curves / it {ratio:.3f}", flush=True)


def processes(options, log):
    """The same training in 1, 2, 4 and 8 processes at once."""
    common = ["tensorflow", "--only-ours", *(["--images", options.images] if options.images else [])
              , *(["--count", str(options.count)] if options.count else [])]
    workers = [Arms(common, min(options.left(), 120), log) for _ in range(max(options.processes))]
    try:
        if not all([worker.names() for worker in workers]):
            print("not all of the processes started")
            return
        for count in options.processes:
            rounds = 4
            start = time.perf_counter()
            for worker in workers[:count]:
                for _ in range(rounds):
                    worker.start("curves")
            for worker in workers[:count]:
                for _ in range(rounds):
                    worker.seconds()
            rate = count * rounds / (time.perf_counter() - start)
            append_rows(options.output / "processes.csv",
                        [{"processes": count, "candidates_per_second": round(rate, 3)}])
            print(f"{count} processes: {rate:.2f} candidates per second", flush=True)
    finally:
        for worker in workers:
            worker.close()
