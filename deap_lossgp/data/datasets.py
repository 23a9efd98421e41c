"""Image data sets by name or path, checked before anything is trained on them.

Files come from strangers, and downloads break off. So a data set is loaded whole or not at all; the
error is one line that names the file and says what to do.
"""

import gzip
import hashlib
import os
import zipfile
from pathlib import Path

import numpy as np

from deap_lossgp.data.folders import IMAGE_SIZE, load_folder
from deap_lossgp.data.images import ARRAYS, ImageData
from deap_lossgp.data.names import dataset_name, is_path
from deap_lossgp.data.splits import split_off
from deap_lossgp.errors import in_one_line, nearest_path, said_of_path, unknown_name

FASHION_MNIST_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
# SHA-256 of the files in *-ubyte.gz, in the order of ARRAYS. They are uncompressed, because
# distributions compress differently.
FASHION_MNIST_SHA256 = {
    "train-images-idx3": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}


def load_dataset(name: Path | str, data_dir: Path | str | None = None, *,
                 image_size: int | str | tuple[int, int] | None = None,
                 image_mode: str | None = None) -> ImageData:
    """Loads an image data set by name, or from a path.

    If ``data_dir`` has a file ``NAME.npz``, the data set is read from it, whatever the name; its
    keys are x_train, y_train, x_test and y_test. Otherwise ``digits`` comes from scikit-learn (a
    fifth of it is the test set), and ``fashion_mnist``, ``cifar10`` and ``cifar100`` come through
    Keras, from its cache or by a download. Any other name is the path of such an .npz file, or of a
    folder of images as ``load_folder`` reads it.

    Args:
        name: Name of the data set, or a path.
        data_dir: Folder with .npz files, or None.
        image_size: Height and width, as for ``load_folder``, which alone uses it.
        image_mode: As for ``load_folder``, which alone uses it.

    Returns:
        ImageData: The checked data set.

    Raises:
        ValueError: The name is unknown, ``data_dir`` is not a folder, a file is damaged, or its
            arrays are not as ``ImageData`` describes them.
        OSError: The data set cannot be loaded through Keras: Keras is not installed, or there is
            no network.

    Examples:
        >>> load_dataset("digits")
        <ImageData digits: 1437 + 360 images (8, 8, 1) uint8, 10 classes>
    """
    name, known = os.fspath(name), set(LOADERS)
    if data_dir is not None:
        folder = Path(data_dir)
        if not folder.is_dir():
            raise ValueError(f"data_dir must be a folder that exists, got {str(folder)!r}"
                             f"{said_of_path(folder)}")
        path = folder / f"{name}.npz"
        if path.exists():
            return ImageData(name, **_read_npz(path), source=str(path))
        known.update(file.stem for file in folder.glob("*.npz"))
    if name in LOADERS:
        return ImageData(name, *LOADERS[name](name))
    if os.path.isdir(name):
        return load_folder(name, IMAGE_SIZE if image_size is None else image_size,
                           image_mode)
    if is_path(name):
        if not os.path.isfile(name):
            raise ValueError(f"expected a folder of images or a .npz file, there is no {name!r}"
                             f"{said_of_path(name, ('.npz',))}")
        return ImageData(dataset_name(name), **_read_npz(name), source=name)
    raise unknown_name("data set", name, known, path=nearest_path(name, (".npz",)),
                       hint=f"or give --data-dir DIR with {name}.npz, or the path of a folder of "
                            f"images")


def _read_npz(path):
    arrays, key = {}, "the file"
    # Damaged bytes raise a dozen types of error in zipfile, zlib and NumPy.
    try:
        with zipfile.ZipFile(path) as archive:
            for key in ARRAYS:
                with archive.open(f"{key}.npy") as stream:
                    arrays[key] = np.lib.format.read_array(stream, allow_pickle=False)
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
    train, test = split_off(np.arange(len(labels)), labels, 360, seed=0)
    return images[train], labels[train], images[test], labels[test]


def _cifar(name):
    # Keras verifies the archive's hash, and downloads a damaged one again.
    train, test = _through_keras(name, lambda keras: getattr(keras.datasets, name).load_data())
    return *train, *test


def _fashion_mnist(name):
    # Keras's own loader does not verify its files: they are fetched as it does, but read here.
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
    """Returns ``load(keras)``; turns whatever goes wrong into an error of one line."""
    try:
        import keras

        return load(keras)
    except Exception as error:  # without network, Keras raises a bare Exception
        raise OSError(
            f"{name} cannot be loaded through Keras ({in_one_line(error)}): it takes TensorFlow "
            f"and, once, the network; or give --data-dir DIR with {name}.npz"
        ) from error


LOADERS = dict(digits=_digits, fashion_mnist=_fashion_mnist, cifar10=_cifar, cifar100=_cifar)
