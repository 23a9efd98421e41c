"""Constants of trees: exact, in their places, and tuned as DEAP's own CMA-ES would."""

import copy
import math
import multiprocessing
import pickle
import random

import numpy as np
import pytest
from deap import algorithms as deap_algorithms
from deap import base, cma, gp, tools

from deap_lossgp.algorithms.constants import (
    constants_of,
    eaConstants,
    insert_coefficients,
    with_constants,
)
from deap_lossgp.curves.differentiation import differentiate
from deap_lossgp.curves.grid import GRID
from deap_lossgp.operators import genLoss, mutOnePoint
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.trees import LossTree

PSET = loss_primitive_set()
LABELS = np.array([[0.0], [1.0]])
QUADRATIC = "add(mul(1.0, y_true), add(mul(1.0, y_pred), 1.0))"


def tree_of(text, pset=PSET):
    return LossTree.from_string(text, pset)


def random_trees(count, pset=PSET):
    random.seed(7)
    return [LossTree(genLoss(pset, max_size=60)) for _ in range(count)]


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


# --- reading and replacing --------------------------------------------------------------------


def test_constants_are_the_numbers_in_prefix_order():
    tree = tree_of("sub(exp(sub(2.4092, mul(y_pred, add(1.0, y_true)))), div(-3, y_pred))")
    assert constants_of(tree) == [2.4092, 1.0, -3.0]
    assert all(type(value) is float for value in constants_of(tree))
    assert constants_of(tree_of("mul(y_true, y_pred)")) == []


@pytest.mark.parametrize("dtype", [float, np.float64])
def test_new_constants_are_exact_floats_and_survive_text(dtype):
    random.seed(1)
    for tree in random_trees(50):
        values = [dtype(random.gauss(0, 1) * 10 ** random.randint(-12, 12))
                  for _ in constants_of(tree)]
        new = with_constants(tree, values)
        assert constants_of(new) == values
        assert constants_of(tree_of(str(new))) == values
        assert "np" not in str(new)
        assert [node.name for node in new] == [node.name for node in tree]
        assert constants_of(pickle.loads(pickle.dumps(new))) == values


def test_the_old_tree_is_left_alone_and_the_new_one_has_no_fitness():
    tree = tree_of("add(2.0, mul(0.5, y_pred))")
    tree.fitness.values = (1.0, 2.0)
    new = with_constants(tree, [7.0, 8.0])
    assert constants_of(tree) == [2.0, 0.5]
    assert tree.fitness.values == (1.0, 2.0)
    assert type(new) is LossTree
    assert not new.fitness.valid


def test_new_constants_can_mutate_again():
    random.seed(1)
    new = with_constants(tree_of("add(2.0, mul(0.5, y_pred))"), [7.0, 8.0])
    assert all(isinstance(type(node), gp.MetaEphemeral) for node in new if node.name == "constant")
    assert sum(node.name == "constant" for node in new) == 2
    for _ in range(20):
        mutOnePoint(new, PSET)
        gp.mutEphemeral(new, "all")


def test_a_set_without_ephemeral_constants_has_its_numbers_replaced_too():
    pset = gp.PrimitiveSet("own", 1)
    pset.addPrimitive(np.add, 2, name="add")
    tree = LossTree([pset.primitives[pset.ret][0], gp.Terminal(2, False, pset.ret),
                     pset.mapping["ARG0"]])
    assert str(with_constants(tree, [0.25])) == "add(0.25, ARG0)"


@pytest.mark.parametrize(("values", "message"), [
    ([1.0], "expected a value for each of the tree's 2 constants, got 1"),
    ([1.0, 2.0, 3.0], "expected a value for each of the tree's 2 constants, got 3"),
    ([1.0, math.nan], "expected finite constants, got [1.0, nan]"),
    ([-math.inf, 1.0], "expected finite constants, got [-inf, 1.0]"),
])
def test_wrong_values_are_refused(values, message):
    with pytest.raises(ValueError) as error:
        with_constants(tree_of("add(2.0, mul(0.5, y_pred))"), values)
    assert str(error.value) == message


# --- inserting --------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "expected"), [
    ("y_pred", "mul(1.0, y_pred)"),
    ("neg(y_pred)", "neg(mul(1.0, y_pred))"),
    ("mul(y_true, y_pred)", "mul(1.0, mul(y_true, y_pred))"),
    ("mul(2.0, mul(y_true, y_pred))", "mul(2.0, mul(y_true, y_pred))"),
    ("div(2.0, y_pred)", "div(2.0, y_pred)"),
    ("add(y_true, add(y_pred, 3.0))", "add(mul(1.0, y_true), add(mul(1.0, y_pred), 3.0))"),
    # The published form of Baikal-CMA has just these three weights.
    ("neg(sub(log(y_pred), div(y_true, y_pred)))",
     "neg(sub(mul(1.0, log(mul(1.0, y_pred))), mul(1.0, div(y_true, y_pred))))"),
    # The scale of a sum that is a factor is the product's: one weight for two terms.
    ("mul(sub(y_true, y_pred), y_pred)",
     "mul(1.0, mul(sub(y_true, mul(1.0, y_pred)), y_pred))"),
    ("mul(sub(1.0, y_pred), y_pred)", "mul(1.0, mul(sub(1.0, y_pred), y_pred))"),
    ("exp(neg(sub(y_true, 2.0)))", "mul(1.0, exp(neg(sub(mul(1.0, y_true), 2.0))))"),
])
def test_factors_stand_where_no_other_absorbs_them(text, expected):
    assert str(insert_coefficients(tree_of(text), PSET)) == expected


def test_unpruned_each_node_has_a_factor_as_in_glo():
    """log(p) - t/p has six nodes, and Baikal-CMA was published with six coefficients."""
    tree = insert_coefficients(tree_of("sub(log(y_pred), div(y_true, y_pred))"), PSET, prune=False)
    assert str(tree) == ("mul(1.0, sub(mul(1.0, log(mul(1.0, y_pred))), "
                         "mul(1.0, div(mul(1.0, y_true), mul(1.0, y_pred)))))")
    tree = insert_coefficients(tree_of("add(y_pred, 3.0)"), PSET, prune=False)
    assert str(tree) == "mul(1.0, add(mul(1.0, y_pred), 3.0))"


@pytest.mark.parametrize("prune", [True, False])
@pytest.mark.parametrize("protected", [True, False], ids=["protected", "plain"])
def test_factors_of_one_change_neither_value_nor_derivative(protected, prune):
    pset = loss_primitive_set(protected)
    for tree in random_trees(100, pset):
        before = str(tree)
        new = insert_coefficients(tree, pset, prune=prune)
        assert str(tree) == before
        for old, same in zip(differentiate(tree, pset, LABELS, GRID[::256]),
                             differentiate(new, pset, LABELS, GRID[::256]), strict=True):
            np.testing.assert_array_equal(same, old, err_msg=before)


def test_a_pruned_tree_needs_no_more_factors():
    for tree in random_trees(200):
        once = insert_coefficients(tree, PSET)
        assert str(insert_coefficients(once, PSET)) == str(once)
        assert constants_of(once)
        assert len(once) <= len(insert_coefficients(tree, PSET, prune=False))


def test_no_factor_can_be_replaced_by_the_others():
    """At random weights, the gradients of the loss by its weights are linearly independent."""
    plain = loss_primitive_set(protected=False)
    y_pred = np.linspace(0.05, 0.95, 40)
    for text in ("neg(sub(log(y_pred), div(y_true, y_pred)))",
                 "mul(sub(y_true, y_pred), add(y_true, exp(y_pred)))",
                 "sin(mul(y_pred, sub(cos(y_pred), y_true)))"):
        tree = insert_coefficients(tree_of(text, plain), plain)
        weights = np.random.default_rng(1).uniform(0.5, 1.5, len(constants_of(tree)))
        rows = []
        for i in range(len(weights)):
            up, down = weights.copy(), weights.copy()
            up[i] += 1e-4
            down[i] -= 1e-4
            # The derivative by p is what trains; a constant added to the loss does nothing.
            high, low = (differentiate(with_constants(tree, w), plain, LABELS, y_pred)[1]
                         for w in (up, down))
            rows.append(((high - low) / 2e-4).ravel())
        singular = np.linalg.svd(rows, compute_uv=False)
        lost = text.startswith("neg(sub(log")  # log(c p) is log(p) and a constant
        assert np.sum(singular > 1e-6 * singular[0]) == len(weights) - lost, text


def test_trees_of_height_3000_are_handled():
    tree = tree_of("neg(" * 3000 + "exp(" * 1000 + "y_pred" + ")" * 4000)
    new = insert_coefficients(tree, PSET)
    assert len(constants_of(new)) == 1001
    assert constants_of(with_constants(new, range(1001))) == list(range(1001))


def test_a_set_without_mul_is_refused():
    pset = gp.PrimitiveSet("sums", 1)
    pset.addPrimitive(np.add, 2, name="add")
    with pytest.raises(ValueError, match=r"^the primitive set 'sums' has no mul\(a, b\)"):
        insert_coefficients(LossTree([pset.mapping["ARG0"]]), pset)


# --- tuning -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_the_constants_of_a_quadratic_are_found(seed):
    random.seed(seed)
    best = tools.HallOfFame(1)
    run(tree_of(QUADRATIC), toolbox_of(), 80, halloffame=best)
    assert constants_of(best[0]) == pytest.approx([1.0, 2.0, 3.0], abs=1e-3)
    assert [node.name for node in best[0]] == [node.name for node in tree_of(QUADRATIC)]


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
