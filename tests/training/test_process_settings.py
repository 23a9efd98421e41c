"""Settings that others have made in the process or at home change no result, or its key."""

import json
import os
import subprocess
import sys

import keras
import pytest

from deap_lossgp.training.initial_state import seeded
from deap_lossgp.training.networks import NETWORKS, build_model
from deap_lossgp.training.process_settings import FIXED, fixed_settings
from deap_lossgp.training.tasks import Task
from deap_lossgp.training.tensorflow_setup import (
    arithmetic_settings,
    check_tensorflow,
    own_options,
)

OTHERS = {"image_data_format": "channels_first", "floatx": "float64", "epsilon": 1e-3,
          "dtype_policy": "mixed_float16", "max_epochs": 1, "max_steps_per_epoch": 2}


@pytest.fixture
def other_settings():
    """Keras's settings as somebody may have made them; as they were afterwards."""
    with fixed_settings():
        for name, value in OTHERS.items():
            getattr(keras.config, f"set_{name}")(value)
        yield


def in_force():
    found = {name: getattr(keras.config, name)() for name in FIXED}
    return {**found, "dtype_policy": found["dtype_policy"].name}


def test_settings_are_fixed_inside_and_put_back_even_after_an_error(other_settings):
    with pytest.raises(ZeroDivisionError), fixed_settings():
        assert in_force() == FIXED
        _ = 1 / 0
    assert in_force() == OTHERS


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_that_is_built_by_hand_takes_channels_last_too(name, other_settings):
    shapes = [[weight.shape for weight in NETWORKS[name]((12, 16, 3), 4).weights]]
    assert in_force() == OTHERS
    with fixed_settings():
        model = NETWORKS[name]((12, 16, 3), 4)
        shapes.append([weight.shape for weight in model.weights])
    assert shapes[0] == shapes[1]


def test_tensorflows_own_switches_are_fixed_inside_and_put_back():
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    tf.config.optimizer.set_jit(True)
    try:
        with fixed_settings():
            assert not tf.config.functions_run_eagerly() and not tf.config.optimizer.get_jit()
        assert tf.config.functions_run_eagerly() and tf.config.optimizer.get_jit()
    finally:
        tf.config.run_functions_eagerly(False)
        tf.config.optimizer.set_jit(False)


@pytest.mark.parametrize("mixed", [False, True])
def test_a_network_is_the_same_under_all_settings(other_settings, mixed):
    task = Task.load("digits", "resnet8", mixed_precision=mixed)
    with seeded(1):
        there = build_model(task)
    with fixed_settings():
        with seeded(1):
            here = build_model(task)
        images = task.data.x_test[:4]
        assert (keras.ops.convert_to_numpy(there(images))
                == keras.ops.convert_to_numpy(here(images))).all()
    assert {layer.dtype_policy.name for layer in there.layers} == (
        {"mixed_bfloat16", "float32"} if mixed else {"float32"})


# the backend


@pytest.mark.parametrize(("variable", "file", "said"), [
    ("jax", {}, "got 'jax' from KERAS_BACKEND"),
    ("", {"backend": "torch"}, "got 'torch' from {home}"),
    ("tensorflow", {"backend": "torch"}, None),
    ("", {}, None),
])
def test_another_backend_is_named_with_its_place(variable, file, said, tmp_path, monkeypatch):
    (tmp_path / "keras.json").write_text(json.dumps(file))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("KERAS_BACKEND", variable)
    if said is None:
        return check_tensorflow()
    with pytest.raises(ValueError) as caught:
        check_tensorflow()
    assert str(caught.value).startswith("expected Keras on the backend 'tensorflow'")
    assert str(caught.value).endswith(said.format(home=tmp_path / "keras.json"))
    return None


# the key


def test_what_tensorflow_reads_from_the_environment_belongs_to_the_key(monkeypatch):
    plain = arithmetic_settings(1, None)
    monkeypatch.setenv("TF_CPP_MAX_VLOG_LEVEL", "1")
    monkeypatch.setenv("TF_TOKEN_app_terraform_io", "secret")
    assert arithmetic_settings(1, None) == plain
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    assert own_options() == {}
    flags = arithmetic_settings(1, None, optimizer="x")["flags"]
    assert flags["TF_ENABLE_ONEDNN_OPTS"] == "0" and flags["optimizer"] == "x"


# copies of the process


FORKED = """
import multiprocessing, random, sys
import faulty
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.search import Evaluation
from deap_lossgp.toolbox import make_toolbox

pset = loss_primitive_set()
random.seed(1)
evaluation = Evaluation([faulty.digits()], pset)
toolbox = make_toolbox(pset, evaluation, valid=evaluation.is_valid)
trees = toolbox.population(n=2)
if "first" in sys.argv:
    evaluation(trees[0])
with multiprocessing.get_context("fork").Pool(1) as pool:
    try:
        print(len(pool.map(toolbox.evaluate, trees)))
    except ValueError as error:
        print(error)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
@pytest.mark.parametrize(("arguments", "said"), [
    ([], "2"), (["first"], "this process was forked from one that had used TensorFlow"),
])
def test_a_forked_copy_trains_or_says_why_it_cannot(arguments, said):
    process = subprocess.run([sys.executable, "-c", FORKED, *arguments], capture_output=True,
                             text=True, timeout=600,
                             env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert process.stdout.startswith(said) and process.stdout.count("\n") == 1, process.stderr
