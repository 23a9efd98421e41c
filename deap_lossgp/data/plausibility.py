"""Images that are arrays as they should be, but hardly what was meant.

What cannot be meant is an error, what may be meant is a note.
"""

import numpy as np

CHANNELS = (1, 3, 4)
"""Numbers of channels that images have: grey, colours, colours and transparency."""

OTHER_SCALE = 10
"""Training and test images whose pixels differ by such a factor are not of one data set."""

LEAST_DEVIATION = 0.01
"""The least standard deviation between images, for pixels in [0, 1], that is not mentioned."""

DARK = 64
"""Bytes that are all less are mentioned."""

SAMPLE = 1_000_000
"""Pixels that are looked at."""


def implausible(x_train: np.ndarray, x_test: np.ndarray) -> str | None:
    """Finds what cannot be meant: channels first, or a test set on another scale.

    Args:
        x_train, x_test: Images, shape (n, h, w, c), of an ``ImageData``.

    Returns:
        The fault as text, or None.

    Examples:
        >>> x = np.zeros((9, 3, 32, 32), np.uint8)
        >>> implausible(x, x)
        'images must have shape (n, h, w, c); (9, 3, 32, 32) looks like (n, c, h, w): use
        np.moveaxis(x, 1, -1)'
    """
    _, height, width, channels = x_train.shape
    if _channels_first(x_train) and (width == channels or height != 1) and height != width:
        return (f"images must have shape (n, h, w, c); {x_train.shape} looks like (n, c, h, w): "
                f"use np.moveaxis(x, 1, -1)")
    train, test = _pixels(x_train), _pixels(x_test)
    for measure in (np.std, lambda x: np.abs(x).max()):
        low, high = sorted((float(measure(train)), float(measure(test))))
        if not 0 < OTHER_SCALE * low <= high:
            return None
    return (f"x_train and x_test must be on one scale, got pixels in {_range(train)} and "
            f"{_range(test)}")


def doubts(x_train: np.ndarray, x_test: np.ndarray, scale: float) -> list[str]:
    """Finds what may be meant, but should be known before training.

    Args:
        x_train, x_test: Images, shape (n, h, w, c), of an ``ImageData``.
        scale: Factor by which pixels are multiplied before a network gets them.

    Returns:
        list: Lines of text.

    Examples:
        >>> x = np.arange(64).reshape(4, 4, 4, 1).astype(np.uint8)
        >>> print(*doubts(x, x, 1 / 255))
        all pixels lie in 0..63, of 0..255: networks get 0..0.247. If that is not meant, give
        floats, which are scaled by the largest
    """
    lines = []
    if _channels_first(x_train):
        lines.append(f"images of {' x '.join(map(str, x_train.shape[1:3]))} pixels with "
                     f"{x_train.shape[3]} channels: is {x_train.shape} meant as (n, h, w, c)?")
    equal = [name for name, x in (("training", x_train), ("test", x_test))
             if len(x) > 1 and _deviation(x) * scale < LEAST_DEVIATION]
    if equal:
        lines.append(f"all {' and all '.join(equal)} images are (nearly) equal: there may be "
                     f"nothing to learn")
    elif x_train.dtype == np.uint8 and (top := int(x_train.max())) < DARK:
        lines.append(f"all pixels lie in {x_train.min()}..{top}, of 0..255: networks get "
                     f"{x_train.min() * scale:.3g}..{top * scale:.3g}. If that is not meant, give "
                     f"floats, which are scaled by the largest")
    return lines


def _channels_first(x):
    return x.shape[1] in CHANNELS and x.shape[3] not in CHANNELS


def _pixels(x):
    """Returns some of the pixels, from all parts of the images, as float32."""
    pixels = x.reshape(-1)
    return pixels[:: pixels.size // SAMPLE | 1].astype(np.float32)


def _deviation(x):
    """Returns how much a pixel differs between images: the mean of the standard deviations."""
    least = min(len(x), 100)
    images = x[:: max(1, min(len(x) // least, x.size // SAMPLE))].astype(np.float32)
    return float(images.std(axis=0).mean())


def _range(x):
    return f"{x.min():.4g}..{x.max():.4g}"
