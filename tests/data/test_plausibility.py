"""Arrays that are hardly meant so are refused or mentioned before anything is trained."""

import numpy as np
import pytest

from deap_lossgp.data.datasets import load_dataset
from deap_lossgp.data.images import ImageData

Y = np.arange(40) % 2


def noise(*shape, top=256, seed=0):
    return np.random.default_rng(seed).integers(0, top, (40, *shape)).astype(np.uint8)


def data_of(x, x_test=None):
    return ImageData("mine", x, Y, x if x_test is None else x_test, Y)


def message_of(*arrays):
    with pytest.raises(ValueError) as caught:
        data_of(*arrays)
    return str(caught.value)


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 28, 28), (4, 9, 9), (3, 20, 30)])
def test_channels_first_are_refused_with_the_remedy(shape):
    assert message_of(noise(*shape)) == (
        f"mine: images must have shape (n, h, w, c); {(40, *shape)} looks like (n, c, h, w): use "
        "np.moveaxis(x, 1, -1)")
    assert data_of(np.moveaxis(noise(*shape), 1, -1)).notes() == []


@pytest.mark.parametrize("shape", [(1, 128, 9), (3, 3, 200)])
def test_signals_and_spectra_that_look_like_channels_first_are_mentioned(shape):
    (note,) = data_of(noise(*shape)).notes()
    assert f"with {shape[2]} channels: is {(40, *shape)} meant as (n, h, w, c)?" in note


@pytest.mark.parametrize("shape", [(3, 3, 3), (1, 1, 1), (3, 32, 1), (2, 8, 8), (9, 9, 7), (3, 9)])
def test_other_shapes_are_taken_as_they_are(shape):
    assert data_of(noise(*shape)).notes() == []


@pytest.mark.parametrize("factor", [1 / 255, 255, 0.09, -1 / 16])
def test_a_test_set_on_another_scale_is_refused(factor):
    x = noise(8, 8, 1).astype(np.float32)
    assert "x_train and x_test must be on one scale, got pixels in 0..255 and " in (
        message_of(x, x * factor))


@pytest.mark.parametrize("change", [lambda x: x / 9, lambda x: x * 0, lambda x: 0 * x + 3,
                                    lambda x: x / 99 + 100, lambda x: x * (x > 240)])
def test_darker_test_images_are_none_on_another_scale(change):
    x = noise(8, 8, 1).astype(np.float32)
    assert data_of(x, change(x)).num_classes == 2


def test_images_that_are_nearly_equal_are_mentioned():
    x = noise(8, 8, 3)
    same = np.repeat(x[:1], 40, 0)
    for equal in (same, same // 2 + noise(8, 8, 3, top=3), same * 0, same / np.float32(255)):
        other = x if equal.dtype == np.uint8 else x / np.float32(255)
        assert data_of(equal).notes() == ["mine: all training and all test images are (nearly) "
                                          "equal: there may be nothing to learn"]
        assert data_of(other, equal).notes()[0].startswith("mine: all test images are (nearly)")
    outlier = x.astype(np.float32)
    outlier[0, 0, 0, 0] = 1e6
    assert "(nearly) equal" in data_of(outlier).notes()[0]


def test_images_with_few_white_pixels_are_not_equal():
    assert data_of(255 * (noise(32, 32) == 7).astype(np.uint8)).notes() == []


def test_bytes_of_a_small_range_are_mentioned():
    assert data_of(noise(8, 8, 1, top=17)).notes() == [
        "mine: all pixels lie in 0..16, of 0..255: networks get 0..0.0627. If that is not meant, "
        "give floats, which are scaled by the largest"]
    assert data_of(noise(8, 8, 1, top=17).astype(float)).notes() == []
    assert data_of(noise(8, 8, 1, top=70)).notes() == []


def test_the_data_sets_of_the_package_give_no_notes():
    assert load_dataset("digits").notes() == []
