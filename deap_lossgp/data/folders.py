"""A folder of class folders of images as a data set: files of any size and mode become one array.

Files that cannot be read are named and left out, as long as every class keeps an image.
"""

import os
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from tqdm import tqdm

from deap_lossgp.data.images import ImageData
from deap_lossgp.data.names import dataset_name
from deap_lossgp.data.splits import split_test
from deap_lossgp.errors import in_one_line, unknown_name

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"}
"""Endings of image files; other files are ignored."""

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
"""Pillow's readers that may read a file, whatever its ending; that of EPS would start a program."""

IMAGE_MODES = {"grey": "L", "rgb": "RGB"}
"""Names of the image modes, and Pillow's names of them."""

IMAGE_SIZE = (32, 32)
"""Height and width to which images are resized by default: those of CIFAR."""

JUNK = ("__MACOSX", "@eaDir")
"""Folders that archives and file servers leave behind."""

PARTS = {"train", "test", "val", "valid", "validation"}
"""Names of folders that hold class folders, so they are not taken for classes themselves."""


def read_size(size):
    """Returns the height and width of images.

    Args:
        size: N or (h, w), or as text: "N" or "HxW".

    Returns:
        tuple: (h, w), int.

    Raises:
        ValueError: ``size`` is none of these, or not positive.

    Examples:
        >>> read_size(64), read_size("48x64")
        ((64, 64), (48, 64))
    """
    parts = size.lower().split("x") if isinstance(size, str) else np.ravel(size).tolist()
    try:
        height, width = parts * 2 if len(parts) == 1 else parts
        if isinstance(size, str):
            height, width = int(height), int(width)
        if not isinstance(height, int) or not isinstance(width, int) or min(height, width) < 1:
            raise ValueError
    except (TypeError, ValueError):
        raise ValueError(f"expected image_size N or HxW, from 1 up, got {size!r}") from None
    return height, width


def check_image_mode(mode):
    """Checks that an image mode is one of ``IMAGE_MODES`` or None.

    Args:
        mode: Name of an image mode, or None.

    Raises:
        ValueError: Names the nearest mode.
    """
    if mode is not None and mode not in IMAGE_MODES:
        raise unknown_name("image mode", mode, IMAGE_MODES)


def load_folder(path, size=IMAGE_SIZE, mode=None):
    """Loads a folder that holds a folder of images per class, or train/ and test/ of such folders.

    Classes are numbered in the order of their names; images lie anywhere below their class's
    folder. Without train/ and test/, a stratified fifth is the test set, the same every time.
    An image is resized bilinearly and without regard to its aspect ratio, as
    ``keras.utils.image_dataset_from_directory`` does by default, but with antialiasing. It is
    turned as its EXIF orientation says. Transparent pixels are put on white. Of several frames the
    first is taken.

    Args:
        path: The folder.
        size: Height and width, as ``read_size`` takes them.
        mode: "grey", "rgb", or None: grey if all pixels of all images are, else rgb.

    Returns:
        ImageData: Images of type uint8, named by the folder, with its class folders as classes.

    Raises:
        ValueError: There are fewer than two class folders, a class has no image that can be read,
            or test/ has a class that train/ does not have.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for index, shade in enumerate(["dark", "dark", "light", "light", "light"]):
        ...         image = Image.new("L", (30 + index, 20), 200 if shade == "light" else 0)
        ...         (Path(folder) / "shades" / shade).mkdir(parents=True, exist_ok=True)
        ...         image.save(Path(folder) / "shades" / shade / f"{index}.png")
        ...     data = load_folder(Path(folder) / "shades", size=16)
        >>> data, data.class_names
        (<ImageData shades: 3 + 2 images (16, 16, 1) uint8, 2 classes>, ('dark', 'light'))
    """
    folder, size = Path(path), read_size(size)
    check_image_mode(mode)
    if not folder.is_dir():
        raise ValueError(f"expected a folder of class folders of images, got {str(path)!r}")
    parts = [folder / name for name in ("train", "test")]
    parts = parts if all(part.is_dir() for part in parts) else [folder]
    classes = _class_folders(parts[0])
    _check_classes(folder, classes, parts)
    files, ignored = [], 0
    for part in parts:
        ignored += sum(entry.is_file() for entry in part.iterdir())
        for label, name in enumerate(classes):
            images, others = _image_files(part / name)
            files += [(file, label) for file in images]
            ignored += others
    x, y, sources, unreadable = _read(files, folder, size, mode)
    count = sum(parts[0] in file.parents for file in sources)  # training images are first
    _check_every_class(parts[0], classes, y[:count], unreadable)
    if len(parts) == 1:
        train, test = split_test(y)
    elif count < len(y):
        train, test = slice(count), slice(count, None)
    else:
        raise ValueError(f"{parts[1]}: expected images of the classes of train/, got none that can "
                         f"be read")
    return ImageData(
        dataset_name(os.path.join(path, "")), x[train], y[train], x[test], y[test],
        source=str(path), class_names=tuple(classes), ignored=ignored,
        unreadable=tuple(f"{file.relative_to(folder)} ({reason})"
                         for file, reason in unreadable.items()),
    )


def _class_folders(folder):
    """Names of the class folders, sorted."""
    return sorted(entry.name for entry in folder.iterdir()
                  if entry.is_dir() and not _is_hidden(entry.name))


def _is_hidden(name):
    return name.startswith(".") or name in JUNK


def _check_classes(folder, classes, parts):
    if len(classes) < 2:
        raise ValueError(f"{parts[0]}: expected at least 2 class folders of images, got "
                         f"{classes[0] if classes else 'none'}")
    if len(parts) == 1 and {name.lower() for name in classes} <= PARTS:
        raise ValueError(f"{folder}: expected train/ and test/, or a folder for each class, got "
                         f"{', '.join(classes)}")
    strange = {*_class_folders(parts[-1])} - {*classes}
    if strange:
        raise ValueError(f"{parts[-1]}: expected the classes of train/, got {min(strange)!r} too")


def _image_files(folder):
    """Returns the image files below a folder, sorted, and the number of other files."""
    images, others = [], 0
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not _is_hidden(name))
        for name in sorted(names):
            file = Path(place, name)
            if _is_hidden(name) or file.suffix.lower() not in SUFFIXES:
                others += 1
            else:
                images.append(file)
    return images, others


def _read(files, folder, size, mode):
    """Reads image files into one array.

    Args:
        files: A list of (file, label).
        folder: For the progress bar.
        size, mode: As for ``load_folder``, ``size`` as ``read_size`` returns it.

    Returns:
        (images, labels, files that were read, {file that was not read: reason})
    """
    colours = 1 if mode == "grey" else 3
    x = np.empty((len(files), *size, colours), np.uint8)
    labels, sources, unreadable, grey = [], [], {}, mode != "rgb"
    for file, label in tqdm(files, f"reading {folder}", unit="image", delay=2, leave=False,
                            disable=None):
        try:
            image = np.asarray(_resized(file, size, mode)).reshape(x.shape[1:])
        except Exception as error:  # Pillow's readers raise a dozen types of error
            unreadable[file] = _reason(error)
            continue
        x[len(labels)] = image
        grey = grey and (image == image[..., :1]).all()
        labels.append(label)
        sources.append(file)
    x = x[: len(labels)]
    x = np.ascontiguousarray(x[..., :1]) if grey else x
    return x, np.array(labels, np.int64), sources, unreadable


def _resized(file, size, mode):
    """Reads the image of a file, in a mode and of the size (height, width)."""
    height, width = size
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(file, formats=FORMATS) as image:
            # Much larger JPEGs are read at a fraction of their size, several times faster.
            image.draft(None, (4 * max(size),) * 2)
            image = _flat(ImageOps.exif_transpose(image))
    image = image.convert(IMAGE_MODES[mode or "rgb"])
    return image.resize((width, height), Image.Resampling.BILINEAR)


def _flat(image):
    """Returns the image with 8 bits and without transparency."""
    if image.mode.startswith("I;16"):  # Pillow would clip it to 8 bits
        pixels = (np.asarray(image).astype(np.uint32) + 128) // 257
        return Image.fromarray(pixels.astype(np.uint8))
    if image.mode in ("I", "F"):
        raise ValueError("its pixels are of 32 bits, and nothing says what is white")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image


def _reason(error):
    if isinstance(error, UnidentifiedImageError):
        return "no image of a known format"
    return in_one_line(error, width=80)


def _check_every_class(folder, classes, labels, unreadable):
    counts = np.bincount(labels, minlength=len(classes))
    for name, count in zip(classes, counts, strict=True):
        if count:
            continue
        lost = [file for file in unreadable if folder / name in file.parents]
        came = f"{len(lost)} that cannot be read" if lost else "none"
        first = f", such as {lost[0].name} ({unreadable[lost[0]]})" if lost else ""
        raise ValueError(f"{folder}: expected an image of class {name!r}, got {came}{first}")
