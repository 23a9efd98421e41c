"""The face of the wing hands on what it names."""

import pytest

from deap_lossgp import surrogate


@pytest.mark.parametrize("name", surrogate.__all__)
def test_every_name_of_the_face_is_there(name):
    assert getattr(surrogate, name) is not None
