"""Folders of images: files of any size and mode become one array, unreadable ones are named."""

import json
import os
import re
import shlex
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deap_lossgp.data.datasets import load_dataset
from deap_lossgp.data.folders import load_folder, read_size
from deap_lossgp.data.images import ImageData
from deap_lossgp.data.names import dataset_name, is_path
from deap_lossgp.data.source import DataSource

EXAMPLES = Path(__file__).parents[2] / "examples"
COLOURS = {"cat": (210, 40, 40), "dog": (40, 200, 60), "fox": (50, 60, 220)}


def picture(colour, size, seed):
    """An image of a colour with noise, (width, height) pixels."""
    noise = np.random.default_rng(seed).integers(-30, 30, (size[1], size[0], 3))
    return Image.fromarray((np.array(colour) + noise).clip(0, 255).astype(np.uint8))


def save(image, path, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return path


def sixteen_bits(image):
    return Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)


WRITERS = [
    lambda image, stem: save(image, stem.with_suffix(".jpg"), quality=95),
    lambda image, stem: save(image.convert("L"), stem.with_suffix(".png")),
    lambda image, stem: save(image.convert("RGBA"), stem.with_suffix(".PNG")),
    lambda image, stem: save(image.quantize(64), stem.with_suffix(".gif")),
    lambda image, stem: save(sixteen_bits(image), stem.with_name(f"{stem.name}_16.png")),
    lambda image, stem: save(image, stem.with_suffix(".webp"), lossless=True),
    lambda image, stem: save(image.convert("CMYK"), stem.with_suffix(".jpeg"), quality=95),
    lambda image, stem: save(image.quantize(64), stem.with_name(f"{stem.name}_p.png")),
    lambda image, stem: save(image, stem.with_suffix(".bmp")),
]


def fill(folder, counts, seed=0):
    """Images of every kind and of mixed sizes, in the number given for each class."""
    for label, (name, count) in enumerate(counts.items()):
        for index in range(count):
            size = 9 + 7 * (index % 5), 8 + 5 * (index % 7)
            image = picture(COLOURS[name], size, seed + 1000 * label + index)
            WRITERS[index % len(WRITERS)](image, folder / name / f"{index:03}")
    return folder


def break_two(folder):
    """A truncated JPEG and a file that is not an image, both in the folder of the cats."""
    good = save(picture(COLOURS["cat"], (60, 60), 1), folder / "cat" / "torn.jpg")
    good.write_bytes(good.read_bytes()[:700])
    (folder / "cat" / "text.png").write_text("not a picture")


@pytest.fixture(scope="module")
def animals(tmp_path_factory):
    """Three classes, 10:1, mixed sizes and modes, two broken files, others beside them."""
    folder = fill(tmp_path_factory.mktemp("data") / "My animals",
                  {"cat": 100, "dog": 30, "fox": 10})
    break_two(folder)
    (folder / ".DS_Store").write_bytes(b"x")
    (folder / "cat" / "._001.jpg").write_bytes(b"x")
    (folder / "dog" / "licence.txt").write_text("free")
    (folder / "__MACOSX" / "cat").mkdir(parents=True)
    return folder


@pytest.fixture(scope="module")
def loaded(animals):
    return load_dataset(str(animals))


def message_of(function, *args, **kwargs):
    with pytest.raises(ValueError) as caught:
        function(*args, **kwargs)
    message = str(caught.value)
    assert "\n" not in message
    return message


def one_image(tmp_path, image=None, *, name="x.png", mode=None, size=8, **options):
    """The pixels that are loaded for one image, which is saved in both classes."""
    for label in ("a", "b"):
        for index in range(2):
            path = tmp_path / "one" / label / f"{index}{name}"
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(image, bytes):
                path.write_bytes(image)
            else:
                image.save(path, **options)
    data = load_folder(tmp_path / "one", size, mode)
    assert not data.unreadable
    return data.x_train[0]


# the whole


def test_a_folder_of_class_folders_is_a_data_set(loaded):
    assert repr(loaded) == (
        "<ImageData My_animals: 112 + 28 images (32, 32, 3) uint8, 3 classes>")
    assert loaded.class_names == ("cat", "dog", "fox")
    assert loaded.class_counts.tolist() == [80, 24, 8]
    assert np.bincount(loaded.y_test).tolist() == [20, 6, 2]
    assert loaded.imbalance == 10.0
    assert loaded.x_train.flags.c_contiguous


def test_every_image_has_the_colour_of_its_class_or_its_grey(loaded):
    for x, y in ((loaded.x_train, loaded.y_train), (loaded.x_test, loaded.y_test)):
        for image, label in zip(x, y, strict=True):
            colour = np.array(list(COLOURS.values())[label])
            grey = np.repeat(colour @ [0.299, 0.587, 0.114], 3)
            mean = image.reshape(-1, 3).mean(0)
            assert min(np.abs(mean - colour).max(), np.abs(mean - grey).max()) < 12


def test_what_was_left_out_is_named_and_counted(loaded):
    assert loaded.unreadable == (
        "cat/text.png (no image of a known format)",
        "cat/torn.jpg (OSError: " + loaded.unreadable[1].split("OSError: ")[1],
    )
    assert "truncated" in loaded.unreadable[1]
    assert loaded.ignored == 3
    left_out, passed_over, unequal = loaded.notes()
    assert left_out == ("My_animals: 2 of 142 image files cannot be read and are left out: "
                        + ", ".join(loaded.unreadable))
    assert loaded.left_out == {"hidden files": 2, "*.txt": 1}
    assert passed_over == ("My_animals: 3 files are passed over: hidden files 2, *.txt 1; images "
                           "end in .bmp .gif .jpeg .jpg .png .tif .tiff .webp")
    assert unequal == ("My_animals: classes are unequal, 10 to 1; training images: fox 8, dog 24, "
                       "cat 80. The fitness balanced_error counts them alike")


def test_the_summary_is_json(loaded):
    summary = json.loads(json.dumps(loaded.summary()))
    assert re.fullmatch("[0-9a-f]{16}", summary.pop("digest"))
    assert summary == {
        "name": "My_animals", "train": 112, "test": 28, "shape": [32, 32, 3],
        "classes": {"cat": 80, "dog": 24, "fox": 8}, "imbalance": 10.0,
        "unreadable": list(loaded.unreadable), "ignored": 3,
        "left_out": {"hidden files": 2, "*.txt": 1},
    }


def test_loading_again_gives_the_same(animals, loaded):
    again = load_dataset(str(animals))
    for name in ("x_train", "y_train", "x_test", "y_test"):
        np.testing.assert_array_equal(getattr(again, name), getattr(loaded, name))


def test_train_and_test_folders_are_kept_apart(tmp_path):
    fill(tmp_path / "train", {"cat": 9, "dog": 5, "fox": 3})
    fill(tmp_path / "test", {"fox": 4, "cat": 2}, seed=500)
    data = load_dataset(str(tmp_path), image_size="12x10")
    assert data.input_shape == (12, 10, 3)
    assert data.y_train.tolist() == [0] * 9 + [1] * 5 + [2] * 3
    assert data.y_test.tolist() == [0] * 2 + [2] * 4
    other = load_folder(tmp_path / "train", (12, 10))
    whole = np.concatenate([other.x_train, other.x_test])
    assert sorted(x.tobytes() for x in whole) == sorted(x.tobytes() for x in data.x_train)


def test_images_lie_anywhere_below_their_class(tmp_path):
    fill(tmp_path / "deep", {"cat": 3, "dog": 3})
    save(picture(COLOURS["dog"], (9, 9), 1), tmp_path / "deep" / "dog" / "2024" / "may" / "x.png")
    save(picture(COLOURS["dog"], (9, 9), 1), tmp_path / "deep" / "dog" / ".trash" / "x.png")
    save(picture(COLOURS["dog"], (9, 9), 1), tmp_path / "deep" / "lost.png")
    data = load_folder(tmp_path / "deep")
    assert len(data.x_train) + len(data.x_test) == 7
    assert data.left_out == {"dog/.trash/ (hidden)": 1, "images in no class": 1}


def test_a_class_of_one_image_is_trained_on_and_not_tested(tmp_path):
    data = load_folder(fill(tmp_path, {"cat": 5, "dog": 1}))
    assert data.class_counts.tolist() == [4, 1]
    assert data.y_test.tolist() == [0]


# one image


def test_the_three_channels_become_one_where_all_are_grey(tmp_path):
    grey = picture((99, 99, 99), (20, 20), 0).convert("L")
    for index, mode in enumerate(("L", "RGB", "P", "LA", "1")):
        for label in ("a", "b"):
            save(grey.convert(mode), tmp_path / label / f"{index}.png")
    assert load_folder(tmp_path).input_shape == (32, 32, 1)
    assert load_folder(tmp_path, mode="rgb").input_shape == (32, 32, 3)
    save(Image.new("RGB", (5, 5), (0, 0, 1)), tmp_path / "a" / "blue.png")
    assert load_folder(tmp_path).input_shape == (32, 32, 3)
    assert load_folder(tmp_path, mode="grey").input_shape == (32, 32, 1)


def test_a_colour_becomes_its_luma_in_grey(tmp_path):
    image = one_image(tmp_path, Image.new("RGB", (8, 8), (200, 100, 50)), mode="grey")
    np.testing.assert_array_equal(image, round(0.299 * 200 + 0.587 * 100 + 0.114 * 50))


@pytest.mark.parametrize("name", ["x.png", "x.tif"])
def test_sixteen_bits_become_eight_by_their_scale(tmp_path, name):
    values = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    image = one_image(tmp_path, Image.fromarray(values), name=name)
    np.testing.assert_array_equal(image[..., 0], np.rint(values / 257))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_pixels_become_white(tmp_path, mode):
    image = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (0, 0, 4, 8))
    if mode == "P":
        image = image.convert("RGB").quantize(2)
        image.paste(1, (0, 0, 8, 8))
        image.paste(0, (0, 0, 4, 8))
        image.putpalette([0, 0, 0, 9, 9, 9])
        image.info["transparency"] = 1
    else:
        image = image.convert(mode)
    out = one_image(tmp_path, image)
    np.testing.assert_array_equal(out[:, :4], 0)
    np.testing.assert_array_equal(out[:, 4:], 255)


@pytest.mark.parametrize("name", ["x.jpg", "x.png", "x.webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_image_is_turned_as_its_exif_orientation_says(tmp_path, orientation, name):
    upright = np.zeros((16, 16), np.uint8)
    upright[:8, :8], upright[:8, 8:], upright[8:, :8] = 255, 170, 85
    # How a camera stores it: what undoes each orientation.
    stored = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1],
        5: upright.T, 6: np.rot90(upright), 7: upright[::-1, ::-1].T, 8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(np.ascontiguousarray(stored)).convert("RGB")
    out = one_image(tmp_path, image, name=name, size=16, mode="grey", exif=exif)
    assert np.abs(out[..., 0].astype(int) - upright)[[3, 3, 12, 12], [3, 12, 3, 12]].max() < 6


def test_a_sixteen_bit_image_is_turned_too(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 3
    values = np.arange(64, dtype=np.uint16).reshape(8, 8) * 1028
    out = one_image(tmp_path, Image.fromarray(values), exif=exif)
    np.testing.assert_array_equal(out[..., 0], np.rint(values[::-1, ::-1] / 257))


def test_only_the_first_of_several_frames_is_read(tmp_path):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    for name in ("x.gif", "x.webp", "x.png", "x.tif"):
        options = {"lossless": True} if name == "x.webp" else {}
        out = one_image(tmp_path / name, frames[0], name=name, save_all=True,
                        append_images=frames[1:], **options)
        np.testing.assert_array_equal(out, np.broadcast_to([255, 0, 0], (8, 8, 3)))


def test_the_pictures_of_a_phone_are_jpegs(tmp_path):
    """Several pictures in one JPEG, which Pillow calls MPO."""
    red = Image.new("RGB", (8, 8), "red")
    out = one_image(tmp_path, red, name="x.jpg", format="MPO", save_all=True,
                    append_images=[Image.new("RGB", (8, 8), "blue")])
    assert np.abs(out.astype(int) - [255, 0, 0]).max() < 6


def test_an_image_is_squashed_with_antialiasing(tmp_path):
    stripes = np.zeros((64, 128), np.uint8)
    stripes[:, ::2] = 255
    image = one_image(tmp_path, Image.fromarray(stripes), size=(8, 8))
    # Without antialiasing each pixel would be 0 or 255.
    assert image.shape == (8, 8, 1)
    assert np.abs(image.astype(int) - 127).max() <= 4
    halves = np.zeros((10, 40), np.uint8)
    halves[:, 20:] = 200
    image = one_image(tmp_path / "halves", Image.fromarray(halves), size=(10, 10))
    assert image[:, :4].max() == 0 and image[:, 6:].min() == 200


def test_a_large_photograph_read_at_a_fraction_is_as_when_read_in_full(tmp_path):
    y, x = np.mgrid[:1200, :1600]
    waves = np.stack([127 + 90 * np.sin(x / 90), 127 + 90 * np.cos(y / 70), (x + y) / 12], -1)
    image = Image.fromarray(waves.clip(0, 255).astype(np.uint8))
    ours = one_image(tmp_path, image, name="x.jpg", size=32, quality=92)
    with Image.open(tmp_path / "one" / "a" / "0x.jpg") as whole:
        full = np.asarray(whole.resize((32, 32), Image.Resampling.BILINEAR))
    assert np.abs(ours.astype(int) - full).max() <= 2


# what cannot be read


def chunk(kind, content):
    return (struct.pack(">I", len(content)) + kind + content
            + struct.pack(">I", zlib.crc32(kind + content)))


def png_of(width, height):
    """A PNG that says how large it is, and holds nothing."""
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0,
                                                              0, 0))
            + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b""))


EPS = b"""%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 8 8
(executed) (w) file closefile
%%EOF
"""


@pytest.mark.parametrize(("content", "reason"), [
    (b"", "no image of a known format"),
    (b"GIF89a", "no image of a known format"),
    (b"<html>404</html>", "no image of a known format"),
    (png_of(10_000, 10_000), "DecompressionBombWarning"),
    (png_of(100_000, 100_000), "DecompressionBombError"),
    (png_of(20, 20), "OSError"),
    (EPS, "no image of a known format"),
])
def test_a_file_that_cannot_be_read_is_named_with_the_reason(tmp_path, content, reason, recwarn):
    fill(tmp_path / "set", {"cat": 4, "dog": 4})
    (tmp_path / "set" / "cat" / "strange.png").write_bytes(content)
    data = load_folder(tmp_path / "set")
    (text,) = data.unreadable
    assert text.startswith(f"cat/strange.png ({reason}")
    assert len(text) < 120 and "\n" not in text
    assert len(data.x_train) + len(data.x_test) == 8
    assert not recwarn.list


def test_pixels_without_a_scale_cannot_be_read(tmp_path):
    fill(tmp_path, {"cat": 4, "dog": 4})
    save(Image.fromarray(np.ones((4, 4), np.float32)), tmp_path / "cat" / "f.tif")
    assert load_folder(tmp_path).unreadable == (
        "cat/f.tif (ValueError: its pixels are of 32 bits, and nothing says what is white)",)


def test_flipped_bytes_are_read_or_named(tmp_path):
    folder = fill(tmp_path, {"cat": 2, "dog": 2})
    rng, sources = np.random.default_rng(0), []
    for index, write in enumerate(WRITERS):
        sources.append(write(picture(COLOURS["cat"], (20, 20), index), tmp_path.parent / "s" / "x"))
    for index in range(150):
        source = sources[index % len(sources)]
        content = bytearray(source.read_bytes())
        for position in rng.integers(len(content), size=3):
            content[position] ^= 1 << rng.integers(8)
        (folder / "cat" / f"damaged{index}{source.suffix}").write_bytes(content)
    data = load_folder(folder, 8)
    assert len(data.x_train) + len(data.x_test) + len(data.unreadable) == 154
    assert data.unreadable
    for text in data.unreadable:
        assert "\n" not in text and len(text) < 150


def test_many_unreadable_files_are_counted_and_the_first_are_named(tmp_path):
    fill(tmp_path / "set", {"cat": 4, "dog": 4})
    for index in range(14):
        (tmp_path / "set" / "dog" / f"x{index:02}.jpg").touch()
    data = load_folder(tmp_path / "set")
    assert len(data.unreadable) == 14
    (line,) = data.notes()
    assert line.startswith("set: 14 of 22 image files cannot be read and are left out: dog/x00.jpg")
    assert line.endswith("dog/x09.jpg (no image of a known format) and 4 more")


# what is refused


def test_a_class_without_a_readable_image_is_an_error_that_names_it(tmp_path):
    fill(tmp_path, {"cat": 4, "dog": 4})
    (tmp_path / "eel").mkdir()
    assert message_of(load_folder, tmp_path) == (
        f"{tmp_path}: expected an image of class 'eel', got none")
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / "eel" / name).write_text("no")
    assert message_of(load_folder, tmp_path) == (
        f"{tmp_path}: expected an image of class 'eel', got 2 that cannot be read, such as a.jpg "
        "(no image of a known format)")


def test_a_class_may_lack_test_images_but_not_training_images(tmp_path):
    fill(tmp_path / "train", {"cat": 3, "dog": 3})
    fill(tmp_path / "test", {"cat": 2, "dog": 2})
    for file in (tmp_path / "test" / "dog").iterdir():
        file.write_text("no")
    data = load_folder(tmp_path)
    assert data.y_test.tolist() == [0, 0]
    assert [text.split("/")[0] for text in data.unreadable] == ["test", "test"]
    for file in (tmp_path / "train" / "cat").iterdir():
        file.write_text("no")
    assert f"{tmp_path / 'train'}: expected an image of class 'cat', got 3 that cannot" in (
        message_of(load_folder, tmp_path))


def test_a_test_folder_without_images_is_an_error(tmp_path):
    fill(tmp_path / "train", {"cat": 3, "dog": 3})
    (tmp_path / "test").mkdir()
    assert message_of(load_folder, tmp_path) == (
        f"{tmp_path / 'test'}: expected images of the classes of train/, got none that can be "
        "read; without it, a fifth of the images of train/ would be the test set")
    fill(tmp_path / "test", {"fox": 1, "cat": 1})
    assert message_of(load_folder, tmp_path) == (
        f"{tmp_path / 'test'}: expected the classes of train/, got 'fox' too")


def test_folders_that_are_no_classes_are_refused(tmp_path):
    assert message_of(load_folder, tmp_path) == (
        f"{tmp_path}: expected at least 2 class folders of images, got none")
    fill(tmp_path, {"cat": 3})
    assert message_of(load_folder, tmp_path) == (
        f"{tmp_path}: expected at least 2 class folders of images, got cat")
    fill(tmp_path / "split" / "train", {"cat": 3, "dog": 3})
    fill(tmp_path / "split" / "extra", {"cat": 3, "dog": 3})
    assert message_of(load_folder, tmp_path / "split") == (
        f"{tmp_path / 'split'}: expected train/ and test/, or a folder for each class, got train")


def test_a_single_image_of_every_class_leaves_nothing_to_test(tmp_path):
    fill(tmp_path, {"cat": 1, "dog": 1})
    assert message_of(load_folder, tmp_path).startswith("expected 2 images of a class")


@pytest.mark.parametrize(("path", "message"), [
    ("no/flowers", "expected a folder of images or a .npz file, there is no 'no/flowers'"),
    ("mine.npz", "expected a folder of images or a .npz file, there is no 'mine.npz'"),
    ("animal", "or the path of a folder of images"),
])
def test_a_path_that_leads_nowhere_is_an_error(path, message):
    assert message in message_of(load_dataset, path)


@pytest.mark.parametrize(("given", "message"), [
    ("my_imges", "unknown data set 'my_imges': did you mean 'my_images'? known: cifar10, "),
    ("my_image.npz", "there is no 'my_image.npz'; did you mean 'my_images.npz'?"),
    ("phots/flowrs", "there is no 'phots/flowrs'; did you mean 'photos/flowers'?"),
    ("photos/flowrs.npz", "there is no 'photos/flowrs.npz'; did you mean 'photos/flowers'?"),
    ("digit", "unknown data set 'digit': did you mean 'digits'? known: cifar10, "),
])
def test_a_misspelt_path_gets_the_nearest_one_that_is_there(given, message, tmp_path, monkeypatch):
    (tmp_path / "photos" / "flowers").mkdir(parents=True)
    (tmp_path / "my_images").mkdir()
    (tmp_path / "my_images.npz").touch()
    (tmp_path / "my_imges.txt").touch()
    monkeypatch.chdir(tmp_path)
    assert message in message_of(load_dataset, given)
    assert message_of(load_dataset, "digits", "phots").endswith(
        "got 'phots'; did you mean 'photos'?")
    assert message_of(DataSource, datasets=("phots",), image_size=32).endswith(
        "got the data sets phots; did you mean 'photos'?")


@pytest.mark.parametrize("size", [0, -3, "", "x", "3x", "axb", "1x2x3", (1, 2, 3), (0, 5), 2.5,
                                  float("nan"), "2.5"])
def test_an_invalid_size_is_an_error(size):
    assert message_of(read_size, size) == f"expected image_size N or HxW, from 1 up, got {size!r}"


@pytest.mark.parametrize(("size", "expected"), [
    (7, (7, 7)), ("7", (7, 7)), ("7x9", (7, 9)), ("7X9", (7, 9)), ((7, 9), (7, 9)),
    ([7, 9], (7, 9)), (np.int64(7), (7, 7)),
])
def test_a_size_is_a_number_or_two(size, expected):
    assert read_size(size) == expected


def test_an_unknown_mode_gets_the_nearest_name(tmp_path):
    assert "unknown image mode 'gray': did you mean 'grey'?" in (
        message_of(load_folder, tmp_path, mode="gray"))


# names and paths


def test_a_folder_in_the_working_directory_needs_no_slash(animals, monkeypatch):
    monkeypatch.chdir(animals.parent)
    assert load_dataset("My animals", image_size=8).name == "My_animals"
    monkeypatch.chdir(animals)
    assert load_dataset(".", image_size=8).name == "My_animals"
    assert load_dataset(animals, image_size=8).name == "My_animals"


def test_a_known_name_wins_over_a_folder_of_that_name(tmp_path, monkeypatch):
    fill(tmp_path / "digits", {"cat": 3, "dog": 3})
    monkeypatch.chdir(tmp_path)
    assert load_dataset("digits").num_classes == 10
    assert load_dataset("./digits").num_classes == 2


def test_the_path_of_a_npz_file_is_a_data_set(tmp_path):
    images, labels = np.zeros((8, 4, 4), np.uint8), np.arange(8) % 2
    np.savez(tmp_path / "my own.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    data = load_dataset(str(tmp_path / "my own.npz"))
    assert repr(data) == "<ImageData my_own: 8 + 8 images (4, 4, 1) uint8, 2 classes>"
    (tmp_path / "bad.npz").write_bytes(b"PK")
    assert message_of(load_dataset, str(tmp_path / "bad.npz")).startswith(
        f"{tmp_path / 'bad.npz'}: the file cannot be read (BadZipFile")


@pytest.mark.parametrize(("given", "name"), [
    ("a/b", "b"), ("a/b/", "b"), ("/data/Blumen 2/", "Blumen_2"), ("a/Größe", "Größe"),
    ("x/a,b;c:d.npz", "a_b_c_d"), ("x/..data", "data"), ("/", "images"), ("my.data", "my.data"),
    ("x/v1.2", "v1.2"),
])
def test_a_name_can_be_a_column_and_a_file(given, name):
    assert dataset_name(given) == name
    assert is_path(given) == (given != "my.data")


def test_classes_that_are_about_equal_are_not_mentioned():
    x, y = np.arange(0, 200, 10, np.uint8).reshape(5, 2, 2), np.array([0, 0, 1, 1, 1])
    assert ImageData("a", x, y, x, y).imbalance == 1.5
    assert "unequal, 1.5 to 1; training images: 0 2, 1 3." in ImageData("a", x, y, x, y).notes()[0]
    assert load_dataset("digits").notes() == []


def test_many_classes_are_told_by_their_extremes():
    y = np.repeat(np.arange(30), [9] * 28 + [90, 3])
    x = np.random.default_rng(0).integers(0, 256, (len(y), 2, 2))
    (line,) = ImageData("a", x, y, x, y).notes()
    assert "unequal, 30 to 1; training images: from least to most: 29 3, 28 90." in line


def test_class_names_must_be_as_many_as_classes():
    x, y = np.zeros((4, 2, 2), np.uint8), np.array([0, 1, 0, 1])
    assert message_of(ImageData, "a", x, y, x, y, class_names=("cat",)) == (
        "a: expected 2 class_names, got 1")


# through to the end


def test_a_loss_is_evolved_on_a_folder_from_the_command_line(animals, tmp_path):
    pytest.importorskip("tensorflow")
    command = [sys.executable, EXAMPLES / "evolve_loss.py", "--datasets", animals, "--image-size",
               "12x8", "--epochs", "1", "--population", "2", "--generations", "1", "--test-seeds",
               "0", "--fitness", "balanced_error", "--workers", "0", "--validation-share", "0.3"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("My_animals: ")]
    assert [line[:20] for line in lines] == [
        "My_animals: 2 of 142", "My_animals: 3 files ", "My_animals: classes "]
    (folder,) = (tmp_path / "runs").iterdir()
    assert folder.name.startswith("My_animals-sample-tournament-seed0-")
    run = json.loads((folder / "run.json").read_text())
    assert run["data"][0]["classes"] == {"cat": 80, "dog": 24, "fox": 8}
    assert run["settings"]["image_size"] == [12, 8]
    assert "accuracy_My_animals" in (folder / "individuals.csv").read_text().splitlines()[0]


def test_names_in_another_script_and_with_spaces_end_no_run(tmp_path):
    pytest.importorskip("tensorflow")
    for label, name in enumerate(("猫", "line\nbreak")):
        for index in range(20):
            save(Image.new("L", (4, 4), 120 * label + index),
                 tmp_path / "動物" / name / f"{index}.png")
    (tmp_path / "動物" / "猫" / "x\n.png").touch()
    command = [sys.executable, EXAMPLES / "evolve_loss.py", "--datasets", "動物", "--image-size",
               "4", "--epochs", "1", "--population", "2", "--generations", "0", "--test-seeds", "2",
               "--workers", "0", "--validation-share", "0.3", "--output", "it's 1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True,
                          env={**os.environ, "PYTHONIOENCODING": "cp1252:strict"})
    assert done.returncode == 0, done.stderr
    line = next(line for line in done.stdout.decode("cp1252").splitlines() if "Next: " in line)
    assert "it's 1" in shlex.split(line)
    assert "\\u52d5\\u7269" in done.stdout.decode("cp1252")
    (line,) = [line for line in done.stderr.decode("cp1252").splitlines() if "cannot be" in line]
    assert "x\\n.png (no image" in line


@pytest.mark.parametrize(("options", "message"), [
    (["--image-size", "32"], "--image-size and --image-mode belong to folders of images, got the "
                             "data sets digits"),
    (["--datasets", ".", "--image-size", "3by4"], "expected --image-size N or HxW"),
    (["--datasets", ".", "--image-mode", "gray"], "did you mean 'grey'?"),
    (["--datasets", "."], "expected at least 2 class folders"),
    (["--datasets", "empty"], "expected an image of class 'eel', got none"),
    (["--datasets", "no/where"], "there is no 'no/where'"),
    (["--datasets", "set", "other/set", "--epochs", "1"], "distinct names"),
])
def test_a_bad_folder_is_one_line_and_status_2(options, message, tmp_path, monkeypatch, capsys):
    pytest.importorskip("tensorflow")
    monkeypatch.syspath_prepend(str(EXAMPLES))
    import evolve_loss

    fill(tmp_path / "empty", {"cat": 3, "dog": 3})
    (tmp_path / "empty" / "eel").mkdir()
    for folder in ("set", "other/set"):
        fill(tmp_path / folder, {"cat": 10, "dog": 10})
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here" if "." in options else tmp_path)
    with pytest.raises(SystemExit) as exit_:
        evolve_loss.main(options)
    printed = capsys.readouterr()
    assert exit_.value.code == 2
    assert message in printed.err
    assert printed.err.count("\n") == 1 and not printed.out


def test_16_bit_files_of_few_levels_are_scaled_by_what_they_use(tmp_path):
    for top in (100, 4095):
        rng, folder = np.random.default_rng(top), tmp_path / str(top)
        for label in "ab":
            for index in range(4):
                pixels = rng.integers(1, top + 1, (8, 8)).astype(np.uint16)
                pixels[0, 0], pixels[0, 1] = 0, top
                save(Image.fromarray(pixels), folder / label / f"{index}.png")
        data = load_folder(folder, 8)
        np.testing.assert_array_equal(data.x_test[:, 0, :2, 0], [[0, 255]] * len(data.x_test))
        assert abs(int(np.median(data.x_train)) - 127) < 16
        assert data.notes() == [f"{top}: the pixels of its 16-bit files lie in 0..{top}, which is "
                                "made 0..255"]
    save(Image.fromarray(np.full((8, 8), 40000, np.uint16)), folder / "a" / "bright.png")
    data = load_folder(folder, 8)
    assert data.x_train.max() <= 156 and np.median(data.x_train) < 16
    assert not any("16-bit" in note for note in data.notes())
