"""Engines: the same bits from each, failures that cost only themselves, and no process left."""

import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import replace
from multiprocessing import active_children
from pathlib import Path

import faulty
import pytest

pytest.importorskip("tensorflow")

from deap_lossgp.engines.engine import InProcess, TrainingError
from deap_lossgp.engines.processes import RETRIES, WorkerProcesses
from deap_lossgp.engines.ray_tasks import RayTasks  # noqa: E402
from deap_lossgp.engines.signals import interrupts_blocked
from deap_lossgp.found_losses import KNOWN_LOSSES  # noqa: E402
from deap_lossgp.psets import loss_primitive_set  # noqa: E402
from deap_lossgp.search.evaluation import Evaluation  # noqa: E402
from deap_lossgp.toolbox import make_toolbox  # noqa: E402

TASK = faulty.digits()
PSET = faulty.primitive_set()
GOOD = [
    faulty.job(KNOWN_LOSSES["cross_entropy"], PSET, TASK),
    faulty.job(KNOWN_LOSSES["mse"], PSET, TASK, seed=2),
    faulty.job(KNOWN_LOSSES["ngl"], PSET, TASK, test=True),
    faulty.job("mul(y_true, sqrt(sub(y_pred, 0.503)))", PSET, TASK),
    faulty.job(KNOWN_LOSSES["baikal"], PSET, TASK),
    faulty.job(KNOWN_LOSSES["cross_entropy"], PSET, TASK, exact=True),
]
TIME_LIMIT = 6.0
MACHINE_SHARE = 0.1
FOLDER = Path(__file__).parents[1]

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def results(engine, jobs):
    """The results in the order of the jobs; without the seconds, which differ."""
    pairs = dict(engine.train(jobs))
    assert sorted(pairs) == list(range(len(jobs)))
    return [replace(pairs[index], seconds=0.0) for index in range(len(jobs))]


def faulty_job(name):
    return faulty.faulty_job(name, PSET, TASK)


@pytest.fixture(scope="module", autouse=True)
def _notes(tmp_path_factory):
    """A folder in which the losses of all processes write down what they do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(FOLDER))  # Ray's processes look for modules there
        patch.setenv(faulty.NOTES, str(tmp_path_factory.mktemp("notes")))
        yield


@pytest.fixture(scope="module")
def expected():
    """The good jobs' results, trained one after another in this process."""
    return results(InProcess([TASK], PSET), GOOD)


@pytest.fixture(scope="module")
def pair():
    """An engine of two workers."""
    engine = WorkerProcesses([TASK], PSET, 2, time_limit=TIME_LIMIT,
                             machine_share=MACHINE_SHARE)
    yield engine
    engine.close()


# the same bits


def test_the_good_losses_take_both_paths_and_train(expected):
    assert [job.candidate.loss is not None for job in GOOD] == [False] * 3 + [True, False, True]
    assert {result.status for result in expected} == {"ok"}
    assert len({result.losses for result in expected}) == len(expected)
    assert [result.test_accuracy is not None for result in expected] == [
        job.test for job in GOOD]


def test_two_workers_give_the_same_bits_as_this_process(pair, expected):
    assert results(pair, GOOD) == expected


@pytest.mark.parametrize("workers", [1, 4])
def test_the_number_of_workers_does_not_change_a_bit(workers, expected):
    engine = WorkerProcesses([TASK], PSET, workers)
    try:
        assert results(engine, GOOD) == expected
        assert engine.environment["device"].startswith("CPU")
    finally:
        engine.close()


def test_the_order_of_the_jobs_does_not_change_a_bit(pair, expected):
    order = random.Random(1).sample(range(len(GOOD)), len(GOOD))
    assert results(pair, [GOOD[i] for i in order]) == [expected[i] for i in order]


def test_results_come_as_trainings_end_under_the_index_of_their_job(pair, expected):
    jobs = [faulty_job("waits"), *GOOD]
    trained = pair.train(jobs)
    early = [next(trained) for _ in GOOD]  # while the first job's training waits
    faulty.note("goes_on")
    late = list(trained)
    assert {index: replace(result, seconds=0.0) for index, result in early} == dict(
        enumerate(expected, start=1))
    assert [(index, result.status) for index, result in late] == [(0, "ok")]


def test_no_jobs_start_no_process():
    engine = WorkerProcesses([TASK], PSET, 2)
    before = active_children()
    assert list(engine.train([])) == []
    assert active_children() == before


# what a loss may do


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


@pytest.fixture(scope="module")
def mixed(pair):
    """Results of one batch: each fault in turn, and a good job after each; by name."""
    names = [name for fault in FAULTS for name in (fault, f"after {fault}")]
    goods = dict(zip(FAULTS, GOOD * 2, strict=True))
    jobs = [faulty_job(name) if name in FAULTS else goods[name.removeprefix("after ")]
            for name in names]
    return dict(zip(names, results(pair, jobs), strict=True))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_a_loss_is_its_outcome(mixed, fault):
    status, message = FAULTS[fault]
    result = mixed[fault]
    assert (result.status, result.task, result.num_classes) == (status, "digits", 10)
    assert result.exact and result.loss is result.accuracy is None
    assert message in result.message
    assert "\n" not in result.message and "Traceback" not in result.message


def test_all_these_faults_change_no_bit_of_the_other_results(mixed, expected):
    others = [result for name, result in mixed.items() if name not in FAULTS]
    assert others == expected * 2


@pytest.mark.parametrize("fault", ["leaves", "leaves_at_last", "raises", "nan", "infinite",
                                   "flat"])
def test_what_leaves_the_process_alive_ends_the_same_way_without_workers(mixed, expected, fault):
    in_process = results(InProcess([TASK], PSET), [faulty_job(fault), GOOD[0]])
    assert in_process == [mixed[fault], expected[0]]


def test_a_training_is_begun_again_as_often_as_said(mixed):
    assert len(faulty.noted("exits")) == len(faulty.noted("kills")) == 1 + RETRIES
    assert len(faulty.noted("loops")) == len(faulty.noted("sleeps")) == 1


# what others may do


@on_linux
def test_a_worker_killed_while_it_trains_costs_nothing(pair, expected):
    Path(os.environ[faulty.NOTES], "goes_on").unlink(missing_ok=True)
    Path(os.environ[faulty.NOTES], "waits").unlink(missing_ok=True)

    def kill():
        wait_for(lambda: faulty.noted("waits"))
        os.kill(faulty.noted("waits")[0], signal.SIGKILL)
        faulty.note("goes_on")

    killer = threading.Thread(target=kill)
    killer.start()
    first, *others = results(pair, [faulty_job("waits"), *GOOD])
    killer.join()
    assert first == results(InProcess([TASK], PSET), [faulty_job("waits")])[0]
    assert others == expected


@on_linux
def test_workers_killed_while_they_idle_cost_nothing(pair, expected):
    results(pair, GOOD)
    for process in active_children():
        os.kill(process.pid, signal.SIGKILL)
    assert results(pair, GOOD) == expected


@on_linux
def test_who_stops_listening_leaves_no_process(pair, expected):
    for stop in (stop_by_closing, stop_by_raising):
        processes = stop(pair)
        assert processes and not alive(processes)
    assert results(pair, GOOD) == expected


def stop_by_closing(engine):
    trained = engine.train(GOOD)
    next(trained)
    processes = [process.pid for process in active_children()]
    trained.close()
    return processes


def stop_by_raising(engine):
    processes = []
    with pytest.raises(ZeroDivisionError):
        for _ in engine.train(GOOD):
            processes = [process.pid for process in active_children()]
            _ = 1 / 0
    return processes


@on_linux
def test_a_closed_engine_leaves_no_process_and_can_be_used_again(pair):
    processes = [process.pid for process in active_children()]
    pair.close()
    assert processes and not alive(processes)
    pair.close()


# what no loss is to blame for


@pytest.mark.parametrize("make", [InProcess, WorkerProcesses])
def test_a_network_that_is_not_there_ends_the_training_in_one_line(make):
    task = faulty.digits("faulty:linaer")
    message = r"^unknown function in \S+faulty.py 'linaer': did you mean 'linear'\? [^\n]*$"
    with pytest.raises(TrainingError, match=message):
        list(make([task], PSET).train([faulty.job(KNOWN_LOSSES["mse"], PSET, task)]))
    assert not active_children()


@pytest.mark.parametrize("make", [InProcess, WorkerProcesses])
def test_a_network_that_cannot_be_trained_ends_the_training_in_one_line(make):
    task = faulty.digits("faulty:trains_never")
    with pytest.raises(TrainingError, match=r"^TypeError: [^\n]*not in training[^\n]*$"):
        list(make([task], PSET).train([faulty.job(KNOWN_LOSSES["mse"], PSET, task)]))
    assert not active_children()


@pytest.mark.parametrize("make", [InProcess, WorkerProcesses])
def test_a_primitive_that_keras_cannot_compute_ends_the_training_in_one_line(make):
    pset = faulty.primitive_set(faulty.row("in_numpy", faulty.in_numpy))
    with pytest.raises(TrainingError, match=r"^primitive 'in_numpy' leaves keras.ops: [^\n]*$"):
        list(make([TASK], pset).train([faulty.job(KNOWN_LOSSES["mse"], pset, TASK)]))
    assert not active_children()


# drivers, as processes


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
    """A script in a session of its own, which trains; and all that has come from it."""

    def __init__(self, folder, *arguments):
        script = folder / "driver.py"
        script.write_text(DRIVER)
        self._folder = folder
        self.process = subprocess.Popen(
            [sys.executable, script, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, start_new_session=True,
            env={**os.environ, faulty.NOTES: str(folder), "PYTHONPATH": str(FOLDER)},
        )  # fmt: skip

    def descendants(self):
        """What is alive, by the session that is handed down: {process id: command line}."""
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
        return [pid for pid, line in self.descendants().items() if "spawn_main" in line]

    def noted(self, name):
        return (self._folder / name).exists()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def interrupt(self):
        """Ctrl-C; returns exit status and what all the processes have printed."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.communicate(timeout=60)


@pytest.fixture
def driver(tmp_path):
    """Starts drivers, and leaves nothing of them."""
    drivers = []

    def start(*arguments):
        drivers.append(Driver(tmp_path, *arguments))
        return drivers[-1]

    yield start
    for started in drivers:
        started.kill()
        for pid in started.descendants():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def wait_for(condition, seconds=120.0):
    """Whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def alive(processes):
    return [pid for pid in processes if Path(f"/proc/{pid}").exists()]


@on_linux
def test_the_driving_process_does_without_tensorflow(driver):
    trains = driver("WorkerProcesses", "flat")
    assert trains.process.communicate() == ("no_gradient\n", "")
    assert trains.process.returncode == 0
    assert wait_for(lambda: not trains.descendants(), 5.0)


@on_linux
@pytest.mark.parametrize("seconds", [0.0, 1.0, 3.0])
def test_workers_that_are_starting_end_with_their_driver(driver, seconds):
    killed = driver("WorkerProcesses", "waits")
    assert wait_for(killed.workers)
    time.sleep(seconds)
    killed.kill()
    assert wait_for(lambda: not killed.descendants(), 5.0), killed.descendants()


@on_linux
@pytest.mark.parametrize("fault", ["waits", "loops", "holds"])
def test_workers_that_train_end_with_their_driver(driver, fault):
    killed = driver("WorkerProcesses", fault)
    assert wait_for(lambda: killed.noted(fault))
    assert killed.workers()
    killed.kill()
    assert wait_for(lambda: not killed.descendants(), 5.0), killed.descendants()


@on_linux
def test_an_interrupt_of_starting_workers_is_the_drivers_alone(driver):
    interrupted = driver("WorkerProcesses", "waits")
    assert wait_for(interrupted.workers)
    assert interrupted.interrupt() == ("", "")
    assert interrupted.process.returncode == 130
    assert wait_for(lambda: not interrupted.descendants(), 5.0)


@on_linux
def test_an_interrupt_that_another_thread_takes_waits_until_a_process_is_started():
    done = threading.Event()
    thread = threading.Thread(target=done.wait)  # it blocks no signal
    thread.start()
    whole = False
    try:
        with pytest.raises(KeyboardInterrupt), interrupts_blocked():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.2)
            whole = True
    finally:
        done.set()
        thread.join()
    assert whole and signal.getsignal(signal.SIGINT) is signal.default_int_handler


@on_linux
def test_an_interrupt_of_a_training_is_the_drivers_alone(driver):
    interrupted = driver("WorkerProcesses", "waits")
    assert wait_for(lambda: interrupted.noted("waits"))
    assert interrupted.interrupt() == ("", "")
    assert interrupted.process.returncode == 130
    assert wait_for(lambda: not interrupted.descendants(), 5.0)


# Ray


@pytest.fixture(scope="module")
def ray():
    """An engine on a Ray of its own."""
    pytest.importorskip("ray")
    engine = RayTasks([TASK], PSET, time_limit=TIME_LIMIT)
    yield engine
    engine.close()


def test_ray_gives_the_same_bits_and_faults_cost_only_themselves(ray, expected):
    crashes, hangs, *others = results(ray, [faulty_job("exits"), faulty_job("loops"), *GOOD])
    assert (crashes.status, crashes.message) == FAULTS["exits"]
    assert (hangs.status, hangs.message) == FAULTS["loops"]
    assert others == expected
    assert ray.environment["device"].startswith("CPU")


def test_ray_refuses_in_one_line_what_no_loss_is_to_blame_for(ray):
    task = faulty.digits("faulty:linaer")
    engine = RayTasks([task], PSET)
    with pytest.raises(TrainingError, match=r"^unknown function in [^\n]* did you mean 'linear'"):
        list(engine.train([faulty.job(KNOWN_LOSSES["mse"], PSET, task)]))


@pytest.fixture
def short_folder():
    """One whose path leaves room for the names of Ray's sockets."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@on_linux
@pytest.mark.parametrize("fault", ["waits", "loops"])
def test_what_trains_on_ray_and_its_cluster_end_with_its_driver(driver, fault, monkeypatch,
                                                                short_folder):
    pytest.importorskip("ray")
    monkeypatch.setenv("RAY_TMPDIR", str(short_folder))
    killed = driver("RayTasks", fault)
    assert wait_for(lambda: killed.noted(fault))
    started = " ".join(killed.descendants().values())
    assert all(name in started for name in ("raylet", "gcs_server", "spawn_main"))
    (written,) = short_folder.iterdir()
    killed.kill()
    assert wait_for(lambda: not killed.descendants(), 5.0), killed.descendants()
    assert wait_for(lambda: not written.exists(), 5.0)


@pytest.mark.parametrize(("error", "raised"), [
    (OSError("no room\nfor a socket"), TrainingError), (KeyboardInterrupt(), KeyboardInterrupt),
])
def test_a_cluster_that_cannot_start_leaves_nothing(error, raised, short_folder, monkeypatch):
    ray = pytest.importorskip("ray")

    def init(**options):
        assert [str(path) for path in short_folder.iterdir()] == [options["_temp_dir"]]
        raise error

    monkeypatch.setenv("RAY_TMPDIR", str(short_folder))
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    before = active_children()
    with pytest.raises(raised) as caught:
        list(RayTasks([TASK], PSET).train(GOOD))
    assert "\n" not in str(caught.value)
    assert not list(short_folder.iterdir()) and active_children() == before


@on_linux
def test_a_cluster_that_is_closed_leaves_no_process_and_no_file(driver, monkeypatch, short_folder):
    pytest.importorskip("ray")
    monkeypatch.setenv("RAY_TMPDIR", str(short_folder))
    ended = driver("RayTasks", "raises")
    assert ended.process.wait() == 0
    assert wait_for(lambda: not ended.descendants(), 5.0), ended.descendants()
    assert list(short_folder.iterdir()) == []


# DEAP's map


@pytest.fixture(scope="module")
def population():
    """A toolbox, trees, and their fitness when they are evaluated one by one in this process."""
    pset = loss_primitive_set()
    evaluation = Evaluation([TASK], pset)
    toolbox = make_toolbox(pset, evaluation, valid=evaluation.is_valid)
    random.seed(1)
    trees = toolbox.population(n=6)
    fitness = [toolbox.evaluate(tree) for tree in trees]
    assert len(set(fitness)) > 1 and evaluation.counts["ntrained"] > 1
    return toolbox, trees, fitness


def test_joblib_as_a_toolboxs_map_gives_the_same_fitness(population):
    joblib = pytest.importorskip("joblib")
    toolbox, trees, fitness = population
    with joblib.parallel_config("loky", n_jobs=2):
        toolbox.register("map", lambda function, items: joblib.Parallel()(
            joblib.delayed(function)(item) for item in items))
        assert toolbox.map(toolbox.evaluate, trees) == fitness


def test_dask_as_a_toolboxs_map_gives_the_same_fitness(population, tmp_path):
    distributed = pytest.importorskip("distributed")
    toolbox, trees, fitness = population
    with (
        distributed.LocalCluster(2, processes=True, threads_per_worker=1, dashboard_address=None,
                                 local_directory=str(tmp_path)) as cluster,
        distributed.Client(cluster) as client,
    ):
        toolbox.register("map", lambda *given: client.gather(client.map(*given)))
        assert toolbox.map(toolbox.evaluate, trees) == fitness
