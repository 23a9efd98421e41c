"""Regularised (aging) evolution: the best of a tournament has a child, the oldest dies.

For individuals of any kind. In the other algorithms the worst die and a survivor may stay for good;
here everything dies at its time, and a line lasts only if its descendants are good again. So a
measurement that was lucky once is forgotten.

Examples:
    >>> import random
    >>> from deap import base, tools
    >>> class Ones(base.Fitness):
    ...     weights = (1.0,)
    >>> class Bits(list):
    ...     def __init__(self, bits):
    ...         super().__init__(bits)
    ...         self.fitness = Ones()
    >>> toolbox = base.Toolbox()
    >>> toolbox.register("individual", lambda: Bits(random.choices([0, 1], k=12)))
    >>> toolbox.register("evaluate", lambda bits: (sum(bits),))
    >>> toolbox.register("mutate", tools.mutFlipBit, indpb=0.1)
    >>> random.seed(1)
    >>> population = [toolbox.individual() for _ in range(8)]
    >>> best = tools.HallOfFame(1)
    >>> final, logbook = eaRegularized(population, toolbox, 0.95, 20, lambda_=3, tournsize=4,
    ...                                halloffame=best, verbose=False)
    >>> sum(best[0]), logbook.select("nevals")[:3], sum(logbook.select("nevals"))
    (11, [8, 3, 3], 68)

    The variation alone, for a loop of one's own; its children await their evaluation:

    >>> children = varRegularized(final, toolbox, 0.95, lambda_=4)
    >>> len(children), any(child.fitness.valid for child in children)
    (4, False)

References:
    E. Real, A. Aggarwal, Y. Huang and Q. V. Le, "Regularized evolution for image classifier
    architecture search", AAAI 2019, arXiv:1802.01548.
    J. D. Co-Reyes, Y. Miao, D. Peng, E. Real, S. Levine, Q. V. Le, H. Lee and A. Faust, "Evolving
    reinforcement learning algorithms", ICLR 2021, arXiv:2101.03958.
"""

import random

from deap import tools

from deap_lossgp.algorithms.loop import check_arguments, check_integer, evaluate_invalid


def varRegularized(population, toolbox, mutpb, lambda_=1, tournsize=None, cxpb=0.0):
    """Makes children of the winners of small tournaments, each child of a tournament of its own.

    Args:
        population: list of P evaluated individuals; neither it nor they are changed.
        toolbox: uses ``clone`` and ``mutate``; ``individual`` where *mutpb* < 1 and ``mate`` where
            *cxpb* > 0.
        mutpb: probability in [0, 1] that a child is the winner's mutated copy instead of a fresh
            individual.
        lambda_: number of children, 1..P.
        tournsize: S, how many are drawn, with replacement, for each tournament, 1..P; P/4 by
            default, rounded down and at least 2 (1 where P = 1).
        cxpb: probability in [0, 1] that a winner's copy mates, before its mutation, with the winner
            of another tournament.

    Returns:
        List of ``lambda_`` children with invalid fitness, independent of the population.

    Raises:
        ValueError: an argument is outside its range.
    """
    lambda_, tournsize = _checked(population, 0, cxpb, mutpb, lambda_, tournsize)
    return [_child(population, toolbox, mutpb, tournsize, cxpb) for _ in range(lambda_)]


def eaRegularized(
    population,
    toolbox,
    mutpb,
    ngen,
    lambda_=1,
    tournsize=None,
    cxpb=0.0,
    stats=None,
    halloffame=None,
    verbose=__debug__,
):
    """Evolves by age: children of tournament winners come, the oldest go, however good they are.

    The pseudocode, where the population is a queue with the oldest in front::

        evaluate(population)
        for g in range(ngen):
            for _ in range(lambda_):
                parent = best of tournsize individuals drawn from population
                child = mutate(clone(parent)) if random() < mutpb else a new one
            evaluate(children)
            population = (population + children) without its lambda_ oldest

    A run asks for P + ngen·``lambda_`` evaluations. With ``lambda_=1`` a generation is one cycle of
    Real et al.; a larger one stands for that many workers of theirs, who draw from the population
    as it was when they started. So the children of a generation do not compete for being parents
    within it, and are evaluated in one call of ``toolbox.map``. The N of
    :func:`~deap_lossgp.algorithms.eaSampleTournament` makes the generations of both comparable.

    .. note::

        Real et al. draw the tournament with replacement, as here and in DEAP's ``selTournament``
        (P = 100, S = 25), and mutate always: ``mutpb=1``. In the program that Co-Reyes et al.
        published the tournament is drawn without replacement (P = 300, S = 25), and a child is with
        probability 0.95 mutated and *otherwise a new random program*; so *mutpb* is read here.
        Neither has crossover; *cxpb* is an addition, 0 by default. Co-Reyes et al. also give a
        duplicate the fitness that is known, which is left to ``toolbox.map``.

    .. note::

        ``toolbox.mutate`` should change its individual. :func:`deap_lossgp.operators.mutLoss` with
        the thesis's M_ST and M_N leaves 63% of them as they are: make the toolbox with
        ``subtreepb=0, pointpb=1``, which is nearest to the papers' mutations of a single node.

    .. warning::

        The best may have died: keep a *halloffame*. The population stays in the order of birth,
        which is what its order is taken for at the start, too; another algorithm's result, which
        stands with the best in front, should be shuffled first.

    Args:
        population: list of P individuals, P ≥ 1, the oldest first, evolved in place.
        toolbox: uses ``evaluate``, ``mutate``, ``clone`` and ``map``; ``individual`` where
            *mutpb* < 1 and ``mate`` where *cxpb* > 0.
        mutpb: probability in [0, 1] that a child is its parent's mutated copy instead of a fresh
            individual.
        ngen: number of generations, at least 0.
        lambda_: children, and deaths, in each generation, 1..P.
        tournsize: S, how many are drawn, with replacement, for each tournament, 1..P; P/4 by
            default, rounded down and at least 2 (1 where P = 1).
        cxpb: probability in [0, 1] that a parent's copy mates, before its mutation, with the winner
            of another tournament.
        stats: a ``Statistics`` or ``MultiStatistics`` of the population, optional.
        halloffame: a ``HallOfFame``, updated with all that is evaluated, optional.
        verbose: whether to print the logbook as it grows.

    Returns:
        The population, the oldest first, and a ``Logbook`` of one record per generation, 0 being
        the start.

    Raises:
        ValueError: an argument is outside its range; nothing has been evaluated.
    """
    lambda_, tournsize = _checked(population, ngen, cxpb, mutpb, lambda_, tournsize)
    logbook = tools.Logbook()
    logbook.header = ["gen", "nevals"] + (stats.fields if stats else [])
    for gen in range(ngen + 1):
        born = population
        if gen:
            born = varRegularized(population, toolbox, mutpb, lambda_, tournsize, cxpb)
        nevals = evaluate_invalid(born, toolbox)
        if halloffame is not None:
            halloffame.update(born)
        if gen:
            population[:] = population[lambda_:] + born
        logbook.record(gen=gen, nevals=nevals, **(stats.compile(population) if stats else {}))
        if verbose:
            print(logbook.stream)
    return population, logbook


def _child(population, toolbox, mutpb, tournsize, cxpb):
    (parent,) = tools.selTournament(population, 1, tournsize)
    if random.random() < mutpb:
        child = toolbox.clone(parent)
        if random.random() < cxpb:
            (partner,) = tools.selTournament(population, 1, tournsize)
            child = toolbox.mate(child, toolbox.clone(partner))[0]
        (child,) = toolbox.mutate(child)
    else:
        child = toolbox.individual()
    del child.fitness.values
    return child


def _checked(population, ngen, cxpb, mutpb, lambda_, tournsize):
    """Checks all arguments and fills in S."""
    check_arguments(population, ngen, cxpb, mutpb)
    size = len(population)
    # A child more than P would die in the generation of its birth.
    check_integer("lambda_", lambda_, 1, size, "P, the population's size")
    tournsize = min(size, max(2, size // 4)) if tournsize is None else tournsize
    check_integer("tournsize", tournsize, 1, size, "P, the population's size")
    return lambda_, tournsize
