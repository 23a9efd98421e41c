"""Workers: the same files with any number of them, their speed and their memory."""

import os
import random
import shutil
import statistics
import sys
import time
from importlib.util import find_spec

from deap_lossgp.curves.loss_curves import LossCurves
from deap_lossgp.curves.screening import is_trainable
from deap_lossgp.engines.engine import Job
from deap_lossgp.engines.processes import WorkerProcesses
from deap_lossgp.found_losses import KNOWN_LOSSES
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.toolbox import make_toolbox
from deap_lossgp.training.candidates import candidate_of
from deap_lossgp.training.tasks import Task
from deap_lossgp.trees import LossTree
from proofs.bench import RAY, SETUPS, numbers, results
from proofs.linux import memory_mb, workers

GROWTH_SHARE = 0.10
WARM_UP = 0.1  # share of the trainings after which memory shall not grow


def other_workers(bench, number, rng):
    """Compares the files of a run with other numbers of workers, and with Ray."""
    options = SETUPS[number - 1]
    expected = bench.undisturbed()
    folder = bench.fresh(f"workers-{number}")
    if options == RAY and not find_spec("ray"):
        return {"options": " ".join(options), "seconds": 0, "status": "no Ray", "held": 1}
    status, errors, seconds = bench.finished(bench.command(folder, options))
    held = not status and results(folder) == expected.results
    if held:
        shutil.rmtree(folder)
    else:
        print(errors, file=sys.stderr)
    return {"options": " ".join(options), "seconds": f"{seconds:.1f}", "status": status,
            "held": int(held)}


def said_of_workers(rows):
    return ", ".join(f"{row['options']} ({row['seconds']} s)" for row in rows)


def throughput(bench, number, rng):
    """Measures trainings per second with two workers and with one, once all is compiled."""
    pset = loss_primitive_set()
    task = Task.load("digits", epochs=2 if bench.quick else 10)
    trees = [LossTree.from_string(text, pset) for text in KNOWN_LOSSES.values()]
    jobs = [job_of(trees[i % len(trees)], pset, task, seed=i) for i in range(40)]
    rates, failed = {}, 0
    for count in (1, 2) if number % 2 else (2, 1):
        engine = WorkerProcesses([task], pset, count)
        try:
            list(engine.train(jobs[:count]))  # one for each worker
            start = time.perf_counter()
            failed += sum(not result.ok for _, result in engine.train(jobs))
            rates[count] = len(jobs) / (time.perf_counter() - start)
        finally:
            engine.close()
    return {"one": f"{rates[1]:.3f}", "two": f"{rates[2]:.3f}",
            "ratio": f"{rates[2] / rates[1]:.3f}", "failed": failed, "held": int(not failed)}


def said_of_throughput(rows):
    return (f"two workers over one: {statistics.median(numbers(rows, 'ratio')):.2f} (median; "
            f"{statistics.median(numbers(rows, 'two')):.2f} trainings/s)")


def worker_memory(bench, number, rng):
    """Measures the memory of a worker over many trainings.

    In round 1 all train on curves, in round 2 every third on the exact path.
    """
    total = 60 if bench.quick else 300
    pset = loss_primitive_set()
    task = Task.load("digits", epochs=1, train_size=300)
    random.seed(rng.random())
    jobs = random_jobs(pset, task, total, third=number == 2)
    engine, at, failed = WorkerProcesses([task], pset, 1), {}, 0
    start = time.perf_counter()
    try:
        for done, (_, result) in enumerate(engine.train(jobs), 1):
            failed += result.status in ("error", "crashed", "oom")
            if done in (total * WARM_UP, total):
                (worker,) = workers(os.getpid())
                at[done] = worker, memory_mb(worker)
    finally:
        engine.close()
    (worker, before), (worker_after, after) = at.values()
    held = worker == worker_after and after < (1 + GROWTH_SHARE) * before
    return {"path": "every third exact" if number == 2 else "curves", "trainings": total,
            "failed": failed, "mb": f"{before:.1f}", "mb_after": f"{after:.1f}",
            "growth": f"{after / before - 1:.3f}",
            "seconds": f"{time.perf_counter() - start:.0f}", "held": int(held)}


def said_of_worker_memory(rows):
    return "; ".join(f"{row['path']}: {float(row['growth']):+.1%} (to {row['mb_after']} MB)"
                     for row in rows)


def random_jobs(pset, task, count, third):
    """Returns jobs with different valid losses: on curves, or every third on the exact path."""
    toolbox = make_toolbox(pset, valid=lambda tree: is_trainable(LossCurves.of(tree, pset)))
    jobs = []
    while len(jobs) < count:
        job = job_of(toolbox.individual(), pset, task)
        if (job.candidate.loss is not None) == (third and len(jobs) % 3 == 2):
            jobs.append(job)
    return jobs


def job_of(tree, pset, task, seed=0):
    return Job(0, candidate_of(tree, pset, task), seed)
