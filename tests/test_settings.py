"""Settings that are numbers are told from what is none, whatever their class."""

import json
from dataclasses import asdict, fields
from typing import get_type_hints

import numpy as np
import pytest

from deap_lossgp.comparison.settings import ComparisonSettings, ConfirmationSettings
from deap_lossgp.engines.execution import Execution
from deap_lossgp.search.collecting import CollectionSettings
from deap_lossgp.search.settings import RunSettings
from deap_lossgp.training.budget import Budget

CLASSES = (Budget, RunSettings, ComparisonSettings, ConfirmationSettings, CollectionSettings,
           Execution)


def numbers_of(cls, *kinds):
    hints = get_type_hints(cls)
    return [field.name for field in fields(cls) if hints[field.name] in kinds]


@pytest.mark.parametrize("cls", CLASSES)
def test_what_is_no_number_is_refused_by_name(cls):
    single = numbers_of(cls, float, float | None)
    assert len(single) >= 2
    for name in single:
        for wrong in ("a", (1.0,), 1j):
            with pytest.raises(TypeError) as caught:
                cls(**{name: wrong})
            assert str(caught.value) == f"{name} must be a number, got {wrong!r}"


@pytest.mark.parametrize("cls", CLASSES)
def test_what_is_no_integer_is_refused_by_name(cls):
    names = numbers_of(cls, int, int | None)
    assert len(names) >= 2
    for name in names:
        for wrong in ("3", 2.5, np.float32(2)):
            with pytest.raises(TypeError) as caught:
                cls(**{name: wrong})
            assert str(caught.value) == f"{name} must be an integer, got {wrong!r}"
    assert type(cls(**{names[0]: np.int64(4)}).__dict__[names[0]]) is int


@pytest.mark.parametrize("wrong", [("a",), "a", 2.0, (1.0, None), None, [(1.0,)], ("2.0",)])
def test_several_numbers_are_numbers(wrong):
    several = [(cls, name) for cls in CLASSES for name in numbers_of(cls, tuple[float, ...])]
    assert (RunSettings, "rate_factors") in several
    for cls, name in several:
        with pytest.raises(ValueError) as caught:
            cls(**{name: wrong})
        assert str(caught.value) == f"{name} must be numbers, got {wrong!r}"


def test_any_kind_of_number_and_of_sequence_will_do():
    for given in ([1, 2.5], np.array([1.0, 2.5]), iter((np.float32(1), 2.5))):
        assert RunSettings(rate_factors=given).rate_factors == (1.0, 2.5)
    assert RunSettings(rate_factors=()).rate_factors == ()
    assert RunSettings(crossover=1, learning_rate=np.float32(0.5)).crossover == 1


def test_numbers_of_numpy_can_be_written_as_json():
    settings = RunSettings(learning_rate=np.float32(0.5), rate_factors=np.float32([1.0, 2.5]))
    assert '"learning_rate": 0.5' in json.dumps(asdict(settings))
    assert "[1.0, 2.5]" in json.dumps(asdict(settings))


@pytest.mark.parametrize("wrong", [("a", 3), ("3", "4"), (3, None), (1.5, 2.0), object()])
def test_a_size_of_images_is_two_integers(wrong, tmp_path):
    with pytest.raises(ValueError, match="expected image_size N or HxW, from 1 up, got"):
        RunSettings(datasets=(str(tmp_path),), image_size=wrong)
