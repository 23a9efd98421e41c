"""A folder of class folders of images as a data set: files of any size and mode become one array.

Files that cannot be read are named and left out, as long as every class keeps an image. No file is
left out without being named or counted.
"""

import os
from collections import Counter
from pathlib import Path

import numpy as np

from deap_lossgp.data.folder_files import find_files, is_hidden
from deap_lossgp.data.image_files import IMAGE_MODES, is_image, read_images, reason_of
from deap_lossgp.data.images import SUFFIXES, ImageData
from deap_lossgp.data.names import dataset_name
from deap_lossgp.data.parts import arrange
from deap_lossgp.data.splits import split_test
from deap_lossgp.errors import printable, unknown_name

IMAGE_SIZE = (32, 32)
"""Height and width to which images are resized by default: those of CIFAR."""


def read_size(size: int | str | tuple[int, int]) -> tuple[int, int]:
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


def check_image_mode(mode: str | None) -> None:
    """Checks that an image mode is one of ``IMAGE_MODES`` or None.

    Args:
        mode: Name of an image mode, or None.

    Raises:
        ValueError: Names the nearest mode.
    """
    if mode is not None and mode not in IMAGE_MODES:
        raise unknown_name("image mode", mode, IMAGE_MODES)


def load_folder(path: Path | str, size: int | str | tuple[int, int] = IMAGE_SIZE,
                mode: str | None = None) -> ImageData:
    """Loads a folder that holds a folder of images per class, or train/ and test/ of such folders.

    Classes are numbered in the order of their names; images lie anywhere below their class's
    folder. The parts of a split may have other names, such as Training/ and Testing/, and may lie
    in the classes. Without them, a stratified fifth is the test set, the same every time. A part
    for validation is the test set where there is none; else it is not used. Links are followed.

    An image is resized bilinearly and without regard to its aspect ratio, as
    ``keras.utils.image_dataset_from_directory`` does by default, but with antialiasing. It is
    turned as its EXIF orientation says. Transparent pixels are put on white. Of several frames the
    first is taken. 16-bit pixels are scaled by the range that all these files use, if it is a small
    part of theirs.

    Args:
        path: The folder.
        size: Height and width, as ``read_size`` takes them.
        mode: "grey", "rgb", or None: grey if all pixels of all images are, else rgb.

    Returns:
        ImageData: Images of type uint8, named by the folder, with its class folders as classes.
        Whatever is not read is in its ``unreadable`` or ``left_out``.

    Raises:
        ValueError: There are fewer than two class folders, a class has no image that can be read,
            the test part has a class that the training part does not have, or folders look like
            parts of a split, but not like which ones.
        OSError: The folder cannot be listed.

    Examples:
        >>> import tempfile
        >>> from PIL import Image
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
    found = find_files(folder)
    arrangement = arrange(found, folder, is_image)
    parts = [part for part in (arrangement.train, arrangement.test) if part is not None]
    classes = [*parts[0]]
    if len(classes) < 2:
        base = folder if len(parts) == 1 else folder / arrangement.names[0]
        raise ValueError(f"{base}: expected at least 2 class folders of images, got "
                         f"{classes[0] if classes else 'none'}")
    files, left_out = _chosen(found, arrangement, parts)
    names = [file for file, *_ in files]
    x, read, unreadable, span = read_images(names, folder, size, mode)
    unreadable |= {file: reason_of(error) for file, error in found.unreadable.items()}
    y = np.array([classes.index(files[index][2]) for index in read], np.int64)
    count = sum(files[index][1] == 0 for index in read)  # training images are first
    _check_every_class(folder, parts[0], y[:count], unreadable, left_out)
    if len(parts) == 1:
        train, test = split_test(y)
    elif count < len(y):
        train, test = slice(count), slice(count, None)
    else:
        raise ValueError(
            f"{folder / arrangement.names[1]}: expected images of the classes of "
            f"{arrangement.names[0]}/, got none that can be read; without it, a fifth of the "
            f"images of {arrangement.names[0]}/ would be the test set")
    remarks = [arrangement.remark] if arrangement.remark else []
    if span:
        remarks.append(f"the pixels of its 16-bit files lie in {span[0]}..{span[1]}, which is made "
                       f"0..255")
    return ImageData(
        dataset_name(os.path.join(path, "")), x[train], y[train], x[test], y[test],
        source=str(path), class_names=tuple(classes), left_out=left_out, remarks=tuple(remarks),
        unreadable=tuple(f"{_shown(file, found)} ({reason})"
                         for file, reason in sorted(unreadable.items())),
    )


def _chosen(found, arrangement, parts):
    """Chooses the image files to read, and counts the others.

    Returns:
        tuple: A list of (file, number of the part, class), in the order of parts, classes and
        paths; and a dict from what is left out, as text, to the number of files.
    """
    classes = {name: label for label, name in enumerate(parts[0])}
    places = {folder: (number, name) for number, part in enumerate(parts)
              for name, folder in part.items()}
    left_out, files = Counter(), []
    for place, reason in arrangement.left_out.items():
        left_out[f"{_shown(place, found)} ({reason})"] = 0
    for place, other in found.repeated.items():
        left_out[f"{_shown(place, found)} (leads to {printable(str(other))}/, too)"] = 0
    for file in found.files:
        above = [*reversed(file.parents)][1:]
        place = next((folder for folder in above if folder in places), None)
        unused = next((folder for folder in above if folder in arrangement.left_out), None)
        hidden = next((folder for folder in above if is_hidden(folder)), None)
        if hidden:
            left_out[f"{_shown(hidden, found)} (hidden)"] += 1
        elif is_hidden(file):
            left_out["hidden files"] += 1
        elif not is_image(file):
            left_out[f"*{printable(file.suffix)}" if file.suffix else "files without ending"] += 1
        elif unused:
            left_out[f"{_shown(unused, found)} ({arrangement.left_out[unused]})"] += 1
        elif place is None:
            where = f"in {_shown(file.parent, found)}, " if above else ""
            left_out[f"images {where}in no class"] += 1
        else:
            files.append((file, *places[place]))
    # Files of a folder come before its folders: in this order they were read ever since.
    files.sort(key=lambda row: (row[1], classes[row[2]],
                                [(1, part) for part in row[0].parts[:-1]] + [(0, row[0].name)]))
    return files, dict(left_out)


def _shown(path, found):
    """Returns a path as text that can be printed; folders end in a slash."""
    text = printable(path.as_posix())
    return f"{text}/" if path in found.folder_set else text


def _check_every_class(folder, part, labels, unreadable, left_out):
    counts = np.bincount(labels, minlength=len(part))
    for (name, place), count in zip(part.items(), counts, strict=True):
        if count:
            continue
        lost = [file for file in sorted(unreadable) if place in (file, *file.parents)]
        link = [text for text in left_out if text.startswith(f"{printable(place.as_posix())}/ (")]
        came = f"{len(lost)} that cannot be read" if lost else ": ".join(["none", *link])
        first = f", such as {printable(lost[0].name)} ({unreadable[lost[0]]})" if lost else ""
        others = [text for text in left_out if text.startswith("*")]
        endings = f"; images end in {' '.join(SUFFIXES)}, there are {', '.join(others)}"
        raise ValueError(f"{folder / place.parent}: expected an image of class {name!r}, got "
                         f"{came}{first}{endings if others and not lost else ''}")
