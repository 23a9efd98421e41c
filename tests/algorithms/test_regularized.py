"""Regularised evolution: the published pseudocode draw by draw, and promises to users."""

import math
import operator
import random
from collections import deque

import numpy as np
import pytest
from deap import algorithms as deap_algorithms
from deap import base, tools
from test_algorithms import (
    LENGTH,
    SIZES,
    MinimisedBits,
    MixedBits,
    Named,
    Tree,
    count_ones,
    counting_toolbox,
    individuals,
    named_population,
    onemax_toolbox,
    overwrite,
    overwrite_both,
    regression_toolbox,
)

from deap_lossgp.algorithms.random_search import eaRandom
from deap_lossgp.algorithms.regularized import eaRegularized, varRegularized
from deap_lossgp.algorithms.sample_tournament import eaSampleTournament
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.toolbox import make_toolbox


def run(population, toolbox, ngen, mutpb=0.9, **options):
    return eaRegularized(population, toolbox, mutpb, ngen, verbose=False, **options)


def naming_toolbox():
    """A toolbox for Named individuals whose names tell how they were made; all are equally fit."""
    toolbox = base.Toolbox()
    toolbox.register("individual", lambda: Named("fresh"))
    toolbox.register("mate", lambda a, b: (renamed(a, f"{a.name}x{b.name}"), b))
    toolbox.register("mutate", lambda a: (renamed(a, f"{a.name}'"),))
    toolbox.register("evaluate", lambda individual: (0.0,))
    return toolbox


def renamed(individual, name):
    individual.name = name
    return individual


# --- the algorithm ----------------------------------------------------------------------------


def aging_evolution(population, toolbox, mutpb, cycles, tournsize):
    """Real et al., algorithm 1, one child at a time; a fresh one, as Co-Reyes et al. have it."""
    queue = deque(population)
    for individual in queue:
        individual.fitness.values = toolbox.evaluate(individual)
    history = list(queue)
    for _ in range(cycles):
        sample = [random.choice(queue) for _ in range(tournsize)]
        parent = max(sample, key=lambda individual: individual.fitness.values)
        if random.random() < mutpb:
            child = toolbox.clone(parent)
            random.random()  # The draw against cxpb.
            (child,) = toolbox.mutate(child)
        else:
            child = toolbox.individual()
        child.fitness.values = toolbox.evaluate(child)
        queue.append(child)
        history.append(child)
        queue.popleft()
    return list(queue), history


@pytest.mark.parametrize(("size", "tournsize"), [(1, 1), (4, 2), (8, 2), (8, 8), (20, 5)])
@pytest.mark.parametrize("mutpb", [1, 0.95, 0.5])
@pytest.mark.parametrize("seed", range(3))
def test_one_child_a_generation_is_the_published_algorithm_draw_by_draw(
    seed, mutpb, size, tournsize
):
    toolbox = onemax_toolbox()
    expected, history = aging_evolution(
        individuals(toolbox, size, seed), toolbox, mutpb, 40, tournsize
    )
    after = random.random()
    best = tools.HallOfFame(1)
    final, _ = run(
        individuals(toolbox, size, seed), toolbox, 40, mutpb, tournsize=tournsize, halloffame=best
    )
    assert random.random() == after
    assert [list(bits) for bits in final] == [list(bits) for bits in expected]
    assert sum(best[0]) == max(map(sum, history))


@pytest.mark.parametrize(("size", "tournsize"), [(1, 1), (2, 2), (4, 2), (8, 2), (12, 3), (20, 5)])
def test_a_quarter_of_the_population_is_drawn_by_default(size, tournsize):
    toolbox = onemax_toolbox()
    finals = [run(individuals(toolbox, size), toolbox, 30, tournsize=given)[0]
              for given in (None, tournsize)]
    assert finals[0] == finals[1]


def test_a_tournament_of_all_is_drawn_with_replacement():
    """So it holds the best of 6 in 1 - (5/6)**6 of the cases, two thirds, and not in all."""
    toolbox = naming_toolbox()
    random.seed(1)
    children = [child.name for _ in range(500) for child in varRegularized(
        named_population(6), toolbox, 1, lambda_=6, tournsize=6)]
    assert children.count("5'") / len(children) == pytest.approx(1 - (5 / 6) ** 6, abs=0.03)
    assert children.count("4'") > children.count("3'") > children.count("2'")


def test_a_tournament_of_one_draws_all_with_equal_probability():
    toolbox = naming_toolbox()
    random.seed(1)
    children = [child.name for _ in range(800) for child in varRegularized(
        named_population(4), toolbox, 1, lambda_=4, tournsize=1)]
    for i in range(4):
        assert children.count(f"{i}'") / len(children) == pytest.approx(1 / 4, abs=0.03)


@pytest.mark.parametrize("mutpb", [0, 0.3, 1])
def test_children_that_are_no_mutated_copies_are_fresh(mutpb):
    toolbox = naming_toolbox()
    random.seed(1)
    children = [child.name for _ in range(500) for child in varRegularized(
        named_population(8), toolbox, mutpb, lambda_=8)]
    share = sum(name != "fresh" for name in children) / len(children)
    assert share == pytest.approx(mutpb, abs=0.03 if 0 < mutpb < 1 else 0)
    assert {name[-1] for name in children if name != "fresh"} <= {"'"}


def test_cxpb_is_the_share_that_mates_before_mutation_with_another_winner():
    toolbox = naming_toolbox()
    random.seed(1)
    children = [child.name for _ in range(500) for child in varRegularized(
        named_population(8), toolbox, 1, lambda_=8, cxpb=0.3)]
    mated = [name for name in children if "x" in name]
    assert len(mated) / len(children) == pytest.approx(0.3, abs=0.03)
    pairs = [name.rstrip("'").split("x") for name in mated]
    means = np.mean([[int(name) for name in pair] for pair in pairs], axis=0)
    # Both are winners of two draws from 0..7, of which the larger is 4.8 on average.
    assert means == pytest.approx([4.8125, 4.8125], abs=0.25)


# --- birth and death --------------------------------------------------------------------------


@pytest.mark.parametrize("lambda_", [1, 2, 3, 5])
def test_the_oldest_die_in_the_order_of_birth_whatever_their_fitness(lambda_):
    toolbox, born = naming_toolbox(), []

    def numbered(individual):
        born.append(renamed(individual, f"child {len(born)}"))
        return (individual,)

    toolbox.register("mutate", numbered)
    population = named_population(5)[::-1]  # the best is the oldest
    everybody = [individual.name for individual in population]
    for gen in range(1, 5):
        final, _ = run(population, toolbox, 1, 1, lambda_=lambda_)
        everybody += [f"child {i}" for i in range(lambda_ * (gen - 1), lambda_ * gen)]
        assert final is population
        assert [individual.name for individual in final] == everybody[-5:]


def test_a_generation_draws_from_the_population_at_its_beginning():
    """Whatever is born, its parent was there when the generation began."""
    toolbox = naming_toolbox()
    toolbox.register("evaluate", lambda individual: (100.0 * individual.name.count("'"),))
    random.seed(1)
    for _ in range(20):
        population = named_population(6)
        final, _ = run(population, toolbox, 1, 1, lambda_=6, tournsize=6)
        assert {individual.name.count("'") for individual in final} == {1}
        final, _ = run(population, toolbox, 1, 1, lambda_=3, tournsize=6)
        assert [individual.name.count("'") for individual in final] == [1, 1, 1, 2, 2, 2]


def test_the_best_dies_and_stays_in_the_halloffame():
    toolbox = naming_toolbox()
    best = tools.HallOfFame(1, similar=operator.is_)
    final, _ = run(named_population(4), toolbox, 4, 1, halloffame=best)
    assert [individual.fitness.values for individual in final] == 4 * [(0.0,)]
    assert best[0].fitness.values == (3.0,)


@pytest.mark.parametrize("size", SIZES)
def test_the_population_keeps_its_size(size):
    toolbox = onemax_toolbox()
    stats = tools.Statistics(lambda individual: individual.fitness.values[0])
    stats.register("size", len)
    final, logbook = run(individuals(toolbox, size), toolbox, 6, lambda_=max(1, size // 2),
                         stats=stats)
    assert logbook.select("size") == 7 * [size]
    assert all(individual.fitness.values == count_ones(individual) for individual in final)


def test_halloffame_holds_the_best_ever_evaluated():
    toolbox, calls = counting_toolbox()
    halloffame = tools.HallOfFame(3)
    run(individuals(toolbox, 6), toolbox, 20, lambda_=2, halloffame=halloffame)
    distinct = {tuple(bits) for bits in calls}
    assert [sum(bits) for bits in halloffame] == sorted(map(sum, distinct), reverse=True)[:3]


@pytest.mark.parametrize("cxpb", [0, 0.5, 1])
def test_the_population_is_not_changed_by_its_children(cxpb):
    toolbox = onemax_toolbox()
    toolbox.register("mate", overwrite_both)
    toolbox.register("mutate", overwrite)
    population = individuals(toolbox, 8)
    for individual in population:
        individual.fitness.values = count_ones(individual)
    before = [(list(individual), individual.fitness.values) for individual in population]
    children = varRegularized(population, toolbox, 0.8, 8, cxpb=cxpb)
    assert [(list(each), each.fitness.values) for each in population] == before
    assert len({*map(id, population + children)}) == 16
    assert len({id(each.fitness) for each in population + children}) == 16
    assert not any(child.fitness.valid for child in children)


# --- how much is evaluated --------------------------------------------------------------------


@pytest.mark.parametrize(("size", "lambda_"), [(1, 1), (8, 1), (8, 3), (8, 8)])
def test_nevals_is_p_and_then_lambda_in_each_generation(size, lambda_):
    toolbox, calls = counting_toolbox()
    _, logbook = run(individuals(toolbox, size), toolbox, 5, lambda_=lambda_)
    assert logbook.select("gen") == [0, 1, 2, 3, 4, 5]
    assert logbook.select("nevals") == [size] + 5 * [lambda_]
    assert len(calls) == size + 5 * lambda_


def test_three_a_generation_compares_with_algorithm_1_at_equal_evaluations():
    toolbox, calls = counting_toolbox()
    _, ours = run(individuals(toolbox, 8), toolbox, 12, lambda_=3)
    assert len(calls) == 44
    _, theirs = eaSampleTournament(individuals(toolbox, 8), toolbox, 0.5, 1, 12, verbose=False)
    assert ours.select("nevals") == theirs.select("nevals")


def test_individuals_valid_at_the_start_are_not_evaluated_again():
    toolbox, calls = counting_toolbox()
    population = individuals(toolbox, 8)
    for individual in population[:5]:
        individual.fitness.values = count_ones(individual)
    _, logbook = run(population, toolbox, 0)
    assert logbook.select("nevals") == [3]
    assert len(calls) == 3


def test_children_are_evaluated_in_one_call_of_map():
    toolbox, batches = onemax_toolbox(), []

    def recording_map(function, items):
        assert function is toolbox.evaluate
        batches.append(len(items))
        return [function(item) for item in items]

    toolbox.register("map", recording_map)
    run(individuals(toolbox, 8), toolbox, 3, lambda_=4)
    assert batches == [8, 4, 4, 4]


# --- fitness ----------------------------------------------------------------------------------


def test_minimised_fitness_is_minimised():
    toolbox = onemax_toolbox(cls=MinimisedBits)
    best = tools.HallOfFame(1)
    run(individuals(toolbox, 20), toolbox, 400, 1, halloffame=best)
    assert sum(best[0]) <= 1


def test_nan_becomes_the_worst_value_and_wins_no_tournament():
    toolbox = onemax_toolbox(lambda bits: (math.nan, math.nan), MixedBits)
    final, _ = run(individuals(toolbox, 4), toolbox, 4)
    assert [bits.fitness.values for bits in final] == 4 * [(-math.inf, math.inf)]
    population = [Named(str(i), math.nan if i else 0.0) for i in range(8)]
    toolbox = naming_toolbox()
    toolbox.register("evaluate", lambda individual: (math.nan,))
    random.seed(1)
    best = tools.HallOfFame(1, similar=operator.is_)
    run(population, toolbox, 1, 1, lambda_=8, tournsize=8, halloffame=best)
    assert best[0].name == "0"
    descendants = [individual.name for individual in population].count("0'")
    assert descendants >= 3  # of 8 tournaments, each of which "0" enters with 66%


# --- drop-in ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_onemax_is_solved_with_deaps_operators_and_not_at_random(seed):
    toolbox, best = onemax_toolbox(), tools.HallOfFame(1)
    toolbox.register("mutate", tools.mutFlipBit, indpb=1 / LENGTH)
    run(individuals(toolbox, 30, seed), toolbox, 400, 1, lambda_=3, halloffame=best)
    assert sum(best[0]) == LENGTH
    control, _ = eaRandom(individuals(toolbox, 30, seed), toolbox, 400, 3, verbose=False)
    assert sum(control[0]) < LENGTH


def test_symbolic_regression_with_deaps_trees_improves():
    toolbox, best = regression_toolbox(), tools.HallOfFame(1)
    population = individuals(toolbox, 50)
    start = min(toolbox.evaluate(tree)[0] for tree in population)
    final, _ = run(population, toolbox, 300, 0.95, lambda_=5, cxpb=0.5, halloffame=best)
    assert best[0].fitness.values[0] < start / 4
    assert all(isinstance(tree, Tree) for tree in final)


def test_losses_of_our_own_toolbox_evolve():
    def logarithms(tree):
        return 0.0, float(sum(node.name == "log" for node in tree))

    toolbox = make_toolbox(loss_primitive_set(), logarithms, max_size=40, subtreepb=0, pointpb=1)
    random.seed(1)
    best = tools.HallOfFame(1)
    population = toolbox.population(n=20)
    start = max(map(logarithms, population))
    final, _ = run(population, toolbox, 100, 0.95, lambda_=5, halloffame=best)
    assert best[0].fitness.values > start
    assert all({"y_true", "y_pred"} <= {node.name for node in tree} for tree in final)


def test_deaps_loop_goes_on_where_ours_stopped_and_back():
    toolbox = onemax_toolbox()
    toolbox.register("select", tools.selTournament, tournsize=3)
    population, _ = run(individuals(toolbox, 20), toolbox, 3)
    population, logbook = deap_algorithms.eaSimple(population, toolbox, 0.5, 0.2, 3, verbose=False)
    assert logbook[0]["nevals"] == 0
    _, logbook = run(population, toolbox, 3)
    assert logbook[0]["nevals"] == 0


def test_two_runs_in_a_row_are_one_long_run():
    toolbox = onemax_toolbox()
    whole, _ = run(individuals(toolbox, 10), toolbox, 20, lambda_=3)
    halves, _ = run(individuals(toolbox, 10), toolbox, 12, lambda_=3)
    halves, logbook = run(halves, toolbox, 8, lambda_=3)
    assert halves == whole
    assert logbook[0]["nevals"] == 0


@pytest.mark.parametrize(("mutpb", "cxpb", "more"), [
    (1, 0, set()), (0.5, 0, {"individual"}), (1, 0.5, {"mate"}),
])
def test_only_the_named_aliases_are_used(mutpb, cxpb, more):
    whole, used = onemax_toolbox(), []

    class Toolbox:
        def __getattr__(self, alias):
            used.append(alias)
            return getattr(whole, alias)

    run(individuals(whole, 8), Toolbox(), 20, mutpb, cxpb=cxpb)
    assert {*used} == {"evaluate", "mutate", "clone", "map", "preselect", "stop"} | more


def test_logbook_has_eaSimples_header_and_the_statistics():
    toolbox = onemax_toolbox()
    stats = tools.MultiStatistics(
        fitness=tools.Statistics(lambda individual: individual.fitness.values[0]),
        size=tools.Statistics(len),
    )
    stats.register("max", max)
    final, logbook = run(individuals(toolbox, 8), toolbox, 3, stats=stats)
    assert logbook.header == ["gen", "nevals", "fitness", "size"]
    assert logbook.chapters["fitness"].select("max")[-1] == max(map(sum, final))
    assert logbook.chapters["size"].select("max") == 4 * [LENGTH]


def test_verbose_prints_one_line_per_generation_and_quiet_none(capsys):
    toolbox = onemax_toolbox()
    eaRegularized(individuals(toolbox, 8), toolbox, 0.9, 2, verbose=True)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["gen", "nevals"]
    assert [line.split()[0] for line in lines[1:]] == ["0", "1", "2"]
    run(individuals(toolbox, 8), toolbox, 2)
    assert capsys.readouterr().out == ""


# --- reproducibility --------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_run_and_another_another():
    def result(seed):
        toolbox = regression_toolbox()
        final, _ = run(individuals(toolbox, 10, seed), toolbox, 8, lambda_=3, cxpb=0.3)
        return [(str(tree), tree.fitness.values) for tree in final]

    assert result(1) == result(1)
    assert result(1) != result(2)


def test_numpys_random_stream_is_neither_read_nor_moved():
    toolbox = onemax_toolbox()
    np.random.seed(5)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    finals = []
    for seed in (5, 6):
        np.random.seed(seed)  # noqa: NPY002
        finals.append(run(individuals(toolbox, 8), toolbox, 5)[0])
        if seed == 5:
            assert np.random.random() == expected  # noqa: NPY002
    assert finals[0] == finals[1]


# --- errors -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("options", "message"), [
    ({"ngen": -1}, "ngen must be at least 0, got -1"),
    *(({name: value}, f"{name} must be a probability in [0, 1], got {value}")
      for name in ("mutpb", "cxpb") for value in (-0.1, 1.5, math.nan)),
    *(({name: value}, f"{name} must be in 1..8 (P, the population's size), got {value}")
      for name in ("lambda_", "tournsize") for value in (-1, 0, 9)),
])
def test_an_argument_out_of_range_is_named_before_anything_is_evaluated(options, message):
    toolbox, calls = counting_toolbox()
    with pytest.raises(ValueError) as error:
        run(individuals(toolbox, 8), toolbox, **({"ngen": 2} | options))
    assert str(error.value) == message
    assert calls == []


@pytest.mark.parametrize("name", ["ngen", "lambda_", "tournsize"])
def test_a_count_that_is_no_integer_is_named(name):
    toolbox, calls = counting_toolbox()
    with pytest.raises(TypeError, match=rf"^{name} must be an integer, got 2\.5$"):
        run(individuals(toolbox, 8), toolbox, **({"ngen": 2} | {name: 2.5}))
    assert calls == []


def test_an_empty_population_is_an_error_of_loop_and_variation():
    toolbox = onemax_toolbox()
    with pytest.raises(ValueError, match="^population must hold at least one individual, got none"):
        run([], toolbox, 2)
    with pytest.raises(ValueError, match="^population must hold"):
        varRegularized([], toolbox, 1)
