"""Of many children few are chosen: the promising ones, spread out, none twice."""

import random

import numpy as np
from deap import algorithms, base, gp, tools

from deap_lossgp.found_losses import KNOWN_LOSSES
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.surrogate import Evidence, LossFeatures, Preselection, Surrogate
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


class Expression(gp.PrimitiveTree):
    def __init__(self, nodes):
        super().__init__(nodes)
        self.fitness = Minimised()


class Minimised(base.Fitness):
    weights = (-1.0,)


def test_it_serves_symbolic_regression():
    """The features are what an expression computes; the children chosen beat those not chosen."""
    pset = gp.PrimitiveSet("quartic", 1)
    for function, arity in ((np.add, 2), (np.subtract, 2), (np.multiply, 2), (np.sin, 1)):
        pset.addPrimitive(function, arity, name=function.__name__)
    x = np.linspace(-1, 1, 21)
    target = x**4 + x**3 + x**2 + x

    def outputs(tree):
        return np.arcsinh(np.broadcast_to(gp.compile(tree, pset)(x), x.shape))

    def error(tree):
        return (float(np.mean((np.sinh(outputs(tree)) - target) ** 2)),)

    toolbox = base.Toolbox()
    toolbox.register("expr", gp.genHalfAndHalf, pset=pset, min_=1, max_=3)
    toolbox.register("individual", tools.initIterate, Expression, toolbox.expr)
    toolbox.register("mate", gp.cxOnePoint)
    toolbox.register("mutate", gp.mutUniform, expr=toolbox.expr, pset=pset)
    state = random.getstate()
    random.seed(2)
    population = [toolbox.individual() for _ in range(100)]
    children = algorithms.varOr(population, toolbox, 300, cxpb=0.5, mutpb=0.5)
    random.setstate(state)
    features = np.array([outputs(tree) for tree in population])
    figures = -np.log(np.array([error(tree) for tree in population]) + 1e-3)
    surrogate = Surrogate().fit(Evidence(features, figures, np.ones(len(population))))
    preselect = Preselection(surrogate, outputs)
    preselect.remember(population)
    toolbox.register("preselect", preselect)
    chosen = toolbox.preselect(children, k=10)
    print(np.median([error(tree) for tree in chosen]), np.median([error(tree) for tree in children]), sorted(error(t) for t in chosen), np.quantile([error(t) for t in children],[.05,.1,.25]))
    assert np.median([error(tree) for tree in chosen]) < 0.2 * np.median(
        [error(tree) for tree in children])  # fmt: skip
