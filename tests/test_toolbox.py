"""One toolbox serves DEAP's loops and ours, and makes valid losses only."""

import random
from collections import Counter

import numpy as np
import pytest
from deap import algorithms as deap_algorithms
from deap import tools

from deap_lossgp import operators as operators_module
from deap_lossgp import toolbox as toolbox_module
from deap_lossgp.algorithms.archive import eaArchive
from deap_lossgp.algorithms.sample_tournament import eaSampleTournament
from deap_lossgp.loss_rules import LossRules
from deap_lossgp.operators import mutOnePoint, mutSubtree
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.toolbox import make_toolbox
from deap_lossgp.trees import LossTree

PSET = loss_primitive_set()
LIMITS = {"max_height": 12, "max_size": 40}


def count_sines(tree):
    return float(sum(node.name == "sin" for node in tree)), -len(tree) / 100


def eaMuPlusLambda(population, toolbox, cxpb, mutpb, ngen, **options):
    return deap_algorithms.eaMuPlusLambda(
        population, toolbox, 10, 20, cxpb, mutpb, ngen, **options
    )


LOOPS = [deap_algorithms.eaSimple, eaMuPlusLambda, eaSampleTournament, eaArchive]


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("valid", [None, lambda tree: len(tree) % 2 == 1], ids=["any", "odd"])
def test_every_tree_that_a_loop_evaluates_keeps_the_limits_and_is_valid(loop, valid):
    rules, evaluated = LossRules(**LIMITS), []

    def evaluate(tree):
        assert type(tree) is LossTree
        assert rules(tree)
        assert valid is None or valid(tree)
        evaluated.append(str(tree))
        return count_sines(tree)

    toolbox = make_toolbox(PSET, evaluate, valid=valid, **LIMITS)
    random.seed(1)
    population = toolbox.population(n=10)
    stats = tools.Statistics(lambda tree: tree.fitness.values[0])
    stats.register("max", np.max)
    best = tools.HallOfFame(1)
    final, logbook = loop(
        population, toolbox, 0.5, 0.4, 30, stats=stats, halloffame=best, verbose=False
    )
    assert len(evaluated) == sum(logbook.select("nevals"))
    assert len(set(evaluated)) > 60
    assert len(final) == 10
    assert best[0].fitness.values[0] == max(logbook.select("max")) > logbook[0]["max"]


@pytest.mark.parametrize("valid", [None, lambda tree: tree.height > 4], ids=["any", "higher"])
def test_generated_trees_keep_the_limits_and_are_valid(valid):
    toolbox = make_toolbox(PSET, valid=valid, min_height=4, **LIMITS)
    random.seed(2)
    least = 4 if valid is None else 5
    heights = [tree.height for tree in toolbox.population(n=300)]
    assert min(heights) == least
    assert max(heights) == 12


PARENTS = ("sub(y_true, neg(y_pred))", "add(y_true, neg(sin(y_pred)))")


def share_of_new_trees(alias, attempts):
    """How many of 1000 children are wholly new trees, where only differences are valid."""
    toolbox = make_toolbox(PSET, valid=lambda tree: tree[0].name == "sub", subtreepb=1.0,
                           attempts=attempts)
    random.seed(3)
    replaced = 0
    for _ in range(1000):
        child, other = (LossTree.from_string(text, PSET) for text in PARENTS)
        if alias == "mate":
            assert toolbox.mate(child, other)[0] is child
            assert str(other) == PARENTS[1]
        else:
            assert toolbox.mutate(child)[0] is child
        assert child[0].name == "sub"
        replaced += child.height > 7  # one crossover or mutation cannot reach that
    return replaced / 1000


@pytest.mark.parametrize("alias", ["mate", "mutate"])
def test_an_invalid_child_is_made_again_before_a_new_valid_tree_takes_its_place(alias):
    once, twice, often = (share_of_new_trees(alias, attempts) for attempts in (1, 2, 20))
    assert once > 3 * twice > 0.0
    assert often == 0.0


def test_low_limits_leave_the_probabilities_of_the_mutations_as_they_are(monkeypatch):
    """A mutation that broke the limits is tried again, and not drawn again."""
    drawn = Counter()

    def counted(operator):
        def counting(*args, **kwargs):
            drawn[operator.__name__] += 1
            return operator(*args, **kwargs)
        return counting

    for operator in (mutSubtree, mutOnePoint):
        monkeypatch.setattr(operators_module, operator.__name__, counted(operator))
    toolbox = make_toolbox(PSET, valid=lambda tree: len(tree) % 3 == 0, max_size=9)
    random.seed(8)
    trees = toolbox.population(n=50)
    for _ in range(10_000):
        toolbox.mutate(toolbox.clone(random.choice(trees)))
    assert drawn["mutSubtree"] / 10_000 == pytest.approx(0.3, abs=0.02)
    assert drawn["mutOnePoint"] / 10_000 == pytest.approx(0.1, abs=0.012)


def test_children_may_be_as_large_as_the_toolbox_says():
    toolbox = make_toolbox(PSET, max_size=1000)
    random.seed(9)
    small = LossTree.from_string("add(y_true, y_pred)", PSET)
    large = toolbox.individual()
    while len(large) < 500:
        large = toolbox.individual()
    sizes = {len(toolbox.mate(toolbox.clone(small), large)[0]) for _ in range(2000)}
    assert 400 < max(sizes) <= 1000


@pytest.mark.parametrize("leaves", ["", "leaf", None])
def test_an_unknown_kind_of_leaves_is_refused(leaves):
    message = f"leaves must be 'operator' or 'terminal', got {leaves!r}"
    with pytest.raises(ValueError, match=message):
        make_toolbox(PSET, leaves=leaves)


def test_mutation_probabilities_reach_the_operator():
    random.seed(4)
    for subtreepb, changes in (0.0, False), (1.0, True):
        toolbox = make_toolbox(PSET, subtreepb=subtreepb, pointpb=0.0)
        tree = LossTree.from_string("add(y_true, add(y_pred, add(y_true, y_pred)))", PSET)
        texts = {str(toolbox.mutate(toolbox.clone(tree))[0]) for _ in range(30)}
        assert (texts != {str(tree)}) == changes


def test_limits_above_the_defaults_are_kept_for_children_too():
    toolbox = make_toolbox(PSET, max_height=150, max_size=400)
    random.seed(5)
    chain = LossTree.from_string("neg(" * 120 + "add(y_true, y_pred)" + ")" * 120, PSET)
    heights = [toolbox.mate(toolbox.clone(chain), chain)[0].height for _ in range(100)]
    assert min(heights) < 100 < max(heights) <= 150


def test_a_set_with_arguments_of_other_names_evolves():
    pset = loss_primitive_set()
    pset.renameArguments(y_true="t", y_pred="p")
    toolbox = make_toolbox(pset, count_sines)
    random.seed(6)
    final, logbook = eaSampleTournament(toolbox.population(n=8), toolbox, 0.5, 1, 30, verbose=False)
    assert all(LossRules(arguments=("t", "p"))(tree) for tree in final)
    assert final[0].fitness.values[0] > 3


def test_without_evaluate_the_user_registers_one():
    assert not hasattr(make_toolbox(PSET), "evaluate")


def test_validity_that_leaves_nothing_is_an_error(monkeypatch):
    monkeypatch.setattr(toolbox_module, "_MOST_ATTEMPTS", 10)
    toolbox = make_toolbox(PSET, valid=lambda tree: False)
    with pytest.raises(ValueError, match="no valid loss among 10 random trees"):
        toolbox.individual()
