"""The user's functions are found and compared; the tests of networks check the errors."""

import os
import subprocess
import sys
from functools import partial

import numpy as np
import pytest

from deap_lossgp.primitives import PROTECTED
from deap_lossgp.search.fitness import fitness_mode, fitness_of
from deap_lossgp.search.settings import RunSettings
from deap_lossgp.training.results import TrainingResult
from deap_lossgp.user_functions import load_function, source_of

OWN = """
def last_epochs(result):
    return 1.0 - sum(result.accuracies[-2:]) / 2
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "own_fitness.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield
    sys.modules.pop("own_fitness", None)


def result(*accuracies):
    return TrainingResult("digits", 10, "ok", 1.0, accuracies[-1], 0.5, accuracies=accuracies)


def test_a_fitness_of_ones_own_by_name_and_as_a_function(own):
    settings = RunSettings(fitness="own_fitness:last_epochs")
    for mode in (settings.fitness, load_function("own_fitness:last_epochs", "fitness")):
        fitness = fitness_of([result(0.1, 0.8, 0.7)], [result(0.1, 0.5, 0.6)], mode)
        assert fitness == (1.0, pytest.approx(0.2))


def test_a_missing_function_is_refused_with_the_nearest_name(own):
    with pytest.raises(ValueError, match="'last_epoch': did you mean 'last_epochs'"):
        fitness_mode("own_fitness:last_epoch")


def squared(x):
    return x * x


def test_the_packages_own_functions_may_move_to_another_module(monkeypatch):
    before = source_of(load_function)
    assert before[0][0] == "load_function"
    monkeypatch.setattr(load_function, "__module__", "deap_lossgp.elsewhere")
    assert source_of(load_function) == before
    assert source_of(RunSettings)[0][0] == "RunSettings"
    assert "deap_lossgp" not in repr(source_of(PROTECTED["div"]))


def test_the_users_functions_are_told_apart_by_module(monkeypatch):
    before = source_of(squared)
    assert before[0][0] == f"{__name__}.squared"
    monkeypatch.setattr(squared, "__module__", "deap_lossgp_of_mine")
    assert source_of(squared)[0][0] == "deap_lossgp_of_mine.squared"


class Slotted:
    __slots__ = ("width",)

    def __init__(self, width):
        self.width = width

    def __call__(self):
        return self.width


WIDTHS = [32, 64]
LAYER = partial(squared, x=2)
SLOTTED = Slotted(1)


def layers_of():
    return WIDTHS[0]


def named(input_shape, num_classes):
    return [layers_of() for _ in (1, 2)], np.zeros(1), LAYER, SLOTTED


def test_what_a_function_names_of_its_own_module_is_a_part_of_it(monkeypatch):
    before = repr(source_of(named))
    monkeypatch.setattr(sys.modules[__name__], "WIDTHS", [16, 64])
    assert repr(source_of(named)) != before
    monkeypatch.setattr(sys.modules[__name__], "WIDTHS", [32, 64])
    assert repr(source_of(named)) == before
    for name, other in (("layers_of", lambda: 32), ("LAYER", partial(squared, x=3)),
                        ("SLOTTED", Slotted(2))):
        with monkeypatch.context() as patch:
            patch.setattr(sys.modules[__name__], name, other)
            assert repr(source_of(named)) != before
    assert repr(source_of(named)) == before


def test_what_is_not_assigned_yet_is_left_out():
    def network():
        return later()

    source_of(network)
    later = squared


SETS = """
from deap_lossgp.user_functions import source_of

def helper():
    return 1

BLOCKS = {("relu", helper), ("gelu", helper), ("elu", helper)}

def network(input_shape, num_classes):
    return BLOCKS

print(source_of(network))
"""


def test_a_set_is_described_alike_in_every_process(tmp_path):
    (tmp_path / "sets.py").write_text(SETS)
    there = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    texts = {subprocess.run([sys.executable, "sets.py"], cwd=tmp_path, text=True, check=True,
                            capture_output=True, env={**there, "PYTHONHASHSEED": seed}).stdout
             for seed in "1234"}
    assert len(texts) == 1


def test_a_network_of_this_package_is_the_same_in_every_process():
    pytest.importorskip("tensorflow")
    script = ("from deap_lossgp.training.networks import small_cnn\n"
              "from deap_lossgp.user_functions import source_of\n"
              "print(source_of(small_cnn))")
    texts = {subprocess.run([sys.executable, "-c", script], text=True, capture_output=True,
                            check=True, env={**os.environ, "PYTHONHASHSEED": seed,
                                             "PYTHONPATH": os.pathsep.join(sys.path)}).stdout
             for seed in "12"}
    assert len(texts) == 1 and " at 0x" not in texts.pop()


FROM_INPUT = """
from deap_lossgp.user_functions import source_of

def network(input_shape, num_classes):
    make = lambda units: [units, %s] if num_classes in {"a", "b", "c"} else None
    return make(num_classes)

print(source_of(network))
"""


def test_a_function_without_a_source_is_known_by_its_code():
    def printed(number, hash_seed):
        process = subprocess.run([sys.executable, "-"], input=FROM_INPUT % number, text=True,
                                 capture_output=True, check=True,
                                 env={**os.environ, "PYTHONHASHSEED": hash_seed,
                                      "PYTHONPATH": os.pathsep.join(sys.path)})
        return process.stdout

    assert printed(32, "1") == printed(32, "2") != printed(33, "1")
