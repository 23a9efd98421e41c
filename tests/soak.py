"""Long proofs that nothing is lost: one line each, status 1 if one fails.

    python tests/soak.py --quick
    python tests/soak.py --only driver-kill orphans --rounds 20

Every round is a row of DIR/PROOF.csv; the same command goes on behind the rows of its seed. The
folder of a round that fails stays in DIR. Needs Linux (/proc).
"""

import csv
import os
import random
import shlex
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from deap_lossgp.commands.parser import CommandParser, fail, resumable
from deap_lossgp.engines.processes import WorkerProcesses
from deap_lossgp.found_losses import KNOWN_LOSSES
from deap_lossgp.loss_rules import MAX_SIZE
from deap_lossgp.search.evaluation import Evaluation
from deap_lossgp.search.store import Store
from deap_lossgp.training.results import TrainingResult

EVOLVE = Path(__file__).parents[1] / "examples" / "evolve_loss.py"
SMALL = ["--population", "8", "--generations", "4", "--epochs", "2", "--train-size", "300",
         "--test-seeds", "1"]
SMALLER = ["--population", "4", "--generations", "2", "--epochs", "1", "--train-size", "300",
           "--test-seeds", "1", "--max-size", "30"]
TWO_WORKERS = ("--workers", "2")
RAY = ("--engine", "ray")
SETUPS = [("--workers", "1"), TWO_WORKERS, ("--workers", "4"), RAY]
PATIENCE = 5.0  # seconds that processes may outlive their driver
GROWTH_MB = 50.0
GROWTH_SHARE = 0.10
WARM_UP = 0.1  # share of the evaluations or trainings after which memory shall not grow


# Runs and their files


def trainings(folder):
    """The store's rows by key, read as any SQLite client does; empty where there is none yet."""
    path = Path(folder).absolute() / "evaluations.sqlite"
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            return {row[1]: row for row in connection.execute("SELECT rowid, * FROM trainings")}
    except sqlite3.OperationalError:
        return {}


def trainings_left(folder):
    """The rows that a dead process left, read from a copy, so that nothing is mended here."""
    with tempfile.TemporaryDirectory() as copy:  # elsewhere: the folder's disk may be full
        for path in folder.glob("evaluations.sqlite*"):
            shutil.copy(path, copy)
        try:
            with closing(sqlite3.connect(Path(copy) / "evaluations.sqlite")) as connection:
                return {row[1]: row for row in connection.execute("SELECT rowid, * FROM trainings")}
        except sqlite3.OperationalError:
            return {}


def results(folder):
    """What the three files of a run say, wall times aside; None where one is missing."""
    try:
        with open(folder / "logbook.csv", newline="") as file:
            logbook = [[row[name] for name in row if name != "seconds"]
                       for row in csv.DictReader(file)]
        return (logbook, (folder / "individuals.csv").read_bytes(),
                (folder / "best_loss.json").read_bytes())
    except FileNotFoundError:
        return None


class Undisturbed(NamedTuple):
    """A run that nothing disturbed."""

    results: tuple
    trainings: int
    seconds: float


class Bench:
    """Where rounds take place: folders, runs in them, and the rows that rounds leave."""

    def __init__(self, output, seed, quick):
        self.output, self.seed, self.quick = Path(output).absolute(), seed, quick
        self.output.mkdir(parents=True, exist_ok=True)
        self._undisturbed = {}

    def command(self, folder, options=TWO_WORKERS):
        return [sys.executable, str(EVOLVE), *(SMALLER if self.quick else SMALL), *options,
                "--output", str(folder)]

    @contextmanager
    def started(self, command, **environment):
        """A running command, in a session of its own; it and its workers are gone afterwards."""
        with open(self.output / "stderr.txt", "w+") as errors:
            process = subprocess.Popen(
                command, cwd=self.output, start_new_session=True, text=True,
                stdout=subprocess.DEVNULL, stderr=errors, env={**os.environ, **environment},
            )
            try:
                yield process
            finally:
                process.kill()
                process.wait()

    def finished(self, command):
        """Runs a command to its end: (status, stderr, seconds)."""
        start = time.monotonic()
        with self.started(command) as process:
            status = process.wait()
        return status, (self.output / "stderr.txt").read_text(), time.monotonic() - start

    def undisturbed(self, options=TWO_WORKERS):
        if options not in self._undisturbed:
            folder = self.fresh("undisturbed")
            status, errors, seconds = self.finished(self.command(folder, options))
            if status:
                raise RuntimeError(f"the undisturbed run ended with status {status}: {errors}")
            self._undisturbed[options] = Undisturbed(results(folder), len(trainings(folder)),
                                                     seconds)
        return self._undisturbed[options]

    def fresh(self, name):
        """The path of a folder that does not exist, in one that does."""
        folder = self.output / name
        shutil.rmtree(folder, ignore_errors=True)
        return folder

    def until_trained(self, process, folder, count):
        """Waits for so many trainings in the store; False if the process ends before."""
        while process.poll() is None:
            if len(trainings(folder)) >= count:
                return True
            time.sleep(0.02)
        return False

    def resumed(self, command, folder, snapshots):
        """Runs the command again and compares: the columns that say whether all was kept."""
        status, errors, _ = self.finished(command)
        expected, rows = self.undisturbed(), trainings(folder)
        repeated = sum(rows.get(key) != row for kept in snapshots for key, row in kept.items())
        identical = results(folder) == expected.results
        held = not status and identical and not repeated and len(rows) == expected.trainings
        if held:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            print(f"{' '.join(command)}\n{errors}", file=sys.stderr)
        return {"status": status, "identical": int(identical), "repeated": repeated,
                "held": int(held)}

    def rows(self, name):
        """The rows of a proof, of this seed and of others."""
        path = self.output / f"{name}.csv"
        if not path.exists():
            return []
        with open(path, newline="") as file:
            return list(csv.DictReader(file))

    def add(self, name, row):
        """Adds a row; the file is whole at any moment."""
        path, rows = self.output / f"{name}.csv", [*self.rows(name), row]
        with open(path.with_suffix(".draft"), "w", newline="") as file:
            writer = csv.DictWriter(file, row, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        os.replace(path.with_suffix(".draft"), path)


# Processes


def processes():
    """{(pid, start time): parent's pid} of all processes that are not zombies."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent, *rest = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if state not in "ZX":
            found[int(path.parent.name), int(rest[17])] = int(parent)
    return found


def descendants(pid):
    """The (pid, start time) of all processes below one."""
    known, generation = processes(), {pid}
    below = set()
    while generation:
        children = {process for process, parent in known.items() if parent in generation}
        below |= children
        generation = {child for child, _ in children}
    return below


def bearing(mark):
    """The (pid, start time) of all processes that a marked one started, whoever has them now."""
    found = set()
    for pid, start in processes():
        try:
            if mark.encode() in Path(f"/proc/{pid}/environ").read_bytes():
                found.add((pid, start))
        except OSError:
            continue
    return found


def workers(pid):
    """The pids of a driver's worker processes."""
    found = []
    for child, _ in descendants(pid):
        try:
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(child)
        except OSError:
            continue
    return sorted(found)


def memory_mb(pid="self"):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(f"process {pid} has no memory")


def in_another_process(function, *args):
    """Calls a function where no earlier proof has left memory behind."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *args).result()


# The proofs: each makes the row of one round


def driver_kill(bench, number, rng):
    """SIGKILL at any time, once to three times, then the same command until it is done."""
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


def worker_kill(bench, number, rng):
    """SIGKILL of one worker; the run itself goes on."""
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


def orphans(bench, number, rng, options=TWO_WORKERS):
    """SIGKILL of the driver; whatever it started is gone soon."""
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
    return orphans(bench, number, rng, RAY)


def disk_full(bench, number, rng):
    """A disk that fills up (in round 1: that is full from the beginning) and is freed again."""
    disk, expected = bench.output / "disk", bench.undisturbed()
    with mounted(disk):
        while True:
            folder = bench.fresh("disk/run")
            command, count = bench.command(folder), rng.randrange(expected.trainings)
            with bench.started(command) as process:
                if number > 1 and not bench.until_trained(process, folder, count):
                    continue
                fill(disk)
                status = process.wait()
            if status or number == 1:
                break
            (disk / "filling").unlink()  # it had written everything before
        errors = (bench.output / "stderr.txt").read_text().splitlines()
        said = says_how_to_go_on(errors, command) if number > 1 else len(errors) == 1
        snapshot = trainings_left(folder) if folder.exists() else {}
        (disk / "filling").unlink()
        row = {"stored": len(snapshot), "full_status": status, "said": int(said)}
        again = bench.resumed(command, folder, [snapshot])
    if not said:
        print("\n".join(errors), file=sys.stderr)
    held = again["held"] and said and status == (1 if number > 1 else 2)
    return {**row, **again, "held": int(held)}


@contextmanager
def mounted(disk):
    """A small disk of its own, in memory."""
    if os.path.ismount(disk):  # an interrupted soak left it
        subprocess.run(["umount", str(disk)], check=True)
    disk.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], check=True,
                   capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)
        disk.rmdir()


def fill(disk):
    with open(disk / "filling", "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 12))
        except OSError:
            return


def says_how_to_go_on(errors, command):
    """Whether the last lines are the reason and the command itself."""
    if len(errors) < 2 or any("Traceback" in line for line in errors):
        return False
    program, *arguments = shlex.split(errors[-1])
    return program == "python" and arguments == command[1:] and "room" in errors[-2]


def other_workers(bench, number, rng):
    """The same files with any number of workers, on any engine."""
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


def throughput(bench, number, rng):
    """Trainings per second of two workers over those of one, start and compiling aside."""
    from deap_lossgp.psets import loss_primitive_set
    from deap_lossgp.training.tasks import Task
    from deap_lossgp.trees import LossTree

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


def job_of(tree, pset, task, seed=0):
    from deap_lossgp.engines.engine import Job
    from deap_lossgp.training.candidates import candidate_of

    return Job(0, candidate_of(tree, pset, task), seed)


class Stub:
    """An engine that makes results up at once."""

    environment = None
    trained = 0

    def train(self, jobs):
        for index, job in enumerate(jobs):
            self.trained += 1
            figures = tuple(random.random() for _ in range(15))
            yield index, TrainingResult("digits", 10, "ok", *figures[:3], 0.5, figures, figures,
                                        figures, exact=job.candidate.loss is not None)

    def close(self):
        pass


def evaluation_with(store, max_size=MAX_SIZE):
    """An evaluation on digits that trains nothing, and a toolbox for it."""
    from deap_lossgp.psets import loss_primitive_set
    from deap_lossgp.toolbox import make_toolbox
    from deap_lossgp.training.tasks import Task

    pset = loss_primitive_set()
    evaluation = Evaluation([Task.load("digits", epochs=1)], pset, store=store, engine=Stub())
    return evaluation, make_toolbox(pset, evaluation, valid=evaluation.is_valid, max_size=max_size)


def stub_evaluations(bench, number, rng):
    """Memory and descriptors of a driver that evaluates on and on."""
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
            "screened": len(evaluation._screened),
            "held": int(after - before < GROWTH_MB and fds_after <= fds)}


def worker_memory(bench, number, rng):
    """Memory of a worker that trains on and on: round 1 on curves, 2 every third exactly."""
    from deap_lossgp.psets import loss_primitive_set
    from deap_lossgp.training.tasks import Task

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


def random_jobs(pset, task, count, third):
    """Trainings with different valid losses: on curves, or every third on the exact path."""
    from deap_lossgp.curves.loss_curves import LossCurves
    from deap_lossgp.curves.screening import is_trainable
    from deap_lossgp.toolbox import make_toolbox

    toolbox = make_toolbox(pset, valid=lambda tree: is_trainable(LossCurves.of(tree, pset)))
    jobs = []
    while len(jobs) < count:
        job = job_of(toolbox.individual(), pset, task)
        if (job.candidate.loss is not None) == (third and len(jobs) % 3 == 2):
            jobs.append(job)
    return jobs


def store_cost(bench, number, rng):
    """What a row costs to write, and 1,000 stored trainings to replay."""
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


# What is said about them


def numbers(rows, column):
    return [float(row[column]) for row in rows]


def total(rows, column):
    return sum(int(number) for row in rows for number in row[column].split())


def said_of_driver_kill(rows):
    kills = sum(len(row["kills"].split()) for row in rows)
    return (f"{kills} kills, {total(rows, 'stored')} trainings stored at the kills, "
            f"{total(rows, 'identical')} identical, {total(rows, 'repeated')} repeated")


def said_of_worker_kill(rows):
    return f"{total(rows, 'identical')} identical, {total(rows, 'repeated')} trainings repeated"


def said_of_orphans(rows):
    return (f"{total(rows, 'descendants')} processes, {total(rows, 'left')} left; the last was "
            f"gone after {max(numbers(rows, 'gone_after')):.1f} s")


def said_of_disk_full(rows):
    return (f"{total(rows, 'said')} with a clear line, {total(rows, 'identical')} identical, "
            f"{total(rows, 'repeated')} trainings repeated")


def said_of_workers(rows):
    return ", ".join(f"{row['options']} ({row['seconds']} s)" for row in rows)


def said_of_throughput(rows):
    return (f"two workers over one: {statistics.median(numbers(rows, 'ratio')):.2f} (median; "
            f"{statistics.median(numbers(rows, 'two')):.2f} trainings/s)")


def said_of_stub_evaluations(rows):
    return "; ".join(
        f"{float(row['mb_after']) - float(row['mb']):+.1f} MB over the last 90% of "
        f"{row['evaluations']} evaluations, descriptors {row['fds']} -> {row['fds_after']}"
        for row in rows
    )


def said_of_worker_memory(rows):
    return "; ".join(f"{row['path']}: {float(row['growth']):+.1%} (to {row['mb_after']} MB)"
                     for row in rows)


def said_of_store_cost(rows):
    return (f"a row {statistics.median(numbers(rows, 'put_ms')):.2f} ms; 1,000 trainings: opened "
            f"in {statistics.median(numbers(rows, 'open_s')):.2f} s, screened in "
            f"{statistics.median(numbers(rows, 'screening_s')):.2f} s, replayed in "
            f"{statistics.median(numbers(rows, 'replay_s')):.2f} s")


def no_ray():
    return "" if find_spec("ray") else "Ray is not installed"


def no_mount():
    probe = Path(f"/tmp/soak-{uuid.uuid4().hex}")
    try:
        with mounted(probe):
            return ""
    except (OSError, subprocess.CalledProcessError):
        shutil.rmtree(probe, ignore_errors=True)
        return "a disk cannot be mounted here"


@dataclass(frozen=True)
class Proof:
    """One proof.

    Attributes:
        rounds, quick: How many rounds, and how many with ``--quick``.
        round: ``round(bench, number, rng)``, the row of a round, 1 in its column ``held`` if it
            held.
        said: ``said(rows)``, the figure.
        hindrance: Why it cannot be made here, or nothing.
        most: How many different rounds there are.
    """

    rounds: int
    quick: int
    round: callable
    said: callable
    hindrance: callable = str
    most: int = 1_000_000


PROOFS = {
    "driver-kill": Proof(100, 10, driver_kill, said_of_driver_kill),
    "worker-kill": Proof(20, 3, worker_kill, said_of_worker_kill),
    "orphans": Proof(20, 3, orphans, said_of_orphans),
    "orphans-ray": Proof(20, 1, orphans_ray, said_of_orphans, no_ray),
    "disk-full": Proof(10, 3, disk_full, said_of_disk_full, no_mount),
    "workers": Proof(4, 4, other_workers, said_of_workers, most=4),
    "throughput": Proof(3, 1, throughput, said_of_throughput),
    "stub-evaluations": Proof(1, 1, stub_evaluations, said_of_stub_evaluations),
    "worker-memory": Proof(2, 2, worker_memory, said_of_worker_memory, most=2),
    "store-cost": Proof(1, 1, store_cost, said_of_store_cost),
}


def prove(bench, name, rounds):
    """Makes the rounds that are missing and prints the proof's line; returns whether it held."""
    proof = PROOFS[name]
    if hindrance := proof.hindrance():
        print(f"{name}: skipped, {hindrance}", flush=True)
        return True
    count = min(proof.most, rounds or (proof.quick if bench.quick else proof.rounds))
    mine = {"seed": str(bench.seed), "quick": str(int(bench.quick))}

    def made():
        rows = {int(row["round"]): row for row in bench.rows(name) if mine.items() <= row.items()}
        return {number: row for number, row in rows.items() if number <= count}

    for number in sorted(set(range(1, count + 1)) - made().keys()):
        rng = random.Random(f"{bench.seed} {name} {number}")
        bench.add(name, {"round": number, **mine, **proof.round(bench, number, rng)})
    rows = list(made().values())
    held = sum(row["held"] == "1" for row in rows)
    print(f"{name}: {'ok' if held == count else 'FAILED'}, {held} of {count} rounds: "
          f"{proof.said(rows)}", flush=True)
    return held == count


def main(argv=None):
    arguments = CommandParser("Proves that runs lose nothing, at length.")
    arguments.add_argument("--quick", action="store_true", help="fewer and smaller rounds")
    arguments.add_argument("--only", nargs="+", metavar="NAME", default=list(PROOFS),
                           choices=PROOFS, help=", ".join(PROOFS))
    arguments.add_argument("--output", metavar="DIR", default="runs/soak",
                           help="folder of the tables, which the same command continues")
    arguments.add_argument("--seed", type=int, default=0, help="of the times of kills, and others")
    arguments.add_argument("--rounds", type=int, metavar="N", help="of each proof")
    options = arguments.parse_args(argv)
    if options.rounds is not None and options.rounds < 1:
        fail(arguments.prog, f"rounds must be at least 1, got {options.rounds}")
    with resumable(arguments.prog, argv):
        bench = Bench(options.output, options.seed, options.quick)
        return 0 if all([prove(bench, name, options.rounds) for name in options.only]) else 1


if __name__ == "__main__":
    sys.exit(main())
