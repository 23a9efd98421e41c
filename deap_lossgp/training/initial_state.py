"""How one network is trained again and again from a beginning: its seed and its values."""

import random
from contextlib import contextmanager

import keras
import numpy as np


@contextmanager
def seeded(seed):
    """Seeds Keras inside; leaves Python's and NumPy's random streams as they were."""
    states = random.getstate(), np.random.get_state()
    keras.utils.set_random_seed(seed)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])


def values_of(variables):
    """Copies of the values of Keras variables, as NumPy arrays."""
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


def restore(variables, values):
    """Brings Keras variables back to such values."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
