"""Parts of a split are recognised by name or by what they hold, and used, named or refused."""

import numpy as np
import pytest
from PIL import Image

from deap_lossgp.data.folders import load_folder


def fill(folder, names, count=4):
    """Images of each class in a folder; each class has a brightness of its own."""
    for label, name in enumerate(names):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for index in range(count):
            pixels = np.full((4, 4), 60 * label + 10 * index, np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{index}.png")
    return folder


def message_of(folder):
    with pytest.raises(ValueError) as caught:
        load_folder(folder, 4)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(("train", "test"), [
    ("train", "test"), ("Training", "Testing"), ("TRAIN", "TEST"), ("seg_train", "seg_test"),
    ("training_set", "test_set"), ("trainData", "testData"), ("train2017", "test2017"),
    ("train", "holdout"), ("Trainset", "Testset"), ("01-train", "02-test"),
])
def test_parts_of_a_split_are_known_by_many_names(tmp_path, train, test):
    fill(tmp_path / train, ["a", "b", "c"])
    fill(tmp_path / test, ["a", "b"], 2)
    data = load_folder(tmp_path, 4)
    assert data.class_names == ("a", "b", "c")
    assert (len(data.x_train), len(data.x_test), data.left_out) == (12, 4, {})
    said = f"{tmp_path.name}: {train}/ is the training set, {test}/ the test set"
    assert data.notes() == [said] * ((train, test) != ("train", "test"))


@pytest.mark.parametrize("name", ["val", "valid", "validation", "Validation", "dev"])
def test_a_part_for_validation_is_said_to_be_left_out_or_is_the_test_set(tmp_path, name):
    for part in ("train", "test", name):
        fill(tmp_path / part, ["a", "b"])
    data = load_folder(tmp_path, 4)
    assert (len(data.x_train), len(data.x_test), data.ignored) == (8, 8, 8)
    assert f"{name}/ (not used, validation images are taken from the training set) 8" in (
        data.notes()[0])
    for file in [*(tmp_path / "test").rglob("*.png")]:
        file.unlink()
    for folder in ("test/a", "test/b", "test"):
        (tmp_path / folder).rmdir()
    data = load_folder(tmp_path, 4)
    assert (len(data.x_train), len(data.x_test), data.ignored) == (8, 8, 0)
    assert data.notes() == [
        f"{tmp_path.name}: no part is called test: {name}/ is the test set"]


def test_unknown_parts_beside_known_ones_are_said_to_be_left_out(tmp_path):
    for part in ("Train", "Test", "Meta"):
        fill(tmp_path / part, ["a", "b"])
    data = load_folder(tmp_path, 4)
    assert data.class_names == ("a", "b")
    assert data.left_out == {"Meta/ (no part of a split that is known)": 8}


def test_parts_may_lie_in_the_classes(tmp_path):
    for name in ("cat", "dog"):
        fill(tmp_path / name, ["train", "test", "val"])
    data = load_folder(tmp_path, 4)
    assert data.class_names == ("cat", "dog")
    assert (len(data.x_train), len(data.x_test), data.ignored) == (8, 8, 8)
    assert data.x_train.max() < 60 <= data.x_test.min()


@pytest.mark.parametrize(("one", "other"), [
    (["train", "indoors"], ["train", "outdoors"]), (["val", "indoors"], ["test", "outdoors"])])
def test_folders_in_the_classes_are_no_parts_if_some_are_called_otherwise(tmp_path, one, other):
    fill(tmp_path / "cat", one)
    fill(tmp_path / "dog", other)
    data = load_folder(tmp_path, 4)
    assert data.class_names == ("cat", "dog") and not data.ignored
    assert len(data.x_train) + len(data.x_test) == 4 * 4


def test_test_and_validation_folders_in_the_classes_are_no_split(tmp_path):
    fill(tmp_path / "cat", ["val", "test"])
    fill(tmp_path / "dog", ["val"])
    data = load_folder(tmp_path, 4)
    assert data.class_names == ("cat", "dog") and not data.ignored
    assert len(data.x_train) + len(data.x_test) == 4 * 3


def test_parts_at_the_top_may_have_classes_that_are_called_like_parts(tmp_path):
    for part in ("train", "test"):
        fill(tmp_path / part, ["train", "test"])
    data = load_folder(tmp_path, 4)
    assert (data.class_names, len(data.x_train), len(data.x_test)) == (("test", "train"), 8, 8)
    assert data.x_train.max() == data.x_test.max() >= 60, "both classes in both parts"


def test_a_part_may_lie_in_a_folder_of_its_own(tmp_path):
    fill(tmp_path / "seg_train" / "seg_train", ["a", "b"])
    fill(tmp_path / "seg_test" / "seg_test", ["a", "b"])
    (tmp_path / "seg_pred" / "seg_pred").mkdir(parents=True)
    Image.new("L", (4, 4)).save(tmp_path / "seg_pred" / "seg_pred" / "1.png")
    data = load_folder(tmp_path, 4)
    assert (data.class_names, len(data.x_train), len(data.x_test)) == (("a", "b"), 8, 8)
    assert data.left_out == {"seg_pred/ (no part of a split that is known)": 1}


@pytest.mark.parametrize("parts", [("apprentissage", "essai"), ("one", "two", "three"),
                                   ("A", "B", "docs")])
def test_parts_with_unknown_names_are_refused_and_no_classes(tmp_path, parts):
    for part in parts:
        fill(tmp_path / part, ["a", "b"] if part != "docs" else [])
    (tmp_path / "docs").mkdir(exist_ok=True)
    message = message_of(tmp_path)
    assert "which hold the same folders a, b. " in message and "train and test" in message


def test_of_many_folders_five_are_named(tmp_path):
    for part in ("one", "two"):
        for names in ("abc", "defg"):
            fill(tmp_path / part, names, 1)
    assert "hold the same folders a, b, c, d, e and 2 more. " in message_of(tmp_path)


@pytest.mark.parametrize(("parts", "named"), [
    (("train", "extra"), "got train"), (("test", "val"), "got test, val"),
    (("train_one", "train_two", "test"), "one part for train, got train_one, train_two")])
def test_parts_that_are_not_a_training_and_a_test_set_are_refused(tmp_path, parts, named):
    for part in parts:
        fill(tmp_path / part, ["a", "b"])
    assert message_of(tmp_path).endswith(named)


@pytest.mark.parametrize("names", [["c"], ["a", "c", "d"], ["a", "b", "c"]])
def test_a_class_that_only_the_test_part_has_is_refused_by_name(tmp_path, names):
    fill(tmp_path / "train", ["a", "b"])
    fill(tmp_path / "test", names)
    assert message_of(tmp_path).endswith("test: expected the classes of train/, got 'c' too")


@pytest.mark.parametrize("names", [
    ("bullet train", "test tube"), ("train", "bus", "car"), ("cat", "dog"), ("trains", "valleys"),
    ("negative test", "positive test"), ("devices", "testimony")])
def test_classes_are_no_parts_because_of_their_names(tmp_path, names):
    data = load_folder(fill(tmp_path, names), 4)
    assert data.class_names == tuple(sorted(names)) and not data.ignored


def test_folders_in_classes_are_no_classes(tmp_path):
    for name in ("cat", "dog"):
        fill(tmp_path / name, ["images"])
    assert load_folder(tmp_path, 4).class_names == ("cat", "dog")
    fill(tmp_path / "dog", ["2024", "2025"])
    assert load_folder(tmp_path, 4).class_counts.tolist() == [3, 10]


def test_test_folders_in_classes_are_no_split_without_a_training_part(tmp_path):
    for name in ("cat", "dog"):
        fill(tmp_path / name, ["test"])
    data = load_folder(tmp_path, 4)
    assert data.class_names == ("cat", "dog") and data.class_counts.tolist() == [3, 3]


def test_a_flat_test_part_is_refused_with_the_way_out(tmp_path):
    fill(tmp_path / "Train", ["a", "b"])
    fill(tmp_path, ["Test"])
    assert message_of(tmp_path) == (
        f"{tmp_path / 'Test'}: expected images of the classes of Train/, got none that can be "
        "read; without it, a fifth of the images of Train/ would be the test set")


def test_links_to_parts_and_classes_are_followed(tmp_path):
    fill(tmp_path / "far" / "one", ["a", "x"])
    fill(tmp_path / "far" / "two", ["b"])
    root = tmp_path / "root"
    fill(root / "train", ["b"])
    (root / "train" / "a").symlink_to(tmp_path / "far" / "one" / "a")
    (root / "test").symlink_to(tmp_path / "far" / "two")
    (tmp_path / "link").symlink_to(root)
    data = load_folder(tmp_path / "link", 4)
    assert (data.class_names, len(data.x_train), len(data.x_test)) == (("a", "b"), 8, 4)
    assert not data.left_out and not data.unreadable


def test_a_folder_is_read_once_and_a_second_way_to_it_is_named(tmp_path):
    fill(tmp_path, ["a", "b"])
    (tmp_path / "a" / "again").symlink_to(tmp_path / "b")
    data = load_folder(tmp_path, 4)
    assert len(data.x_train) + len(data.x_test) == 8
    assert data.left_out == {"a/again/ (leads to b/, too)": 0}
    (tmp_path / "c").symlink_to("a")
    assert message_of(tmp_path) == (
        f"{tmp_path}: expected an image of class 'c', got none: c/ (leads to a/, too)")
