"""CMA-ES over what individuals do, then genetic programming for trees that do the same."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

from deap import tools

from deap_lossgp.algorithms.cma_es import NumbersTuning, check_sigma
from deap_lossgp.algorithms.glo import eaGLO
from deap_lossgp.algorithms.loop import Stats, check_arguments, check_integer, run_generations

if TYPE_CHECKING:
    from deap import base, gp

EXPRESSIONS = 4
"""How many expressions are found for the best curve."""

POPULATION, GENERATIONS = 200, 60
"""Size and generations of the ``eaGLO`` that finds one expression."""


def eaCurve(population: list, toolbox: base.Toolbox, ngen: int, pset: gp.PrimitiveSet,
            lambda_: int | None = None, nstart: int | None = None, sigma: float = 0.35,
            stats: Stats | None = None, halloffame: tools.HallOfFame | None = None,
            verbose: bool = __debug__) -> tuple[list, tools.Logbook]:
    """Searches numbers that describe what individuals do, then individuals that do the same.

    The pseudocode::

        evaluate(population)
        express = toolbox.around(the best of the first nstart of population)
        strategy = Strategy(zeros, sigma)
        for g in range(ngen):
            offspring = express(numbers), for lambda_ lists of numbers that strategy generates
            evaluate(offspring)
            update strategy with the ranking of offspring
        curve = express(the centre of strategy)
        expressions = the best of eaGLO on toolbox.imitating(curve, the start), EXPRESSIONS times
        evaluate([curve, *expressions])

    A run asks for P + ngen·``lambda_`` + 1 + EXPRESSIONS evaluations, and the logbook has
    ngen + 2 records. The centre is the answer of CMA-ES: the best of a generation was lucky if
    evaluations depend on chance, and the centre is a mean over many. So it is the one, and not the
    best that was evaluated, that is imitated.

    Args:
        population: List of P individuals, P ≥ 1; not changed, but for their fitness.
        toolbox: Uses ``evaluate``, ``clone`` and ``map``, ``stop`` where there is one (the curve
            and the expressions follow all the same), and

            * ``around(individual) -> express``: ``express(numbers)`` returns an individual without
              fitness, ``len(express)`` is how many numbers it takes, and zeros give what does the
              same as the given individual;
            * ``imitating(individual, start) -> toolbox`` of genetic programming, whose ``evaluate``
              says how well a tree does the same as this individual, which was found around the
              start. Uses its ``population``, ``evaluate``, ``mate``, ``mutate``, ``clone`` and
              ``map``.
        ngen: Number of generations of CMA-ES, at least 0.
        pset: The primitive set of the trees, for ``eaGLO``.
        lambda_: Individuals in each generation, at least 2; max(2, P) by default.
        nstart: Among how many of the first individuals the start is chosen, 1..P; all by default.
        sigma: Initial standard deviation of the numbers, positive and finite.
        stats: A ``Statistics`` or ``MultiStatistics`` of the population, optional.
        halloffame: A ``HallOfFame``, updated with the start, the curve and the expressions,
            optional. What is evaluated in between is not in it.
        verbose: Whether to print the logbook as it grows.

    Returns:
        The curve and the expressions, the best first, and a ``Logbook`` of one record per
        generation, 0 being the population.

    Raises:
        TypeError: An argument that is a number is not an integer.
        ValueError: An argument is outside its range; nothing has been evaluated.
    """
    check_arguments(population, ngen)
    lambda_ = max(2, len(population)) if lambda_ is None else lambda_
    nstart = len(population) if nstart is None else nstart
    check_integer("nstart", nstart, 1, len(population), "P, the population's size")
    check_integer("lambda_", lambda_, 2)
    check_sigma(sigma)

    def generations():
        start = max(population[:nstart], key=lambda individual: individual.fitness)
        if halloffame is not None:
            halloffame.update([start])
        express = toolbox.around(start)
        tuning = NumbersTuning([0.0] * len(express), express, sigma, lambda_)
        for _ in range(ngen):
            if stopped:
                break
            offspring = tuning.vary()
            yield offspring
            tuning.learn(offspring)  # they have been evaluated by now
        curve = tuning.centre()
        yield [curve, *imitate(toolbox.imitating(curve, start), EXPRESSIONS, pset)]

    def stop(population, logbook):
        if stopped:
            return True
        if len(logbook) <= ngen and toolbox.stop(population, logbook):
            stopped.append(True)
        return False  # the last generation follows

    stopped, loop_toolbox, made = [], copy(toolbox), generations()
    if hasattr(toolbox, "stop"):
        loop_toolbox.stop = stop
    # CMA-ES has to see all of its sample, and the expressions are chosen already.
    final, logbook = run_generations(
        list(population), loop_toolbox, ngen + 1, lambda _population: next(made),
        lambda _population, offspring: tools.selBest(offspring, len(offspring)),
        stats, None, verbose, preselects=False)
    if halloffame is not None:
        halloffame.update(final)
    return final, logbook


def imitate(toolbox: base.Toolbox, count: int, pset: gp.PrimitiveSet) -> list:
    """Finds trees that do the same as a target, each by an ``eaGLO`` of its own.

    Args:
        toolbox: Uses ``population``, ``evaluate``, ``mate``, ``mutate``, ``clone`` and ``map``.
        count: How many.
        pset: The primitive set of the trees.

    Returns:
        list of ``count`` distinct trees without fitness, the best first.
    """
    found = []
    for _ in range(count):
        best = tools.HallOfFame(count)  # so that one of them is new
        eaGLO(toolbox.population(n=POPULATION), toolbox, 0.8, 1.0, GENERATIONS, pset,
              halloffame=best, verbose=False)
        found.append(next(tree for tree in best if tree not in found))
    trees = [toolbox.clone(tree) for tree in tools.selBest(found, count)]
    for tree in trees:
        del tree.fitness.values
    return trees
