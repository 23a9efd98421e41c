"""Prepares every test session before TensorFlow is first used."""

import os
import signal
import sys

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

# What the tests start is to be interrupted, though they may run where Ctrl-C is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _prepared_tensorflow():
    """Deterministic operations; nothing where no collected test imports TensorFlow."""
    if "tensorflow" in sys.modules:
        from deap_lossgp.training.tensorflow_setup import prepare_tensorflow

        prepare_tensorflow()


@pytest.fixture(scope="module", autouse=True)
def _atlas_anew():
    """What a process keeps of the atlas is kept for one file: some read a part of it."""
    _forget_atlas()
    yield
    _forget_atlas()


def _forget_atlas():
    for name, kept in (("search.surrogates", "_atlas_without"),
                       ("engines.tabular", "_tabular_task")):
        module = sys.modules.get(f"deap_lossgp.{name}")
        if module is not None:
            getattr(module, kept).cache_clear()
