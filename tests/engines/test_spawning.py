"""Started processes leave interrupts to their driver and end with it, even if it is killed."""

import os
import signal
import sys
import threading
import time

import pytest
from trained import wait_for

from deap_lossgp.engines.spawning import interrupts_blocked

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def test_the_driving_process_does_without_tensorflow(driver):
    trains = driver("WorkerProcesses", "flat")
    assert trains.process.communicate() == ("no_gradient\n", "")
    assert trains.process.returncode == 0
    assert wait_for(lambda: not trains.descendants(), 5.0)


@pytest.mark.parametrize("seconds", [0.0, 1.0, 3.0])
def test_workers_that_are_starting_end_with_their_driver(driver, seconds):
    killed = driver("WorkerProcesses", "waits")
    assert wait_for(killed.workers)
    time.sleep(seconds)
    killed.kill()
    assert wait_for(lambda: not killed.descendants(), 5.0), killed.descendants()


@pytest.mark.parametrize("fault", ["waits", "loops", "holds"])
def test_workers_that_train_end_with_their_driver(driver, fault):
    killed = driver("WorkerProcesses", fault)
    assert wait_for(lambda: killed.noted(fault))
    assert killed.workers()
    killed.kill()
    assert wait_for(lambda: not killed.descendants(), 5.0), killed.descendants()


def test_an_interrupt_of_starting_workers_is_the_drivers_alone(driver):
    interrupted = driver("WorkerProcesses", "waits")
    assert wait_for(interrupted.workers)
    assert interrupted.interrupt() == ("", "")
    assert interrupted.process.returncode == 130
    assert wait_for(lambda: not interrupted.descendants(), 5.0)


def test_an_interrupt_of_a_training_is_the_drivers_alone(driver):
    interrupted = driver("WorkerProcesses", "waits")
    assert wait_for(lambda: interrupted.noted("waits"))
    assert interrupted.interrupt() == ("", "")
    assert interrupted.process.returncode == 130
    assert wait_for(lambda: not interrupted.descendants(), 5.0)


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


