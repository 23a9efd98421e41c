"""Ray gives the same bits, and a cluster that was started here ends with its driver."""

import os
import sys
import tempfile
from pathlib import Path

import faulty
import pytest
from proofs.linux import workers
from trained import FAULTS, GOOD, PSET, TASK, TIME_LIMIT, faulty_job, results, wait_for

pytest.importorskip("ray")

from deap_lossgp.engines.engine import TrainingError
from deap_lossgp.engines.ray_tasks import RayTasks
from deap_lossgp.engines.starting import PROGRAM
from deap_lossgp.found_losses import KNOWN_LOSSES

pytestmark = pytest.mark.frameworks
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture(scope="module")
def ray():
    """An engine on a Ray of its own, without a time limit: a busy machine may be slow."""
    engine = RayTasks([TASK], PSET)
    yield engine
    engine.close()


def test_ray_gives_the_same_bits_and_a_crash_costs_only_itself(ray, expected):
    crashes, *others = results(ray, [faulty_job("exits"), *GOOD])
    assert (crashes.status, crashes.message) == FAULTS["exits"]
    assert others == expected
    assert ray.environment["device"].startswith("CPU")


def test_a_training_on_ray_that_takes_too_long_is_stopped(ray):
    engine = RayTasks([TASK], PSET, time_limit=TIME_LIMIT)
    (hangs,) = results(engine, [faulty_job("loops")])
    engine.close()
    assert (hangs.status, hangs.message) == FAULTS["loops"]


def test_ray_refuses_in_one_line_faults_that_are_not_of_a_loss(ray):
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
    monkeypatch.setenv("RAY_TMPDIR", str(short_folder))
    killed = driver("RayTasks", fault)
    assert wait_for(lambda: killed.noted(fault))
    started = " ".join(killed.descendants().values())
    assert all(name in started for name in ("raylet", "gcs_server", PROGRAM.name))
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
    before = workers(os.getpid())
    with pytest.raises(raised) as caught:
        list(RayTasks([TASK], PSET).train(GOOD))
    assert "\n" not in str(caught.value)
    assert not list(short_folder.iterdir()) and workers(os.getpid()) == before


@on_linux
def test_a_cluster_that_is_closed_leaves_no_process_and_no_file(driver, monkeypatch, short_folder):
    monkeypatch.setenv("RAY_TMPDIR", str(short_folder))
    ended = driver("RayTasks", "raises")
    assert ended.process.wait() == 0
    assert wait_for(lambda: not ended.descendants(), 5.0), ended.descendants()
    assert list(short_folder.iterdir()) == []


