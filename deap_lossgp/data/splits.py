"""Splits of images for training, validation and test: stratified, by scikit-learn."""

import numbers

import numpy as np

TEST_SHARE = 0.2
"""The share of the images that ``split_test`` takes for the test."""

TEST_SEED = 0

MOST_VALIDATED = 5000
"""Images that ``split_left_over`` takes for validation at most, unless it is told a number.

With 5,000 images an accuracy near 0.5 has a standard error of 0.007; with 500 it has 0.022."""


def split_test(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Splits a data set that has no test set of its own: a fifth of each class is for the test.

    Every class keeps a training image; a class of few images may get no test image.

    Args:
        y: Classes, shape (n,).

    Returns:
        tuple: Indices into y of the training images and of the test images, both int64, ascending.

    Raises:
        ValueError: No class has two images.

    Examples:
        >>> train, test = split_test(np.arange(1000) % 10)
        >>> len(train), len(test)
        (800, 200)
    """
    single, several = _single_and_several(np.arange(len(y)), y)
    if not len(several):
        raise ValueError(f"expected 2 images of a class, so that one can be tested, got {len(y)} "
                         f"images of {len(single)} classes")
    count = max(round(TEST_SHARE * len(several)), len(np.unique(y[several])))
    train, test = split_off(several, y, count, TEST_SEED)
    return np.sort(np.concatenate([train, single])), np.sort(test)


def split_validation(y: np.ndarray, validation_share: float = 0.1, seed: int = 42,
                     train_size: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Splits training images into those to train on and those to validate on.

    Where ``train_size`` is given, these images are drawn first. Both draws are stratified by class
    where the counts allow it. The share is the thesis's (by the steps in its figures 4.7 to 4.9);
    the seed is that of the NGL authors' example, which does not stratify.

    Args:
        y: Classes, shape (n,).
        validation_share: Validation images as a share of all images used, in (0, 1).
        seed: Seed of both draws.
        train_size: Number of images used in all, validation included; from twice the number of
            classes to n. Default: n.

    Returns:
        tuple: Indices into y of the training images and of the validation images, both int64.

    Raises:
        ValueError: An argument is out of range, or a class would have no training image.

    Examples:
        >>> train, validation = split_validation(np.arange(1000) % 10, train_size=500)
        >>> len(train), len(validation)
        (450, 50)
    """
    if not 0 < validation_share < 1:
        raise ValueError(f"validation_share must lie between 0 and 1, both excluded, got "
                         f"{validation_share!r}")
    classes, used = np.unique(y), np.arange(len(y))
    if train_size is not None:
        least = 2 * len(classes)
        if not isinstance(train_size, numbers.Integral) or not least <= train_size <= len(y):
            span = f"{least} (two a class) to {len(y)} (all images)"
            raise ValueError(f"train_size must be an integer from {span}, got {train_size!r}")
        if train_size < len(y):
            _, used = _split_training(used, y, int(train_size), seed)
    count = round(validation_share * len(used))
    if not 0 < count < len(used):
        raise ValueError(f"validation_share={validation_share!r} gives {count} of {len(used)} "
                         f"images to validation")
    single, several = _single_and_several(used, y)
    if count >= len(several):
        single, several = single[:0], used
    train, validation = split_off(several, y, count, seed)
    train = np.concatenate([train, single])
    _check_every_class(y, classes, train, count)
    return train, validation


def split_left_over(y: np.ndarray, train_size: int | None = None,
                    validation_size: int | None = None,
                    seed: int = 42) -> tuple[np.ndarray, np.ndarray]:
    """Splits training images: validation takes images that the training leaves over.

    Both draws are stratified by class where the counts allow it.

    Args:
        y: Classes, shape (n,).
        train_size: Number of images to train on. Default: all that are not for validation.
        validation_size: Number of images to validate on. Default: all that ``train_size`` leaves
            over, at most ``MOST_VALIDATED``; without ``train_size`` a tenth of the n images.
        seed: Seed of both draws.

    Returns:
        tuple: Indices into y of the training images and of the validation images, both int64.

    Raises:
        ValueError: There are too few images for these sizes, or a class would have no training
            image.

    Examples:
        >>> train, validation = split_left_over(np.arange(9000) % 10, train_size=1000)
        >>> len(train), len(validation)
        (1000, 5000)
    """
    classes, n = np.unique(y), len(y)
    for name, size in (("train_size", train_size), ("validation_size", validation_size)):
        if size is not None and not (isinstance(size, numbers.Integral)
                                     and len(classes) <= size < n):
            span = f"{len(classes)} (one a class) to {n - 1} (one of all images is left over)"
            raise ValueError(f"{name} must be an integer from {span}, got {size!r}")
    if validation_size is None:
        left = round(n / 10) if train_size is None else n - train_size
        validation_size = max(1, min(left, MOST_VALIDATED))
    if train_size is None:
        train_size = n - validation_size
    if train_size + validation_size > n:
        raise ValueError(f"train_size and validation_size must not exceed the {n} images together, "
                         f"got {train_size} and {validation_size}")
    left, train = _split_training(np.arange(n), y, int(train_size), seed)
    validation = left
    if validation_size < len(left):
        _, validation = split_off(left, y, int(validation_size), seed)
    _check_every_class(y, classes, train, len(validation))
    return train, validation


def split_others(y: np.ndarray, validation: np.ndarray, train_size: int | None = None,
                 seed: int = 42) -> tuple[np.ndarray, np.ndarray]:
    """Splits training images around those to validate on, which are given.

    Args:
        y: Classes, shape (n,).
        validation: Indices into y of the images to validate on, shape (m,), fewer than n.
        train_size: Number of the other images to train on, drawn stratified by class where the
            counts allow it. Default: all n - m.
        seed: Seed of the draw.

    Returns:
        tuple: Indices into y of the training images, int64, and ``validation``.

    Raises:
        ValueError: ``train_size`` is out of range, or a class would have no training image.

    Examples:
        >>> train, validation = split_others(np.arange(1000) % 10, np.arange(100))
        >>> len(train), train.min()
        (900, np.int64(100))
    """
    classes, others = np.unique(y), np.setdiff1d(np.arange(len(y)), validation)
    if train_size is None:
        train_size = len(others)
    if not isinstance(train_size, numbers.Integral) or not (
            len(classes) <= train_size <= len(others)):
        span = f"{len(classes)} (one a class) to {len(others)} (all but the {len(validation)}"
        raise ValueError(f"train_size must be an integer from {span} for validation), "
                         f"got {train_size!r}")
    train = others
    if train_size < len(others):
        _, train = _split_training(others, y, int(train_size), seed)
    _check_every_class(y, classes, train, len(validation))
    return train, validation


def split_off(index: np.ndarray, y: np.ndarray, count: int,
              seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws some of the images, stratified by class where the counts allow it.

    Args:
        index: Indices into y, shape (m,).
        y: Classes, shape (n,).
        count: Number of images to draw, from 1 to m - 1.
        seed: Seed of the draw.

    Returns:
        tuple: The rest and what was drawn, as parts of ``index`` in random order.

    Examples:
        >>> rest, drawn = split_off(np.arange(8), np.arange(8) % 2, 4, seed=0)
        >>> np.bincount(drawn % 2)
        array([2, 2])
    """
    from sklearn.model_selection import train_test_split

    present, sizes = np.unique(y[index], return_counts=True)
    # scikit-learn's own conditions for a stratified split.
    possible = sizes.min() > 1 and len(present) <= min(count, len(index) - count)
    labels = y[index] if possible else None
    rest, drawn = train_test_split(index, test_size=count, random_state=seed, stratify=labels)
    return rest, drawn


def _single_and_several(index, y):
    """Returns the images that are the only ones of their class, and the others."""
    classes, counts = np.unique(y[index], return_counts=True)
    single = np.isin(y[index], classes[counts == 1])
    return index[single], index[~single]


def _split_training(index, y, count, seed):
    """Does ``split_off``; what is drawn has the only image of each class that has no other."""
    single, several = _single_and_several(index, y)
    if not 0 < count - len(single) < len(several):
        return split_off(index, y, count, seed)
    rest, drawn = split_off(several, y, count - len(single), seed)
    return rest, np.concatenate([drawn, single])


def _check_every_class(y, classes, train, validated):
    """Refuses a split that leaves a class without training image."""
    lost = np.setdiff1d(classes, y[train])
    if len(lost):
        raise ValueError(
            f"class {lost[0]} would have no training image: {np.sum(y == lost[0])} of the {len(y)} "
            f"images are of it, and {len(train)} would be trained on, {validated} validated on"
        )
