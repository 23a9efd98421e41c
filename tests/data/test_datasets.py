"""Complete data sets are loaded, and damaged ones are refused in one line."""

import gzip
import hashlib
import os
import pickle
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from deap_lossgp.data.datasets import FASHION_MNIST_SHA256, load_dataset
from deap_lossgp.data.images import ImageData

DEBIAN_FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")
KEYS = ("x_train", "y_train", "x_test", "y_test")


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


@pytest.fixture
def arrays(digits):
    """The arrays of a valid data set, small enough to be damaged quickly."""
    return {
        "x_train": digits.x_train[:200].copy(),
        "y_train": digits.y_train[:200].copy(),
        "x_test": digits.x_test[:50].copy(),
        "y_test": digits.y_test[:50].copy(),
    }


def message_of(error_type, function, *args, **kwargs):
    with pytest.raises(error_type) as caught:
        function(*args, **kwargs)
    message = str(caught.value)
    assert "\n" not in message
    return message


def refused(tmp_path, arrays, save=np.savez):
    """Returns the message with which a file of these arrays is refused; it names the file."""
    save(tmp_path / "mine.npz", **arrays)
    message = message_of(ValueError, load_dataset, "mine", tmp_path)
    assert message.startswith(f"{tmp_path / 'mine.npz'}: ")
    return message


# digits


def test_digits_are_uint8_over_the_whole_range(digits):
    assert digits.name == "digits"
    assert digits.input_shape == (8, 8, 1)
    assert digits.num_classes == 10
    assert digits.x_train.dtype == digits.x_test.dtype == np.uint8
    assert digits.y_train.dtype == digits.y_test.dtype == np.int64
    assert digits.x_train.min() == 0
    assert digits.x_train.max() == 255
    assert digits.scale == 1 / 255


def test_digits_hold_every_image_of_scikit_learn_once(digits):
    from sklearn.datasets import load_digits

    images = np.concatenate([digits.x_train, digits.x_test]).reshape(-1, 64)
    labels = np.concatenate([digits.y_train, digits.y_test])
    original, classes = load_digits(return_X_y=True)
    ours = np.column_stack([labels, np.rint(images / 15.9375)])
    theirs = np.column_stack([classes, original])
    assert sorted(ours.tolist()) == sorted(theirs.tolist())


def test_a_fifth_of_every_digit_is_for_the_test(digits):
    counts = np.bincount(digits.y_train) + np.bincount(digits.y_test)
    assert len(digits.x_test) == 360
    assert np.abs(np.bincount(digits.y_test) / counts - 0.2).max() < 0.01


def test_digits_are_the_same_every_time(digits):
    again = load_dataset("digits")
    for key in KEYS:
        np.testing.assert_array_equal(getattr(again, key), getattr(digits, key))


# NAME.npz


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("name", ["mine", "digits", "cifar10"])
def test_a_file_in_data_dir_is_the_data_set_of_its_name(tmp_path, arrays, save, name):
    save(tmp_path / f"{name}.npz", **arrays, classes=np.array(["a", "b"]))
    loaded = load_dataset(name, str(tmp_path))
    assert loaded.name == name
    for key in KEYS:
        np.testing.assert_array_equal(getattr(loaded, key), arrays[key])


def test_a_built_in_name_without_a_file_in_data_dir_is_loaded_as_ever(tmp_path, digits):
    np.testing.assert_array_equal(load_dataset("digits", tmp_path).x_train, digits.x_train)


def test_grey_images_get_a_channel_axis_and_column_labels_lose_theirs(tmp_path, arrays):
    grey = {key: value[..., 0] if key[0] == "x" else value[:, None]
            for key, value in arrays.items()}
    np.savez(tmp_path / "grey.npz", **grey)
    loaded = load_dataset("grey", tmp_path)
    assert loaded.x_train.shape == (200, 8, 8, 1)
    assert loaded.y_test.shape == (50,)


@pytest.mark.parametrize("dtype", [np.int16, np.uint32, np.int64, ">i4"])
def test_other_integers_in_byte_range_become_uint8(arrays, dtype):
    wide = {key: value.astype(dtype) for key, value in arrays.items()}
    loaded = ImageData("wide", **wide)
    assert loaded.x_train.dtype == np.uint8
    assert loaded.y_train.dtype == np.int64
    np.testing.assert_array_equal(loaded.x_train, arrays["x_train"])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_become_float32_and_are_scaled_by_the_largest(arrays, dtype):
    arrays["x_train"] = arrays["x_train"].astype(dtype) / 2
    arrays["x_test"] = arrays["x_test"].astype(dtype) / 2
    loaded = ImageData("floats", **arrays)
    assert loaded.x_train.dtype == loaded.x_test.dtype == np.float32
    assert (loaded.x_train * loaded.scale).max() == pytest.approx(1)


def test_negative_floats_are_scaled_into_minus_one_to_one(arrays):
    for key in ("x_train", "x_test"):
        arrays[key] = 10 - arrays[key].astype(np.float32)
    assert ImageData("negative", **arrays).scale == pytest.approx(1 / 245)


def test_images_that_are_all_zero_have_scale_one(arrays):
    for key in ("x_train", "x_test"):
        arrays[key] = np.zeros_like(arrays[key], np.float32)
    assert ImageData("black", **arrays).scale == 1


def test_a_data_set_shows_itself_in_one_short_line(digits):
    assert repr(digits) == "<ImageData digits: 1437 + 360 images (8, 8, 1) uint8, 10 classes>"


# damaged files


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("kept", [0.0, 0.01, 0.5, 0.99])
def test_a_truncated_file_is_refused(tmp_path, arrays, save, kept):
    path = tmp_path / "mine.npz"
    save(path, **arrays)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    message = message_of(ValueError, load_dataset, "mine", tmp_path)
    assert message.startswith(f"{path}: the file cannot be read (BadZipFile")
    assert message.endswith(
        "expected an undamaged .npz of the plain arrays x_train, y_train, x_test, y_test, as "
        "numpy.savez writes it"
    )


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_flipped_bits_never_change_the_data_silently(tmp_path, arrays, save):
    path = tmp_path / "mine.npz"
    save(path, **arrays)
    content = path.read_bytes()
    rng, refusals = np.random.default_rng(0), 0
    for position in rng.integers(len(content), size=400):
        damaged = bytearray(content)
        damaged[position] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        try:
            loaded = load_dataset("mine", tmp_path)
        except ValueError as error:
            assert str(error).startswith(f"{path}: ")
            assert "\n" not in str(error)
            assert len(str(error)) < len(str(path)) + 400
            refusals += 1
        else:  # the bit was one of those that carry nothing, such as a date
            for key in KEYS:
                np.testing.assert_array_equal(getattr(loaded, key), arrays[key])
    assert refusals > 300


@pytest.mark.parametrize("key", KEYS)
def test_a_flipped_pixel_is_a_checksum_error_that_names_the_array(tmp_path, arrays, key):
    path = tmp_path / "mine.npz"
    np.savez(path, **arrays)
    content = bytearray(path.read_bytes())
    content[content.index(arrays[key].tobytes()) + 17] ^= 1
    path.write_bytes(content)
    message = message_of(ValueError, load_dataset, "mine", tmp_path)
    assert f"{key} cannot be read (BadZipFile: Bad CRC-32 for file '{key}.npy')" in message


@pytest.mark.parametrize("content", [b"", b"hello", pickle.dumps({"x_train": 1})])
def test_a_file_that_is_no_archive_is_refused(tmp_path, content):
    (tmp_path / "mine.npz").write_bytes(content)
    assert "BadZipFile: File is not a zip file" in message_of(
        ValueError, load_dataset, "mine", tmp_path
    )


def test_a_folder_of_the_files_name_is_refused(tmp_path):
    (tmp_path / "mine.npz").mkdir()
    assert "IsADirectoryError" in message_of(ValueError, load_dataset, "mine", tmp_path)


@pytest.mark.parametrize("key", KEYS)
def test_a_missing_array_is_named(tmp_path, arrays, key):
    del arrays[key]
    assert f"{key} cannot be read (KeyError" in refused(tmp_path, arrays)


class Trap:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (open, (self.path, "w"))


@pytest.mark.parametrize("key", KEYS)
def test_pickled_objects_are_refused_and_never_loaded(tmp_path, arrays, key):
    arrays[key] = np.array([Trap(tmp_path / "sprung")] * 4, dtype=object)
    assert f"{key} cannot be read (ValueError: Object arrays cannot be loaded" in refused(
        tmp_path, arrays
    )
    assert not (tmp_path / "sprung").exists()


# arrays that are no images and classes


def labels(*values):
    return np.resize(np.array(values), 200)


X, Y = "x_train", "y_train"
FAULTS = {
    "flat images": (X, lambda a: a.reshape(200, 64), "x_train must have shape (n, h, w) or "
                    "(n, h, w, c), none of them 0; got (200, 64)"),
    "five axes": (X, lambda a: a[None], "got (1, 200, 8, 8, 1)"),
    "no images": (X, lambda a: a[:0], "none of them 0; got (0, 8, 8, 1)"),
    "no pixels": (X, lambda a: a[:, :0], "got (200, 0, 8, 1)"),
    "no test images": ("x_test", lambda a: a[:0], "x_test must have shape"),
    "too few labels": (Y, lambda a: a[:-1], "y_train must have shape (n,) or (n, 1), n = 200 as "
                       "its images; got (199,)"),
    "one-hot labels": (Y, lambda a: np.eye(10)[a], "n = 200 as its images; got (200, 10)"),
    "too few test labels": ("y_test", lambda a: a[1:], "n = 50 as its images; got (49,)"),
    "labels as a number": (Y, lambda a: np.array(3), "got ()"),
    "other test images": ("x_test", lambda a: a[:, :7], "x_train and x_test must agree in "
                          "(h, w, c) and type; got (8, 8, 1) uint8 and (7, 8, 1) uint8"),
    "other test type": ("x_test", lambda a: a / 255, "got (8, 8, 1) uint8 and (8, 8, 1) float32"),
    "fractional labels": (Y, lambda a: a.astype(float), "y_train must hold integers, got float64"),
    "names as labels": (Y, lambda a: a.astype(str), "y_train must hold integers, got <U21"),
    "negative labels": (Y, lambda a: a - 1, "y_train must hold classes from 0 up, got -1"),
    "negative test labels": ("y_test", lambda a: a - 1, "y_test must hold classes from 0 up"),
    "NaN": (X, lambda a: np.where(a == 255, np.nan, a), "x_train must be finite as float32, "
            "got NaN or infinity"),
    "infinity": ("x_test", lambda a: np.where(a == 255, np.inf, a), "x_test must be finite"),
    "above float32": (X, lambda a: a * 1e300, "x_train must be finite as float32"),
    "integers above a byte": (X, lambda a: a.astype(int) * 2, "x_train must hold integers in "
                              "0..255, got 0..510"),
    "integers below a byte": (X, lambda a: a.astype(int) - 9, "0..255, got -9..246"),
    "booleans": (X, lambda a: a > 9, "x_train must be uint8 or float, got bool"),
    "complex numbers": (X, lambda a: a * 1j, "x_train must be uint8 or float, got complex128"),
    "text": (X, lambda a: a.astype(str), "x_train must be uint8 or float, got <U3"),
    "labels from 1": (Y, lambda a: a + 1, "y_train must hold every class 0..10; class 0 has no "
                      "training image"),
    "a class without images": (Y, lambda a: np.where(a == 4, 5, a), "y_train must hold every "
                               "class 0..9; class 4 has no training image"),
    "one huge label": (Y, lambda a: labels(0, 1, 10**12), "0..1000000000000; class 2 has no"),
    "one class": (Y, lambda a: a * 0, "y_train must hold at least 2 classes, got only class 0"),
    "test of other classes": ("y_test", lambda a: a + 3, "y_test must hold classes of y_train, "
                              "0..9; got 12"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_file_with_a_fault_is_refused_with_what_was_expected_and_what_came(
    tmp_path, arrays, fault
):
    key, damage, expected = FAULTS[fault]
    arrays[key] = damage(arrays[key])
    assert expected in refused(tmp_path, arrays)


def test_arrays_made_in_memory_are_named_by_the_data_set(arrays):
    arrays["y_train"] -= 1
    assert message_of(ValueError, ImageData, "mine", **arrays).startswith("mine: y_train must")


# names and folders


def test_an_unknown_name_gets_the_nearest_one_and_the_way_to_ones_own():
    assert message_of(ValueError, load_dataset, "cifar01") == (
        "unknown data set 'cifar01': did you mean 'cifar10'? known: cifar10, cifar100, digits, "
        "fashion_mnist; or give --data-dir DIR with cifar01.npz, or the path of a folder of images"
    )


def test_an_unknown_name_may_be_near_to_a_file_in_data_dir(tmp_path, arrays):
    np.savez(tmp_path / "flowers.npz", **arrays)
    message = message_of(ValueError, load_dataset, "flower", tmp_path)
    assert "did you mean 'flowers'? known: cifar10, cifar100, digits, fashion_mnist, flowers" in (
        message
    )


@pytest.mark.parametrize("kind", ["missing", "file"])
def test_a_data_dir_that_is_no_folder_is_an_error_for_every_name(tmp_path, kind):
    path = tmp_path / "there"
    if kind == "file":
        path.touch()
    for name in ("digits", "mine"):
        assert message_of(ValueError, load_dataset, name, path) == (
            f"data_dir must be a folder that exists, got {str(path)!r}"
        )


def test_importing_the_module_loads_neither_keras_nor_scikit_learn():
    code = (
        "import sys, deap_lossgp.data.datasets;"
        "print([m for m in ('keras', 'tensorflow', 'sklearn') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


# through Keras


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A Keras cache of this test's own, and no network."""
    keras = pytest.importorskip("keras")
    # A port that nothing listens on: a download fails at once, on every machine.
    for variable in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    get_file = partial(keras.utils.get_file, cache_dir=str(tmp_path))
    monkeypatch.setattr(keras.utils, "get_file", get_file)
    folder = tmp_path / "datasets" / "fashion-mnist"
    folder.mkdir(parents=True)
    for stem in FASHION_MNIST_SHA256:
        with gzip.open(folder / f"{stem}-ubyte.gz", "wb") as stream:
            stream.write(bytes(2000))
    return folder


def fill(cache):
    """Puts the real files of Debian's package into the cache."""
    if not DEBIAN_FASHION_MNIST.is_dir():
        pytest.skip(f"{DEBIAN_FASHION_MNIST} is not there: apt-get install dataset-fashion-mnist")
    for stem in FASHION_MNIST_SHA256:
        shutil.copy(DEBIAN_FASHION_MNIST / f"{stem}-ubyte.gz", cache)


def damaged(path, reason):
    return (
        f"{path} is damaged ({reason}): delete it and run again, or give --data-dir DIR with "
        "fashion_mnist.npz"
    )


def test_fashion_mnist_is_loaded_from_the_cache_of_keras(cache):
    fill(cache)
    loaded = load_dataset("fashion_mnist")
    assert repr(loaded) == (
        "<ImageData fashion_mnist: 60000 + 10000 images (28, 28, 1) uint8, 10 classes>"
    )
    assert list(np.bincount(loaded.y_train)) == [6000] * 10
    assert list(np.bincount(loaded.y_test)) == [1000] * 10
    assert list(loaded.y_train[:5]) == [9, 0, 0, 3, 0]


@pytest.mark.parametrize("stem", FASHION_MNIST_SHA256)
def test_one_wrong_byte_in_any_file_of_fashion_mnist_is_found(cache, stem):
    fill(cache)
    path = cache / f"{stem}-ubyte.gz"
    content = bytearray(gzip.decompress(path.read_bytes()))
    content[-1] ^= 1
    path.write_bytes(gzip.compress(content, compresslevel=1))
    assert message_of(ValueError, load_dataset, "fashion_mnist") == damaged(
        path, "ValueError: its content is not Fashion-MNIST's"
    )


def test_noise_in_the_right_shape_is_not_fashion_mnist(cache):
    path = cache / "train-images-idx3-ubyte.gz"
    assert message_of(ValueError, load_dataset, "fashion_mnist") == damaged(
        path, "ValueError: its content is not Fashion-MNIST's"
    )


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda content: content[:-20], "EOFError: Compressed file ended before"),
        (lambda content: b"", "ValueError: its content is not"),
        (lambda content: b"<html>not found</html>", "BadGzipFile: Not a gzipped file"),
        (lambda content: content[:10] + b"\xff" * 20 + content[30:], "error: Error -3"),
        (lambda content: content[:-8] + bytes(8), "BadGzipFile: CRC check failed"),
    ],
)
def test_a_broken_off_or_foreign_cache_file_is_named_with_the_remedy(cache, damage, reason):
    path = cache / "train-images-idx3-ubyte.gz"
    path.write_bytes(damage(gzip.compress(os.urandom(2000))))
    message = message_of(ValueError, load_dataset, "fashion_mnist")
    assert message.startswith(f"{path} is damaged ({reason}")
    assert message.endswith(
        "delete it and run again, or give --data-dir DIR with fashion_mnist.npz"
    )


def test_fashion_mnist_without_network_says_the_remedy(cache):
    shutil.rmtree(cache)
    message = message_of(OSError, load_dataset, "fashion_mnist")
    assert message.startswith(
        "fashion_mnist cannot be loaded through Keras (Exception: URL fetch failure on https://"
    )
    assert message.endswith(
        "it takes TensorFlow and, once, the network; or give --data-dir DIR "
        "with fashion_mnist.npz"
    )


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
@pytest.mark.parametrize(
    "error",
    [
        Exception("URL fetch failure on https://x: None -- [Errno -2] Name or service not known"),
        EOFError("Compressed file ended before the end-of-stream marker was reached"),
        ValueError("Incomplete or corrupted file detected.\nThe sha256 file hash does not match"),
    ],
)
def test_whatever_fails_in_keras_becomes_one_line_with_the_remedy(monkeypatch, name, error):
    def load_data():
        raise error

    keras = pytest.importorskip("keras")
    monkeypatch.setattr(getattr(keras.datasets, name), "load_data", load_data)
    message = message_of(OSError, load_dataset, name)
    quoted = " ".join(str(error).split())
    assert message.startswith(
        f"{name} cannot be loaded through Keras ({type(error).__name__}: {quoted}): "
    )
    assert message.endswith(f"or give --data-dir DIR with {name}.npz")


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_cifar_comes_from_keras_with_flat_labels(monkeypatch, arrays, name):
    keras = pytest.importorskip("keras")
    # As Keras gives them: labels are a column of bytes.
    train, test = (
        (arrays[f"x_{part}"].repeat(3, axis=-1), arrays[f"y_{part}"][:, None].astype(np.uint8))
        for part in ("train", "test")
    )
    monkeypatch.setattr(getattr(keras.datasets, name), "load_data", lambda: (train, test))
    loaded = load_dataset(name)
    assert loaded.input_shape == (8, 8, 3)
    np.testing.assert_array_equal(loaded.y_test, arrays["y_test"])


def test_without_keras_the_remedy_names_the_pip_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", None)
    message = message_of(OSError, load_dataset, "cifar10")
    assert message.startswith("cifar10 cannot be loaded through Keras (ModuleNotFoundError: ")
    assert "it takes TensorFlow" in message


def test_the_constants_are_the_hashes_of_debians_files(cache):
    fill(cache)
    for stem, sha256 in FASHION_MNIST_SHA256.items():
        content = gzip.decompress((cache / f"{stem}-ubyte.gz").read_bytes())
        assert hashlib.sha256(content).hexdigest() == sha256


def test_the_folder_of_keras_home_is_the_one_that_is_read(cache):
    code = "import deap_lossgp.data.datasets as d; d.load_dataset('fashion_mnist')"
    environment = {**os.environ, "KERAS_HOME": str(cache.parent.parent)}
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )
    assert result.returncode == 1
    path = cache / "train-images-idx3-ubyte.gz"
    assert result.stderr.strip().splitlines()[-1] == "ValueError: " + damaged(
        path, "ValueError: its content is not Fashion-MNIST's"
    )
