"""What an exported file says of its loss."""

import math

import pytest

from deap_lossgp.export.about import filled, finite_number
from deap_lossgp.export.python_code import python_float


def test_a_paragraph_is_broken_between_words_and_goes_on_indented():
    words = ["cross-entropy", "of", "well-known", "losses"] * 20
    first, *others = filled(" ".join(words)).splitlines()
    assert len(others) > 5 and not first.startswith(" ")
    assert all(line.startswith("    ") and line[4] != " " for line in others)
    assert {*" ".join([first, *others]).split()} == {*words}
    assert max(map(len, [first, *others])) <= 100


@pytest.mark.parametrize(("value", "number"), [
    (1, 1.0), (-2.5, -2.5), (1e299, 1e299), (True, None), ("1", None), (None, None), ([1], None),
    (math.nan, None), (math.inf, None), (-1e301, None)])
def test_only_finite_numbers_are_taken_from_a_file(value, number):
    assert finite_number(value) == number


@pytest.mark.parametrize(("value", "text"), [
    (3.4028234663852886e38, "3.4028234663852886e38"), (3.5e38, 'float("inf")'),
    (-3.5e38, '-float("inf")'), (-0.0, "0.0"), (math.nan, 'float("nan")'), (0.5, "0.5")])
def test_a_number_is_written_as_float32_holds_it(value, text):
    assert python_float(value) == text
