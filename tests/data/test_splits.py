"""Splits for training, validation and test: stratified, the same for a seed, or refused."""

import numpy as np
import pytest

from deap_lossgp.data.datasets import load_dataset
from deap_lossgp.data.splits import split_test, split_validation


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


def refusal(*args, **kwargs):
    """The message with which ``split_validation`` refuses its arguments."""
    with pytest.raises(ValueError) as caught:
        split_validation(*args, **kwargs)
    message = str(caught.value)
    assert "\n" not in message
    return message


# validation


def test_the_default_split_is_a_tenth_of_every_class(digits):
    train, validation = split_validation(digits.y_train)
    assert len(validation) == 144
    assert sorted([*train, *validation]) == list(range(1437))
    shares = np.bincount(digits.y_train[validation]) / np.bincount(digits.y_train)
    assert np.abs(shares - 0.1).max() < 0.01


def test_the_default_split_is_scikit_learns_own(digits):
    from sklearn.model_selection import train_test_split

    ours = split_validation(digits.y_train)
    theirs = train_test_split(
        np.arange(1437), test_size=0.1, random_state=42, stratify=digits.y_train
    )
    np.testing.assert_array_equal(ours[0], theirs[0])
    np.testing.assert_array_equal(ours[1], theirs[1])


def test_train_size_counts_validation_images_too():
    y = np.arange(60_000) % 10
    train, validation = split_validation(y, train_size=10_000)
    assert (len(train), len(validation)) == (9_000, 1_000)
    assert not set(train) & set(validation)
    assert list(np.bincount(y[train])) == [900] * 10
    assert list(np.bincount(y[validation])) == [100] * 10


def test_the_seed_decides_the_split(digits):
    for size in (None, 500):
        one, again, other = (
            split_validation(digits.y_train, seed=seed, train_size=size) for seed in (1, 1, 2)
        )
        np.testing.assert_array_equal(one[0], again[0])
        np.testing.assert_array_equal(one[1], again[1])
        assert set(one[1]) != set(other[1])


@pytest.mark.parametrize("train_size", [40, 41, 99, 1435, 1436, 1437])
def test_sizes_that_cannot_be_stratified_are_split_all_the_same(digits, train_size):
    train, validation = split_validation(digits.y_train, train_size=train_size)
    assert len(train) + len(validation) == train_size
    assert len(validation) == round(0.1 * train_size)
    assert set(digits.y_train[train]) == set(range(10))


def test_a_class_with_a_single_image_is_kept_for_training_or_refused():
    y = np.array([0] * 50 + [1] * 49 + [2])
    outcomes = set()
    for seed in range(30):
        try:
            train, _ = split_validation(y, seed=seed)
        except ValueError as error:
            outcomes.add(str(error))
        else:
            assert 2 in y[train]
            outcomes.add("kept")
    assert outcomes == {
        "kept",
        "class 2 would have no training image: 1 of the 100 images are of it, and 90 would be "
        "trained on, 10 validated on",
    }


# test sets


def test_a_fifth_of_every_class_is_for_the_test_the_same_every_time(digits):
    train, test = split_test(digits.y_train)
    assert sorted([*train, *test]) == list(range(1437))
    shares = np.bincount(digits.y_train[test]) / np.bincount(digits.y_train)
    assert np.abs(shares - 0.2).max() < 0.01
    for ours, again in zip((train, test), split_test(digits.y_train), strict=True):
        np.testing.assert_array_equal(ours, again)


def test_every_class_keeps_a_training_image_however_few_there_are():
    rng = np.random.default_rng(0)
    for _ in range(300):
        counts = np.maximum(1, rng.geometric(0.2, rng.integers(2, 9)))
        counts[0] = max(2, counts[0])
        y = rng.permutation(np.repeat(np.arange(len(counts)), counts))
        train, test = split_test(y)
        assert sorted([*train, *test]) == list(range(len(y)))
        assert len(test) and set(y[train]) == set(range(len(counts)))


def test_a_class_keeps_its_share_of_the_test_beside_one_ten_times_as_large():
    y = np.repeat([0, 1, 2], [100, 30, 10])
    assert np.bincount(y[split_test(y)[1]]).tolist() == [20, 6, 2]


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5, float("nan")])
def test_a_share_outside_zero_to_one_is_an_error(digits, share):
    message = refusal(digits.y_train, validation_share=share)
    assert message == (
        f"validation_share must lie between 0 and 1, both excluded, got {share!r}"
    )


@pytest.mark.parametrize("train_size", [19, 1438, 0, -5, 100.0, "100", True])
def test_a_train_size_out_of_range_is_an_error(digits, train_size):
    assert refusal(digits.y_train, train_size=train_size) == (
        "train_size must be an integer from 20 (two a class) to 1437 (all images), "
        f"got {train_size!r}"
    )


def test_a_share_that_leaves_one_side_empty_is_an_error(digits):
    y = digits.y_train
    assert refusal(y, validation_share=0.01, train_size=20) == (
        "validation_share=0.01 gives 0 of 20 images to validation"
    )
    assert refusal(y, validation_share=0.999, train_size=20) == (
        "validation_share=0.999 gives 20 of 20 images to validation"
    )


def test_a_share_that_leaves_a_class_without_training_image_is_an_error(digits):
    message = refusal(digits.y_train, validation_share=0.75, train_size=20)
    assert message.startswith("class ")
    assert "would have no training image" in message
    assert message.endswith("images are of it, and 5 would be trained on, 15 validated on")
