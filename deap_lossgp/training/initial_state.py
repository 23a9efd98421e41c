"""The initial state of a training: its seed and the values of its variables."""

import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import keras
import numpy as np


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seeds Keras inside the block; afterwards Python's and NumPy's random streams are as before.

    Args:
        seed: An integer from 0 to below 2**32.
    """
    states = random.getstate(), np.random.get_state()
    keras.utils.set_random_seed(seed)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])


def values_of(variables: Iterable[keras.Variable]) -> list[np.ndarray]:
    """Returns copies of the values of Keras variables, as NumPy arrays."""
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


def restore(variables: Iterable[keras.Variable], values: Iterable[np.ndarray]) -> None:
    """Assigns the values that ``values_of`` returned to Keras variables."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
