"""What a data set is called: by its name, or after the folder or file that it is given as."""

import os
import re


def is_path(dataset):
    """Whether a data set is given as a path: a folder that exists, a .npz file, or with a slash.

    Examples:
        >>> is_path("cifar10"), is_path("photos/flowers"), is_path("mine.npz")
        (False, True, True)
    """
    separators = {"/", os.sep, os.altsep} - {None}
    return (
        any(separator in dataset for separator in separators)
        or dataset.lower().endswith(".npz")
        or os.path.isdir(dataset)
    )


def dataset_name(dataset):
    """The name of a data set; of a path its last part, as columns and files can be called.

    Examples:
        >>> dataset_name("cifar10"), dataset_name("photos/My flowers/"), dataset_name("a/mine.npz")
        ('cifar10', 'My_flowers', 'mine')
    """
    if not is_path(dataset):
        return dataset
    last = os.path.basename(os.path.abspath(dataset))  # of "." too
    if last.lower().endswith(".npz"):
        last = last[:-4]
    return re.sub(r"[^\w.-]+", "_", last).strip("._") or "images"
