"""Of many children few are chosen: the promising ones, spread out, none twice."""

import random

import numpy as np
import pytest
from deap import algorithms, base, gp, tools

from deap_lossgp.found_losses import KNOWN_LOSSES
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.surrogate import (
    Evidence,
    LossFeatures,
    Preselection,
    Surrogate,
    evidence_of,
    load_atlas,
)
from deap_lossgp.trees import LossTree


class Known:
    """A surrogate that returns the features' first number, as surely as it is told."""

    def __init__(self, deviation=0.1):
        self.deviation = deviation

    def predict(self, features):
        return features[:, 0], np.full(len(features), self.deviation)


def test_the_best_is_chosen_first_and_the_second_is_not_beside_it():
    children = [(1.0, 0.0), (0.99, 0.001), (0.9, 3.0), (-1.0, 1.0), (-1.0, 2.0), (-1.0, 0.5)]
    assert Preselection(Known(), np.array)(children, k=2) == [(1.0, 0.0), (0.9, 3.0)]


def test_what_is_uncertain_is_worth_more_to_an_optimist():
    class Unsure:
        def predict(self, features):
            return features[:, 0], features[:, 1]

    children = [(1.0, 0.1), (0.8, 1.0), (0.0, 0.1), (-1.0, 0.2)]
    assert Preselection(Unsure(), np.array, optimism=0.0)(children, 1) == [(1.0, 0.1)]
    assert Preselection(Unsure(), np.array, optimism=1.0)(children, 1) == [(0.8, 1.0)]


def test_equal_losses_are_one_and_what_was_evaluated_is_not_chosen_again():
    pset = loss_primitive_set()
    mse, entropy, = (LossTree.from_string(KNOWN_LOSSES[name], pset)
                     for name in ("mse", "cross_entropy"))  # fmt: skip
    twice = LossTree.from_string("mul(2.0, " + KNOWN_LOSSES["mse"] + ")", pset)
    preselect = Preselection(None, LossFeatures(pset))
    preselect.remember([entropy])
    assert preselect([mse, twice, entropy], k=3) == [mse]
    assert preselect([twice], k=1) == []


def test_without_a_surrogate_the_first_new_ones_are_chosen():
    assert Preselection(None, np.array)([(1.0,), (1.0,), (0.0,), (2.0,)], 2) == [(1.0,), (0.0,)]


def test_the_choice_depends_on_the_children_alone():
    children = [tuple(row) for row in np.random.default_rng(0).normal(size=(50, 3))]
    assert Preselection(Known(), np.array)(children, 6) == Preselection(Known(), np.array)(
        children, 6)  # fmt: skip


@pytest.mark.parametrize("dataset", ["cifar10", "fashion_mnist"])
def test_of_measured_losses_that_it_did_not_know_it_chooses_few_dead_and_many_good(dataset):
    """The prior knows neither the data set nor the losses; the children are its trainings."""
    pset, whole = loss_primitive_set(), load_atlas()
    here = whole[(whole["dataset"] == dataset) & (whole["seed"] == 0)]
    texts = sorted(set(here["expression"][here["expression"] != KNOWN_LOSSES["cross_entropy"]]))
    children = texts[::2]
    prior = load_atlas(without=[dataset])
    prior = prior[~prior["expression"].isin(children)]
    features = LossFeatures(pset)
    preselect = Preselection(Surrogate().fit(evidence_of(prior, pset)), features)
    trees = [LossTree.from_string(text, pset) for text in children]
    chosen = {str(tree) for tree in preselect(trees, k=16)}
    last = here.set_index("expression")["validation_accuracies"].str.split().str[-1].astype(float)
    baseline = last[KNOWN_LOSSES["cross_entropy"]]

    def shares(names):
        accuracies = last[list(names)]
        return (accuracies < 0.15).mean(), (accuracies > baseline).mean()

    (dead, good), (dead_chosen, good_chosen) = shares(children), shares(chosen)
    assert dead_chosen < 0.5 * dead
    assert good_chosen > 1.5 * good


class Expression(gp.PrimitiveTree):
    def __init__(self, nodes):
        super().__init__(nodes)
        self.fitness = Minimised()


class Minimised(base.Fitness):
    weights = (-1.0,)


def regression_toolbox():
    """DEAP's own symbolic regression of a quartic; the features are what an expression computes."""
    pset = gp.PrimitiveSet("quartic", 1)
    for function, arity in ((np.add, 2), (np.subtract, 2), (np.multiply, 2), (np.sin, 1)):
        pset.addPrimitive(function, arity, name=function.__name__)
    x = np.linspace(-1, 1, 21)
    toolbox = base.Toolbox()
    toolbox.register("expr", gp.genHalfAndHalf, pset=pset, min_=1, max_=3)
    toolbox.register("individual", tools.initIterate, Expression, toolbox.expr)
    toolbox.register("mate", gp.cxOnePoint)
    toolbox.register("mutate", gp.mutUniform, expr=toolbox.expr, pset=pset)
    toolbox.register("outputs", lambda tree: np.broadcast_to(gp.compile(tree, pset)(x), x.shape))
    target = x**4 + x**3 + x**2 + x
    toolbox.register("error", lambda tree: np.mean((toolbox.outputs(tree) - target) ** 2))
    return toolbox


def test_it_serves_symbolic_regression():
    toolbox, better = regression_toolbox(), 0
    state = random.getstate()
    for seed in range(10):
        random.seed(seed)
        population = [toolbox.individual() for _ in range(100)]
        children = algorithms.varOr(population, toolbox, 300, cxpb=0.5, mutpb=0.5)
        figures = -np.log([toolbox.error(tree) + 1e-3 for tree in population])[:, None]
        features = np.arcsinh([toolbox.outputs(tree) for tree in population])
        preselect = Preselection(
            Surrogate(trees=100).fit(Evidence(features, figures, np.ones(len(population)))),
            lambda tree: np.arcsinh(toolbox.outputs(tree)),
        )
        preselect.remember(population)
        chosen = preselect(children, k=10)
        some = Preselection(None, toolbox.outputs)(children, k=10)
        better += np.median([toolbox.error(tree) for tree in chosen]) < np.median(
            [toolbox.error(tree) for tree in some])  # fmt: skip
    random.setstate(state)
    assert better >= 8
