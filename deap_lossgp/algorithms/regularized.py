"""Regularised (ageing) evolution: the best of a tournament has a child, the oldest dies."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from deap import tools

from deap_lossgp.algorithms.loop import Stats, check_arguments, check_integer, run_generations

if TYPE_CHECKING:
    from deap import base


def varRegularized(population: list, toolbox: base.Toolbox, mutpb: float, lambda_: int = 1,
                   tournsize: int | None = None, cxpb: float = 0.0) -> list:
    """Makes children of the winners of small tournaments, each child of a tournament of its own.

    Args:
        population: List of P evaluated individuals; neither the list nor they are changed.
        toolbox: Uses ``clone`` and ``mutate``; also ``individual`` if ``mutpb`` < 1, and ``mate``
            if ``cxpb`` > 0.
        mutpb: Probability in [0, 1] that a child is the winner's mutated copy instead of a new
            individual.
        lambda_: Number of children, 1..P.
        tournsize: S, how many are drawn, with replacement, for each tournament, 1..P; P/4 by
            default, rounded down and at least 2 (1 if P = 1).
        cxpb: Probability in [0, 1] that a winner's copy mates, before its mutation, with the winner
            of another tournament.

    Returns:
        List of ``lambda_`` children with invalid fitness, independent of the population.

    Raises:
        ValueError: An argument is outside its range.
    """
    lambda_, tournsize = _checked(population, 0, cxpb, mutpb, lambda_, tournsize)
    return [_child(population, toolbox, mutpb, tournsize, cxpb) for _ in range(lambda_)]


def eaRegularized(population: list, toolbox: base.Toolbox, mutpb: float, ngen: int,
                  lambda_: int = 1, tournsize: int | None = None, cxpb: float = 0.0,
                  stats: Stats | None = None, halloffame: tools.HallOfFame | None = None,
                  verbose: bool = __debug__) -> tuple[list, tools.Logbook]:
    """Evolves by age: children of tournament winners come, the oldest go, however good they are.

    In the other algorithms the worst die, and a survivor may stay for ever. Here everything dies
    after some time, and a line of descent lasts only if its descendants are good again. So a
    measurement that was lucky once is forgotten.

    The pseudocode, where the population is a queue with the oldest in front::

        evaluate(population)
        for g in range(ngen):
            for _ in range(lambda_):
                parent = best of tournsize individuals drawn from population
                child = mutate(clone(parent)) if random() < mutpb else a new one
            evaluate(children)
            population = (population + children) without its lambda_ oldest

    A run asks for P + ngen·``lambda_`` evaluations. With ``lambda_=1`` a generation is one cycle of
    Real et al. A larger value corresponds to as many parallel workers of theirs, which all draw
    from the population as it was when they started: the children of a generation cannot be parents
    in it, and are evaluated in one call of ``toolbox.map``. With the N of
    :func:`~deap_lossgp.algorithms.eaSampleTournament` the generations of both are comparable.

    .. note::

        Real et al. draw the tournament with replacement, as here and in DEAP's ``selTournament``
        (P = 100, S = 25), and always mutate: ``mutpb=1``. The program that Co-Reyes et al.
        published draws it without replacement (P = 300, S = 25); there a child is a mutated copy
        with probability 0.95, *otherwise a new random program*, and ``mutpb`` has this meaning
        here. Neither has crossover; ``cxpb`` is an addition, 0 by default. Co-Reyes et al. also
        give a duplicate the fitness that is known; here this is the task of ``toolbox.map``.

    .. note::

        ``toolbox.mutate`` should change every individual. With the thesis's M_ST and M_N,
        :func:`deap_lossgp.operators.mutLoss` leaves 63% of them as they are. Make the toolbox with
        ``subtreepb=0, pointpb=1``, which comes nearest to the papers' mutations of a single node.

    .. warning::

        The best may have died: keep a ``halloffame``. The population is in the order of birth, at
        the start too. The result of another algorithm has the best in front, so shuffle it first.

    Args:
        population: List of P individuals, P ≥ 1, the oldest first, evolved in place.
        toolbox: Uses ``evaluate``, ``mutate``, ``clone`` and ``map``; also ``individual`` if
            ``mutpb`` < 1, and ``mate`` if ``cxpb`` > 0.
        mutpb: Probability in [0, 1] that a child is its parent's mutated copy instead of a new
            individual.
        ngen: Number of generations, at least 0.
        lambda_: Children, and deaths, in each generation, 1..P.
        tournsize: S, how many are drawn, with replacement, for each tournament, 1..P; P/4 by
            default, rounded down and at least 2 (1 if P = 1).
        cxpb: Probability in [0, 1] that a parent's copy mates, before its mutation, with the winner
            of another tournament.
        stats: A ``Statistics`` or ``MultiStatistics`` of the population, optional.
        halloffame: A ``HallOfFame``, updated with all that is evaluated, optional.
        verbose: Whether to print the logbook as it grows.

    Returns:
        The population, the oldest first, and a ``Logbook`` of one record per generation, 0 being
        the start.

    Raises:
        ValueError: An argument is outside its range; nothing has been evaluated.

    References:
        E. Real, A. Aggarwal, Y. Huang and Q. V. Le, "Regularized evolution for image classifier
        architecture search", AAAI 2019, arXiv:1802.01548.
        J. D. Co-Reyes, Y. Miao, D. Peng, E. Real, S. Levine, Q. V. Le, H. Lee and A. Faust,
        "Evolving reinforcement learning algorithms", ICLR 2021, arXiv:2101.03958.
    """
    lambda_, tournsize = _checked(population, ngen, cxpb, mutpb, lambda_, tournsize)

    def vary(population):
        return varRegularized(population, toolbox, mutpb, lambda_, tournsize, cxpb)

    def survive(population, offspring):
        return population[len(offspring):] + offspring

    return run_generations(population, toolbox, ngen, vary, survive, stats, halloffame, verbose)


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
    """Checks all arguments and fills in S; returns (``lambda_``, S)."""
    check_arguments(population, ngen, cxpb, mutpb)
    size = len(population)
    # With more than P children, some would die in the generation of their birth.
    check_integer("lambda_", lambda_, 1, size, "P, the population's size")
    tournsize = min(size, max(2, size // 4)) if tournsize is None else tournsize
    check_integer("tournsize", tournsize, 1, size, "P, the population's size")
    return lambda_, tournsize
