"""Loops that preselect: many children are made, and those that ``toolbox.preselect`` chooses live.

The problem is one-max, and the choice is by the number of ones, so that it can be checked by eye.
"""

import random

import pytest
from deap import base, tools

from deap_lossgp.algorithms import archive as archive_module
from deap_lossgp.algorithms import (
    eaArchive,
    eaConstants,
    eaRandom,
    eaRegularized,
    eaSampleTournament,
)
from deap_lossgp.constants import constants_of
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.trees import LossTree

LENGTH = 24


class Maximised(base.Fitness):
    weights = (1.0,)


class Bits(list):
    def __init__(self, bits):
        super().__init__(bits)
        self.fitness = Maximised()


def toolbox_of(preselect=None):
    toolbox = base.Toolbox()
    toolbox.register("bit", random.randint, 0, 1)
    toolbox.register("individual", tools.initRepeat, Bits, toolbox.bit, LENGTH)
    toolbox.register("evaluate", lambda bits: (float(sum(bits)),))
    toolbox.register("mate", tools.cxTwoPoint)
    toolbox.register("mutate", tools.mutFlipBit, indpb=0.1)
    if preselect is not None:
        toolbox.register("preselect", preselect)
    return toolbox


def start(toolbox, size=8):
    random.seed(1)
    return [toolbox.individual() for _ in range(size)]


RUNS = {
    "sample-tournament": (3, lambda population, toolbox, ngen: eaSampleTournament(
        population, toolbox, 0.5, 1.0, ngen, verbose=False)),
    "archive": (8, lambda population, toolbox, ngen: eaArchive(
        population, toolbox, 0.5, 1.0, ngen, verbose=False)),
    "regularized": (2, lambda population, toolbox, ngen: eaRegularized(
        population, toolbox, 1.0, ngen, lambda_=2, verbose=False)),
    "random": (5, lambda population, toolbox, ngen: eaRandom(
        population, toolbox, ngen, lambda_=5, verbose=False)),
}
every_algorithm = pytest.mark.parametrize("name", RUNS)


@every_algorithm
def test_20_times_as_many_children_are_made_and_as_many_as_ever_are_evaluated(name):
    calls, (children, run) = [], RUNS[name]

    def preselect(made, k):
        assert not any(bits.fitness.valid for bits in made)
        assert len({id(bits) for bits in made}) == len(made)
        calls.append((len(made), k))
        return made[-k:]

    toolbox = toolbox_of(preselect)
    _, logbook = run(start(toolbox), toolbox, 4)
    assert calls == [(20 * children, children)] * 4
    assert logbook.select("nevals") == [8] + [children] * 4


@every_algorithm
def test_those_that_are_chosen_are_the_ones_that_are_evaluated(name):
    _, run = RUNS[name]
    chosen, evaluated = [], []

    def preselect(made, k):
        chosen.append(sorted(made, key=sum)[-k:])
        return chosen[-1]

    def recording_map(function, individuals):
        evaluated.append(individuals)
        return [function(bits) for bits in individuals]

    toolbox = toolbox_of(preselect)
    toolbox.register("map", recording_map)
    population, _ = run(start(toolbox), toolbox, 5)
    assert evaluated[1:] == chosen
    plain = toolbox_of()
    without, _ = run(start(plain), plain, 5)
    assert max(map(sum, population)) > max(map(sum, without))


@every_algorithm
def test_fewer_children_are_evaluated_where_fewer_are_chosen(name):
    _, run = RUNS[name]
    some = toolbox_of(lambda made, k: made[: k - 1])
    _, logbook = run(start(some), some, 3)
    assert logbook.select("nevals") == [8] + [RUNS[name][0] - 1] * 3
    none = toolbox_of(lambda made, k: [])
    population, logbook = run(start(none), none, 3)
    assert logbook.select("nevals") == [8, 0, 0, 0]
    assert sorted(population) == sorted(start(toolbox_of()))


@every_algorithm
def test_without_the_alias_children_are_made_once(name):
    children, run = RUNS[name]
    toolbox, made = toolbox_of(), []
    toolbox.register("clone", lambda bits: made.append(1) or Bits(bits))
    toolbox.register("individual", lambda: made.append(1) or Bits([1] * LENGTH))
    population = start(toolbox)
    made.clear()
    run(population, toolbox, 1)
    assert len(made) <= 2 * children


def test_the_archive_takes_in_an_eliminated_individual_once(monkeypatch):
    archives, vary = [], archive_module.varArchive

    def recording(population, archive, *rest):
        archives.append([id(bits) for bits in archive])
        return vary(population, archive, *rest)

    monkeypatch.setattr(archive_module, "varArchive", recording)
    toolbox = toolbox_of(lambda made, k: made[:k])
    eaArchive(start(toolbox, 4), toolbox, 0.5, 1.0, 3, archive_size=100, verbose=False)
    assert len(archives) == 3 * 20
    for generation in range(3):
        of_generation = archives[20 * generation:20 * (generation + 1)]
        assert all(ids == of_generation[0] for ids in of_generation)
        assert len(of_generation[0]) == len({*of_generation[0]}) == 4 * generation


def test_cma_es_sees_all_that_it_has_drawn():
    tree = LossTree.from_string("add(y_true, mul(2.0, y_pred))", loss_primitive_set())
    toolbox = base.Toolbox()
    toolbox.register("evaluate", lambda tree: (0.0, -abs(constants_of(tree)[0] - 3.0)))
    logbooks = []
    for _ in range(2):
        random.seed(1)
        logbooks.append(eaConstants(tree, toolbox, 4, lambda_=6, verbose=False)[1])
        toolbox.register("preselect", lambda made, k: made[:1])
    assert logbooks[0] == logbooks[1]
    assert logbooks[0].select("nevals") == [1, 6, 6, 6, 6]
