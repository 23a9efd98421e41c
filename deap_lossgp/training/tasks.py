"""Tasks: a data set, a network and a budget. A task describes a training and builds nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, MISSING, dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deap_lossgp.data.datasets import load_dataset
from deap_lossgp.data.images import ARRAYS, ImageData
from deap_lossgp.data.source import DataSource
from deap_lossgp.data.splits import (
    split_left_over,
    split_others,
    split_test,
    split_validation,
)
from deap_lossgp.errors import unknown_name
from deap_lossgp.settings import check_numbers, documented, setting
from deap_lossgp.training.budget import Budget
from deap_lossgp.user_functions import source_of

if TYPE_CHECKING:
    import numpy as np

NETWORK_NAMES = ("small_cnn", "resnet8", "inception_v3")
"""The functions of ``deap_lossgp.training.networks``, by name."""

SPLIT_SEED = 42
"""The seed of the validation split: the ``random_state`` of the NGL authors."""


def reduce_on_plateau():
    """Returns a schedule: the learning rate times 0.2 after 5 epochs without a gain.

    The thesis names ``ReduceLROnPlateau`` (table 3.2); the numbers are those of the NGL authors'
    example.
    """
    import keras

    return [
        keras.callbacks.ReduceLROnPlateau(
            "val_accuracy", mode="max", factor=0.2, patience=5, min_lr=1e-4
        )
    ]


@documented
@dataclass(frozen=True)
class Task(Budget):
    """A data set, a network and a budget, with which losses are tried."""

    data: ImageData = setting(MISSING, "the images")
    network: str | Callable = setting(
        MISSING, "a name of ``NETWORK_NAMES``, ``module:function`` or a function: "
        "``network(input_shape=, num_classes=)`` returns a Keras model that ends in softmax; it "
        "gets pixels in [0, 1], or in [-1, 1] where some are negative")
    _: KW_ONLY
    callbacks: Callable = setting(
        reduce_on_plateau, "``callbacks()`` returns the Keras callbacks of one training, which are "
        "called at the beginning and the end of the training and of each epoch")
    validated_as: Task | None = setting(
        None, "a task on the same images, whose validation images are this one's, too: train_size "
        "then counts images of all others, by default all; validation_size and validation_share "
        "are not read")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (callable(self.network) or ":" in self.network or self.network in NETWORK_NAMES):
            raise unknown_name("network", self.network, NETWORK_NAMES,
                               hint="or give module:function")
        self.split()

    @classmethod
    def load(cls, dataset: Path | str, network: str | Callable = "small_cnn", *,
             data_dir: Path | str | None = None,
             image_size: int | str | tuple[int, int] | None = None, image_mode: str | None = None,
             **budget: Any) -> Task:
        """Makes a task from the name of a data set, or its path, and the name of a network.

        Args:
            dataset, data_dir, image_size, image_mode: As for ``load_dataset``.
            network: As for ``Task``.
            **budget: Fields of ``Budget``, and ``callbacks``.

        Raises:
            ValueError: The data set is unknown or not usable, or the budget is not.
        """
        data = load_dataset(dataset, data_dir, image_size=image_size, image_mode=image_mode)
        return cls(data, network, **budget)

    @classmethod
    def from_arrays(cls, name: str, x_train: np.ndarray, y_train: np.ndarray,
                    x_test: np.ndarray | None = None, y_test: np.ndarray | None = None, *,
                    network: str | Callable = "small_cnn", **budget: Any) -> Task:
        """Makes a task from images and their classes; without a test set, a fifth becomes one.

        Args:
            name: The data set's name.
            x_train, y_train, x_test, y_test: Images and classes, as ``ImageData`` takes them.
            network: As for ``Task``.
            **budget: Fields of ``Budget``, and ``callbacks``.

        Raises:
            ValueError: The arrays or the budget are not usable.

        Examples:
            >>> from sklearn.datasets import load_digits
            >>> x, y = load_digits().images, load_digits().target
            >>> Task.from_arrays("mine", x, y, epochs=6).data
            <ImageData mine: 1438 + 359 images (8, 8, 1) float32, 10 classes>
        """
        if (x_test is None) != (y_test is None):
            missing = "x_test" if x_test is None else "y_test"
            raise ValueError(f"expected both of x_test and y_test, or neither, got no {missing}")
        if x_test is None:
            whole = ImageData(name, x_train, y_train, x_train, y_train)
            (x, y), (train, test) = (whole.x_train, whole.y_train), split_test(whole.y_train)
            x_train, y_train, x_test, y_test = x[train], y[train], x[test], y[test]
        test_images: Any = x_test, y_test
        return cls(ImageData(name, x_train, y_train, *test_images), network, **budget)

    @property
    def name(self) -> str:
        """The data set's name."""
        return self.data.name

    @property
    def network_name(self) -> str:
        """The network's name, ``module:function``, or the name of the function."""
        network = self.network
        return network if isinstance(network, str) else getattr(network, "__name__", repr(network))

    def split(self) -> tuple[np.ndarray, np.ndarray]:
        """Splits the training set.

        Returns:
            tuple: Indices into the training set: of the images to train on and to validate on.
        """
        y = self.data.y_train
        try:
            if self.validated_as is not None:
                validation = self.validated_as.split()[1]
                return split_others(y, validation, self.train_size, SPLIT_SEED)
            if self.validation_share is None:
                return split_left_over(y, self.train_size, self.validation_size, SPLIT_SEED)
            return split_validation(y, self.validation_share, SPLIT_SEED, self.train_size)
        except ValueError as error:
            raise ValueError(f"data set {self.name!r}: {error}") from None

    @property
    def budget(self) -> tuple[int, int]:
        """Training images, and epochs."""
        return len(self.split()[0]), self.epochs

    def with_budget(self, epochs: int, train_size: int | None = None) -> Task:
        """Returns the task at another budget, with the same validation images.

        Args:
            epochs: Epochs of each training.
            train_size: Training images, of all that are not validated on; by default all of them.

        Returns:
            A ``Task``; this one, if it has this budget.

        Raises:
            ValueError: There are not so many images.

        Examples:
            >>> task = Task.load("digits", train_size=500, validation_size=200)
            >>> [[len(part) for part in t.split()] for t in (task, task.with_budget(30))]
            [[500, 200], [1237, 200]]
        """
        train, validation = self.split()
        if train_size is None:
            train_size = len(self.data.y_train) - len(validation)
        if train_size != len(train):
            return replace(self, epochs=epochs, train_size=train_size, validated_as=self)
        return self if epochs == self.epochs else replace(self, epochs=epochs)

    @cached_property
    def fingerprint(self) -> str:
        """Digest of all that determines a training, except loss and seed: images, code, numbers."""
        digest = hashlib.sha256()
        for name in ARRAYS:
            array = getattr(self.data, name)
            digest.update(f"{name} {array.shape} {array.dtype}".encode())
            digest.update(array.data if array.flags.c_contiguous else array.tobytes())
        numbers = tuple(getattr(self, field.name) for field in fields(Budget))
        for part in (self.name, source_of(self.network), source_of(self.callbacks), numbers):
            digest.update(repr(part).encode())
        if self.validated_as is not None:
            digest.update(self.split()[1].tobytes())
        return digest.hexdigest()


@documented
@dataclass(frozen=True, kw_only=True)
class TaskSettings(Budget, DataSource):
    """Settings that describe tasks. A class with networks adds the field ``networks_field``."""

    networks_field = "model"
    """The field that names the network or networks."""

    def __post_init__(self) -> None:
        check_numbers(self, type(self))
        Budget.__post_init__(self)
        DataSource.__post_init__(self)

    @classmethod
    def task_fields(cls) -> list[str]:
        """Returns the names of the fields that describe tasks."""
        return [cls.networks_field, *(field.name for field in fields(TaskSettings))]

    def load_tasks(self) -> list[Task]:
        """Loads a ``Task`` for each data set and network; each data set is loaded once.

        Returns:
            list of ``Task``, in the order of ``datasets``, and of the networks for each.

        Raises:
            ValueError: A data set or network is unknown, or the data or the budget are not usable.
            OSError: Files of a data set cannot be read.
        """
        budget = {field.name: getattr(self, field.name) for field in fields(Budget)}
        names = getattr(self, self.networks_field)
        networks = (names,) if isinstance(names, str) else names
        return [Task(data, network, **budget) for data in self.load() for network in networks]


def check_names(tasks: Sequence[Task]) -> None:
    """Checks that tasks can be told apart.

    Raises:
        ValueError: There are no tasks, or two with the same name.
    """
    names = [task.name for task in tasks]
    if not names or len(set(names)) < len(names):
        remedy = ("; a data set is called like its folder or file, which can be renamed, or as "
                  "Task.from_arrays is told" if names else "")
        raise ValueError(f"expected tasks of distinct names, at least 1, got {names}{remedy}")
