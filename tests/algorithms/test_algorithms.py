"""Sample tournament, archive and random search: the published draws, and promises to users."""

import ast
import itertools
import math
import multiprocessing
import operator
import os
import random
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from deap import algorithms as deap_algorithms
from deap import base, gp, tools

from deap_lossgp.algorithms import archive as archive_module
from deap_lossgp.algorithms import loop as loop_module
from deap_lossgp.algorithms.archive import eaArchive, varArchive
from deap_lossgp.algorithms.random_search import eaRandom
from deap_lossgp.algorithms.sample_tournament import eaSampleTournament, varSampleTournament

SIZES = (1, 2, 3, 4, 8, 10, 20)
LENGTH = 24


class Maximised(base.Fitness):
    weights = (1.0,)


class Minimised(base.Fitness):
    weights = (-1.0,)


class Mixed(base.Fitness):
    weights = (1.0, -1.0)


class Bits(list):
    fitness_class = Maximised

    def __init__(self, bits):
        super().__init__(bits)
        self.fitness = self.fitness_class()


class MinimisedBits(Bits):
    fitness_class = Minimised


class MixedBits(Bits):
    fitness_class = Mixed


class Named(Bits):
    """All genes are equal, so that only the name tells who took part."""

    def __init__(self, name, value=None):
        super().__init__([0])
        self.name = name
        if value is not None:
            self.fitness.values = (value,)


class Tree(gp.PrimitiveTree):
    def __init__(self, nodes):
        super().__init__(nodes)
        self.fitness = Minimised()


def count_ones(bits):
    return (float(sum(bits)),)


def onemax_toolbox(evaluate=count_ones, cls=Bits, length=LENGTH):
    toolbox = base.Toolbox()
    toolbox.register("bit", random.randint, 0, 1)
    toolbox.register("individual", tools.initRepeat, cls, toolbox.bit, length)
    toolbox.register("evaluate", evaluate)
    toolbox.register("mate", tools.cxTwoPoint)
    toolbox.register("mutate", tools.mutFlipBit, indpb=0.1)
    return toolbox


def protected_div(left, right):
    return np.where(right == 0, 1.0, left / np.where(right == 0, 1.0, right))


def regression_toolbox():
    pset = gp.PrimitiveSet("quartic", 1)
    for function in np.add, np.subtract, np.multiply, protected_div:
        pset.addPrimitive(function, 2, name=function.__name__)
    pset.addEphemeralConstant("constant", partial(random.randint, -1, 1))
    x = np.linspace(-1, 1, 21)
    target = x**4 + x**3 + x**2 + x

    def squared_error(tree):
        with np.errstate(all="ignore"):
            return (float(np.mean((gp.compile(tree, pset)(x) - target) ** 2)),)

    toolbox = base.Toolbox()
    toolbox.register("expr", gp.genHalfAndHalf, pset=pset, min_=1, max_=2)
    toolbox.register("individual", tools.initIterate, Tree, toolbox.expr)
    toolbox.register("evaluate", squared_error)
    toolbox.register("mate", gp.cxOnePoint)
    toolbox.register("subtree", gp.genFull, min_=0, max_=2)
    toolbox.register("mutate", gp.mutUniform, expr=toolbox.subtree, pset=pset)
    for alias in "mate", "mutate":
        toolbox.decorate(alias, gp.staticLimit(operator.attrgetter("height"), max_value=17))
    return toolbox


def recording_toolbox():
    """A toolbox for Named individuals, and the pairs of names that mated."""
    pairs, fresh, children = [], itertools.count(), itertools.count()

    def mate(first, second):
        pairs.append((first.name, second.name))
        first.name = f"child {next(children)}"
        return first, second

    toolbox = base.Toolbox()
    toolbox.register("individual", lambda: Named(f"fresh {next(fresh)}"))
    toolbox.register("mate", mate)
    toolbox.register("mutate", lambda individual: (individual,))
    return toolbox, pairs


def named_population(size):
    """Named individuals whose fitness rises with their number."""
    return [Named(str(i), float(i)) for i in range(size)]


def individuals(toolbox, size, seed=1):
    random.seed(seed)
    return [toolbox.individual() for _ in range(size)]


def run_tournament(population, toolbox, ngen, **options):
    return eaSampleTournament(population, toolbox, 0.5, 0.5, ngen, verbose=False, **options)


def run_archive(population, toolbox, ngen, **options):
    return eaArchive(population, toolbox, 0.5, 0.5, ngen, verbose=False, **options)


def run_random(population, toolbox, ngen, **options):
    return eaRandom(population, toolbox, ngen, verbose=False, **options)


EVOLVING = (run_tournament, run_archive)
LOOPS = (*EVOLVING, run_random)

# P, then floor(3P/4) and half of that, worked out by hand and at least 1.
TOURNAMENT_SIZES = [
    (1, 1, 1),
    (2, 1, 1),
    (3, 2, 1),
    (4, 3, 1),
    (8, 6, 3),
    (10, 7, 3),
    (20, 15, 7),
]


# --- how much is evaluated --------------------------------------------------------------------


def counting_toolbox():
    calls = []

    def evaluate(bits):
        calls.append(list(bits))
        return count_ones(bits)

    return onemax_toolbox(evaluate), calls


@pytest.mark.parametrize(("size", "_sample_size", "nparents"), TOURNAMENT_SIZES)
@pytest.mark.parametrize("run", [run_tournament, run_random])
def test_nevals_is_p_and_then_n_in_each_generation(run, size, _sample_size, nparents):
    toolbox, calls = counting_toolbox()
    _, logbook = run(individuals(toolbox, size), toolbox, 5)
    assert logbook.select("gen") == [0, 1, 2, 3, 4, 5]
    assert logbook.select("nevals") == [size] + 5 * [nparents]
    assert len(calls) == size + 5 * nparents


@pytest.mark.parametrize("size", SIZES)
def test_archive_nevals_is_p_in_every_generation(size):
    toolbox, calls = counting_toolbox()
    _, logbook = run_archive(individuals(toolbox, size), toolbox, 5)
    assert logbook.select("nevals") == 6 * [size]
    assert len(calls) == 6 * size


def test_thesis_large_scale_asks_for_44_evaluations_instead_of_104():
    toolbox = onemax_toolbox()
    totals = [
        sum(run(individuals(toolbox, 8), toolbox, 12)[1].select("nevals")) for run in EVOLVING
    ]
    assert totals == [44, 104]


def test_given_sizes_replace_the_defaults():
    toolbox, calls = counting_toolbox()
    run_tournament(individuals(toolbox, 8), toolbox, 3, sample_size=8, nparents=8)
    assert len(calls) == 8 + 3 * 8
    calls.clear()
    run_tournament(individuals(toolbox, 8), toolbox, 3, sample_size=4)
    assert len(calls) == 8 + 3 * 2
    calls.clear()
    run_random(individuals(toolbox, 8), toolbox, 3, lambda_=20)
    assert len(calls) == 8 + 3 * 20


@pytest.mark.parametrize("run", LOOPS)
def test_individuals_valid_at_the_start_are_not_evaluated_again(run):
    toolbox, calls = counting_toolbox()
    population = individuals(toolbox, 8)
    for individual in population[:5]:
        individual.fitness.values = count_ones(individual)
    _, logbook = run(population, toolbox, 0)
    assert logbook.select("nevals") == [3]
    assert len(calls) == 3


@pytest.mark.parametrize("run", LOOPS)
def test_zero_generations_only_evaluate(run):
    toolbox = onemax_toolbox()
    population = individuals(toolbox, 6)
    before = [list(bits) for bits in population]
    final, logbook = run(population, toolbox, 0)
    assert [list(bits) for bits in final] == before
    assert len(logbook) == 1


# --- who is drawn, who mates ------------------------------------------------------------------


@pytest.mark.parametrize(("size", "sample_size", "nparents"), TOURNAMENT_SIZES)
def test_default_sample_and_parents(monkeypatch, size, sample_size, nparents):
    drawn, sample = [], random.sample

    def recording_sample(population, k):
        drawn.append(sample(population, k))
        return drawn[-1]

    monkeypatch.setattr(random, "sample", recording_sample)
    toolbox, pairs = recording_toolbox()
    random.seed(1)
    varSampleTournament(named_population(size), toolbox, 0.5, 1)
    names = [individual.name for individual in drawn[0]]
    assert len(names) == len({*names}) == sample_size
    best = sorted(names, key=int, reverse=True)[:nparents]
    assert [name for name, _ in pairs] == best


def test_every_individual_can_be_drawn():
    toolbox, pairs = recording_toolbox()
    random.seed(1)
    for _ in range(200):
        varSampleTournament(named_population(8), toolbox, 0, 0, sample_size=1)
    assert {name for name, _ in pairs} == {str(i) for i in range(8)}


def test_cxpb_1_mates_every_parent_with_another_parent():
    toolbox, pairs = recording_toolbox()
    random.seed(1)
    for _ in range(100):
        varSampleTournament(named_population(9), toolbox, 1, 0, sample_size=9, nparents=4)
    assert {*pairs} == {*itertools.permutations("8765", 2)}
    assert [name for name, _ in pairs[:4]] == ["8", "7", "6", "5"]


def test_cxpb_0_mates_every_parent_with_a_fresh_individual():
    toolbox, pairs = recording_toolbox()
    random.seed(1)
    for _ in range(10):
        varSampleTournament(named_population(9), toolbox, 0, 0, sample_size=9, nparents=4)
    assert [partner for _, partner in pairs] == [f"fresh {i}" for i in range(40)]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_single_parent_mates_with_a_fresh_individual(size):
    toolbox, pairs = recording_toolbox()
    random.seed(1)
    for _ in range(10):
        varSampleTournament(named_population(size), toolbox, 1, 0)
    assert [partner for _, partner in pairs] == [f"fresh {i}" for i in range(10)]


def test_cxpb_is_the_share_of_partners_from_among_the_parents():
    toolbox, pairs = recording_toolbox()
    random.seed(1)
    for _ in range(500):
        varSampleTournament(named_population(8), toolbox, 0.3, 0, sample_size=8, nparents=8)
    share = sum(not partner.startswith("fresh") for _, partner in pairs) / len(pairs)
    assert share == pytest.approx(0.3, abs=0.03)


@pytest.mark.parametrize("vary", ["tournament", "archive"])
def test_mutpb_is_the_share_of_mutated_children(vary):
    toolbox, _ = recording_toolbox()
    mutated = []
    toolbox.register("mutate", lambda individual: (mutated.append(individual) or individual,))
    for mutpb in 0, 0.3, 1:
        mutated.clear()
        random.seed(1)
        children = []
        for _ in range(500):
            if vary == "tournament":
                children += varSampleTournament(named_population(8), toolbox, 0.5, mutpb, 8, 8)
            else:
                children += varArchive(named_population(8), [], toolbox, 0.5, mutpb)
        assert len(children) == 4000
        assert len(mutated) / 4000 == pytest.approx(mutpb, abs=0.03 if 0 < mutpb < 1 else 0)


def test_the_child_is_what_mate_returns_first_and_mutate_returns():
    toolbox, _ = recording_toolbox()
    toolbox.register("mate", lambda first, second: (Named("mated", 1.0), second))
    assert [child.name for child in varArchive(named_population(2), [], toolbox, 1, 0)] == [
        "mated",
        "mated",
    ]
    toolbox.register("mutate", lambda individual: (Named(individual.name + ", mutated", 1.0),))
    children = varSampleTournament(named_population(8), toolbox, 0.5, 1)
    assert [child.name for child in children] == 3 * ["mated, mutated"]
    assert not any(child.fitness.valid for child in children)


def algorithm_1(population, toolbox, cxpb, mutpb, ngen):
    """The thesis's pseudocode line by line: one child at a time, evaluated where it is made."""
    size = len(population)
    for individual in population:
        individual.fitness.values = toolbox.evaluate(individual)
    for _ in range(ngen):
        sample = random.sample(population, size * 3 // 4)
        chosen = sorted(sample, key=lambda individual: individual.fitness.values, reverse=True)
        chosen = chosen[: len(sample) // 2]
        for individual in chosen:
            others = [other for other in chosen if other is not individual]
            if random.random() < cxpb and others:  # Line 10 cannot be done with a single parent.
                partner = random.choice(others)
            else:
                partner = toolbox.individual()
            child, _ = toolbox.mate(toolbox.clone(individual), toolbox.clone(partner))
            if random.random() < mutpb:
                (child,) = toolbox.mutate(child)
            child.fitness.values = toolbox.evaluate(child)
            population.append(child)
        population.sort(key=lambda individual: individual.fitness.values, reverse=True)
        del population[size:]
    return population


@pytest.mark.parametrize("size", [3, 8, 12])
@pytest.mark.parametrize("seed", range(5))
def test_sample_tournament_is_algorithm_1_draw_by_draw(seed, size):
    toolbox = onemax_toolbox()
    expected = algorithm_1(individuals(toolbox, size, seed), toolbox, 0.5, 0.4, 10)
    after_expected = random.random()
    population = individuals(toolbox, size, seed)
    final, _ = eaSampleTournament(population, toolbox, 0.5, 0.4, 10, verbose=False)
    assert [list(bits) for bits in final] == [list(bits) for bits in expected]
    assert random.random() == after_expected


def test_archive_mates_every_individual_once():
    toolbox, pairs = recording_toolbox()
    varArchive(named_population(5), [Named("old")], toolbox, 0.5, 0)
    assert [name for name, _ in pairs] == ["0", "1", "2", "3", "4"]


def test_archive_with_cxpb_1_mates_within_the_population():
    toolbox, pairs = recording_toolbox()
    random.seed(1)
    for _ in range(100):
        varArchive(named_population(4), [Named("old")], toolbox, 1, 0)
    assert {*pairs} == {*itertools.permutations("0123", 2)}


def test_archive_with_cxpb_0_mates_with_the_archive():
    toolbox, pairs = recording_toolbox()
    random.seed(1)
    archive = [Named("old"), Named("older")]
    for _ in range(20):
        varArchive(named_population(4), archive, toolbox, 0, 0)
    assert {*pairs} == {*itertools.product("0123", ("old", "older"))}


def test_archive_cxpb_is_the_share_of_partners_from_the_population():
    toolbox, pairs = recording_toolbox()
    random.seed(1)
    for _ in range(500):
        varArchive(named_population(8), [Named("old")], toolbox, 0.3, 0)
    share = sum(partner != "old" for _, partner in pairs) / len(pairs)
    assert share == pytest.approx(0.3, abs=0.03)


@pytest.mark.parametrize("cxpb", [0, 1])
def test_archive_falls_back_where_one_side_is_empty(cxpb):
    toolbox, pairs = recording_toolbox()
    varArchive(named_population(2), [], toolbox, cxpb, 0)
    assert pairs == [("0", "1"), ("1", "0")]
    pairs.clear()
    varArchive(named_population(1), [Named("old")], toolbox, cxpb, 0)
    assert pairs == [("0", "old")]
    pairs.clear()
    varArchive(named_population(1), [], toolbox, cxpb, 0)
    assert pairs == [("0", "fresh 0")]


def record_archives(monkeypatch):
    """The names in the archive at the start of each generation of eaArchive."""
    archives = []

    def recording(population, archive, *arguments):
        archives.append([individual.name for individual in archive])
        return varArchive(population, archive, *arguments)

    monkeypatch.setattr(archive_module, "varArchive", recording)
    return archives


def test_archive_fills_with_the_eliminated_and_keeps_to_its_size(monkeypatch):
    archives = record_archives(monkeypatch)
    toolbox, _ = recording_toolbox()
    # Every child is worse than every parent, so each generation eliminates its four children.
    toolbox.register("evaluate", lambda individual: (-1.0,))
    random.seed(1)
    eaArchive(named_population(4), toolbox, 0.5, 0, 6, archive_size=6, verbose=False)
    children = [f"child {i}" for i in range(24)]
    assert archives[:2] == [[], children[:4]]
    assert [len(names) for names in archives] == [0, 4, 6, 6, 6, 6]
    assert all({*names} < {*children} for names in archives)


def test_archive_holds_p_by_default_and_replaces_at_random(monkeypatch):
    archives = record_archives(monkeypatch)
    toolbox, _ = recording_toolbox()
    toolbox.register("evaluate", lambda individual: (-1.0,))
    random.seed(1)
    eaArchive(named_population(8), toolbox, 0.5, 0, 40, verbose=False)
    assert [len(names) for names in archives] == [0] + 39 * [8]
    # Uniform replacement mixes ages: the oldest giving way would leave only the newest, the
    # newest giving way only the oldest.
    ages = [
        gen - 1 - int(name.split()[1]) // 8
        for gen, names in enumerate(archives[1:], start=1)
        for name in names
    ]
    assert min(ages) == 0
    assert 2 <= max(ages) < 20
    assert len({*ages}) > 2


def test_archive_replace_chooses_the_place(monkeypatch):
    archives = record_archives(monkeypatch)
    toolbox, _ = recording_toolbox()
    toolbox.register("evaluate", lambda individual: (-1.0,))
    sizes = []
    eaArchive(
        named_population(4),
        toolbox,
        0.5,
        0,
        3,
        archive_size=3,
        replace=lambda size: sizes.append(size) or 2,
        verbose=False,
    )
    assert archives[2] == ["child 0", "child 1", "child 7"]
    assert sizes == 5 * [3]


def test_archive_receives_parents_that_better_children_push_out(monkeypatch):
    archives = record_archives(monkeypatch)
    toolbox, _ = recording_toolbox()
    toolbox.register("evaluate", lambda individual: (10.0,))
    final, _ = eaArchive(named_population(3), toolbox, 0.5, 0, 2, verbose=False)
    assert archives == [[], ["2", "1", "0"]]
    assert [individual.name for individual in final] == ["child 0", "child 1", "child 2"]


# --- who survives -----------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("run", LOOPS)
def test_population_keeps_its_size_and_its_best(run, size):
    toolbox = onemax_toolbox()
    population = individuals(toolbox, size)
    stats = tools.Statistics(lambda individual: individual.fitness.values[0])
    stats.register("all", sorted)
    final, logbook = run(population, toolbox, 8, stats=stats)
    assert final is population
    everybody = logbook.select("all")
    assert [len(values) for values in everybody] == 9 * [size]
    for before, after in itertools.pairwise(everybody):
        # The k-th best never gets worse, of which the best is the last.
        assert all(new >= old for old, new in zip(before, after, strict=True))
    assert all(individual.fitness.values == count_ones(individual) for individual in final)


@pytest.mark.parametrize("run", LOOPS)
def test_survivors_are_the_best_of_all_that_was_ever_evaluated(run):
    toolbox, calls = counting_toolbox()
    final, _ = run(individuals(toolbox, 6), toolbox, 10)
    expected = sorted((sum(bits) for bits in calls), reverse=True)[:6]
    assert [sum(bits) for bits in final] == expected


@pytest.mark.parametrize("run", LOOPS)
def test_the_older_survives_a_tie(run):
    toolbox = onemax_toolbox(lambda bits: (1.0,))
    population = individuals(toolbox, 6)
    before = [*population]
    final, _ = run(population, toolbox, 5)
    assert all(new is old for new, old in zip(final, before, strict=True))


@pytest.mark.parametrize("run", LOOPS)
def test_halloffame_holds_the_best_ever_evaluated(run):
    toolbox, calls = counting_toolbox()
    halloffame = tools.HallOfFame(3)
    final, _ = run(individuals(toolbox, 6), toolbox, 10, halloffame=halloffame)
    distinct = {tuple(bits) for bits in calls}
    assert [sum(bits) for bits in halloffame] == sorted(map(sum, distinct), reverse=True)[:3]


@pytest.mark.parametrize("run", LOOPS)
def test_minimised_fitness_is_minimised(run):
    toolbox, calls = counting_toolbox()
    toolbox.register("individual", tools.initRepeat, MinimisedBits, toolbox.bit, LENGTH)
    final, _ = run(individuals(toolbox, 6), toolbox, 10)
    assert [sum(bits) for bits in final] == sorted(sum(bits) for bits in calls)[:6]


@pytest.mark.parametrize("cls", [Bits, MinimisedBits])
@pytest.mark.parametrize("run", LOOPS)
def test_nan_never_survives_a_number(run, cls):
    numbers = []

    def nan_for_half(bits):
        if bits[0]:
            return (math.nan,)
        numbers.append(float(sum(bits)))
        return (numbers[-1],)

    toolbox = onemax_toolbox(nan_for_half, cls)
    halloffame = tools.HallOfFame(1)
    final, _ = run(individuals(toolbox, 8), toolbox, 12, halloffame=halloffame)
    best = sorted(numbers, reverse=cls is Bits)[:8]
    assert [individual.fitness.values[0] for individual in final] == best
    assert halloffame[0].fitness.values[0] == best[0]


@pytest.mark.parametrize("run", LOOPS)
def test_nan_becomes_the_worst_value_of_its_own_objective(run):
    toolbox = onemax_toolbox(lambda bits: (math.nan, math.nan), MixedBits)
    final, _ = run(individuals(toolbox, 4), toolbox, 2)
    assert [bits.fitness.values for bits in final] == 4 * [(-math.inf, math.inf)]
    toolbox.register("evaluate", lambda bits: (float(sum(bits)), math.nan))
    final, _ = run(individuals(toolbox, 4), toolbox, 2)
    assert [bits.fitness.values for bits in final] == [(sum(bits), math.inf) for bits in final]


@pytest.mark.parametrize("run", LOOPS)
def test_nan_in_the_initial_population_does_not_survive_either(run):
    toolbox = onemax_toolbox()
    population = individuals(toolbox, 4)
    for individual in population:
        individual.fitness.values = (math.nan,)
    final, _ = run(population, toolbox, 12)
    assert all(bits.fitness.values == count_ones(bits) for bits in final)


# --- what is left alone -----------------------------------------------------------------------


def overwrite_both(first, second):
    first[:], second[:] = [7] * LENGTH, [8] * LENGTH
    first.fitness.values = second.fitness.values = (99.0,)
    return first, second


def overwrite(individual):
    individual[:] = [9] * LENGTH
    individual.fitness.values = (99.0,)
    return (individual,)


@pytest.mark.parametrize("cxpb", [0, 0.5, 1])
@pytest.mark.parametrize("mutpb", [0, 1])
def test_parents_partners_and_archive_are_not_changed(cxpb, mutpb):
    toolbox = onemax_toolbox()
    toolbox.register("mate", overwrite_both)
    toolbox.register("mutate", overwrite)
    population, archive = individuals(toolbox, 8), individuals(toolbox, 3, seed=2)
    olds = population + archive
    for individual in olds:
        individual.fitness.values = count_ones(individual)
    before = [(list(individual), individual.fitness.values) for individual in olds]
    children = varSampleTournament(population, toolbox, cxpb, mutpb, 8, 8)
    children += varArchive(population, archive, toolbox, cxpb, mutpb)
    assert [(list(individual), individual.fitness.values) for individual in olds] == before
    assert [*map(id, population + archive)] == [*map(id, olds)]
    assert len({*map(id, olds + children)}) == len(olds) + len(children)
    assert len({id(each.fitness) for each in olds + children}) == len(olds) + len(children)
    assert not any(child.fitness.valid for child in children)


@pytest.mark.parametrize("run", LOOPS)
def test_survivors_do_not_share_an_object(run):
    toolbox = onemax_toolbox()
    final, _ = run(individuals(toolbox, 10), toolbox, 30)
    assert len({*map(id, final)}) == 10
    assert len({id(individual.fitness) for individual in final}) == 10


def test_equal_and_even_identical_individuals_may_mate():
    toolbox = onemax_toolbox()
    same = toolbox.individual()
    final, logbook = run_tournament([same] * 8, toolbox, 3)
    assert logbook.select("nevals") == [8, 3, 3, 3]
    final, logbook = run_archive([same] * 8, toolbox, 3)
    assert logbook.select("nevals")[1:] == [8, 8, 8]


# --- drop-in ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("run", EVOLVING)
def test_onemax_is_solved_with_deaps_operators(run, seed):
    toolbox = onemax_toolbox()
    final, logbook = run(individuals(toolbox, 40, seed), toolbox, 60)
    assert sum(final[0]) == LENGTH
    control, _ = run_random(
        individuals(toolbox, 40, seed), toolbox, 60, lambda_=logbook[1]["nevals"]
    )
    assert sum(control[0]) < LENGTH


@pytest.mark.parametrize("ea", [eaSampleTournament, eaArchive])
def test_symbolic_regression_is_solved_with_deaps_trees(ea):
    toolbox = regression_toolbox()
    final, _ = ea(individuals(toolbox, 100), toolbox, 0.9, 0.3, 60, verbose=False)
    assert final[0].fitness.values[0] < 1e-12
    assert isinstance(final[0], Tree)


@pytest.mark.parametrize("run", LOOPS)
def test_deaps_loop_goes_on_where_ours_stopped_and_back(run):
    toolbox = onemax_toolbox()
    toolbox.register("select", tools.selTournament, tournsize=3)
    population, _ = run(individuals(toolbox, 20), toolbox, 3)
    population, logbook = deap_algorithms.eaSimple(population, toolbox, 0.5, 0.2, 3, verbose=False)
    assert logbook[0]["nevals"] == 0
    _, logbook = run(population, toolbox, 3)
    assert logbook[0]["nevals"] == 0


@pytest.mark.parametrize(
    ("run", "aliases"),
    [
        (run_tournament, {"individual", "evaluate", "mate", "mutate", "clone", "map"}),
        # A fresh individual serves only where there is no partner at all.
        (run_archive, {"evaluate", "mate", "mutate", "clone", "map"}),
        (run_random, {"individual", "evaluate", "map"}),
    ],
)
def test_only_the_named_aliases_are_used(run, aliases):
    whole, used = onemax_toolbox(), []

    class Toolbox:
        def __getattr__(self, alias):
            used.append(alias)
            return getattr(whole, alias)

    run(individuals(whole, 8), Toolbox(), 5)
    assert {*used} == aliases | {"preselect", "stop"}, "which there are not"


@pytest.mark.parametrize("run", LOOPS)
def test_everything_is_evaluated_through_map_in_one_call_per_generation(run):
    toolbox = onemax_toolbox()
    batches = []

    def recording_map(function, items):
        assert function is toolbox.evaluate
        batches.append(len(items))
        return [function(item) for item in items]

    toolbox.register("map", recording_map)
    _, logbook = run(individuals(toolbox, 8), toolbox, 4)
    assert batches == logbook.select("nevals")


def test_a_process_pool_can_be_the_map():
    toolbox = onemax_toolbox()
    expected, _ = run_tournament(individuals(toolbox, 8), toolbox, 3)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        toolbox.register("map", pool.map)
        final, _ = run_tournament(individuals(toolbox, 8), toolbox, 3)
    assert final == expected


@pytest.mark.parametrize("run", LOOPS)
def test_a_map_that_loses_results_is_an_error(run):
    toolbox = onemax_toolbox()
    toolbox.register("map", lambda function, items: [function(item) for item in items[1:]])
    with pytest.raises(ValueError, match="shorter"):
        run(individuals(toolbox, 4), toolbox, 1)


def test_logbook_has_eaSimples_header_and_the_statistics():
    toolbox = onemax_toolbox()
    stats = tools.Statistics(lambda individual: individual.fitness.values)
    stats.register("avg", np.mean)
    stats.register("max", np.max)
    for run in LOOPS:
        _, logbook = run(individuals(toolbox, 8), toolbox, 2)
        assert logbook.header == ["gen", "nevals"]
        final, logbook = run(individuals(toolbox, 8), toolbox, 2, stats=stats)
        assert logbook.header == ["gen", "nevals", "avg", "max"]
        assert logbook[-1]["avg"] == np.mean([sum(bits) for bits in final])
        assert logbook[-1]["max"] == sum(final[0])


@pytest.mark.parametrize("run", LOOPS)
def test_multistatistics_become_chapters(run):
    toolbox = onemax_toolbox()
    stats = tools.MultiStatistics(
        fitness=tools.Statistics(lambda individual: individual.fitness.values[0]),
        size=tools.Statistics(len),
    )
    stats.register("max", max)
    final, logbook = run(individuals(toolbox, 8), toolbox, 3, stats=stats)
    assert logbook.header == ["gen", "nevals", "fitness", "size"]
    assert logbook.chapters["fitness"].select("max")[-1] == sum(final[0])
    assert logbook.chapters["size"].select("max") == 4 * [LENGTH]


@pytest.mark.parametrize(
    "call",
    [
        lambda population, toolbox, **options: eaSampleTournament(
            population, toolbox, 0.5, 0.5, 2, **options
        ),
        lambda population, toolbox, **options: eaArchive(
            population, toolbox, 0.5, 0.5, 2, **options
        ),
        lambda population, toolbox, **options: eaRandom(population, toolbox, 2, **options),
    ],
)
def test_verbose_prints_one_line_per_generation_and_quiet_none(call, capsys):
    toolbox = onemax_toolbox()
    call(individuals(toolbox, 8), toolbox, verbose=True)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["gen", "nevals"]
    assert [line.split()[0] for line in lines[1:]] == ["0", "1", "2"]
    call(individuals(toolbox, 8), toolbox, verbose=False)
    assert capsys.readouterr().out == ""


# --- reproducibility --------------------------------------------------------------------------


@pytest.mark.parametrize("run", LOOPS)
def test_the_same_seed_gives_the_same_run_and_another_another(run):
    def result(seed):
        toolbox = regression_toolbox()
        final, _ = run(individuals(toolbox, 10, seed), toolbox, 8)
        return [(str(tree), tree.fitness.values) for tree in final]

    assert result(1) == result(1)
    assert result(1) != result(2)


@pytest.mark.parametrize("run", LOOPS)
def test_numpys_random_stream_is_neither_read_nor_moved(run):
    np.random.seed(5)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    toolbox = onemax_toolbox()
    run(individuals(toolbox, 8), toolbox, 5)
    assert np.random.random() == expected  # noqa: NPY002


def test_a_run_does_not_depend_on_the_hash_seed():
    code = (
        "import random, sys; sys.path.insert(0, sys.argv[1]); import test_algorithms as t\n"
        "toolbox = t.regression_toolbox()\n"
        "for run in t.LOOPS:\n"
        "    final, _ = run(t.individuals(toolbox, 8), toolbox, 5)\n"
        "    print(*map(str, final), sep='\\n')\n"
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-c", code, str(Path(__file__).parent)],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert len(outputs[0].splitlines()) == 24
    assert outputs[0] == outputs[1]


# --- errors -----------------------------------------------------------------------------------


def tournament_with(population, toolbox, cxpb=0.5, mutpb=0.5, ngen=2, **options):
    eaSampleTournament(population, toolbox, cxpb, mutpb, ngen, verbose=False, **options)


def archive_with(population, toolbox, cxpb=0.5, mutpb=0.5, ngen=2, **options):
    eaArchive(population, toolbox, cxpb, mutpb, ngen, verbose=False, **options)


def random_with(population, toolbox, ngen=2, **options):
    eaRandom(population, toolbox, ngen, verbose=False, **options)


@pytest.mark.parametrize(
    ("call", "options", "message"),
    [
        *(
            (call, {"ngen": -1}, "ngen must be at least 0, got -1")
            for call in (tournament_with, archive_with, random_with)
        ),
        *(
            (call, {name: value}, f"{name} must be a probability in [0, 1], got {value}")
            for call in (tournament_with, archive_with)
            for name in ("cxpb", "mutpb")
            for value in (-0.1, 1.5, math.nan)
        ),
        *(
            (
                tournament_with,
                {"sample_size": value},
                f"sample_size must be in 1..8 (P, the population's size), got {value}",
            )
            for value in (0, -1, 9)
        ),
        *(
            (
                tournament_with,
                {"nparents": value},
                f"nparents must be in 1..6 (G, the sample_size), got {value}",
            )
            for value in (0, 7)
        ),
        (
            tournament_with,
            {"sample_size": 3, "nparents": 4},
            "nparents must be in 1..3 (G, the sample_size), got 4",
        ),
        (archive_with, {"archive_size": 0}, "archive_size must be at least 1, got 0"),
        (random_with, {"lambda_": 0}, "lambda_ must be at least 1, got 0"),
    ],
)
def test_an_argument_out_of_range_is_named_before_anything_is_evaluated(call, options, message):
    toolbox, calls = counting_toolbox()
    with pytest.raises(ValueError) as error:
        call(individuals(toolbox, 8), toolbox, **options)
    assert str(error.value) == message
    assert calls == []


@pytest.mark.parametrize("call", [tournament_with, archive_with, random_with])
def test_an_empty_population_is_an_error(call):
    with pytest.raises(ValueError, match="^population must hold at least one individual, got none"):
        call([], onemax_toolbox())


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (tournament_with, "ngen"),
        (tournament_with, "sample_size"),
        (tournament_with, "nparents"),
        (archive_with, "archive_size"),
        (random_with, "lambda_"),
    ],
)
def test_a_count_that_is_no_integer_is_named_before_anything_is_evaluated(call, name):
    toolbox, calls = counting_toolbox()
    with pytest.raises(TypeError, match=rf"^{name} must be an integer, got 2\.5$"):
        call(individuals(toolbox, 8), toolbox, **{name: 2.5})
    assert calls == []


@pytest.mark.parametrize(
    "vary",
    [
        varSampleTournament,
        lambda population, *arguments: varArchive(population, [], *arguments),
    ],
)
def test_the_variations_check_too(vary):
    toolbox = onemax_toolbox()
    with pytest.raises(ValueError, match="population must hold"):
        vary([], toolbox, 0.5, 0.5)
    with pytest.raises(ValueError, match="cxpb must be a probability"):
        vary(individuals(toolbox, 2), toolbox, 2, 0.5)


def test_the_module_imports_only_deap_and_the_standard_library():
    tree = ast.parse(Path(loop_module.__file__).read_text(encoding="utf-8"))
    names = [
        alias.name if isinstance(node, ast.Import) else node.module
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    ]
    roots = {name.split(".")[0] for name in names}
    assert roots - {*sys.stdlib_module_names} == {"deap"}
