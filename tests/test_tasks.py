"""Tasks: what a budget may be, how images are split, and what a task builds."""

import sys

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from deap_lossgp.datasets import load_dataset  # noqa: E402
from deap_lossgp.networks import build_model, small_cnn  # noqa: E402
from deap_lossgp.tasks import Task  # noqa: E402


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


@pytest.mark.parametrize(("budget", "message"), [
    ({"epochs": 0}, "epochs must be an integer of at least 1, got 0"),
    ({"epochs": -3}, "epochs must be an integer of at least 1, got -3"),
    ({"epochs": 1.5}, "epochs must be an integer of at least 1, got 1.5"),
    ({"batch_size": 0}, "batch_size must be an integer of at least 1, got 0"),
    ({"batch_size": "64"}, "batch_size must be an integer of at least 1, got '64'"),
    ({"learning_rate": 0.0}, "learning_rate must be positive and finite, got 0.0"),
    ({"learning_rate": -1e-3}, "learning_rate must be positive and finite, got -0.001"),
    ({"learning_rate": float("nan")}, "learning_rate must be positive and finite, got nan"),
    ({"learning_rate": float("inf")}, "learning_rate must be positive and finite, got inf"),
    ({"train_size": 19}, "train_size must be an integer from 20 (two a class) to 1437"),
    ({"train_size": 1438}, "train_size must be an integer from 20 (two a class) to 1437"),
    ({"validation_share": 0.0}, "share must lie between 0 and 1, both excluded, got 0.0"),
    ({"validation_share": 1.0}, "share must lie between 0 and 1, both excluded, got 1.0"),
])
def test_a_bad_budget_is_refused_before_anything_is_built(digits, budget, message):
    def network(**kwargs):
        raise AssertionError("built")

    with pytest.raises(ValueError) as caught:
        Task(digits, network, **{"epochs": 1, **budget})
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_tenth_of_the_images_is_kept_for_validation(digits):
    train, validation = Task(digits, small_cnn, epochs=1).split()
    assert (len(train), len(validation)) == (1293, 144)
    np.testing.assert_array_equal(np.sort(np.concatenate([train, validation])), np.arange(1437))


def test_size_and_share_of_the_split_are_options(digits):
    task = Task(digits, small_cnn, epochs=1, train_size=400, validation_share=0.25)
    train, validation = task.split()
    assert (len(train), len(validation)) == (300, 100)
    assert len(np.union1d(train, validation)) == 400
    for one, other in zip(task.split(), (train, validation), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_task_is_loaded_from_names():
    task = Task.load("digits", epochs=3, batch_size=32)
    assert (task.name, task.network, task.epochs, task.batch_size) == ("digits", "small_cnn", 3, 32)


def test_a_network_of_ones_own_is_named_by_module_and_function(tmp_path, monkeypatch):
    (tmp_path / "my_networks.py").write_text(
        "import keras\n"
        "def linear(input_shape, num_classes):\n"
        "    dense = keras.layers.Dense(num_classes, 'softmax')\n"
        "    return keras.Sequential([keras.Input(input_shape), keras.layers.Flatten(), dense],\n"
        "                            name='linear')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "my_networks", raising=False)
    model = build_model(Task.load("digits", "my_networks:linear", epochs=1))
    assert (model.name, model.count_params()) == ("linear", 64 * 10 + 10)


@pytest.mark.parametrize(("name", "message"), [
    ("digit", "did you mean 'digits'"), ("nowhere", "unknown data set 'nowhere'"),
])
def test_an_unknown_data_set_is_refused(name, message):
    with pytest.raises(ValueError, match=message):
        Task.load(name, epochs=1)


def test_mixed_precision_is_the_networks_own(digits):
    before = keras.config.dtype_policy().name
    mixed = build_model(Task(digits, small_cnn, epochs=1, mixed_precision=True))
    plain = build_model(Task(digits, small_cnn, epochs=1))
    assert mixed.layers[1].compute_dtype == "bfloat16"
    assert plain.layers[1].compute_dtype == "float32"
    assert {variable.dtype for variable in mixed.trainable_variables} == {"float32"}
    assert keras.config.dtype_policy().name == before


def test_the_precision_policy_survives_a_network_that_fails(digits):
    before = keras.config.dtype_policy().name
    with pytest.raises(ValueError, match="cannot be built"):
        build_model(Task(digits, lambda: None, epochs=1, mixed_precision=True))
    assert keras.config.dtype_policy().name == before
