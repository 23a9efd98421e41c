"""A task: a data set, a network and a training budget."""

from collections.abc import Callable
from dataclasses import dataclass

import keras

from deap_lossgp.datasets import ImageData, load_dataset, split_validation
from deap_lossgp.networks import build_network, load_network

SPLIT_SEED = 42
"""Seed of the validation split; the NGL authors' ``random_state``."""


def reduce_on_plateau():
    """The thesis's schedule: the learning rate times 0.2 after 5 epochs without a gain."""
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
        network: ``network(input_shape=, num_classes=)``, a Keras model that ends in softmax.
        epochs: Epochs of training, at least 1.
        batch_size: Images per step.
        learning_rate: Of Adam.
        train_size: Images used, training and validation together; None for all.
        validation_share: The share of them kept for validation.
        callbacks: ``callbacks()``, a list of Keras callbacks for one training. They are called at
            the beginning and the end of training and of each epoch.
        mixed_precision: Whether the network computes in bfloat16.
        jit_compile: Whether XLA compiles the training loop.
    """

    data: ImageData
    network: Callable
    epochs: int
    batch_size: int = 64
    learning_rate: float = 1e-3
    train_size: int | None = None
    validation_share: float = 0.1
    callbacks: Callable = reduce_on_plateau
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
        self.split()

    @classmethod
    def load(cls, dataset, network="small_cnn", *, data_dir=None, **budget):
        """A task from the names of a data set and a network (or ``module:function``)."""
        return cls(load_dataset(dataset, data_dir), load_network(network), **budget)

    @property
    def name(self):
        return self.data.name

    def split(self):
        """(training images, validation images), as indices into the training set."""
        return split_validation(
            self.data.y_train, self.validation_share, SPLIT_SEED, self.train_size
        )

    def build(self):
        """A new network for this task, its weights drawn from Keras's global seed."""
        policy = keras.config.dtype_policy()
        keras.config.set_dtype_policy("mixed_bfloat16" if self.mixed_precision else "float32")
        try:
            return build_network(self.network, self.data.input_shape, self.data.num_classes)
        finally:
            keras.config.set_dtype_policy(policy)
