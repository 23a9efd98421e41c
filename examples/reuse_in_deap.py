"""The algorithms on problems of DEAP's own: bit strings and symbolic regression, no losses."""

import argparse
import operator
import random
from functools import partial

import numpy as np
from deap import base, gp, tools

from deap_lossgp.algorithms import eaArchive, eaSampleTournament

ALGORITHMS = {"sample tournament": eaSampleTournament, "archive": eaArchive}


class Maximised(base.Fitness):
    weights = (1.0,)


class Minimised(base.Fitness):
    weights = (-1.0,)


class BitString(list):
    def __init__(self, bits):
        super().__init__(bits)
        self.fitness = Maximised()


class Expression(gp.PrimitiveTree):
    def __init__(self, nodes):
        super().__init__(nodes)
        self.fitness = Minimised()


def onemax_toolbox(length=50):
    toolbox = base.Toolbox()
    toolbox.register("bit", random.randint, 0, 1)
    toolbox.register("individual", tools.initRepeat, BitString, toolbox.bit, length)
    toolbox.register("evaluate", lambda bits: (sum(bits),))
    toolbox.register("mate", tools.cxTwoPoint)
    toolbox.register("mutate", tools.mutFlipBit, indpb=1 / length)
    return toolbox


def protected_div(left, right):
    return np.where(right == 0, 1.0, left / np.where(right == 0, 1.0, right))


def regression_pset():
    pset = gp.PrimitiveSet("quartic", 1)
    for function, arity in (
        (np.add, 2),
        (np.subtract, 2),
        (np.multiply, 2),
        (protected_div, 2),
        (np.negative, 1),
        (np.cos, 1),
        (np.sin, 1),
    ):
        pset.addPrimitive(function, arity, name=function.__name__)
    pset.addEphemeralConstant("constant", partial(random.randint, -1, 1))
    pset.renameArguments(ARG0="x")
    return pset


def regression_toolbox():
    pset = regression_pset()
    x = np.linspace(-1, 1, 21)
    target = x**4 + x**3 + x**2 + x

    def squared_error(tree):
        # What overflows becomes NaN, which the algorithms rank as the worst.
        with np.errstate(all="ignore"):
            return (float(np.mean((gp.compile(tree, pset)(x) - target) ** 2)),)

    toolbox = base.Toolbox()
    toolbox.register("expr", gp.genHalfAndHalf, pset=pset, min_=1, max_=3)
    toolbox.register("individual", tools.initIterate, Expression, toolbox.expr)
    toolbox.register("evaluate", squared_error)
    toolbox.register("mate", gp.cxOnePoint)
    toolbox.register("subtree", gp.genFull, min_=0, max_=2)
    toolbox.register("mutate", gp.mutUniform, expr=toolbox.subtree, pset=pset)
    for alias in "mate", "mutate":
        toolbox.decorate(alias, gp.staticLimit(operator.attrgetter("height"), max_value=17))
    return toolbox


def run_onemax(algorithm, seed=1, ngen=80, population=100):
    """Returns the best bit string and the number of evaluations."""
    return _run(algorithm, onemax_toolbox(), 0.5, 0.5, seed, ngen, population)


def run_symbolic_regression(algorithm, seed=1, ngen=80, population=100):
    """Returns the best expression for x**4 + x**3 + x**2 + x and the number of evaluations."""
    return _run(algorithm, regression_toolbox(), 0.9, 0.3, seed, ngen, population)


def _run(algorithm, toolbox, cxpb, mutpb, seed, ngen, size):
    random.seed(seed)
    population = [toolbox.individual() for _ in range(size)]
    halloffame = tools.HallOfFame(1)
    _, logbook = algorithm(
        population, toolbox, cxpb, mutpb, ngen, halloffame=halloffame, verbose=False
    )
    return halloffame[0], sum(logbook.select("nevals"))


def main(seed=1, ngen=80, population=100):
    for title, run in (
        ("(a) OneMax, ones in 50 bits", run_onemax),
        ("(b) symbolic regression, mean squared error", run_symbolic_regression),
    ):
        print(title)
        for name, algorithm in ALGORITHMS.items():
            best, nevals = run(algorithm, seed, ngen, population)
            print(f"  {name:17}  {best.fitness.values[0]:8.4g} after {nevals} evaluations")
        if isinstance(best, gp.PrimitiveTree):
            print(f"  e.g. {best}")
    # (c) our toolbox driven by DEAP's eaSimple


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ngen", type=int, default=80, help="number of generations")
    parser.add_argument("--population", type=int, default=100, help="number of individuals")
    arguments = parser.parse_args()
    try:
        main(**vars(arguments))
    except ValueError as error:
        parser.exit(2, f"{parser.prog}: error: {error}\n")
