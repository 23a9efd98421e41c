"""Constants tuned as DEAP's own CMA-ES would tune them."""

import copy
import math
import multiprocessing
import random

import numpy as np
import pytest
from deap import algorithms as deap_algorithms
from deap import base, cma, gp, tools

from deap_lossgp.algorithms.cma_es import eaConstants
from deap_lossgp.constants import constants_of, with_constants
from deap_lossgp.primitives import LIMIT
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.trees import LossTree

PSET = loss_primitive_set()
QUADRATIC = "add(mul(1.0, y_true), add(mul(1.0, y_pred), 1.0))"


def tree_of(text, pset=PSET):
    return LossTree.from_string(text, pset)


def distance(tree):
    """Best where the constants are 1, 2, 3..., worse in the second constant by a factor of 30."""
    wanted = np.arange(1, len(constants_of(tree)) + 1)
    weights = np.where(wanted == 2, 30.0, 1.0)
    return 0.0, -float(np.sum(weights * (np.array(constants_of(tree)) - wanted) ** 2))


def toolbox_of(evaluate=distance):
    toolbox = base.Toolbox()
    toolbox.register("evaluate", evaluate)
    return toolbox


def run(tree, toolbox, ngen, **options):
    return eaConstants(tree, toolbox, ngen, verbose=False, **options)


# --- tuning -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_the_constants_of_a_quadratic_are_found(seed):
    random.seed(seed)
    best = tools.HallOfFame(1)
    run(tree_of(QUADRATIC), toolbox_of(), 80, halloffame=best)
    assert constants_of(best[0]) == pytest.approx([1.0, 2.0, 3.0], abs=1e-3)
    assert [node.name for node in best[0]] == [node.name for node in tree_of(QUADRATIC)]


@pytest.mark.filterwarnings("error")
def test_a_covariance_that_is_lost_in_rounding_begins_anew():
    def ridge(tree):
        a, b, _ = constants_of(tree)
        return 0.0, -((a * b - 2.0) ** 2)

    random.seed(0)
    best = tools.HallOfFame(1)
    _, logbook = run(tree_of(QUADRATIC), toolbox_of(ridge), 90, lambda_=75, halloffame=best)
    assert logbook.select("nevals") == [1, *[75] * 90]  # DEAP's strategy is at NaN after 73
    assert best[0].fitness.values[1] == pytest.approx(0.0, abs=1e-20)


def test_constants_that_run_away_stay_finite():
    random.seed(0)
    best = tools.HallOfFame(1)
    _, logbook = run(tree_of(QUADRATIC), toolbox_of(lambda tree: (0.0, sum(constants_of(tree)))),
                     60, sigma=1e12, halloffame=best)
    assert len(logbook) == 61
    assert constants_of(best[0]) == [LIMIT] * 3


def test_it_is_deaps_eaGenerateUpdate_draw_by_draw():
    class Vector(list):
        def __init__(self, values):
            super().__init__(values)
            self.fitness = LossTree().fitness

    strategy = cma.Strategy([1.0, 1.0, 1.0], 0.5)
    theirs = base.Toolbox()
    theirs.register("generate", strategy.generate, Vector)
    theirs.register("update", strategy.update)
    theirs.register("evaluate", lambda vector: distance(with_constants(tree_of(QUADRATIC), vector)))
    random.seed(4)
    np.random.seed(random.getrandbits(32))  # noqa: NPY002
    expected, _ = deap_algorithms.eaGenerateUpdate(theirs, 15, verbose=False)
    random.seed(4)
    population, _ = run(tree_of(QUADRATIC), toolbox_of(), 15)
    assert [constants_of(tree) for tree in population] == [list(vector) for vector in expected]
    assert [tree.fitness for tree in population] == [vector.fitness for vector in expected]


def test_wins_count_before_improvement():
    """A win is worth any loss of improvement: the constant has to exceed 2."""
    random.seed(1)
    best = tools.HallOfFame(1)
    run(tree_of("mul(1.0, y_pred)"),
        toolbox_of(lambda tree: (float(constants_of(tree)[0] > 2.0), -constants_of(tree)[0])),
        60, sigma=0.5, halloffame=best)
    assert constants_of(best[0])[0] == pytest.approx(2.0, abs=1e-2)
    assert best[0].fitness.values[0] == 1.0


@pytest.mark.parametrize("bad", [-math.inf, math.nan])
def test_failed_trainings_rank_last_and_the_search_goes_on(bad):
    """The half-space where the first constant is below 0.8 fails; the start is near its edge."""
    def evaluate(tree):
        return (0.0, bad) if constants_of(tree)[0] < 0.8 else distance(tree)

    random.seed(2)
    best = tools.HallOfFame(1)
    population, _ = run(tree_of(QUADRATIC), toolbox_of(evaluate), 80, halloffame=best)
    assert constants_of(best[0]) == pytest.approx([1.0, 2.0, 3.0], abs=1e-2)
    assert not any(math.isnan(value) for tree in population for value in tree.fitness.values)


@pytest.mark.parametrize("value", [-math.inf, 0.0])
def test_where_all_are_equal_the_constants_stay_finite(value):
    random.seed(3)
    for text in ("mul(1.0, y_pred)", QUADRATIC):
        population, logbook = run(tree_of(text), toolbox_of(lambda _: (0.0, value)), 200)
        assert np.isfinite([constants_of(tree) for tree in population]).all()
        assert len(logbook) == 201


def test_a_minimised_single_objective_of_deaps_own_trees():
    class Minimised(base.Fitness):
        weights = (-1.0,)

    class Tree(gp.PrimitiveTree):
        def __init__(self, nodes):
            super().__init__(nodes)
            self.fitness = Minimised()

    pset = gp.PrimitiveSet("line", 1)
    pset.addPrimitive(np.add, 2, name="add")
    pset.addPrimitive(np.multiply, 2, name="mul")
    add, mul = pset.mapping["add"], pset.mapping["mul"]
    slope, intercept = (gp.Terminal(value, False, pset.ret) for value in (1, 0))
    tree = Tree([add, mul, slope, pset.mapping["ARG0"], intercept])
    x = np.linspace(-1, 1, 11)

    def squared_error(tree):
        return (float(np.mean((gp.compile(tree, pset)(x) - (2.5 * x - 0.75)) ** 2)),)

    random.seed(1)
    best = tools.HallOfFame(1)
    population, _ = run(tree, toolbox_of(squared_error), 60, halloffame=best)
    assert constants_of(best[0]) == pytest.approx([2.5, -0.75], abs=1e-3)
    assert all(type(tree) is Tree for tree in population)


def test_nevals_is_one_and_then_lambda_in_each_generation():
    calls = []
    toolbox = toolbox_of(lambda tree: calls.append(tree) or distance(tree))
    _, logbook = run(tree_of(QUADRATIC), toolbox, 4)
    assert logbook.select("gen") == [0, 1, 2, 3, 4]
    assert logbook.select("nevals") == [1, 7, 7, 7, 7]  # floor(4 + 3 log 3) = 7
    assert len(calls) == 29
    calls.clear()
    _, logbook = run(tree_of(QUADRATIC), toolbox, 4, lambda_=2)
    assert logbook.select("nevals") == [1, 2, 2, 2, 2]
    assert len(calls) == 9


def test_a_known_fitness_is_not_evaluated_again_and_the_start_may_stay_the_best():
    tree = tree_of(QUADRATIC)
    tree.fitness.values = (9.0, 0.0)
    best = tools.HallOfFame(1)
    random.seed(1)
    population, logbook = run(tree, toolbox_of(), 3, halloffame=best)
    assert logbook.select("nevals") == [0, 7, 7, 7]
    assert str(best[0]) == QUADRATIC
    assert best[0].fitness.values == (9.0, 0.0)
    assert len(population) == 7


def test_the_individual_is_not_changed():
    tree = tree_of(QUADRATIC)
    before = copy.deepcopy(tree)
    population, _ = run(tree, toolbox_of(), 0)
    assert not tree.fitness.valid
    assert population[0] == tree == before
    assert population[0].fitness.values == distance(tree)
    run(tree, toolbox_of(), 3)
    assert tree == before
    assert not tree.fitness.valid


def test_the_population_is_the_last_generation_with_the_best_in_front():
    random.seed(1)
    stats = tools.Statistics(lambda tree: tree.fitness.values[1])
    stats.register("all", list)
    population, logbook = run(tree_of(QUADRATIC), toolbox_of(), 5, stats=stats)
    values = [tree.fitness.values[1] for tree in population]
    assert values == sorted(values, reverse=True) == logbook[-1]["all"]
    assert logbook.header == ["gen", "nevals", "all"]


def test_trees_are_evaluated_in_one_call_of_map_per_generation():
    toolbox, batches = toolbox_of(), []

    def recording_map(function, items):
        assert function is toolbox.evaluate
        batches.append(len(items))
        return [function(item) for item in items]

    toolbox.register("map", recording_map)
    run(tree_of(QUADRATIC), toolbox, 3)
    assert batches == [1, 7, 7, 7]


def test_a_process_pool_can_be_the_map():
    random.seed(1)
    expected, _ = run(tree_of(QUADRATIC), toolbox_of(), 3)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        toolbox = toolbox_of()
        toolbox.register("map", pool.map)
        random.seed(1)
        population, _ = run(tree_of(QUADRATIC), toolbox, 3)
    assert population == expected


def test_verbose_prints_one_line_per_generation_and_quiet_none(capsys):
    eaConstants(tree_of(QUADRATIC), toolbox_of(), 2, verbose=True)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["gen", "nevals"]
    assert [line.split()[0] for line in lines[1:]] == ["0", "1", "2"]
    run(tree_of(QUADRATIC), toolbox_of(), 2)
    assert capsys.readouterr().out == ""


# --- randomness -------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_run_and_another_another():
    def result(seed):
        random.seed(seed)
        return [str(tree) for tree in run(tree_of(QUADRATIC), toolbox_of(), 5)[0]]

    assert result(1) == result(1)
    assert result(1) != result(2)


def test_numpys_global_stream_is_neither_read_nor_moved():
    results = []
    for seed in (5, 6):
        np.random.seed(seed)  # noqa: NPY002
        expected = np.random.standard_normal(3)  # noqa: NPY002
        np.random.seed(seed)  # noqa: NPY002
        random.seed(1)
        results.append(run(tree_of(QUADRATIC), toolbox_of(), 3)[0])
        np.testing.assert_array_equal(np.random.standard_normal(3), expected)  # noqa: NPY002
    assert results[0] == results[1]


def test_evaluations_draw_from_the_callers_stream_and_do_not_move_ours():
    drawn = []

    def evaluate(tree):
        drawn.append(np.random.random())  # noqa: NPY002
        return distance(tree)

    random.seed(1)
    expected, _ = run(tree_of(QUADRATIC), toolbox_of(), 3)
    np.random.seed(5)  # noqa: NPY002
    random.seed(1)
    population, _ = run(tree_of(QUADRATIC), toolbox_of(evaluate), 3)
    assert population == expected
    np.random.seed(5)  # noqa: NPY002
    assert drawn == list(np.random.random(len(drawn)))  # noqa: NPY002


def test_numpys_stream_is_restored_after_a_failure():
    def evaluate(_tree):
        raise RuntimeError("no more")

    np.random.seed(5)  # noqa: NPY002
    with pytest.raises(RuntimeError):
        run(tree_of(QUADRATIC), toolbox_of(evaluate), 3)
    after = np.random.random()  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    assert after == np.random.random()  # noqa: NPY002


# --- errors -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("options", "message"), [
    ({"ngen": -1}, "ngen must be at least 0, got -1"),
    ({"lambda_": 1}, "lambda_ must be at least 2, got 1"),
    *(({"sigma": value}, f"sigma must be positive and finite, got {value}")
      for value in (0.0, -1.0, math.inf, math.nan)),
])
def test_an_argument_out_of_range_is_named_before_anything_is_evaluated(options, message):
    calls = []
    with pytest.raises(ValueError) as error:
        run(tree_of(QUADRATIC), toolbox_of(calls.append), **({"ngen": 2} | options))
    assert str(error.value) == message
    assert calls == []


def test_a_tree_without_constants_is_refused_in_one_line():
    calls = []
    with pytest.raises(ValueError) as error:
        run(tree_of("mul(y_true, y_pred)"), toolbox_of(calls.append), 2)
    assert str(error.value) == ("individual must have at least one constant to tune, got a tree of "
                                "3 nodes with none: insert_coefficients gives it some")
    assert calls == []
