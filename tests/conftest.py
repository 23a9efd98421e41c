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
