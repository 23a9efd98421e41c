"""Image classifiers by name: Keras models that take images in [0, 1] and end in softmax."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import keras
import numpy as np
from keras import layers

from deap_lossgp.errors import in_one_line, unknown_name
from deap_lossgp.training.process_settings import channels_last, fixed_settings
from deap_lossgp.training.tasks import NETWORK_NAMES, Task
from deap_lossgp.user_functions import load_function


@channels_last()
def small_cnn(input_shape, num_classes):
    """Builds a network that is very cheap on small images: two convolutions and a hidden layer.

    On a CPU most time goes into the first layer's pixels, so its filters are large and far apart.
    The hidden layer grows with the image: it has 250,000 weights for 64x64 pixels and 3 million for
    224x224.

    Args:
        input_shape: Shape (h, w, c) of an image, from 4x4 pixels up.
        num_classes: Number of classes, K.

    Returns:
        keras.Model: Uncompiled; maps (n, h, w, c) in [0, 1] to probabilities, (n, K), float32.

    Examples:
        >>> small_cnn((28, 28, 1), 10).count_params()
        56970
    """
    images = keras.Input(input_shape)
    x = layers.Conv2D(16, 5, strides=3, padding="same", activation="relu")(images)
    x = layers.Conv2D(32, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.Dense(64, activation="relu")(layers.Flatten()(x))
    return keras.Model(images, _softmax(x, num_classes), name="small_cnn")


@channels_last()
def resnet8(input_shape, num_classes):
    """Builds the residual network of eight weight layers that MLPerf Tiny uses for CIFAR-10.

    It has a convolution, three stages of one residual block each (16, 32 and 64 filters, batch
    normalisation), global average pooling and a dense layer. MLPerf's weight decay is left out, so
    that the loss under trial is the only term.

    Args:
        input_shape: Shape (h, w, c) of an image, from 4x4 pixels up.
        num_classes: Number of classes, K.

    Returns:
        keras.Model: Uncompiled; maps (n, h, w, c) in [0, 1] to probabilities, (n, K), float32.

    References:
        He et al., Deep residual learning for image recognition, CVPR 2016, arXiv:1512.03385.
        Banbury et al., MLPerf Tiny benchmark, 2021, arXiv:2106.07597.
    """
    images = keras.Input(input_shape)
    x = layers.ReLU()(_convolution(images, 16))
    for filters, strides in ((16, 1), (32, 2), (64, 2)):
        y = layers.ReLU()(_convolution(x, filters, strides))
        y = _convolution(y, filters)
        if strides > 1:
            x = layers.Conv2D(
                filters, 1, strides=strides, padding="same", kernel_initializer="he_normal"
            )(x)
        x = layers.ReLU()(layers.Add()([x, y]))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(images, _softmax(x, num_classes), name="resnet8")


@channels_last()
def inception_v3(input_shape, num_classes):
    """Builds InceptionV3 with the dense head of the NGL authors, to be trained from scratch.

    Images are doubled in size as long as the shorter side stays within InceptionV3's own 299
    pixels: three times from 28 or 32 pixels, as published, and five times from 8. (InceptionV3
    needs at least 75.) Grey images are repeated in three channels; pixels of [0, 1] are scaled to
    [-1, 1].

    Args:
        input_shape: Shape (h, w, c) of an image.
        num_classes: Number of classes, K.

    Returns:
        keras.Model: Uncompiled; maps (n, h, w, c) in [0, 1] to probabilities, (n, K), float32.

    References:
        The thesis, Algorithm 3; of the head its table 3.2 names the kinds of layers.
        Akhmedova and Körber, Next generation loss function for image classification, 2024,
        arXiv:2404.12948.
        Szegedy et al., Rethinking the inception architecture for computer vision, CVPR 2016,
        arXiv:1512.00567.
    """
    height, width, channels = input_shape
    doublings = max(0, int(math.log2(299 / min(height, width))))
    images = keras.Input(input_shape)
    x = images
    for _ in range(doublings):
        x = layers.UpSampling2D()(x)
    if channels == 1:
        x = layers.Concatenate()([x, x, x])
    # The same as preprocess_input for pixels in 0..255.
    x = layers.Rescaling(2.0, offset=-1.0)(x)
    x = keras.applications.InceptionV3(
        include_top=False, weights=None, input_shape=x.shape[1:], pooling="max"
    )(x)
    for units in (128, 64):
        x = layers.BatchNormalization()(x)
        x = layers.Dense(units, activation="relu")(x)
        x = layers.Dropout(0.5)(x)
    x = layers.BatchNormalization()(x)
    return keras.Model(images, _softmax(x, num_classes), name="inception_v3")


def _convolution(x, filters, strides=1):
    x = layers.Conv2D(
        filters, 3, strides=strides, padding="same", kernel_initializer="he_normal"
    )(x)
    return layers.BatchNormalization()(x)


def _softmax(x, num_classes):
    # float32 even under a mixed-precision policy: losses are steep where float16 has no numbers.
    return layers.Dense(num_classes, activation="softmax", dtype="float32", name="softmax")(x)


NETWORKS = {name: globals()[name] for name in NETWORK_NAMES}


def load_network(name: str) -> Callable[..., keras.Model]:
    """Finds the function that builds a network.

    Args:
        name: A name in ``NETWORKS``, or ``module:function`` for a user's own function; modules in
            the current working directory are found.

    Returns:
        callable: ``function(input_shape=(h, w, c), num_classes=n)`` builds the network.

    Raises:
        ValueError: There is no such network, module or function, or the module cannot be imported.

    Examples:
        >>> load_network("resnet8").__name__
        'resnet8'
    """
    if name in NETWORKS:
        return NETWORKS[name]
    if ":" not in name:
        raise unknown_name("network", name, NETWORKS, hint="or give module:function")
    return load_function(name, "network")


def build_network(network: str | Callable[..., keras.Model], input_shape: tuple[int, int, int],
                  num_classes: int) -> keras.Model:
    """Builds a network and checks that it is a classifier that ends in softmax.

    Args:
        network: A name, as for ``load_network``, or a function
            ``f(input_shape=(h, w, c), num_classes=n)``.
        input_shape: Shape (h, w, c) of an image.
        num_classes: Number of classes, K.

    Returns:
        keras.Model: The model that the function returned. Keras draws the seeds of its weights from
            Python's ``random``: seed and restore it around this call, as ``seeded`` does.

    Warns:
        UserWarning: The network would divide the pixels, which lie in [0, 1], by 255 again.

    Raises:
        ValueError: The function fails or does not take these arguments; or it does not return a
            keras.Model; or the model's predictions on two random images are not probabilities of
            shape (2, K) that sum to 1.

    Examples:
        >>> build_network("small_cnn", (8, 8, 1), 10).output_shape
        (None, 10)
    """
    function = load_network(network) if isinstance(network, str) else network
    if not callable(function):
        raise ValueError(f"network: expected a name or a function, got {function!r}")
    label = network if isinstance(network, str) else getattr(function, "__name__", repr(function))
    images = np.random.default_rng(0).random((2, *input_shape), dtype=np.float32)
    try:
        model = function(input_shape=tuple(input_shape), num_classes=num_classes)
    except Exception as error:
        raise ValueError(
            f"network {label!r} cannot be built for images (h, w, c) = {tuple(input_shape)} and "
            f"{num_classes} classes ({in_one_line(error)})"
        ) from error
    if not isinstance(model, keras.Model):
        raise ValueError(f"network {label!r} must return a keras.Model, got {type(model).__name__}")
    try:
        predictions = keras.ops.convert_to_numpy(model(images, training=False)).astype(float)
    except Exception as error:
        raise ValueError(
            f"network {label!r} cannot predict from images (n, h, w, c) = {images.shape} "
            f"({in_one_line(error)})"
        ) from error
    if predictions.shape != (2, num_classes):
        raise ValueError(
            f"network {label!r} must return probabilities of shape (n, num_classes) = "
            f"(2, {num_classes}) for 2 images, got {predictions.shape}"
        )
    sums = predictions.sum(axis=1)
    # 1e-2 leaves room for a softmax in half precision.
    if not (np.isfinite(predictions).all() and (predictions >= 0).all()
            and np.allclose(sums, 1, atol=1e-2)):
        raise ValueError(
            f"network {label!r} must end in softmax: for 2 random images its outputs are "
            f"{predictions.min():.3g}..{predictions.max():.3g} and sum to {sums[0]:.3g} and "
            f"{sums[1]:.3g}, expected probabilities that sum to 1"
        )
    if _divides_pixels(model):
        warnings.warn(f"network {label!r} has a Rescaling layer for pixels in 0..255, but it gets "
                      f"pixels in [0, 1]", stacklevel=2)
    return model


def _divides_pixels(model):
    """Returns whether a network has a layer such as ``Rescaling(1 / 255)``, at any depth."""
    return any(
        np.max(np.abs(layer.scale)) <= 1 / 100 if isinstance(layer, layers.Rescaling)
        else _divides_pixels(layer)
        for layer in getattr(model, "layers", ()))


@fixed_settings()
def build_model(task: Task) -> keras.Model:
    """Builds a task's network, with the augmentation and the mixed precision of its budget.

    Keras's own settings (``fixed_settings``) have no influence.

    Args:
        task: A ``Task``.

    Returns:
        keras.Model: A new network whose weights are drawn from Keras's global seed.

    Raises:
        ValueError: The network cannot be used, as for ``build_network``.
    """
    if task.mixed_precision:
        keras.config.set_dtype_policy("mixed_bfloat16")
    model = build_network(task.network, task.data.input_shape, task.data.num_classes)
    return _augmented(model, task.data.input_shape) if task.augmentation else model


def _augmented(model, input_shape):
    # The augmentation published with arXiv:2404.12948: horizontal flip, shifts 0.1, zoom 0.2.
    return keras.Sequential([
        keras.Input(input_shape),
        layers.RandomFlip("horizontal"),
        layers.RandomTranslation(0.1, 0.1, fill_mode="nearest"),
        layers.RandomZoom(0.2, fill_mode="nearest"),
        model,
    ], name=model.name)
