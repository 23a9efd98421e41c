"""Fixtures of the tests of engines."""

import os
import signal
from contextlib import suppress

import faulty
import pytest

pytest.importorskip("tensorflow")

from trained import GOOD, PSET, PYTHONPATH, TASK, Driver, results

from deap_lossgp.engines import InProcess


@pytest.fixture(scope="module", autouse=True)
def _notes(tmp_path_factory):
    """Makes a folder in which the losses of all processes note what they do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", PYTHONPATH)  # Ray's processes look for modules there
        patch.setenv(faulty.NOTES, str(tmp_path_factory.mktemp("notes")))
        yield


@pytest.fixture(scope="session")
def expected():
    """Returns the good jobs' results, trained one after another in this process."""
    return results(InProcess([TASK], PSET), GOOD)


@pytest.fixture
def driver(tmp_path):
    """Starts drivers, and ends afterwards what is left of them."""
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


