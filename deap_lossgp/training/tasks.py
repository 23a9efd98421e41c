"""A task: a data set, a network and a training budget. Describes them; builds nothing."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from deap_lossgp.data.datasets import load_dataset
from deap_lossgp.data.images import ARRAYS, ImageData
from deap_lossgp.data.splits import split_test, split_validation
from deap_lossgp.errors import unknown_name
from deap_lossgp.user_functions import source_of

NETWORK_NAMES = ("small_cnn", "resnet8", "inception_v3")
"""The functions of ``deap_lossgp.training.networks``, by name."""

SPLIT_SEED = 42
"""Seed of the validation split; the NGL authors' ``random_state``."""


def reduce_on_plateau():
    """The thesis's schedule: the learning rate times 0.2 after 5 epochs without a gain."""
    import keras

    return [
        keras.callbacks.ReduceLROnPlateau(
            "val_accuracy", mode="max", factor=0.2, patience=5, min_lr=1e-4
        )
    ]


@dataclass(frozen=True)
class Task:
    """What a loss is tried on.

    Attributes:
        data: The images.
        network: A name of ``NETWORK_NAMES``, ``module:function`` or a function:
            ``network(input_shape=, num_classes=)``, a Keras model that ends in softmax.
        epochs: Epochs of training, at least 1.
        batch_size: Images per step.
        learning_rate: Of Adam.
        train_size: Images used, training and validation together; None for all.
        validation_share: The share of them kept for validation.
        callbacks: ``callbacks()``, a list of Keras callbacks for one training. They are called at
            the beginning and the end of training and of each epoch.
        augmentation: Whether training images are shifted (0.1), zoomed (0.2) and mirrored at
            random, as the NGL authors do.
        mixed_precision: Whether the network computes in bfloat16.
        jit_compile: Whether XLA compiles the training loop.
    """

    data: ImageData
    network: str | Callable
    epochs: int
    batch_size: int = 64
    learning_rate: float = 1e-3
    train_size: int | None = None
    validation_share: float = 0.1
    callbacks: Callable = reduce_on_plateau
    augmentation: bool = False
    mixed_precision: bool = False
    jit_compile: bool = False

    def __post_init__(self):
        for name in ("epochs", "batch_size"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be an integer of at least 1, got {value!r}")
        if not 0.0 < self.learning_rate < float("inf"):
            raise ValueError(
                f"learning_rate must be positive and finite, got {self.learning_rate!r}"
            )
        known = callable(self.network) or ":" in self.network or self.network in NETWORK_NAMES
        if not known:
            raise unknown_name("network", self.network, NETWORK_NAMES,
                               hint="or give module:function")
        self.split()

    @classmethod
    def load(cls, dataset, network="small_cnn", *, data_dir=None, image_size=None, image_mode=None,
             **budget):
        """A task from the names of a data set (or its path) and a network (``module:function``)."""
        data = load_dataset(dataset, data_dir, image_size=image_size, image_mode=image_mode)
        return cls(data, network, **budget)

    @classmethod
    def from_arrays(cls, name, x_train, y_train, x_test=None, y_test=None, *, network="small_cnn",
                    **budget):
        """A task from images and their classes; without a test set, a fifth becomes that.

        Args:
            name: Of the data set.
            x_train, y_train, x_test, y_test: Images and classes, as ``ImageData`` takes them.
            network: As for ``Task``.
            **budget: ``Task``'s other arguments.

        Raises:
            ValueError: The arrays or the budget are not as ``ImageData`` and ``Task`` want them.

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
        return cls(ImageData(name, x_train, y_train, x_test, y_test), network, **budget)

    @property
    def name(self):
        return self.data.name

    def split(self):
        """(training images, validation images), as indices into the training set."""
        try:
            return split_validation(
                self.data.y_train, self.validation_share, SPLIT_SEED, self.train_size
            )
        except ValueError as error:
            raise ValueError(f"data set {self.name!r}: {error}") from None

    @cached_property
    def fingerprint(self):
        """A digest of all that determines a training but loss and seed: images, code, numbers."""
        digest = hashlib.sha256()
        for name in ARRAYS:
            array = getattr(self.data, name)
            digest.update(f"{name} {array.shape} {array.dtype}".encode())
            digest.update(array.data if array.flags.c_contiguous else array.tobytes())
        numbers = (self.epochs, self.batch_size, self.learning_rate, self.train_size,
                   self.validation_share, self.augmentation, self.mixed_precision,
                   self.jit_compile)
        for part in (self.name, source_of(self.network), source_of(self.callbacks), numbers):
            digest.update(repr(part).encode())
        return digest.hexdigest()


def check_names(tasks):
    """Raises a ValueError unless there are tasks, of distinct names."""
    names = [task.name for task in tasks]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"expected tasks of distinct names, at least 1, got {names}")
