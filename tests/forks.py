"""Tests run in a fork of this process, which has imported the libraries already."""

import os
import signal
import time
from contextlib import suppress

NO_TESTS = 5 << 8
"""The status of a process in which pytest found nothing to run."""


class Recorder:
    """A pytest plugin: how long each test takes, and which lines it runs."""

    def __init__(self, coverage):
        self.coverage, self.seconds, self.failed = coverage, {}, []

    def pytest_runtest_setup(self, item):  # what a fixture runs, any test of the file may check
        self.coverage.switch_context(item.location[0])

    def pytest_runtest_call(self, item):
        self.coverage.switch_context(item.nodeid)

    def pytest_runtest_logreport(self, report):
        if report.when == "call" and report.passed:
            self.seconds[report.nodeid] = report.duration
        elif report.failed:
            self.failed.append(report.nodeid)


class Chosen:
    """A pytest plugin that runs these tests only, in this order."""

    def __init__(self, names):
        self.places = {name: place for place, name in enumerate(names)}

    def pytest_collection_modifyitems(self, items):
        items[:] = sorted((item for item in items if item.nodeid in self.places),
                          key=lambda item: self.places[item.nodeid])


def pytest_status(arguments, *plugins):
    import pytest

    return pytest.main(["-p", "no:cacheprovider", "-p", "no:xdist", "-o", "addopts=",
                        "--doctest-modules", "-q", "-x", *arguments], plugins)


def forked(function, limit):
    """Calls the function in a fork; returns its status, or None if it took longer than allowed."""
    process = os.fork()
    if not process:
        os.setsid()
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
        try:
            os._exit(int(function()))
        finally:
            os._exit(3)
    end = time.monotonic() + limit
    while True:
        done, status = os.waitpid(process, os.WNOHANG)
        late = time.monotonic() > end
        if done or late:
            with suppress(ProcessLookupError):
                os.killpg(process, signal.SIGKILL)  # what the tests have started
            if not done:
                os.waitpid(process, 0)
            return status if done else None
        time.sleep(0.05)
