"""The constants of a tree: read, replaced, inserted, and tuned by CMA-ES while the tree stays.

This is the second stage of GLO, genetic loss-function optimization: genetic programming finds the
structure of a loss, which then stands for one with a coefficient of 1 at each of its nodes; a
covariance matrix adaptation evolution strategy (CMA-ES) finds better coefficients.

Examples:
    >>> import random
    >>> from deap import base, tools
    >>> from deap_lossgp.psets import loss_primitive_set
    >>> from deap_lossgp.trees import LossTree
    >>> pset = loss_primitive_set()
    >>> baikal = LossTree.from_string("sub(div(y_true, y_pred), log(y_pred))", pset)
    >>> tree = insert_coefficients(baikal, pset)
    >>> print(tree)
    sub(mul(1.0, div(y_true, y_pred)), mul(1.0, log(mul(1.0, y_pred))))
    >>> toolbox = base.Toolbox()
    >>> toolbox.register("evaluate",
    ...                  lambda tree: (0.0, -sum((c - 3.0) ** 2 for c in constants_of(tree))))
    >>> random.seed(1)
    >>> best = tools.HallOfFame(1)
    >>> population, logbook = eaConstants(tree, toolbox, 40, halloffame=best, verbose=False)
    >>> [round(c, 2) for c in constants_of(best[0])], logbook.select("nevals")[:3]
    ([3.0, 3.0, 3.0], [1, 7, 7])

References:
    S. Gonzalez and R. Miikkulainen, "Improved training speed, accuracy, and data utilization
    through loss function optimization", CEC 2020, arXiv:1905.11528.
    N. Hansen and A. Ostermeier, "Completely derandomized self-adaptation in evolution strategies",
    Evolutionary Computation 9(2), 2001.
"""

import copy
import math
import random

import numpy as np
from deap import cma, gp, tools

from deap_lossgp.algorithms.loop import check_arguments, check_integer, evaluate_invalid
from deap_lossgp.expressions import constant, is_constant
from deap_lossgp.trees import LossTree


def constants_of(tree):
    """The numbers at a tree's leaves, a list of floats in prefix order.

    Examples:
        >>> from deap_lossgp.psets import loss_primitive_set
        >>> tree = LossTree.from_string("add(2, mul(0.5, y_pred))", loss_primitive_set())
        >>> constants_of(tree)
        [2.0, 0.5]
    """
    return [float(node.value) for node in tree if is_constant(node)]


def with_constants(tree, values):
    """A copy of a tree with other numbers at its leaves and no fitness.

    Args:
        tree: A ``LossTree``, or another ``deap.gp.PrimitiveTree`` with a ``fitness``; not changed.
        values: One finite number for each constant, in prefix order.

    Returns:
        A new tree of the same class, which holds exactly these floats.

    Raises:
        ValueError: Too few or too many values, or one that is not finite.

    Examples:
        >>> from deap_lossgp.psets import loss_primitive_set
        >>> tree = LossTree.from_string("add(2, mul(0.5, y_pred))", loss_primitive_set())
        >>> print(with_constants(tree, [0.1, -3]))
        add(0.1, mul(-3.0, y_pred))
    """
    values = [float(value) for value in values]
    places = [place for place, node in enumerate(tree) if is_constant(node)]
    if len(values) != len(places):
        raise ValueError(f"expected a value for each of the tree's {len(places)} constants, "
                         f"got {len(values)}")
    if not all(map(math.isfinite, values)):
        raise ValueError(f"expected finite constants, got {values}")
    new = copy.deepcopy(tree)
    for place, value in zip(places, values, strict=True):
        new[place] = _leaf(tree[place], value)
    del new.fitness.values
    return new


def insert_coefficients(tree, pset, *, prune=True):
    """Puts a factor of 1 in front of the nodes of a loss, for :func:`eaConstants` to tune.

    GLO regards a loss as having a unit coefficient at each node, and leaves out those that others
    absorb. What is left out is a reading: here a factor stands in front of each term of a sum, and
    of what another function than ``add sub neg mul div`` is applied to. A sum, a negation and a
    factor of a product have none of their own, nor has what is multiplied with a constant already;
    and in a sum that is a factor one of the terms has none. So Baikal, log(p) - t/p, has the three
    of w0·log(w1·p) - w2·t/p, to which the published Baikal-CMA comes down.

    Args:
        tree: A ``LossTree``; not changed. Its values and derivatives are those of the result.
        pset: Its primitive set, with a primitive named mul; read by name are add, sub, mul, div
            and neg.
        prune: Whether to leave out what others absorb; otherwise each node but the constants gets
            a factor.

    Returns:
        A new ``LossTree``, two nodes larger for each factor. Limits on size are not looked at.

    Raises:
        ValueError: The set has no mul.

    Examples:
        >>> from deap_lossgp.psets import loss_primitive_set
        >>> pset = loss_primitive_set()
        >>> tree = LossTree.from_string("sub(exp(y_true), mul(y_true, y_pred))", pset)
        >>> print(insert_coefficients(tree, pset))
        sub(mul(1.0, exp(mul(1.0, y_true))), mul(1.0, mul(y_true, y_pred)))
        >>> len(constants_of(insert_coefficients(tree, pset, prune=False)))
        6
    """
    factor = pset.mapping.get("mul")
    if not isinstance(factor, gp.Primitive) or factor.arity != 2:
        raise ValueError(f"the primitive set {pset.name!r} has no mul(a, b) to put factors with")
    nodes = []
    pending = [True]  # of the nodes to come: whether each shall have a scale of its own
    for node, places in zip(tree, _operands(tree), strict=True):
        own = pending.pop()
        known = any(is_constant(tree[place]) for place in places)
        below = [True] * node.arity
        if is_constant(node):
            own = False
        elif prune and node.name in ("add", "sub"):
            # Where the sum's scale is given from outside, one of its terms does without.
            below, own = [own, own or not known], False
        elif prune and node.name == "neg":
            below, own = [own], False
        elif prune and node.name in ("mul", "div"):
            below, own = [False, False], own and not known
        if own:
            nodes += [factor, constant(1.0, pset)]
        nodes.append(node)
        pending += reversed(below)
    return LossTree(nodes)


def eaConstants(
    individual,
    toolbox,
    ngen,
    sigma=0.5,
    lambda_=None,
    stats=None,
    halloffame=None,
    verbose=__debug__,
):
    """Tunes the constants of one tree by CMA-ES; the form of DEAP's ``eaGenerateUpdate``.

    The pseudocode::

        evaluate(individual)
        strategy = Strategy(constants of individual, sigma)
        for g in range(ngen):
            population = trees with the constants that strategy generates
            evaluate(population)
            update strategy with the ranking of population

    A run asks for 1 + ngen·``lambda_`` evaluations, the first only where the individual's fitness
    is not known. CMA-ES reads the ranking alone, so any fitness serves that DEAP can compare: with
    :class:`~deap_lossgp.trees.LossFitness` wins come first and a failed training, of fitness -inf,
    last. NaN counts as the worst value. The strategy's draws come from a stream seeded by one draw
    from ``random``; NumPy's global one is where it was, for evaluations and afterwards.

    Args:
        individual: The tree to start from, with at least one constant, such as
            :func:`insert_coefficients` makes; a ``LossTree`` or another ``deap.gp.PrimitiveTree``
            with a ``fitness``. Not changed.
        toolbox: uses ``evaluate``, ``clone`` and ``map``.
        ngen: number of generations, at least 0.
        sigma: initial standard deviation of every constant, positive. With 0.5 a coefficient of 1
            changes its sign in one of 44 draws.
        lambda_: trees in each generation, at least 2; floor(4 + 3 log n) by default, for n
            constants.
        stats: a ``Statistics`` or ``MultiStatistics`` of the population, optional.
        halloffame: a ``HallOfFame``, updated with all that is evaluated and the individual,
            optional; without one the best of earlier generations is lost.
        verbose: whether to print the logbook as it grows.

    Returns:
        The last generation, the best first, and a ``Logbook`` of one record per generation, 0
        being a copy of the individual.

    Raises:
        ValueError: the tree has no constants, or an argument is outside its range; nothing has
            been evaluated.
    """
    start = constants_of(individual)
    if not start:
        raise ValueError(f"individual must have at least one constant to tune, got a tree of "
                         f"{len(individual)} nodes with none: insert_coefficients gives it some")
    check_arguments([individual], ngen)
    if not (sigma > 0 and math.isfinite(sigma)):
        raise ValueError(f"sigma must be positive and finite, got {sigma}")
    options = {}
    if lambda_ is not None:
        check_integer("lambda_", lambda_, 2)
        options["lambda_"] = lambda_
    strategy, stream = cma.Strategy(start, sigma, **options), _Stream(random.getrandbits(32))
    logbook = tools.Logbook()
    logbook.header = ["gen", "nevals"] + (stats.fields if stats else [])
    population = [toolbox.clone(individual)]
    for gen in range(ngen + 1):
        if gen:
            with stream:
                vectors = strategy.generate(_Vector)
            population = [with_constants(individual, vector) for vector in vectors]
        nevals = evaluate_invalid(population, toolbox)
        if halloffame is not None:
            halloffame.update(population)
        if gen:
            for vector, tree in zip(vectors, population, strict=True):
                vector.fitness = tree.fitness
            strategy.update(vectors)
            population = tools.selBest(population, len(population))
        logbook.record(gen=gen, nevals=nevals, **(stats.compile(population) if stats else {}))
        if verbose:
            print(logbook.stream)
    return population, logbook


class _Vector(list):
    """What the strategy generates and ranks: a tree's constants, with the tree's fitness."""


class _Stream:
    """A stream of random numbers that takes the place of NumPy's global one inside ``with``."""

    def __init__(self, seed):
        self.state = np.random.RandomState(seed).get_state()

    def __enter__(self):
        self.outside = np.random.get_state()
        np.random.set_state(self.state)

    def __exit__(self, *_exception):
        self.state = np.random.get_state()
        np.random.set_state(self.outside)


def _leaf(old, value):
    """A constant leaf of the same kind as another."""
    if isinstance(type(old), gp.MetaEphemeral):
        leaf = type(old).__new__(type(old))  # calling the class would draw a random number
        leaf.value = value
        return leaf
    return gp.Terminal(value, False, old.ret)


def _operands(tree):
    """For each node the places of its operands; one pass, since trees may be of any height."""
    operands, roots = [], []  # roots: the places of the subtrees found so far, the last first
    for place in reversed(range(len(tree))):
        operands.append([roots.pop() for _ in range(tree[place].arity)])
        roots.append(place)
    return operands[::-1]
