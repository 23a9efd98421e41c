"""Random losses keep their limits, and crossover and mutations change one part of a tree."""

import copy
import math
import pickle
import random
from collections import Counter
from functools import partial

import numpy as np
import pytest
from deap import gp

from deap_lossgp.commands.options import SEARCHES
from deap_lossgp.constants import is_constant
from deap_lossgp.loss_rules import LossRules
from deap_lossgp.operators import (
    cxSubtree,
    genLoss,
    mutLoss,
    mutOnePoint,
    mutSubtree,
)
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.trees import LossTree

PSET = loss_primitive_set()
SMALL = partial(gp.genHalfAndHalf, min_=0, max_=3)
keeps_rules = LossRules(max_size=math.inf)


def losses(count, seed=1, **limits):
    random.seed(seed)
    return [LossTree(genLoss(PSET, **limits)) for _ in range(count)]


def read(text, pset=PSET):
    return LossTree.from_string(text, pset)


def subtrees(tree):
    return [list(tree[tree.searchSubtree(i)]) for i in range(len(tree))]


def operands(nodes):
    """The operands of the root of a prefix sequence."""
    tree, found, start = gp.PrimitiveTree(nodes), [], 1
    while start < len(tree):
        place = tree.searchSubtree(start)
        found.append(list(tree[place]))
        start = place.stop
    return found


# --- genLoss ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("min_", "max_", "max_size"),
    [(2, 100, 128), (1, 1, 3), (2, 2, 7), (3, 5, 20), (2, 100, 4), (50, 100, 52), (100, 100, 300)],
)
def test_random_losses_keep_their_limits_and_hold_both_arguments(min_, max_, max_size):
    for tree in losses(300, min_=min_, max_=max_, max_size=max_size):
        assert min_ <= tree.height <= max_
        assert len(tree) <= max_size
        assert {"y_true", "y_pred"} <= {node.value for node in tree if node.arity == 0}
        assert tree == read(str(tree))


def test_sizes_are_spread_and_neither_explode_nor_collapse():
    sizes = [len(tree) for tree in losses(3000, max_size=128)]
    low, median, high = np.quantile(sizes, [0.05, 0.5, 0.95])
    assert low < 8
    assert 10 < median < 60
    assert 90 < high <= 128


def test_heights_reach_100_where_the_size_allows():
    heights = [tree.height for tree in losses(700, max_size=SEARCHES["thesis"]["max_size"])]
    assert max(heights) == 100
    assert np.quantile(heights, [0.1, 0.5, 0.9]).tolist() == pytest.approx([4, 17, 46], rel=0.4)


def test_random_losses_use_every_primitive_and_constants():
    names = {node.name for tree in losses(200) for node in tree}
    assert names == {*PSET.mapping}


def test_the_same_seed_generates_the_same_losses():
    assert [str(t) for t in losses(20, seed=4)] == [str(t) for t in losses(20, seed=4)]
    assert [str(t) for t in losses(20, seed=4)] != [str(t) for t in losses(20, seed=5)]


@pytest.mark.parametrize(
    ("limits", "fault"),
    [
        ({"min_": 0}, "expected 1 <= min_ <= max_, got min_=0, max_=100"),
        ({"min_": 5, "max_": 4}, "expected 1 <= min_ <= max_, got min_=5, max_=4"),
        ({"max_size": 3}, "height 2 has at least 4 nodes, got max_size=3"),
        ({"min_": 10, "max_size": 11}, "height 10 has at least 12 nodes, got max_size=11"),
    ],
)
def test_limits_that_no_loss_can_keep_are_refused(limits, fault):
    with pytest.raises(ValueError, match=fault):
        genLoss(PSET, **limits)


def test_a_set_that_cannot_hold_both_arguments_is_refused_instead_of_searched_for_ever():
    pset = gp.PrimitiveSet("unary", 2)
    pset.addPrimitive(math.sin, 1)
    with pytest.raises(ValueError, match=r"found no loss of height 2 to 100 with \['ARG0', 'ARG1"):
        genLoss(pset)


# --- crossover --------------------------------------------------------------------------------


def test_crossover_puts_one_subtree_of_the_second_into_the_first():
    trees, roots = losses(400, max_size=20), 0
    for first, second in zip(trees[::2], trees[1::2], strict=True):
        child, second_before = copy.deepcopy(first), copy.deepcopy(second)
        mated = cxSubtree(child, second)
        assert mated[0] is child
        assert mated[1] is second
        assert second == second_before
        grafts = subtrees(second)
        made = [first[:i] + graft + first[first.searchSubtree(i).stop:]
                for i in range(len(first)) for graft in grafts]
        assert list(child) in made
        roots += list(child) in grafts and child != first
    assert roots > 5


# --- mutations --------------------------------------------------------------------------------


def test_subtree_mutation_replaces_one_subtree_by_what_expr_returns():
    new = read("sin(mul(y_true, y_pred))")
    made_expected = 0
    for tree in losses(100, max_size=20):
        mutant = copy.deepcopy(tree)
        (returned,) = mutSubtree(mutant, lambda pset, type_: list(new), PSET)
        assert returned is mutant
        made = [tree[:i] + new + tree[tree.searchSubtree(i).stop:] for i in range(len(tree))]
        assert list(mutant) in made
        made_expected += mutant != tree
    assert made_expected == 100


def test_subtree_mutation_takes_the_root_only_where_it_may():
    new = read("sin(mul(y_true, y_pred))")
    tree, taken = read("add(y_true, mul(y_pred, y_pred))"), {True: 0, False: 0}
    random.seed(5)
    for root in taken:
        for _ in range(10_000):
            (mutant,) = mutSubtree(copy.deepcopy(tree), lambda pset, type_: list(new), PSET, root)
            taken[root] += mutant[0].name == "sin"
    assert taken[True] / 10_000 == pytest.approx(1 / len(tree), abs=0.02)
    assert taken[False] == 0
    assert str(mutSubtree(read("y_pred"), SMALL, PSET, False)[0]) == "y_pred"


def test_the_subtree_mutation_of_whole_trees_is_deaps():
    for seed, tree in enumerate(losses(100)):
        random.seed(seed)
        expected, = gp.mutUniform(copy.deepcopy(tree), SMALL, PSET)
        random.seed(seed)
        mutant, = mutSubtree(copy.deepcopy(tree), SMALL, PSET, keep=lambda operator: operator)
        assert mutant == expected


def differing(before, after):
    """The pairs of subtrees at which two trees part, from the root downwards."""
    old, new = operands(before), operands(after)
    if before[0] != after[0]:
        return [(before, after)]
    return [pair for a, b in zip(old, new, strict=True) if a != b for pair in differing(a, b)]


def test_one_point_mutation_changes_one_node_and_never_the_root():
    seen = set()
    for tree in losses(1500, min_=3, max_size=30):
        mutant = copy.deepcopy(tree)
        (returned,) = mutOnePoint(mutant, PSET)
        assert returned is mutant
        assert mutant[0] == tree[0]
        pairs = differing(tree, mutant)
        if not pairs:  # 20 attempts broke the rules, as they must in small trees
            assert len(tree) < 15
            continue
        ((old, new),) = pairs
        if len(old) == 1:
            assert len(new) == 1
        else:
            kept = min(old[0].arity, new[0].arity)
            assert new[0].name != old[0].name
            assert operands(new)[:kept] == operands(old)[:kept]
            assert all(len(fresh) == 1 for fresh in operands(new)[kept:])
        seen.add((old[0].arity, new[0].arity))
    assert seen == {(0, 0), (1, 1), (1, 2), (2, 1), (2, 2)}


def test_by_the_thesis_every_node_but_the_root_becomes_each_of_the_ten_operators():
    tree = read("add(y_true, mul(y_pred, sin(y_pred)))")
    random.seed(7)
    made = Counter()
    for _ in range(10_000):
        mutant = copy.deepcopy(tree)
        mutOnePoint(mutant, PSET, leaves="operator", keep=lambda operator: operator)
        assert mutant[0].name == "add"
        pairs = differing(tree, mutant)
        if not pairs:
            made["unchanged"] += 1
            continue
        ((old, new),) = pairs
        kept = min(old[0].arity, new[0].arity)
        assert operands(new)[:kept] == operands(old)[:kept]
        assert all(len(fresh) == 1 for fresh in operands(new)[kept:])
        made[old[0].arity, new[0].name] += 1
    operators = {primitive.name for primitive in PSET.primitives[PSET.ret]}
    assert len(operators) == 10
    # Of the five places three are leaves; mul and sin become themselves in a tenth of the draws.
    assert made["unchanged"] / 10_000 == pytest.approx(2 / 50, abs=0.01)
    for name in operators:
        assert made[0, name] / 10_000 == pytest.approx(3 / 50, abs=0.01)
        for arity, same in (1, "sin"), (2, "mul"):
            expected = 0.0 if name == same else 1 / 50
            assert made[arity, name] / 10_000 == pytest.approx(expected, abs=0.006)


def test_an_unknown_kind_of_leaves_is_refused():
    with pytest.raises(ValueError, match="leaves must be 'operator' or 'terminal', got 'leaf'"):
        mutOnePoint(read("add(y_true, y_pred)"), PSET, leaves="leaf")


def test_a_leaf_becomes_every_other_terminal_and_never_itself():
    random.seed(2)
    original, leaves = read("add(y_true, mul(y_pred, y_pred))"), []
    for _ in range(300):
        # As it comes back from another process: equal, but not the set's own objects.
        tree = pickle.loads(pickle.dumps(original))
        mutOnePoint(tree, PSET)
        assert tree != original
        leaves += [new[0] for _, new in differing(original, tree) if len(new) == 1]
    assert {"constant" if is_constant(leaf) else leaf.name for leaf in leaves} == {
        "constant", "y_true"
    }  # fmt: skip
    assert len({leaf.value for leaf in leaves}) > 50


def test_a_tree_of_one_node_and_a_set_without_alternatives_stay():
    assert str(mutOnePoint(read("y_pred"), PSET)[0]) == "y_pred"
    bare = gp.PrimitiveSet("bare", 1)
    bare.addPrimitive(math.sin, 1, name="sin")
    tree = read("sin(sin(ARG0))", bare)
    for _ in range(20):
        assert str(mutOnePoint(tree, bare)[0]) == "sin(sin(ARG0))"


def mutated(operator, tree, seed, skipped=0, **options):
    random.seed(seed)
    for _ in range(skipped):
        random.random()
    (mutant,) = operator(copy.deepcopy(tree), **options)
    return mutant


def test_mut_loss_draws_the_two_mutations_with_their_probabilities():
    options = {"expr": SMALL, "pset": PSET}
    changed = 0
    for seed, tree in enumerate(losses(1500, min_=4)):
        both = {"subtreepb": 0.0, "pointpb": 0.0}
        if seed < 100:
            assert mutated(mutLoss, tree, seed, **options, **both) == tree
            subtree = mutated(mutLoss, tree, seed, **options, **{**both, "subtreepb": 1.0})
            assert subtree == mutated(mutSubtree, tree, seed, 1, **options)
            point = mutated(mutLoss, tree, seed, **options, **{**both, "pointpb": 1.0})
            assert point == mutated(mutOnePoint, tree, seed, 2, pset=PSET)
        changed += mutated(mutLoss, tree, seed, **options) != tree
    assert changed / 1500 == pytest.approx(1 - 0.7 * 0.9, abs=0.05)  # M_ST = 0.3, M_N = 0.1


# --- the rules --------------------------------------------------------------------------------


def test_children_of_losses_are_losses_over_thousands_of_applications():
    trees, texts = losses(30, max_size=300), set()
    random.seed(9)
    for _ in range(3000):
        child = copy.deepcopy(random.choice(trees))
        child, _ = cxSubtree(child, random.choice(trees))
        (child,) = mutLoss(child, SMALL, PSET, subtreepb=0.5, pointpb=0.5)
        assert keeps_rules(child)
        texts.add(str(child))
        trees[random.randrange(len(trees))] = child
    assert len(texts) > 2000


def test_children_do_not_outgrow_height_100():
    chain = read("neg(" * 98 + "add(y_true, y_pred)" + ")" * 98)
    heights = set()
    for _ in range(200):
        child, _ = cxSubtree(copy.deepcopy(chain), chain)
        (child,) = mutOnePoint(*mutSubtree(child, SMALL, PSET), PSET)
        assert keeps_rules(child)
        heights.add(child.height)
    assert max(heights) == 100


@pytest.mark.parametrize("operator", ["mate", "subtree", "point"])
def test_trees_of_other_primitive_sets_vary_too(operator):
    pset = gp.PrimitiveSet("regression", 1)
    for function, arity in ((math.sin, 1), (math.cos, 1), (math.atan2, 2), (math.hypot, 2)):
        pset.addPrimitive(function, arity)
    pset.addTerminal(1.0)
    random.seed(3)
    changed = 0
    for _ in range(100):
        tree = gp.PrimitiveTree(gp.genFull(pset, 3, 5))
        child, partner = copy.deepcopy(tree), gp.PrimitiveTree(gp.genFull(pset, 2, 4))
        if operator == "mate":
            cxSubtree(child, partner)
        elif operator == "subtree":
            mutSubtree(child, SMALL, pset)
        else:
            mutOnePoint(child, pset)
        changed += child != tree
    assert changed > 80
