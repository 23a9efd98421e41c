"""No image is lost: what is there is read, or named, in any tree of folders."""

import json
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deap_lossgp.data.folders import load_folder
from deap_lossgp.errors import printable

pytestmark = pytest.mark.skipif(os.name != "posix", reason="permissions and pipes")

NAMES = ["猫", "собака", "größe", "قطة", "a b", "x'$y", "-n", "line\nbreak", "100%", "\udcff\udcfe"]
NOBODY = 65534


@contextmanager
def unprivileged():
    """Permissions hold for everyone but root, so root becomes another user."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


@pytest.fixture
def place():
    """A folder that any user can reach, unlike pytest's own."""
    path = Path(tempfile.mkdtemp())
    path.chmod(0o755)
    yield path
    for folder, _, _ in os.walk(path):
        os.chmod(folder, 0o755)
    shutil.rmtree(path)


class Tree:
    """A random tree of folders with images; it remembers what should become of each file."""

    def __init__(self, place, seed):
        self.rng, self.root, self.outside = np.random.default_rng(seed), place / "root", place / "o"
        self.colours, self.unreadable, self.passed_over = [], set(), 0
        self.made, self.locked = 0, []
        names = self.rng.permutation(NAMES).tolist()
        classes, parts = names[:3], [Path()]
        if self.rng.random() < 0.5:
            parts = [Path("train"), Path("test")]
            for name in ("val", "Meta", names[3]):
                for _ in range(self.rng.integers(3)):
                    self.image(Path(name, classes[0]))
                    self.passed_over += 1
        for part in parts:
            self.image(part)  # in no class
            self.passed_over += 1
            for name in classes:
                for _ in range(2):
                    self.colours.append(self.image(part / name))
                self.grow(part / name, 2)
        for path in self.locked:
            path.chmod(0)

    def path(self, folder, stem, suffix=""):
        (self.root / folder).mkdir(parents=True, exist_ok=True)
        self.made += 1
        return folder / f"{stem}{self.made}{suffix}"

    def image(self, folder, stem="ж", suffix=".png"):
        """Writes an image and returns its colour, which no other has."""
        path = self.root / self.path(folder, stem, suffix)
        colour = (self.made // 256, self.made % 256, 128)
        with open(path, "wb") as file:
            Image.new("RGB", (2, 2), colour).save(file, "PNG")
        return colour

    def grow(self, folder, depth):
        """Adds files and folders of all kinds below a class's folder."""
        for kind in self.rng.integers(6, size=self.rng.integers(8)):
            if kind == 0:
                self.colours.append(self.image(folder, suffix=self.rng.choice([".PNG", ".Jpeg"])))
            elif kind == 1:
                self.image(folder, suffix=self.rng.choice([".heic", ".txt", "", ".jfif", ".ü"]))
                self.passed_over += 1
            elif kind == 2:
                self.image(folder, stem=".")
                self.passed_over += 1
            else:
                path = self.path(folder, self.rng.choice(NAMES), ".png" if kind > 3 else "")
                if kind == 3:
                    (self.root / path).symlink_to(self.rng.choice(["/no/where", path.name]))
                elif kind == 4:
                    os.mkfifo(self.root / path)
                else:
                    (self.root / path).write_bytes(b"no image")
                    if self.rng.random() < 0.5:
                        self.locked.append(self.root / path)
                self.unreadable.add(path)
        for kind in self.rng.integers(5, size=depth and self.rng.integers(6)):
            inner = self.path(folder, self.rng.choice(NAMES))
            if kind == 0:
                self.grow(inner, depth - 1)
            elif kind == 1:
                self.image(inner.parent / f".{inner.name}")
                self.passed_over += 1
            elif kind == 2:
                self.image(inner)
                self.locked.append(self.root / inner)
                self.unreadable.add(inner)
            elif kind == 3:
                (self.root / inner).symlink_to(self.rng.choice([".", "..", str(self.root)]))
            else:
                self.colours.append(self.image(self.outside / inner.name))
                (self.root / inner).symlink_to(self.outside / inner.name)


@pytest.mark.parametrize("seed", range(60))
def test_images_read_and_images_named_are_all_that_are_there(place, seed):
    tree = Tree(place, seed)
    load_folder(tree.root, 2)  # now all modules are loaded, from files that may be root's alone
    printable("\n")
    with unprivileged():
        data = load_folder(tree.root, 2)
    images = np.concatenate([data.x_train, data.x_test])
    assert sorted(map(tuple, images[:, 0, 0].tolist())) == sorted(tree.colours)
    assert data.ignored == tree.passed_over
    named = {text.rpartition(" (")[0].removesuffix("/") for text in data.unreadable}
    assert named == {printable(str(path)) for path in tree.unreadable}
    assert len(data.unreadable) == len(tree.unreadable)
    for text in (*data.notes(), *data.left_out, *data.unreadable):
        assert text.isprintable()
    json.dumps(data.summary())
