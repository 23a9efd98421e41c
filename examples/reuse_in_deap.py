"""Uses parts of this package in other DEAP projects, without TensorFlow.

(a) OneMax and (b) symbolic regression, with DEAP's own operators, in this package's algorithms;
(c) this package's toolbox of loss trees, in DEAP's eaSimple; (d) symbolic regression again, where a
surrogate that learns from what was evaluated chooses the children (``toolbox.preselect``).
"""

import operator
import random
from functools import partial
from pathlib import Path

import numpy as np
from deap import algorithms, base, gp, tools

from deap_lossgp.algorithms import eaArchive, eaSampleTournament
from deap_lossgp.commands import CommandParser, refused
from deap_lossgp.curves import LossCurves, accuracy_gain
from deap_lossgp.plotting import plot_generations
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.search import logbook_table, write_csv
from deap_lossgp.surrogate import Evidence, Preselection, Surrogate
from deap_lossgp.toolbox import make_toolbox

ALGORITHMS = {"sample tournament": eaSampleTournament, "archive": eaArchive}
PRESELECTED_SEEDS = range(5)


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
        # An overflow becomes NaN, which the algorithms rank as the worst value.
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


def add_preselection(toolbox, seed):
    """Lets a surrogate choose which children are evaluated, by their outputs at a few points.

    An evaluation here takes microseconds. It stands for one that takes minutes, where choosing
    costs nothing beside it: what counts is the number of evaluations.
    """
    pset, evaluate, points = regression_pset(), toolbox.evaluate, np.linspace(-1, 1, 6)
    inputs, figures = [], []

    def features(tree):
        with np.errstate(all="ignore"):
            outputs = np.broadcast_to(gp.compile(tree, pset)(points), points.shape)
        return np.arctan(np.nan_to_num(outputs))

    def evaluated(tree):
        (error,) = evaluate(tree)
        inputs.append(features(tree))
        figures.append([-np.log10(min(max(error, 1e-12), 1e6)) if np.isfinite(error) else -6.0])
        return (error,)

    preselection = Preselection(None, features)

    def preselect(children, k):
        evidence = Evidence(np.array(inputs), np.array(figures), np.ones(len(inputs)))
        preselection.surrogate = Surrogate(trees=50, seed=seed).fit(evidence)
        return preselection(children, k)

    toolbox.register("evaluate", evaluated)
    toolbox.register("preselect", preselect)


def loss_toolbox():
    pset = loss_primitive_set()

    def trainability(tree):
        # Instead of training networks: does the loss make free predictions right?
        curves = LossCurves.of(tree, pset)
        return float(curves.certified), accuracy_gain(curves) if curves.finite else -1.0

    return make_toolbox(pset, trainability, max_size=40)


def run_onemax(algorithm, seed=1, ngen=80, population=100):
    """Returns the best bit string and the logbook."""
    return _run(algorithm, onemax_toolbox(), 0.5, 0.5, seed, ngen, population)


def run_symbolic_regression(algorithm, seed=1, ngen=80, population=100):
    """Returns the best expression for x**4 + x**3 + x**2 + x and the logbook."""
    return _run(algorithm, regression_toolbox(), 0.9, 0.3, seed, ngen, population)


def run_preselection(preselects, seed=1, ngen=80, population=20):
    """Returns the best expression with or without preselection, and the logbook."""
    toolbox = regression_toolbox()
    if preselects:
        add_preselection(toolbox, seed)
    return _run(eaSampleTournament, toolbox, 0.9, 0.3, seed, ngen, population)


def run_losses(seed=1, ngen=10, population=20):
    """Returns the most trainable loss tree that eaSimple finds, and the logbook."""
    return _run(algorithms.eaSimple, loss_toolbox(), 0.5, 1.0, seed, ngen, population)


def _run(algorithm, toolbox, cxpb, mutpb, seed, ngen, size):
    random.seed(seed)
    population = [toolbox.individual() for _ in range(size)]
    halloffame = tools.HallOfFame(1)
    stats = tools.Statistics(lambda individual: individual.fitness.values[-1])
    stats.register("avg", np.mean)
    stats.register("max", np.max)
    stats.register("min", np.min)
    _, logbook = algorithm(
        population, toolbox, cxpb, mutpb, ngen, stats=stats, halloffame=halloffame, verbose=False
    )
    return halloffame[0], logbook


def save(logbook, output, name):
    write_csv(logbook_table(logbook), output / f"{name}.csv")
    plot_generations(logbook).figure.savefig(output / f"{name}.png", dpi=150)


def run_all(output, seed=1, ngen=80, population=100):
    output = Path(output)
    output.mkdir(parents=True, exist_ok=True)
    for title, name, run in (
        ("(a) OneMax, ones in 50 bits", "onemax", run_onemax),
        ("(b) symbolic regression, mean squared error", "regression", run_symbolic_regression),
    ):
        print(title)
        for algorithm_name, algorithm in ALGORITHMS.items():
            best, logbook = run(algorithm, seed, ngen, population)
            value, nevals = best.fitness.values[0], sum(logbook.select("nevals"))
            print(f"  {algorithm_name:17}  {value:8.4g} after {nevals} evaluations")
            save(logbook, output, f"{name}-{algorithm_name.replace(' ', '-')}")
        if isinstance(best, gp.PrimitiveTree):
            print(f"  e.g. {best}")
    print("(c) loss trees under DEAP's eaSimple, gain in accuracy of free predictions")
    best, logbook = run_losses(seed, max(1, ngen // 8), max(2, population // 5))
    print(f"  {best.fitness.values[1]:.2f}: {best}")
    save(logbook, output, "losses-eaSimple")
    print(f"(d) symbolic regression, median squared error of {len(PRESELECTED_SEEDS)} seeds")
    for preselects in (False, True):
        runs = [run_preselection(preselects, seed + more, max(1, ngen // 4),
                                 max(4, population // 5)) for more in PRESELECTED_SEEDS]
        errors = [best.fitness.values[0] for best, _ in runs]
        nevals = sum(runs[0][1].select("nevals"))
        name = "with preselection" if preselects else "without"
        print(f"  {name:17}  {np.median(errors):8.4g} after {nevals} evaluations, of "
              f"{' '.join(f'{error:.2g}' for error in sorted(errors))}")
        save(runs[0][1], output, f"regression-{name.replace(' ', '-')}")
    print(f"Results in {output}: logbooks as CSV, generation curves as PNG")


def main(argv=None):
    parser = CommandParser("Solve DEAP's problems with our algorithms, and evolve our trees in "
                           "DEAP's.")
    parser.add_argument("--seed", type=int, default=1, help="seed of every run")
    parser.add_argument("--ngen", type=int, default=80, help="number of generations")
    parser.add_argument("--population", type=int, default=100, help="number of individuals")
    parser.add_argument("--output", default="runs/reuse_in_deap", metavar="DIR",
                        help="folder for logbooks and curves")
    refused(parser, run_all, **vars(parser.parse_args(argv)))


if __name__ == "__main__":
    main()
