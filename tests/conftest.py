"""What every test session needs before TensorFlow is first used."""

import os
import sys

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


@pytest.fixture(scope="session", autouse=True)
def _prepared_tensorflow():
    """Deterministic operations; nothing where no collected test imports TensorFlow."""
    if "tensorflow" in sys.modules:
        from deap_lossgp.loops import prepare_tensorflow

        prepare_tensorflow()
