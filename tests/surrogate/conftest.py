"""What the tests of the surrogate share."""

import random

import pytest


@pytest.fixture
def seeded():
    state = random.getstate()
    random.seed(1)
    yield
    random.setstate(state)
