"""``lossgp benchmark``: the cost of a candidate, beside other ways to train it."""

from __future__ import annotations

import argparse
import os
import statistics
from collections.abc import Sequence
from functools import reduce
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from deap_lossgp.commands.parser import CommandParser, refused
from deap_lossgp.comparison.cost_arms import (
    drawn_losses,
    measure,
    random_losses,
    resized,
    seconds,
)
from deap_lossgp.search import write_csv
from deap_lossgp.training.tensorflow_setup import import_tensorflow

if TYPE_CHECKING:
    from deap import gp

    from deap_lossgp.training.tasks import Task
    from deap_lossgp.training.trainer import Trainer
    from deap_lossgp.trees import LossTree

IMAGES = 8192
VALIDATION = 512


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> None:
    """Measures what evaluating one candidate costs, and prints the figures.

    Args:
        argv: The arguments; None for those in ``sys.argv``.
        prog: What the user types before them; None for a program of its own.
    """
    parser = CommandParser("Measure what evaluating one candidate loss costs.", prog=prog)
    parser.add_argument("--datasets", nargs="+", default=["digits", "fashion_mnist"],
                        metavar="NAME", help="data sets")
    parser.add_argument("--data-dir", metavar="DIR", help="folder with NAME.npz files")
    parser.add_argument("--losses", type=int, default=8, help="different losses per data set")
    parser.add_argument("--memory", type=int, default=300,
                        help="different losses for the memory measurement; 0 to leave it out")
    parser.add_argument("--images", type=int, default=IMAGES, help="training images of an epoch")
    parser.add_argument("--output", default="runs/benchmark_evaluation", metavar="DIR",
                        help="folder for the table of seconds")
    parser.add_argument("--seed", type=int, default=0, help="seed of trees and trainings")
    options = parser.parse_args(argv)
    if options.losses < 2 or options.images < 1024 or options.memory < 0:
        parser.error("expected at least 2 --losses, 1024 --images and 0 --memory, "
                     f"got {options.losses}, {options.images} and {options.memory}")
    refused(parser, import_tensorflow)
    run(parser, options)


def run(parser: CommandParser, options: argparse.Namespace) -> None:
    """Measures everything that parsed options ask for."""
    from deap_lossgp.curves import LossCurves
    from deap_lossgp.data import load_dataset
    from deap_lossgp.psets import loss_primitive_set
    from deap_lossgp.training import Task, prepare_tensorflow, small_cnn

    prepare_tensorflow()
    output = Path(options.output)
    refused(parser, output.mkdir, parents=True, exist_ok=True)
    pset = loss_primitive_set()
    loaded = [refused(parser, load_dataset, name, options.data_dir) for name in options.datasets]
    trees = drawn_losses(pset, options.losses, options.seed)
    on_curves = [LossCurves.of(tree, pset).certified for tree in trees]
    tables = []
    for data in loaded:
        total = options.images + VALIDATION
        task = Task(resized(data, total), small_cnn, epochs=1,
                    validation_share=VALIDATION / total)
        first, times, trainer = measure(task, pset, trees, options.seed)
        report(data.name, options.images, first, times, on_curves)
        compare_sizes(trainer, pset, options.losses, options.seed)
        times |= measure_determinism(task, pset, trees, options.seed)
        tables.append(pd.DataFrame({"dataset": data.name, "nodes": [len(t) for t in trees],
                                    "on_curves": on_curves, **times}))
    write_csv(pd.concat(tables), output / "benchmark_evaluation.csv")
    if options.memory:
        task = Task(loaded[0], small_cnn, epochs=1, train_size=1024)
        compare_memory(task, pset, options.memory, options.seed)
    print(f"Results in {output}: benchmark_evaluation.csv, the seconds of every training")


def report(name: str, images: int, first: dict[str, float], times: dict[str, list[float]],
           on_curves: list[bool]) -> None:
    """Prints the times of every arm and the ratio of ours to them, in total and by path."""
    ours, exact = times["ours"], [not each for each in on_curves]
    print(f"\n{name}: 1 epoch of {images} images, small_cnn, {len(ours)} losses as a search draws "
          f"them: {sum(on_curves)} on curves, {sum(exact)} on the exact path")
    print(f"  {'':<28}{'first':>9}{'median':>9}   ours / it: {'total':>7}{'curves':>9}{'exact':>9}")
    for arm, values in times.items():
        total = sum(ours) / sum(values)
        ratios = [a / b for a, b in zip(ours, values, strict=True)]
        chosen = [list(compress(ratios, path)) for path in (on_curves, exact)]
        by_path = "".join(f"{statistics.median(each):>9.3f}" if each else f"{'-':>9}"
                          for each in chosen)
        print(f"  {arm:<28}{first[arm]:>8.2f}s{statistics.median(values):>8.2f}s"
              f"{total:>21.3f}{by_path}")


def compare_sizes(trainer: Trainer, pset: gp.PrimitiveSet, rounds: int, seed: int) -> None:
    """Prints the cost of a tree of about 2,000 nodes, divided by that of a tree of 10 nodes."""
    from deap_lossgp.training import candidate_of
    from deap_lossgp.trees import LossTree

    small, *parts = random_losses(pset, 101, [10, *[20] * 100], seed)
    large = LossTree.from_string(reduce("add({}, {})".format, map(str, parts)), pset)

    def train(tree):
        trainer.train(candidate_of(tree, pset, trainer.task), seed)

    median = statistics.median(seconds(train, large) / seconds(train, small)
                               for _ in range(rounds))
    print(f"  a tree of {len(large)} nodes costs {median:.3f} times one of {len(small)}")


def measure_determinism(task: Task, pset: gp.PrimitiveSet, trees: list[LossTree],
                        seed: int) -> dict[str, list[float]]:
    """Returns seconds per tree with and without deterministic operations, each in a worker."""
    from deap_lossgp.engines import Job, WorkerProcesses
    from deap_lossgp.training import candidate_of

    engines = {"deterministic": WorkerProcesses([task], pset, determinism=True),
               "not deterministic": WorkerProcesses([task], pset, determinism=False)}
    times = {name: [] for name in engines}
    for number, tree in enumerate([trees[0], *trees]):
        job = Job(0, candidate_of(tree, pset, task), seed)
        for name, engine in engines.items():
            ((_, result),) = engine.train([job])
            if number:  # the first one warms up
                times[name].append(result.seconds)
    for engine in engines.values():
        engine.close()
    ratio = statistics.median(a / b for a, b in zip(*times.values(), strict=True))
    print(f"  deterministic operations cost {ratio:.3f} times others")
    return times


def compare_memory(task: Task, pset: gp.PrimitiveSet, count: int, seed: int) -> None:
    """Prints traces of the network and growth of the process over many different losses."""
    from deap_lossgp.training import Trainer, candidate_of

    trainer = Trainer(task)
    sizes = []
    warm_up = count // 10
    for number, tree in enumerate(random_losses(pset, count + warm_up, range(10, 60), seed)):
        if number == warm_up:
            before = resident_megabytes()
        trainer.train(candidate_of(tree, pset, task), seed)
        sizes.append(len(tree))
    after = resident_megabytes()
    print(f"\n{count} different losses: the network was traced {trainer.traces} time; memory "
          f"{before:.0f} -> {after:.0f} MB ({after / before - 1.0:+.1%})")


def resident_megabytes() -> float:
    """Returns the memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
