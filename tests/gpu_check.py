"""Everything that only a GPU can show, in one command.

    python tests/gpu_check.py --output DIR [--images cifar10.npz] [--only PART...] [--seconds 500]

Each part runs in processes of its own with a time limit, so that one which fails costs only itself;
rows are written as soon as they are measured, and the summary of every part is printed last. Parts:

* devices: the GPUs, and a product and a convolution against NumPy;
* placement: the operations of an epoch by device, as TensorFlow places them;
* candidates: seconds per candidate of each network, ours beside others (``gpu_arms.py``);
* side-by-side: several candidates in one step (``gpu_side_by_side.py``);
* processes: candidates per second of several processes that share the GPU;
* determinism: two trainings with the same seed, in one process and in two;
* memory: of the GPU and of the process, over 20 candidates;
* tests: the tests of the trainer, with deterministic operations and float32 products.
"""

import argparse
import contextlib
import os
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

from gpu_rows import append_rows, candidate, images_of, task_of
from gpu_timings import candidates, processes

HERE = Path(__file__).parent
BEGIN = "the training begins"
TESTS = ["test_trainer.py", "test_look_up.py", "test_adam.py", "test_loop.py"]
"""Of ``tests/training``."""


def side_by_side(options, log):
    images = ["--images", options.images] if options.images else []
    for xla, counts in (("off", ["1", "4", "16", "32"]), ("on", ["1", "4", "16", "32"])):
        _run([HERE / "gpu_side_by_side.py", *images, "--output", options.output, "--xla", xla,
              "--candidates", *counts, *(["--count", str(options.count)] if options.count else [])],
             min(options.left(), 100), log)


def determinism(options, log):
    for _ in range(2):
        for setting in ("on", "off"):
            _run([__file__, "--child", "determinism", "--setting", setting,
                  *_child_options(options)], min(options.left(), 60), log)


def determinism_child(options):
    import hashlib

    from keras import ops

    from deap_lossgp.training import Trainer
    from deap_lossgp.training.tensorflow_setup import prepare_tensorflow

    prepare_tensorflow(determinism=options.setting == "on")
    arrays = images_of(options.images, options.count or 8192)
    for network in ("small_cnn", "resnet8"):
        trainer = Trainer(task_of(network, arrays))
        loss = candidate("ngl", trainer.task)
        trainer.train(loss, 2)
        for _ in range(2):
            result = trainer.train(loss, 1)
            digest = hashlib.sha256()
            for variable in trainer.loop.model.variables:
                digest.update(ops.convert_to_numpy(variable).tobytes())
            row = {"network": network, "determinism": options.setting, "process": os.getpid(),
                   "weights": digest.hexdigest()[:8], "seconds": round(result.seconds, 4),
                   "cross_entropy": result.cross_entropy, "accuracy": result.accuracy}
            append_rows(options.output / "determinism.csv", [row])
            print(*row.values(), flush=True)


def memory_child(options):
    from dataclasses import replace

    import tensorflow as tf

    from deap_lossgp.found_losses import KNOWN_LOSSES
    from deap_lossgp.psets import loss_primitive_set
    from deap_lossgp.training import Trainer
    from deap_lossgp.training.candidates import ExactLoss
    from deap_lossgp.training.tensorflow_setup import prepare_tensorflow
    from deap_lossgp.trees import LossTree

    prepare_tensorflow()
    pset, names = loss_primitive_set(), list(KNOWN_LOSSES)
    gpu = tf.config.list_physical_devices("GPU")
    trainer = Trainer(task_of("resnet8", images_of(options.images, options.count or 2048)))
    for number in range(20):
        name = names[number % len(names)]
        loss = candidate(name, trainer.task)
        if number % 2:
            tree = LossTree.from_string(KNOWN_LOSSES[name], pset)
            loss = replace(loss, segments=None, loss=ExactLoss(tuple(tree), pset))
        result = trainer.train(loss, 1)
        used = tf.config.experimental.get_memory_info("GPU:0") if gpu else {}
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        row = {"candidate": number, "exact": int(result.exact), "status": result.status,
               "gpu_mb": round(used.get("current", 0) / 2**20, 2),
               "gpu_peak_mb": round(used.get("peak", 0) / 2**20, 2),
               "process_mb": round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)}
        append_rows(options.output / "memory.csv", [row])
        if number in (1, 2, 10, 18, 19):
            print(*row.items(), flush=True)


def devices_child(options):
    import numpy as np
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    print("GPUs:", [tf.config.experimental.get_device_details(gpu) for gpu in gpus], flush=True)
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 512, 512)).astype(np.float32)
    images = rng.normal(size=(4, 16, 16, 8)).astype(np.float32)
    filters = rng.normal(size=(3, 3, 8, 16)).astype(np.float32)
    patches = np.lib.stride_tricks.sliding_window_view(images, (3, 3), axis=(1, 2))
    for name, ours, theirs in (
        ("product", tf.matmul(a, b), a.astype(np.float64) @ b),
        ("convolution", tf.nn.conv2d(images, filters, 1, "VALID"),
         np.einsum("nhwcij,ijco->nhwo", patches.astype(np.float64), filters)),
    ):
        error = np.linalg.norm(ours.numpy() - theirs) / np.linalg.norm(theirs)
        print(f"{name} on {ours.device[-5:]}: relative error {error:.1e}", flush=True)


def placement(options, log):
    """Counts the lines in which TensorFlow says where it puts an operation."""
    lines = _output([__file__, "--child", "placement", *_child_options(options)],
                    min(options.left(), 90), {"TF_CPP_MIN_LOG_LEVEL": "0"})
    lines = lines.partition(BEGIN)[2]  # what builds the network is not of interest
    placed = Counter(re.findall(r"^\S+: \((\w+)\): \S*device:(\w+):\d", lines, re.MULTILINE))
    on = Counter()
    for (_, device), count in placed.items():
        on[device] += count
    print("operations by device:", dict(on))
    print("on the CPU:", ", ".join(f"{count} {operation}" for (operation, device), count
                                   in placed.most_common() if device == "CPU"))


def placement_child(options):
    import tensorflow as tf

    from deap_lossgp.training import Trainer
    from deap_lossgp.training.tensorflow_setup import prepare_tensorflow

    prepare_tensorflow()
    tf.debugging.set_log_device_placement(True)
    trainer = Trainer(task_of("small_cnn", images_of(options.images, 2048)))
    loss = candidate("ngl", trainer.task)
    trainer.prepare(loss, 1)
    print(BEGIN, file=sys.stderr, flush=True)
    trainer.train(loss, 1)


def tests(options, log):
    environment = {"TF_DETERMINISTIC_OPS": "1", "NVIDIA_TF32_OVERRIDE": "0"}
    text = _output(["-m", "pytest", "-n", "4", "-p", "no:cacheprovider",
                    *(str(HERE / "training" / name) for name in TESTS)],
                   min(options.left(), 150), environment)
    (options.output / "tests.log").write_text(text[-200_000:])
    print("\n".join(line for line in text.splitlines()
                    if re.match(r"FAILED|ERROR|\d+ (passed|failed)|=+ .*(passed|failed)", line)))


PARTS = {"devices": None, "placement": placement, "candidates": candidates,
         "side-by-side": side_by_side, "determinism": determinism, "memory": None,
         "processes": processes, "tests": tests}
CHILDREN = {"devices": devices_child, "placement": placement_child,
            "determinism": determinism_child, "memory": memory_child}


def _child_options(options):
    return ["--output", options.output, *(["--images", options.images] if options.images else []),
            *(["--count", str(options.count)] if options.count else [])]


def _run(command, limit, log):
    with contextlib.suppress(subprocess.TimeoutExpired):
        process = subprocess.run([sys.executable, *command], timeout=limit, stderr=log)
        if process.returncode:
            print(f"{command[0]} ended with {process.returncode}", flush=True)
        return
    print(f"{command[0]} was ended after {limit:.0f} s", flush=True)


def _output(command, limit, environment):
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True,
                               stderr=subprocess.STDOUT, env={**os.environ, **environment})
    timer = threading.Timer(limit, process.kill)
    timer.start()
    text = process.communicate()[0]
    timer.cancel()
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("runs/gpu"))
    parser.add_argument("--images", help="an .npz as CIFAR-10's; random images without")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=[*PARTS])
    parser.add_argument("--seconds", type=float, default=3600.0, help="for all parts together")
    parser.add_argument("--count", type=int, help="training images of an epoch")
    parser.add_argument("--networks", nargs="+", metavar="NETWORK/PRECISION",
                        help="of the part candidates")
    parser.add_argument("--no-torch", action="store_true")
    parser.add_argument("--no-xla-inception", action="store_true")
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--child", choices=CHILDREN, help=argparse.SUPPRESS)
    parser.add_argument("--setting", choices=["on", "off"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    if options.child:
        CHILDREN[options.child](options)
        return
    end = time.monotonic() + options.seconds
    options.left = lambda: max(end - time.monotonic(), 1.0)
    with open(options.output / "stderr.log", "a") as log:
        for part in options.only:
            if options.left() < 20:
                print(f"no time was left for {part}")
                continue
            print(f"== {part} ({options.left():.0f} s left)", flush=True)
            if PARTS[part]:
                PARTS[part](options, log)
            else:
                _run([__file__, "--child", part, *_child_options(options)],
                     min(options.left(), 90), log)


if __name__ == "__main__":
    main()
