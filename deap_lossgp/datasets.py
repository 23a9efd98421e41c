"""Image data sets by name, checked before anything is trained on them.

Files come from strangers and downloads break off: what arrives is either whole, or a one-line error
that names the file and what to do.
"""

import gzip
import hashlib
import numbers
import zipfile
from dataclasses import InitVar, dataclass
from pathlib import Path

import numpy as np

from deap_lossgp.naming import in_one_line, unknown_name

ARRAYS = ("x_train", "y_train", "x_test", "y_test")
FASHION_MNIST_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
# SHA-256 of the uncompressed *-ubyte.gz, in ARRAYS' order: distributions compress differently.
FASHION_MNIST_SHA256 = {
    "train-images-idx3": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}


@dataclass(frozen=True, eq=False, repr=False)
class ImageData:
    """A data set of labelled images; making one checks and unifies the arrays.

    Attributes:
        name: The name it was asked for by.
        x_train: Training images, shape (n, h, w, c), uint8 or float32. Given as (n, h, w) too, as
            other integers in 0..255, and as any finite floats.
        y_train: Their classes, shape (n,), int64; every one of 0..num_classes-1 occurs. Given as
            (n, 1) too, and as other integers.
        x_test: Test images, shape (m, h, w, c), of x_train's dtype.
        y_test: Their classes, shape (m,), int64, among those of y_train.
        source: Only when making one: where the arrays come from, for errors. Default: name.

    Raises:
        ValueError: If an array is not as described; the message says which and what came.

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

    def __post_init__(self, source):
        source = source or self.name
        for key_x, key_y in (ARRAYS[:2], ARRAYS[2:]):
            x = _images(getattr(self, key_x), f"{source}: {key_x}")
            y = _labels(getattr(self, key_y), f"{source}: {key_y}", len(x))
            self.__dict__.update({key_x: x, key_y: y})  # past the frozen __setattr__
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
        if fault:
            raise ValueError(f"{source}: {fault}")

    @property
    def num_classes(self):
        """Number of classes."""
        return int(self.y_train.max()) + 1

    @property
    def input_shape(self):
        """Shape (h, w, c) of one image."""
        return self.x_train.shape[1:]

    @property
    def scale(self):
        """Factor that brings the pixels to [0, 1]; to [-1, 1] for floats with negative ones."""
        if self.x_train.dtype == np.uint8:
            return 1 / 255
        largest = float(max(self.x_train.max(), -self.x_train.min()))
        return 1 / largest if largest else 1.0

    def __repr__(self):
        count, kind = f"{len(self.x_train)} + {len(self.x_test)}", self.x_train.dtype
        shape, classes = self.input_shape, self.num_classes
        return f"<ImageData {self.name}: {count} images {shape} {kind}, {classes} classes>"


def load_dataset(name, data_dir=None):
    """Load an image data set by name.

    `NAME.npz` in `data_dir` is used where it is there, for any name; its keys are x_train, y_train,
    x_test and y_test. Else `digits` comes from scikit-learn (a fifth of it is the test set), and
    `fashion_mnist`, `cifar10` and `cifar100` through Keras, from its cache or by a download.

    Args:
        name: Name of the data set.
        data_dir: Folder with .npz files, or None.

    Returns:
        ImageData: The checked data set.

    Raises:
        ValueError: If the name is unknown, `data_dir` is no folder, a file is damaged, or its
            arrays are not as `ImageData` describes them.
        OSError: If the data set cannot be had through Keras: not installed, or no network.

    Examples:
        >>> load_dataset("digits")
        <ImageData digits: 1437 + 360 images (8, 8, 1) uint8, 10 classes>
    """
    known = set(LOADERS)
    if data_dir is not None:
        folder = Path(data_dir)
        if not folder.is_dir():
            raise ValueError(f"data_dir must be a folder that exists, got {str(folder)!r}")
        path = folder / f"{name}.npz"
        if path.exists():
            return ImageData(name, *_read_npz(path), source=str(path))
        known.update(file.stem for file in folder.glob("*.npz"))
    if name not in LOADERS:
        raise unknown_name("data set", name, known, hint=f"or give --data-dir DIR with {name}.npz")
    return ImageData(name, *LOADERS[name](name))


def split_validation(y, share=0.1, seed=42, train_size=None):
    """Split training images into those to train on and those to validate on.

    Both draws are stratified by class where the counts allow it. The defaults are the thesis's.

    Args:
        y: Classes, shape (n,).
        share: Validation images as a share of all images used, in (0, 1).
        seed: Seed of both draws.
        train_size: Number of images used in all, validation included; from twice the number of
            classes to n. Default: n.

    Returns:
        tuple: Indices into y of the training images and of the validation images, both int64.

    Raises:
        ValueError: If an argument is out of range, or a class would have no training image.

    Examples:
        >>> train, validation = split_validation(np.arange(1000) % 10, train_size=500)
        >>> len(train), len(validation)
        (450, 50)
    """
    if not 0 < share < 1:
        raise ValueError(f"share must lie between 0 and 1, both excluded, got {share!r}")
    classes, used = np.unique(y), np.arange(len(y))
    if train_size is not None:
        least = 2 * len(classes)
        if not isinstance(train_size, numbers.Integral) or not least <= train_size <= len(y):
            span = f"{least} (two a class) to {len(y)} (all images)"
            raise ValueError(f"train_size must be an integer from {span}, got {train_size!r}")
        if train_size < len(y):
            _, used = _draw(used, y, int(train_size), seed)
    count = round(share * len(used))
    if not 0 < count < len(used):
        raise ValueError(f"share={share!r} gives {count} of {len(used)} images to validation")
    train, validation = _draw(used, y, count, seed)
    lost = np.setdiff1d(classes, y[train])
    if len(lost):
        raise ValueError(
            f"class {lost[0]} would have no training image: {np.sum(y == lost[0])} of the {len(y)} "
            f"images are of it, and {len(train)} would be trained on, {count} validated on"
        )
    return train, validation


def _draw(index, y, count, seed):
    """Split `index` into (rest, drawn), `count` of them drawn, stratified where possible."""
    from sklearn.model_selection import train_test_split

    present, sizes = np.unique(y[index], return_counts=True)
    # scikit-learn's own conditions for a stratified split.
    possible = sizes.min() > 1 and len(present) <= min(count, len(index) - count)
    labels = y[index] if possible else None
    return train_test_split(index, test_size=count, random_state=seed, stratify=labels)


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


def _read_npz(path):
    arrays, key = [], "the file"
    # Damaged bytes raise a dozen types in zipfile, zlib and NumPy: all of them are one message.
    try:
        with zipfile.ZipFile(path) as archive:
            for key in ARRAYS:
                with archive.open(f"{key}.npy") as stream:
                    arrays.append(np.lib.format.read_array(stream, allow_pickle=False))
                    if stream.read(1):  # zipfile compares the checksum only at the end
                        raise ValueError("more bytes than its shape says")
    except Exception as error:
        raise ValueError(
            f"{path}: {key} cannot be read ({in_one_line(error)}); expected an undamaged .npz of "
            f"the plain arrays {', '.join(ARRAYS)}, as numpy.savez writes it"
        ) from error
    return arrays


def _digits(name):
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    # 0..16 becomes 0..255, so that digits are uint8 like every other data set.
    images = np.rint(images * 15.9375).astype(np.uint8).reshape(-1, 8, 8, 1)
    train, test = _draw(np.arange(len(labels)), labels, 360, seed=0)
    return images[train], labels[train], images[test], labels[test]


def _cifar(name):
    # Keras verifies the archive's hash, and downloads a damaged one again.
    train, test = _through_keras(name, lambda keras: getattr(keras.datasets, name).load_data())
    return *train, *test


def _fashion_mnist(name):
    # Keras's own loader verifies nothing, so its files are fetched as it does, but read here.
    files = [f"{stem}-ubyte.gz" for stem in FASHION_MNIST_SHA256]
    cache = {"cache_subdir": "datasets/fashion-mnist"}
    paths = _through_keras(
        name, lambda keras: [keras.utils.get_file(f, FASHION_MNIST_URL + f, **cache) for f in files]
    )
    arrays = []
    for file, path, sha256 in zip(files, paths, FASHION_MNIST_SHA256.values(), strict=True):
        try:
            with gzip.open(path) as stream:
                content = stream.read()
            if hashlib.sha256(content).hexdigest() != sha256:
                raise ValueError("its content is not Fashion-MNIST's")
        except Exception as error:
            remedy = f"delete it and run again, or give --data-dir DIR with {name}.npz"
            raise ValueError(f"{path} is damaged ({in_one_line(error)}): {remedy}") from error
        shape, header = ((-1, 28, 28), 16) if "images" in file else ((-1,), 8)
        arrays.append(np.frombuffer(content, np.uint8, offset=header).reshape(shape))
    return arrays


def _through_keras(name, load):
    """Call load(keras) and turn what goes wrong into one line."""
    try:
        import keras

        return load(keras)
    except Exception as error:  # without network, Keras raises a bare Exception
        raise OSError(
            f"{name} cannot be loaded through Keras ({in_one_line(error)}): it takes TensorFlow "
            f"and, once, the network; or give --data-dir DIR with {name}.npz"
        ) from error


LOADERS = dict(digits=_digits, fashion_mnist=_fashion_mnist, cifar10=_cifar, cifar100=_cifar)
