"""Settings of Keras and TensorFlow that hold for a whole process: those that trainings fix.

``docs/settings.rst`` lists what is fixed, and what belongs to the keys of trainings.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import keras

FIXED = {"image_data_format": "channels_last", "floatx": "float32", "epsilon": 1e-7,
         "dtype_policy": "float32", "max_epochs": None, "max_steps_per_epoch": None}
"""Keras's settings in which networks are built and trained, by their name in ``keras.config``."""


@contextmanager
def fixed_settings() -> Iterator[None]:
    """Fixes the settings inside the block; afterwards they are what they were before.

    They are those of ``FIXED``, and of TensorFlow that functions are compiled, without XLA unless
    the task says so. As a decorator, it fixes them for each call.
    """
    before = {name: getattr(keras.config, name)() for name in FIXED}
    _set(FIXED)
    try:
        with _fixed_tensorflow():
            yield
    finally:
        _set(before)


@contextmanager
def channels_last() -> Iterator[None]:
    """Fixes the data format alone inside the block: images are (h, w, c).

    As a decorator, it fixes it for each call: the networks of this package are built alike
    everywhere.
    """
    before = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_last")
    try:
        yield
    finally:
        keras.config.set_image_data_format(before)


def _set(settings):
    for name, value in settings.items():
        getattr(keras.config, f"set_{name}")(value)


@contextmanager
def _fixed_tensorflow():
    if keras.config.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    eagerly, jit = tf.config.functions_run_eagerly(), tf.config.optimizer.get_jit()
    # Setting one makes TensorFlow forget what it has prepared, so equal values are left alone.
    if eagerly:
        tf.config.run_functions_eagerly(False)
    if jit:
        tf.config.optimizer.set_jit(False)
    try:
        yield
    finally:
        if eagerly:
            tf.config.run_functions_eagerly(True)
        if jit:
            tf.config.optimizer.set_jit(True)
