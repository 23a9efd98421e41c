"""Worker processes give the same bits as this process, and failures cost only themselves."""

import os
import random
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path

import faulty
import pytest
from proofs.linux import workers
from trained import FAULTS, GOOD, PSET, TASK, TIME_LIMIT, alive, faulty_job, results, wait_for

from deap_lossgp.engines.engine import InProcess, TrainingError
from deap_lossgp.engines.processes import RETRIES, WorkerProcesses
from deap_lossgp.found_losses import KNOWN_LOSSES

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture(scope="module")
def pair():
    """An engine of two workers."""
    engine = WorkerProcesses([TASK], PSET, 2, time_limit=TIME_LIMIT, machine_share=0.1)
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
    before = workers(os.getpid())
    assert list(engine.train([])) == []
    assert workers(os.getpid()) == before


# what a loss may do


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
def test_faults_that_leave_the_process_alive_end_alike_without_workers(mixed, expected, fault):
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
    for process in workers(os.getpid()):
        os.kill(process, signal.SIGKILL)
    assert results(pair, GOOD) == expected


@on_linux
def test_a_caller_that_stops_iterating_leaves_no_process(pair, expected):
    for stop in (stop_by_closing, stop_by_raising):
        processes = stop(pair)
        assert processes and not alive(processes)
    assert results(pair, GOOD) == expected


def stop_by_closing(engine):
    trained = engine.train(GOOD)
    next(trained)
    processes = workers(os.getpid())
    trained.close()
    return processes


def stop_by_raising(engine):
    processes = []
    with pytest.raises(ZeroDivisionError):
        for _ in engine.train(GOOD):
            processes = workers(os.getpid())
            _ = 1 / 0
    return processes


@on_linux
def test_a_closed_engine_leaves_no_process_and_can_be_used_again(pair):
    processes = workers(os.getpid())
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
    assert not workers(os.getpid())


@pytest.mark.parametrize("make", [InProcess, WorkerProcesses])
def test_a_network_that_cannot_be_trained_ends_the_training_in_one_line(make):
    task = faulty.digits("faulty:trains_never")
    with pytest.raises(TrainingError, match=r"^TypeError: [^\n]*not in training[^\n]*$"):
        list(make([task], PSET).train([faulty.job(KNOWN_LOSSES["mse"], PSET, task)]))
    assert not workers(os.getpid())


@pytest.mark.parametrize("make", [InProcess, WorkerProcesses])
def test_a_primitive_that_keras_cannot_compute_ends_the_training_in_one_line(make):
    pset = faulty.primitive_set(faulty.row("in_numpy", faulty.in_numpy))
    with pytest.raises(TrainingError, match=r"^primitive 'in_numpy' leaves keras.ops: [^\n]*$"):
        list(make([TASK], pset).train([faulty.job(KNOWN_LOSSES["mse"], pset, TASK)]))
    assert not workers(os.getpid())


