"""Operators that keep a rule: DEAP's own, and operators that always break it."""

import random
from functools import partial

import pytest
from deap import base, gp

from deap_lossgp.loss_rules import LossRules, keepRules
from deap_lossgp.operators import genLoss
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.trees import LossTree

PSET = loss_primitive_set()
SMALL = partial(gp.genHalfAndHalf, min_=0, max_=3)


def losses(count, **limits):
    random.seed(1)
    return [LossTree(genLoss(PSET, **limits)) for _ in range(count)]


def read(text):
    return LossTree.from_string(text, PSET)


def deap_toolbox(rules):
    toolbox = base.Toolbox()
    toolbox.register("mate", gp.cxOnePoint)
    toolbox.register("uniform", gp.mutUniform, expr=SMALL, pset=PSET)
    toolbox.register("replace", gp.mutNodeReplacement, pset=PSET)
    toolbox.register("insert", gp.mutInsert, pset=PSET)
    toolbox.register("shrink", gp.mutShrink)
    toolbox.register("ephemeral", gp.mutEphemeral, mode="all")
    for alias in ("mate", "uniform", "replace", "insert", "shrink", "ephemeral"):
        toolbox.decorate(alias, keepRules(rules))
    return toolbox


def test_keep_rules_decorates_deaps_own_operators():
    rules = LossRules(max_height=8, max_size=25)
    toolbox = deap_toolbox(rules)
    trees = losses(20, max_=8, max_size=25)
    fitnesses = [tree.fitness for tree in trees]
    for fitness in fitnesses:
        fitness.values = (1.0, 0.5)
    random.seed(11)
    texts = set()
    for _ in range(600):
        one, two = random.sample(trees, 2)
        mated = toolbox.mate(one, two)
        assert mated[0] is one
        assert mated[1] is two
        for alias in ("uniform", "replace", "insert", "shrink", "ephemeral"):
            (mutant,) = getattr(toolbox, alias)(one)
            assert mutant is one
            assert rules(mutant)
        assert rules(two)
        texts.add(str(one))
    assert len(texts) > 300
    assert all(tree.fitness is f for tree, f in zip(trees, fitnesses, strict=True))
    assert all(f.values == (1.0, 0.5) for f in fitnesses)


def test_it_is_tried_at_least_once():
    with pytest.raises(ValueError, match="^attempts must be at least 1, got 0$"):
        keepRules(LossRules(), attempts=0)


def test_a_child_that_keeps_breaking_the_rule_stays_what_it_was():
    calls = []

    def forget_y_true(tree):
        calls.append(str(tree))
        tree[0:] = read("neg(y_pred)")
        return (tree,)

    tree = read("mul(y_true, y_pred)")
    (same,) = keepRules(LossRules(), attempts=7)(forget_y_true)(tree)
    assert same is tree
    assert str(tree) == "mul(y_true, y_pred)"
    assert calls == 7 * ["mul(y_true, y_pred)"]


def test_a_child_that_keeps_breaking_the_rule_is_replaced_where_asked():
    new = read("add(y_true, y_pred)")

    def lose_one(one, two):
        one[0:], two[0:] = read("y_pred"), read("sub(y_true, y_pred)")
        return one, two

    pair = read("mul(y_true, y_pred)"), read("div(y_true, y_pred)")
    keepRules(LossRules(), attempts=2, otherwise=lambda: new)(lose_one)(*pair)
    assert [str(tree) for tree in pair] == ["add(y_true, y_pred)", "sub(y_true, y_pred)"]


def test_an_individual_that_the_operator_did_not_change_is_not_checked():
    (tree,) = keepRules(LossRules())(lambda tree: (tree,))(read("y_pred"))
    assert str(tree) == "y_pred"
