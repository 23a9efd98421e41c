"""Tasks: their budget, the split of their images, and their networks."""

import math
import sys
from dataclasses import fields, replace
from functools import partial

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from deap_lossgp.data.datasets import load_dataset  # noqa: E402
from deap_lossgp.training.budget import Budget  # noqa: E402
from deap_lossgp.training.networks import build_model, small_cnn  # noqa: E402
from deap_lossgp.training.tasks import Task, check_names, reduce_on_plateau  # noqa: E402
from deap_lossgp.user_functions import source_of  # noqa: E402


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


@pytest.mark.parametrize(("budget", "message"), [
    ({"epochs": 0}, "epochs must be an integer of at least 1, got 0"),
    ({"epochs": -3}, "epochs must be an integer of at least 1, got -3"),
    ({"batch_size": 0}, "batch_size must be an integer of at least 1, got 0"),
    ({"augmentation": True, "jit_compile": True}, "augmentation cannot be combined with jit_comp"),
    ({"learning_rate": 0.0}, "learning_rate must be positive and finite, got 0.0"),
    ({"learning_rate": -1e-3}, "learning_rate must be positive and finite, got -0.001"),
    ({"learning_rate": float("nan")}, "learning_rate must be positive and finite, got nan"),
    ({"learning_rate": float("inf")}, "learning_rate must be positive and finite, got inf"),
    ({"train_size": 9}, "data set 'digits': train_size must be an integer from 10 (one a class)"),
    ({"train_size": 1437}, "data set 'digits': train_size must be an integer from 10 (one a"),
    ({"validation_size": 1437}, "data set 'digits': validation_size must be an integer from 10"),
    ({"train_size": 1000, "validation_size": 500}, "data set 'digits': train_size and validation"),
    ({"train_size": 19, "validation_share": 0.1},
     "data set 'digits': train_size must be an integer from 20 (two a"),
    ({"train_size": 1438, "validation_share": 0.1},
     "data set 'digits': train_size must be an integer from 20 (two a"),
    ({"validation_size": 100, "validation_share": 0.1},
     "expected validation_size or validation_share, got both, 100 and 0.1"),
    *(({"validation_share": share}, "data set 'digits': validation_share must lie between 0 and 1, "
                                    f"both excluded, got {share}") for share in (0.0, 1.0)),
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


def test_another_budget_keeps_the_validation_images(digits):
    task = Task(digits, small_cnn, epochs=2, train_size=300, validation_size=200)
    for epochs, size, images in ((2, None, 1237), (5, None, 1237), (2, 400, 400), (5, 300, 300)):
        other = task.with_budget(epochs, size)
        train, validation = other.split()
        assert (other.epochs, len(train), other.data) == (epochs, images, digits)
        np.testing.assert_array_equal(validation, task.split()[1])
        assert not {*train} & {*validation}
    assert task.with_budget(2, 300) is task
    assert Task(digits, small_cnn, epochs=2).with_budget(2).epochs == 2
    again = task.with_budget(5, 400).with_budget(7)
    np.testing.assert_array_equal(again.split()[1], task.split()[1])
    assert len(again.split()[0]) == 1237


def test_a_budget_of_its_own_has_its_own_place_among_results(digits):
    tasks = [Task(digits, small_cnn, epochs=2, train_size=300, validation_size=size)
             for size in (200, 201)]
    longer = [task.with_budget(2, 400) for task in tasks]
    made = [*tasks, *longer, tasks[0].with_budget(3, 400), tasks[0].with_budget(2)]
    assert len({task.fingerprint for task in made}) == len(made)
    assert tasks[0].with_budget(2, 400).fingerprint == longer[0].fingerprint
    longer = replace(tasks[0], validated_as=tasks[1], train_size=400).fingerprint
    assert longer != tasks[0].with_budget(2, 400).fingerprint, "other validation images"


def test_a_task_is_loaded_from_names():
    task = Task.load("digits", epochs=3, batch_size=32)
    assert (task.name, task.network, task.epochs, task.batch_size) == ("digits", "small_cnn", 3, 32)


def test_images_of_a_folder_have_the_size_and_the_colours_that_are_asked_for(tmp_path):
    from PIL import Image

    for label in "ab":
        (tmp_path / label).mkdir()
        for index in range(20):
            image = Image.new("RGB", (6, 6), (index, 9 * index, 250))
            image.save(tmp_path / label / f"{index}.png")
    for mode, channels in (("grey", 1), ("rgb", 3)):
        task = Task.load(tmp_path, image_size=8, image_mode=mode)
        assert task.data.input_shape == (8, 8, channels)


def test_tasks_of_one_name_are_refused_with_the_way_out_and_none_without():
    task = Task.load("digits")
    with pytest.raises(ValueError, match=r"got \['digits', 'digits'\]; a data set is called like"):
        check_names([task, task])
    with pytest.raises(ValueError, match=r"at least 1, got \[\]$"):
        check_names([])
    check_names([task])


# arrays


def test_a_task_is_made_of_arrays_with_a_test_set(digits):
    task = Task.from_arrays("mine", digits.x_train, digits.y_train, digits.x_test, digits.y_test,
                            network="resnet8", epochs=3, train_size=500)
    assert (task.name, task.network, task.epochs) == ("mine", "resnet8", 3)
    np.testing.assert_array_equal(task.data.x_test, digits.x_test)
    assert [len(part) for part in task.split()] == [500, 937]


def test_a_task_is_made_of_arrays_without_a_test_set(digits):
    x, y = digits.x_train[..., 0], digits.y_train[:, None]
    task = Task.from_arrays("mine", x, y, epochs=1)
    again = Task.from_arrays("mine", x, y, epochs=1)
    assert task.data.input_shape == (8, 8, 1)
    assert (len(task.data.x_train), len(task.data.x_test)) == (1150, 287)
    both = np.concatenate([task.data.x_train, task.data.x_test])
    assert sorted(image.tobytes() for image in both) == sorted(image.tobytes() for image in x)
    assert again.fingerprint == task.fingerprint
    assert Task.from_arrays("other", x, y, epochs=1).fingerprint != task.fingerprint


@pytest.mark.parametrize(("changes", "message"), [
    ({"x_test": None}, "expected both of x_test and y_test, or neither, got no x_test"),
    ({"y_test": None}, "expected both of x_test and y_test, or neither, got no y_test"),
    ({"x_train": None}, "mine: x_train must have shape"),
    ({"y_train": np.zeros(3, int)}, "mine: y_train must have shape (n,) or (n, 1), n = 1437"),
    ({"y_train": np.zeros(3), "x_test": None, "y_test": None}, "mine: y_train must have shape"),
    ({"network": "smal_cnn"}, "unknown network 'smal_cnn': did you mean 'small_cnn'"),
    ({"epochs": 0}, "epochs must be an integer of at least 1, got 0"),
])
def test_arrays_that_are_no_images_are_refused(digits, changes, message):
    arrays = {name: getattr(digits, name) for name in ("x_train", "y_train", "x_test", "y_test")}
    with pytest.raises(ValueError) as caught:
        Task.from_arrays("mine", **{"epochs": 1, **arrays, **changes})
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("network", "shape"), [
    ("small_cnn", (64, 64, 3)), ("small_cnn", (8, 30, 1)), ("resnet8", (64, 64, 1)),
])
def test_cheap_networks_train_on_images_of_other_sizes(network, shape):
    from deap_lossgp.found_losses import KNOWN_LOSSES
    from deap_lossgp.psets import loss_primitive_set
    from deap_lossgp.training.candidates import candidate_of
    from deap_lossgp.training.trainer import Trainer
    from deap_lossgp.trees import LossTree

    y = np.arange(40) % 2
    x = np.random.default_rng(0).integers(0, 255, (40, *shape)).astype(np.uint8)
    trainer = Trainer(Task.from_arrays("mine", x, y, network=network, epochs=1, batch_size=8))
    pset = loss_primitive_set()
    tree = LossTree.from_string(KNOWN_LOSSES["ngl"], pset)
    assert trainer.train(candidate_of(tree, pset, trainer.task), seed=1).ok


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


# what determines a training


def network_of(units, layer=None):
    def network(input_shape, num_classes):
        return units, layer

    return network


class Schedule:
    def __init__(self, patience):
        self.patience = patience

    def callbacks(self):
        return [self.patience]

    def __call__(self):
        return [self.patience]


def recursive(depth):
    def network(input_shape, num_classes):
        return depth, network

    return network


@pytest.mark.parametrize("made", [
    network_of, recursive, lambda n: network_of(1, np.full(5000, n)),
    lambda n: network_of(1, Schedule(n)), lambda n: network_of(1, {"a", str(n)}),
    lambda n: lambda x, units=n: x, lambda n: lambda x, *, units=n: x,
    Schedule, lambda n: Schedule(n).callbacks, lambda n: partial(network_of, n),
    {32: np.exp, 64: np.log}.get, {32: math.exp, 64: math.log}.get,
])
def test_what_a_function_holds_tells_it_from_another(made):
    assert repr(source_of(made(32))) == repr(source_of(made(32)))
    assert repr(source_of(made(32))) != repr(source_of(made(64)))


def test_tasks_with_networks_of_one_source_are_not_the_same(digits):
    one, other, again = (Task(digits, network_of(units), epochs=1).fingerprint
                         for units in (32, 64, 32))
    assert one == again != other


@pytest.mark.parametrize("field", [field.name for field in fields(Budget)])
def test_every_number_of_the_budget_is_part_of_the_fingerprint(field, digits):
    other = {"epochs": 3, "batch_size": 32, "learning_rate": 1e-2, "train_size": 301,
             "validation_size": 201, "validation_share": 0.2, "augmentation": True,
             "mixed_precision": True, "jit_compile": True}[field]
    given = {"epochs": 2, "train_size": 300, "validation_size": 200}
    if field == "validation_share":
        del given["validation_size"]
    task = Task(digits, small_cnn, **given)
    assert replace(task, **{field: other}).fingerprint != task.fingerprint
    assert Task(digits, small_cnn, **given).fingerprint == task.fingerprint


def test_images_their_name_network_and_schedule_are_part_of_the_fingerprint(digits):
    def changed(name):
        return replace(digits, **{name: getattr(digits, name)[::-1]}, source=None)

    images = [digits, *(changed(name) for name in ("x_train", "y_train", "x_test", "y_test")),
              replace(digits, name="other", source=None)]
    tasks = [*(Task(data, small_cnn) for data in images), Task(digits, "resnet8"),
             Task(digits, small_cnn, callbacks=list)]
    assert len({task.fingerprint for task in tasks}) == len(tasks)


def test_the_default_schedule_is_that_of_the_ngl_authors():
    (schedule,) = reduce_on_plateau()
    assert (schedule.monitor, schedule.mode) == ("val_accuracy", "max")
    assert (schedule.factor, schedule.patience, schedule.min_lr) == (0.2, 5, 1e-4)


def test_augmentation_is_that_of_the_ngl_authors():
    from keras import layers

    task = Task.load("digits", augmentation=True)
    flip, shift, zoom, network = build_model(task).layers
    assert isinstance(flip, layers.RandomFlip) and flip.mode == "horizontal"
    assert isinstance(shift, layers.RandomTranslation)
    assert (shift.height_factor, shift.width_factor) == (0.1, 0.1)
    assert isinstance(zoom, layers.RandomZoom) and zoom.height_factor == 0.2
    assert network.name == "small_cnn"
    assert build_model(replace(task, augmentation=False)).layers[0].name != flip.name
