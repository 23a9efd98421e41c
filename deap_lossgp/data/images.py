"""Labelled images as arrays, checked and brought to common types when a data set is made."""

import hashlib
from dataclasses import InitVar, dataclass, field
from typing import Any

import numpy as np

from deap_lossgp.data.plausibility import doubts, implausible
from deap_lossgp.errors import printable

ARRAYS = ("x_train", "y_train", "x_test", "y_test")
"""Names of a data set's arrays, in an ``ImageData`` and in an .npz file."""

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
"""Endings of image files; other files in a folder are not read."""

NOTABLE_IMBALANCE = 1.5
"""The least ``ImageData.imbalance`` that a note mentions."""

MOST_NAMED = 10
"""The largest number of files or classes that a note names."""


@dataclass(frozen=True, eq=False, repr=False)
class ImageData:
    """A data set of labelled images; making one checks the arrays.

    Args:
        name: The name by which it was asked for.
        x_train: Training images, shape (n, h, w, c) or (n, h, w); integers in 0..255 or finite
            floats. Networks get them multiplied by ``scale``, so that pixels lie in [0, 1].
        y_train: Their classes, shape (n,) or (n, 1), integers; all of 0..num_classes-1 must occur.
        x_test: Test images, likewise, of the same height, width, channels and type.
        y_test: Their classes, likewise, each one a class of y_train.
        source: Where the arrays come from, for error messages. Default: the name.
        class_names: Names of the classes, in the order of their numbers. Default: the numbers.
        unreadable: Files and folders that could not be read, each as "file (reason)".
        left_out: dict from what else was not read (a folder, an ending) to the number of its files.
        remarks: Further lines for ``notes``.

    Attributes:
        x_train: As given, but of shape (n, h, w, c), uint8 or float32.
        y_train: As given, but of shape (n,), int64.
        x_test: As given, but of shape (m, h, w, c), uint8 or float32.
        y_test: As given, but of shape (m,), int64.

    Raises:
        ValueError: An array is not as described; the message says which one, and what came. Or
            channels come first, or training and test images are on scales an order apart.

    Examples:
        >>> x, y = np.zeros((4, 2, 2), np.uint8), np.array([0, 1, 0, 1])
        >>> ImageData("dark", x, y, x, y)
        <ImageData dark: 4 + 4 images (2, 2, 1) uint8, 2 classes>
    """

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    source: InitVar[str | None] = None
    class_names: tuple[str, ...] = None  # type: ignore[assignment]
    unreadable: tuple[str, ...] = ()
    left_out: dict[str, int] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    def __post_init__(self, source: str | None) -> None:
        source = source or self.name
        for key_x, key_y in (ARRAYS[:2], ARRAYS[2:]):
            x = _images(getattr(self, key_x), f"{source}: {key_x}")
            y = _labels(getattr(self, key_y), f"{source}: {key_y}", len(x))
            self.__dict__.update({key_x: x, key_y: y})  # the dataclass is frozen
        train, test = [f"{x.shape[1:]} {x.dtype}" for x in (self.x_train, self.x_test)]
        classes = np.unique(self.y_train)
        gaps = np.flatnonzero(classes != np.arange(len(classes)))
        span, fault = f"0..{classes[-1]}", None
        if train != test:
            fault = f"x_train and x_test must agree in (h, w, c) and type; got {train} and {test}"
        elif len(gaps):
            fault = f"y_train must hold every class {span}; class {gaps[0]} has no training image"
        elif len(classes) < 2:
            fault = "y_train must hold at least 2 classes, got only class 0"
        elif self.y_test.max() > classes[-1]:
            fault = f"y_test must hold classes of y_train, {span}; got {self.y_test.max()}"
        elif self.class_names is None:
            self.__dict__["class_names"] = tuple(map(str, classes))
        elif len(self.class_names) != len(classes):
            fault = f"expected {len(classes)} class_names, got {len(self.class_names)}"
        fault = fault or implausible(self.x_train, self.x_test)
        if fault:
            raise ValueError(f"{source}: {fault}")

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return int(self.y_train.max()) + 1

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Shape (h, w, c) of one image."""
        return self.x_train.shape[1:]

    @property
    def scale(self) -> float:
        """Factor that brings pixels to [0, 1], or to [-1, 1] where some are negative."""
        if self.x_train.dtype == np.uint8:
            return 1 / 255
        largest = float(max(self.x_train.max(), -self.x_train.min()))
        return 1 / largest if largest else 1.0

    @property
    def class_counts(self) -> np.ndarray:
        """Training images of each class, shape (num_classes,), int64."""
        return np.bincount(self.y_train)

    @property
    def ignored(self) -> int:
        """Number of files that were passed over, those of ``left_out``."""
        return sum(self.left_out.values())

    @property
    def imbalance(self) -> float:
        """Training images of the largest class for each one of the smallest; at least 1."""
        return float(self.class_counts.max() / self.class_counts.min())

    def summary(self) -> dict[str, Any]:
        """Returns a dict for JSON: sizes, images of each class, and what was left out."""
        counts = [int(count) for count in self.class_counts]
        return {
            "name": self.name, "digest": self._digest(), "train": len(self.x_train),
            "test": len(self.x_test),
            "shape": list(self.input_shape),
            "classes": dict(zip(self.class_names, counts, strict=True)),
            "imbalance": self.imbalance, "unreadable": list(self.unreadable),
            "ignored": self.ignored, "left_out": self.left_out,
        }

    def _digest(self):
        digest = hashlib.sha256()
        for name in ARRAYS:
            digest.update(np.ascontiguousarray(getattr(self, name)).data)
        return digest.hexdigest()[:16]

    def notes(self) -> list[str]:
        """Returns what a user should know before anything is trained.

        Returns:
            list: Lines of text; usually none.

        Examples:
            >>> x = np.arange(36, 252, 6, np.uint8).reshape(9, 2, 2)
            >>> y = np.array([0, 0, 1, 1, 1, 1, 1, 1, 1])
            >>> print(*ImageData("dark", x, y, x, y, class_names=("cat", "dog")).notes())
            dark: classes are unequal, 3.5 to 1; training images: cat 2, dog 7. The fitness
            balanced_error counts them alike
        """
        lines, count = [], len(self.unreadable)
        if count:
            files = len(self.x_train) + len(self.x_test) + count
            folders = " or folders" if any("/ (" in text for text in self.unreadable) else ""
            lines.append(f"{count} of {files} image files{folders} cannot be read and are left "
                         f"out: {_first(self.unreadable)}")
        if self.left_out:
            others = sorted(self.left_out.items(), key=lambda item: -item[1])
            endings = f"; images end in {' '.join(SUFFIXES)}" if any(
                text.startswith("*") for text in self.left_out) else ""
            lines.append(f"{self.ignored} files are passed over: "
                         f"{_first([f'{text} {number}' for text, number in others])}{endings}")
        lines += [*self.remarks, *doubts(self.x_train, self.x_test, self.scale)]
        if self.imbalance >= NOTABLE_IMBALANCE:
            order = np.argsort(self.class_counts, kind="stable")
            shown = order if len(order) <= MOST_NAMED else order[[0, -1]]
            named = ", ".join(f"{self.class_names[i]} {self.class_counts[i]}" for i in shown)
            between = "" if len(order) <= MOST_NAMED else "from least to most: "
            lines.append(f"classes are unequal, {self.imbalance:.3g} to 1; training images: "
                         f"{between}{named}. The fitness balanced_error counts them alike")
        return [printable(f"{self.name}: {line}") for line in lines]

    def __repr__(self) -> str:
        count, kind = f"{len(self.x_train)} + {len(self.x_test)}", self.x_train.dtype
        shape, classes = self.input_shape, self.num_classes
        return f"<ImageData {self.name}: {count} images {shape} {kind}, {classes} classes>"


def _first(texts):
    more = f" and {len(texts) - MOST_NAMED} more" if len(texts) > MOST_NAMED else ""
    return ", ".join(texts[:MOST_NAMED]) + more


def _images(x, label):
    x, fault = np.asarray(x), None
    if x.ndim not in (3, 4) or not x.size:
        fault = f"have shape (n, h, w) or (n, h, w, c), none of them 0; got {x.shape}"
    elif x.dtype.kind in "iu":
        if x.min() < 0 or x.max() > 255:
            fault = f"hold integers in 0..255, got {x.min()}..{x.max()}"
        x = x.astype(np.uint8, copy=False)
    elif x.dtype.kind == "f":
        with np.errstate(over="ignore"):  # what float32 cannot hold is reported below
            x = x.astype(np.float32, copy=False)
        if not np.isfinite(x).all():
            fault = "be finite as float32, got NaN or infinity"
    else:
        fault = f"be uint8 or float, got {x.dtype}"
    if fault:
        raise ValueError(f"{label} must {fault}")
    return x[..., np.newaxis] if x.ndim == 3 else x


def _labels(y, label, count):
    y, fault = np.asarray(y), None
    if y.shape not in ((count,), (count, 1)):
        fault = f"have shape (n,) or (n, 1), n = {count} as its images; got {y.shape}"
    elif y.dtype.kind not in "iu":
        fault = f"hold integers, got {y.dtype}"
    elif y.min() < 0:
        fault = f"hold classes from 0 up, got {y.min()}"
    if fault:
        raise ValueError(f"{label} must {fault}")
    return y.reshape(-1).astype(np.int64)
