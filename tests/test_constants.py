"""The constants of trees: exact and in their places."""

import math
import pickle
import random

import numpy as np
import pytest
from deap import gp

from deap_lossgp.constants import constants_of, insert_coefficients, with_constants
from deap_lossgp.curves.differentiation import differentiate
from deap_lossgp.curves.grid import GRID
from deap_lossgp.operators import genLoss, mutOnePoint
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.trees import LossTree

PSET = loss_primitive_set()
LABELS = np.array([[0.0], [1.0]])


def tree_of(text, pset=PSET):
    return LossTree.from_string(text, pset)


def random_trees(count, pset=PSET):
    random.seed(7)
    return [LossTree(genLoss(pset, max_size=60)) for _ in range(count)]


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
