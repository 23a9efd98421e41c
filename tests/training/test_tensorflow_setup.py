"""TensorFlow's start, which is kept quiet; what it says later is not."""

import subprocess
import sys

import pytest

pytest.importorskip("tensorflow")

TOLD_LATER = """
import sys
from deap_lossgp.training.tensorflow_setup import import_tensorflow
import_tensorflow()
import tensorflow
tensorflow.get_logger().warning("told later")
print("written later", file=sys.stderr)
"""


def test_what_tensorflow_says_after_its_quiet_start_is_heard():
    process = subprocess.run([sys.executable, "-c", TOLD_LATER], capture_output=True, text=True,
                             check=True)
    assert process.stderr.splitlines() == ["WARNING:tensorflow:told later", "written later"]
