"""Image files of any size and mode, read into one array of bytes."""

import stat
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from deap_lossgp.data.images import SUFFIXES
from deap_lossgp.errors import in_one_line, printable
from deap_lossgp.progress_bar import progress_bar

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
"""Pillow's readers that may read a file, whatever its ending; that of EPS would start a program."""

IMAGE_MODES = {"grey": "L", "rgb": "RGB"}
"""Names of the image modes, and Pillow's names of them."""

FEW_LEVELS = 2**14
"""16-bit files whose pixels span fewer levels are scaled by their own range, in all files."""


def is_image(file: Path) -> bool:
    """Returns whether a path has the ending of an image file."""
    return file.suffix.lower() in SUFFIXES


def read_images(files: Sequence[Path], folder: Path, size: tuple[int, int],
                mode: str | None) -> tuple:
    """Reads image files into one array.

    Args:
        files: List of paths below the folder.
        folder: The folder's path.
        size: (height, width).
        mode: A name of ``IMAGE_MODES`` or None, as for ``load_folder``.

    Returns:
        tuple: The images, shape (n, h, w, c), uint8; the indices of the files that were read, n of
        them; a dict from each other file to the reason; and the least and greatest 16-bit pixel,
        by which such files are scaled, or None where this is 0 and 65535.
    """
    x: np.ndarray = np.empty((len(files), *size, 1 if mode == "grey" else 3), np.uint8)
    read, unreadable, spans = [], {}, {}
    grey = mode is None
    bar = progress_bar(files, f"reading {printable(str(folder))}", unit="image", delay=2,
                       leave=False, disable=None)
    for index, file in enumerate(bar):
        try:
            image = _opened(folder / file, size)
            if image.mode.startswith("I;16"):
                pixels = np.asarray(image)
                spans[len(read)] = int(pixels.min()), int(pixels.max())
            x[len(read)] = _pixels(image, size, mode).reshape(x.shape[1:])
        except Exception as error:  # Pillow's readers raise a dozen types of error
            spans.pop(len(read), None)
            unreadable[file] = reason_of(error)
            continue
        grey = grey and (x[len(read)] == x[len(read)][..., :1]).all()
        read.append(index)
    span = _span(spans.values())
    for place in spans if span else ():
        image = _opened(folder / files[read[place]], size)
        x[place] = _pixels(image, size, mode, span).reshape(x.shape[1:])
    x = x[: len(read)]
    return np.ascontiguousarray(x[..., :1]) if grey else x, read, unreadable, span


def reason_of(error: Exception) -> str:
    """Returns why a file or folder was not read, in a few words without its path."""
    if isinstance(error, UnidentifiedImageError):
        return "no image of a known format"
    if isinstance(error, OSError) and error.strerror:
        return f"{type(error).__name__}: {error.strerror}"
    return in_one_line(error, width=80)


def _opened(file, size):
    """Opens and turns an image; much larger JPEGs are read at a fraction of their size."""
    if not stat.S_ISREG(file.stat().st_mode):  # a pipe would be waited for
        raise ValueError("no regular file")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(file, formats=FORMATS) as image:
            image.draft(None, (4 * max(size),) * 2)
            return ImageOps.exif_transpose(image)


def _pixels(image, size, mode, span=None):
    """Returns an image as an array, in a mode and of the size (height, width)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = _flat(image, span).convert(IMAGE_MODES[mode or "rgb"])
    return np.asarray(image.resize(size[::-1], Image.Resampling.BILINEAR))


def _flat(image, span):
    """Returns the image with 8 bits and without transparency."""
    if image.mode.startswith("I;16"):  # Pillow would clip it to 8 bits
        pixels = np.asarray(image).astype(np.uint32)
        if span is None:
            pixels = (pixels + 128) // 257
        else:
            pixels = np.rint((pixels - span[0]) * (255 / (span[1] - span[0])))
        return Image.fromarray(pixels.astype(np.uint8))
    if image.mode in ("I", "F"):
        raise ValueError("its pixels are of 32 bits, and nothing says what is white")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image


def _span(spans):
    """Returns the range of 16-bit pixels if it is a small part of theirs, else None."""
    if not spans:
        return None
    least, greatest = min(low for low, _ in spans), max(high for _, high in spans)
    return (least, greatest) if 0 < greatest - least < FEW_LEVELS else None
