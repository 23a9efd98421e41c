"""A driver over many evaluations: its memory, its file descriptors and the cost of its store."""

import os
import random
import shutil
import statistics
import time

from deap_lossgp.loss_rules import MAX_SIZE
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.search.evaluation import Evaluation
from deap_lossgp.search.store import Store
from deap_lossgp.toolbox import make_toolbox
from deap_lossgp.training.results import TrainingResult
from deap_lossgp.training.tasks import Task
from proofs.bench import numbers
from proofs.linux import in_another_process, memory_mb

GROWTH_MB = 50.0
WARM_UP = 0.1  # share of the evaluations after which memory shall not grow


def stub_evaluations(bench, number, rng):
    """Measures a driver's memory and file descriptors over many evaluations."""
    folder = bench.fresh("stub")
    folder.mkdir()
    extent = (2000, 30) if bench.quick else (10_000, MAX_SIZE)
    row = in_another_process(_evaluate_on_and_on, folder, rng.random(), *extent)
    shutil.rmtree(folder)
    return row


def _evaluate_on_and_on(folder, seed, total, max_size):
    random.seed(seed)
    with Store(folder / "evaluations.sqlite") as store:
        evaluation, toolbox = evaluation_with(store, max_size)
        start, evaluated, at = time.perf_counter(), 0, {}
        while evaluated < total:
            evaluation.map(evaluation, toolbox.population(n=20))
            evaluated += 20
            if evaluated in (WARM_UP * total, total):
                at[evaluated] = memory_mb(), len(os.listdir("/proc/self/fd"))
        seconds = time.perf_counter() - start
    (before, fds), (after, fds_after) = at.values()
    return {"evaluations": total, "trained": len(store), "seconds": f"{seconds:.0f}",
            "mb": f"{before:.1f}", "mb_after": f"{after:.1f}", "fds": fds, "fds_after": fds_after,
            "screened": len(evaluation._screen),
            "held": int(after - before < GROWTH_MB and fds_after <= fds)}


def said_of_stub_evaluations(rows):
    return "; ".join(
        f"{float(row['mb_after']) - float(row['mb']):+.1f} MB over the last 90% of "
        f"{row['evaluations']} evaluations, descriptors {row['fds']} -> {row['fds_after']}"
        for row in rows
    )


def store_cost(bench, number, rng):
    """Measures the seconds to write a row, and to replay 1,000 stored trainings."""
    random.seed(rng.random())
    folder = bench.fresh("store")
    folder.mkdir()
    with Store(folder / "trained.sqlite") as store:
        evaluation, toolbox = evaluation_with(store, 30 if bench.quick else MAX_SIZE)
        population = []
        while len(store) < 1001:  # and the baseline
            population += toolbox.population(n=20)
            evaluation.map(evaluation, population[-20:])
    with Store(folder / "written.sqlite") as written:
        times = []
        for key in store.keys()[:1000]:
            start = time.perf_counter()
            written.put(key, store.get(key), expression="y_pred", seed=0)
            times.append(time.perf_counter() - start)
    start = time.perf_counter()
    with Store(folder / "trained.sqlite") as store:
        opened = time.perf_counter()
        evaluation, _ = evaluation_with(store)
        begun = time.perf_counter()
        for tree in population:
            evaluation.is_valid(tree)
        screened = time.perf_counter()
        evaluation.map(evaluation, population)
        replayed = time.perf_counter()
    shutil.rmtree(folder)
    return {"put_ms": f"{1000 * statistics.median(times):.3f}",
            "put_ms_95": f"{1000 * statistics.quantiles(times, n=20)[-1]:.3f}",
            "trainings": len(store), "open_s": f"{opened - start:.3f}",
            "screening_s": f"{screened - begun:.3f}", "replay_s": f"{replayed - screened:.3f}",
            "held": int(not evaluation.engine.trained)}


def said_of_store_cost(rows):
    return (f"a row {statistics.median(numbers(rows, 'put_ms')):.2f} ms; 1,000 trainings: opened "
            f"in {statistics.median(numbers(rows, 'open_s')):.2f} s, screened in "
            f"{statistics.median(numbers(rows, 'screening_s')):.2f} s, replayed in "
            f"{statistics.median(numbers(rows, 'replay_s')):.2f} s")


class Stub:
    """An engine that does not train: it makes results up."""
    environment = None
    trained = 0

    def train(self, jobs):
        for index, job in enumerate(jobs):
            self.trained += 1
            figures = tuple(random.random() for _ in range(15))
            yield index, TrainingResult("digits", 10, "ok", *figures[:3], 0.5, figures, figures,
                                        figures, exact=job.candidate.loss is not None)


def evaluation_with(store, max_size=MAX_SIZE):
    """Returns an evaluation on digits that trains nothing, and a toolbox for it."""
    pset = loss_primitive_set()
    evaluation = Evaluation([Task.load("digits", epochs=1)], pset, store=store, engine=Stub())
    return evaluation, make_toolbox(pset, evaluation, valid=evaluation.is_valid, max_size=max_size)
