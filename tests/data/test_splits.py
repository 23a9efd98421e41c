"""Splits for training, validation and test: stratified, the same for a seed, or refused."""

from functools import partial

import numpy as np
import pytest

from deap_lossgp.data.datasets import load_dataset
from deap_lossgp.data.splits import (
    split_left_over,
    split_others,
    split_test,
    split_validation,
)


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


def refusal(*args, split=split_validation, **kwargs):
    """The message with which a split refuses its arguments."""
    with pytest.raises(ValueError) as caught:
        split(*args, **kwargs)
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


@pytest.mark.parametrize("split", [
    split_validation, partial(split_validation, train_size=60), split_left_over,
    partial(split_left_over, train_size=60), partial(split_left_over, train_size=3)])
def test_a_class_with_a_single_image_is_kept_for_training_and_others_stay_stratified(split):
    y = np.array([0] * 50 + [1] * 49 + [2])
    for seed in range(30):
        train, validation = split(y, seed=seed)
        assert 2 in y[train] and not {*train} & {*validation}
        counts = np.bincount(y[train], minlength=3)
        assert abs(counts[0] - counts[1]) <= 1 and counts[2] == 1


def test_images_drawn_around_those_to_validate_on_have_the_only_one_of_a_class():
    y = np.array([0] * 50 + [1] * 49 + [2])
    for seed in range(10):
        train, _ = split_others(y, np.arange(10), 20, seed)
        assert len(train) == 20 and (y[train] == 2).sum() == 1


# validation on what is left over


@pytest.mark.parametrize(("sizes", "trained", "validated"), [
    ({}, 1293, 144),
    ({"train_size": 1000}, 1000, 437),
    ({"validation_size": 200}, 1237, 200),
    ({"train_size": 300, "validation_size": 100}, 300, 100),
    ({"train_size": 1000, "validation_size": 437}, 1000, 437),
    ({"train_size": 1436}, 1436, 1),
    ({"train_size": 10, "validation_size": 10}, 10, 10),
])
def test_validation_takes_images_that_the_training_leaves_over(digits, sizes, trained, validated):
    train, validation = split_left_over(digits.y_train, **sizes)
    assert (len({*train}), len({*validation})) == (trained, validated)
    assert not {*train} & {*validation}
    assert {*train} | {*validation} <= {*range(1437)}
    for part in (train, validation):
        if len(part) >= 100:
            shares = np.bincount(digits.y_train[part], minlength=10) / len(part)
            assert np.abs(shares - np.bincount(digits.y_train) / 1437).max() < 0.01
    assert {*digits.y_train[train]} == {*range(10)}


def test_at_most_5000_images_validate_unless_more_are_asked_for():
    y = np.arange(60_000) % 10
    assert [len(part) for part in split_left_over(y)] == [55_000, 5000]
    assert [len(part) for part in split_left_over(y, 10_000)] == [10_000, 5000]
    assert [len(part) for part in split_left_over(y, 10_000, 20_000)] == [10_000, 20_000]
    assert [len(part) for part in split_left_over(y, validation_size=20_000)] == [40_000, 20_000]


def test_the_training_images_do_not_depend_on_how_many_validate(digits):
    few, many, all_ = (split_left_over(digits.y_train, 500, size) for size in (50, 400, None))
    for other in (many, all_):
        np.testing.assert_array_equal(few[0], other[0])
    again, another = (split_left_over(digits.y_train, 500, 50, seed=seed) for seed in (42, 7))
    np.testing.assert_array_equal(few[1], again[1])
    assert {*few[0]} != {*another[0]} and {*few[1]} != {*another[1]}


@pytest.mark.parametrize(("sizes", "message"), [
    ({"train_size": 9}, "train_size must be an integer from 10 (one a class) to 1436 (one of all "
                        "images is left over), got 9"),
    ({"train_size": 1437}, "train_size must be an integer from 10 (one a class) to 1436 (one of "
                           "all images is left over), got 1437"),
    ({"train_size": 100.0}, "train_size must be an integer from 10 (one a class) to 1436 (one of "
                            "all images is left over), got 100.0"),
    ({"validation_size": 0}, "validation_size must be an integer from 10 (one a class) to 1436 "
                             "(one of all images is left over), got 0"),
    ({"train_size": 1000, "validation_size": 438},
     "train_size and validation_size must not exceed the 1437 images together, got 1000 and 438"),
])
def test_sizes_that_do_not_fit_are_an_error(digits, sizes, message):
    assert refusal(digits.y_train, split=split_left_over, **sizes) == message


def test_a_class_that_would_not_be_trained_is_an_error():
    y = np.array([0] * 97 + [1] * 2 + [2])
    with pytest.raises(ValueError) as caught:
        split_left_over(y, 3)
    assert str(caught.value) == ("class 1 would have no training image: 2 of the 100 images are of "
                                 "it, and 3 would be trained on, 97 validated on")


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


# around a validation set


@pytest.mark.parametrize("size", [None, 1237, 500])
def test_images_to_train_on_are_drawn_around_those_to_validate_on(digits, size):
    _, kept = split_left_over(digits.y_train, 300, 200)
    train, validation = split_others(digits.y_train, kept, size)
    assert validation is kept and len({*train}) == (size or 1237)
    assert not {*train} & {*kept}
    shares = np.bincount(digits.y_train[train]) / np.bincount(digits.y_train)
    assert np.abs(shares - len(train) / 1437).max() < 0.01
    np.testing.assert_array_equal(train, split_others(digits.y_train, kept, size)[0])


@pytest.mark.parametrize("size", [9, 1238, 500.0])
def test_a_size_that_the_other_images_do_not_have_is_refused(digits, size):
    _, kept = split_left_over(digits.y_train, 300, 200)
    assert refusal(digits.y_train, kept, size, split=split_others) == (
        f"train_size must be an integer from 10 (one a class) to 1237 (all but the 200 for "
        f"validation), got {size}")


def test_a_class_whose_images_are_all_validated_on_is_refused():
    y = np.arange(20) // 10
    assert "class 0 would have no training image" in refusal(y, np.arange(10), split=split_others)


def test_of_several_classes_without_images_one_is_named_with_its_own_number():
    y = np.repeat([0, 1, 2], [3, 7, 10])
    assert refusal(y, np.arange(10), split=split_others).startswith(
        "class 0 would have no training image: 3 of the 20 images are of it, and 10 would be")
