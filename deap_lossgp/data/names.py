"""The name of a data set, which may be given as a path."""

import os
import re


def is_path(dataset: str) -> bool:
    """Returns whether a data set is given as a path.

    A path is the name of a folder that exists, ends in ``.npz``, or has a slash in it.

    Args:
        dataset: A name or a path, str.

    Examples:
        >>> is_path("cifar10"), is_path("photos/flowers"), is_path("mine.npz")
        (False, True, True)
    """
    separators = {"/", os.sep, os.altsep or "/"}
    return (
        any(separator in dataset for separator in separators)
        or dataset.lower().endswith(".npz")
        or os.path.isdir(dataset)
    )


def dataset_name(dataset: str) -> str:
    """Returns the name of a data set, fit for columns and files.

    Args:
        dataset: A name, which is returned as it is, or a path, whose last part is.

    Examples:
        >>> dataset_name("cifar10"), dataset_name("photos/My flowers/"), dataset_name("a/mine.npz")
        ('cifar10', 'My_flowers', 'mine')
    """
    if not is_path(dataset):
        return dataset
    last = os.path.basename(os.path.abspath(dataset))  # "." has a name too
    if last.lower().endswith(".npz"):
        last = last[:-4]
    return re.sub(r"[^\w.-]+", "_", last).strip("._") or "images"
