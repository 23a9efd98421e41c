"""The thesis's Algorithm 1: only the winners of one large sample tournament have children."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from deap import tools

from deap_lossgp.algorithms.loop import (
    Stats,
    check_arguments,
    check_integer,
    keep_best,
    make_child,
    run_generations,
)

if TYPE_CHECKING:
    from deap import base


def varSampleTournament(population: list, toolbox: base.Toolbox, cxpb: float, mutpb: float,
                        sample_size: int | None = None, nparents: int | None = None) -> list:
    """Makes one child of each winner of one large tournament (Algorithm 1, lines 6 to 20).

    Args:
        population: List of P evaluated individuals; neither the list nor they are changed.
        toolbox: Uses ``individual``, ``mate``, ``mutate`` and ``clone``.
        cxpb: C_r, the probability in [0, 1] that a winner mates with another winner instead of a
            new individual. A single winner always mates with a new one.
        mutpb: Probability in [0, 1] of calling ``toolbox.mutate`` on a child.
        sample_size: G, how many are drawn, 1..P; max(1, floor(3P/4)) by default.
        nparents: N, how many of them win, 1..G; max(1, floor(G/2)) by default.

    Returns:
        List of N children with invalid fitness, independent of the population.

    Raises:
        ValueError: An argument is outside its range.
    """
    check_arguments(population, cxpb=cxpb, mutpb=mutpb)
    sample_size, nparents = tournament_sizes(len(population), sample_size, nparents)
    sample = random.sample(population, sample_size)  # line 6
    parents = tools.selBest(sample, nparents)  # line 7
    offspring = []
    for i, individual in enumerate(parents):  # line 8
        others = parents[:i] + parents[i + 1 :]  # by place: equal individuals may mate
        if random.random() < cxpb and others:  # line 9
            partner = toolbox.clone(random.choice(others))  # line 10
        else:
            partner = toolbox.individual()  # line 12
        offspring.append(make_child(individual, partner, toolbox, mutpb))  # lines 14 to 20
    return offspring


def eaSampleTournament(population: list, toolbox: base.Toolbox, cxpb: float, mutpb: float,
                       ngen: int, sample_size: int | None = None, nparents: int | None = None,
                       stats: Stats | None = None,
                       halloffame: tools.HallOfFame | None = None,
                       verbose: bool = __debug__) -> tuple[list, tools.Logbook]:
    """Evolves with few evaluations: only the winners of a sample have children (Algorithm 1).

    Lines of the thesis's Algorithm 1 on the right::

        evaluate(population)                                                # 3, 4
        for g in range(ngen):                                               # 5
            parents = selBest(sample(population, G), N)                     # 6, 7
            for individual in parents:                                      # 8
                partner = another parent if random() < cxpb else a new one  # 9 to 13
                child = mate(clone(individual), clone(partner))[0]          # 14
                if random() < mutpb: mutate(child)                          # 15 to 20
            evaluate(children)                                              # 21
            population = selBest(population + children, P)                  # 22 to 25

    A run asks for P + ngen·N evaluations. With P = 8 and ngen = 12 these are 44;
    :func:`~deap_lossgp.algorithms.eaArchive` asks for 104.

    .. note::

        Algorithm 1 has two mutations, with the probabilities M_ST and M_N. Use ``mutpb=1`` with a
        ``toolbox.mutate`` that draws both by itself, such as
        :func:`deap_lossgp.operators.mutLoss`; any smaller value makes both of them rarer.

    Args:
        population: List of P individuals, P ≥ 1, evolved in place.
        toolbox: Uses ``individual``, ``evaluate``, ``mate``, ``mutate``, ``clone`` and ``map``.
        cxpb: C_r, the probability in [0, 1] that a parent mates with another parent instead of a
            new individual; 0.5 in the thesis. A single parent always mates with a new one.
        mutpb: Probability in [0, 1] of calling ``toolbox.mutate`` on a child.
        ngen: Number of generations, at least 0.
        sample_size: G, how many are drawn without replacement, 1..P; max(1, floor(3P/4)) by
            default.
        nparents: N, how many of them have a child each, 1..G; max(1, floor(G/2)) by default.
        stats: A ``Statistics`` or ``MultiStatistics`` of the population, optional.
        halloffame: A ``HallOfFame``, updated with all that is evaluated, optional.
        verbose: Whether to print the logbook as it grows.

    Returns:
        The population, and a ``Logbook`` of one record per generation, 0 being the start.

    Raises:
        ValueError: An argument is outside its range; nothing has been evaluated.

    References:
        T.-Y. Chou, "Use Efficiency-Oriented Genetic Programming to Create Loss Function for Image
        Classification Tasks", master's thesis, National Taipei University of Technology, 2025.
    """
    check_arguments(population, ngen, cxpb, mutpb)
    sample_size, nparents = tournament_sizes(len(population), sample_size, nparents)

    def vary(population):
        return varSampleTournament(population, toolbox, cxpb, mutpb, sample_size, nparents)

    return run_generations(population, toolbox, ngen, vary, keep_best, stats, halloffame, verbose)


def tournament_sizes(population_size: int, sample_size: int | None = None,
                     nparents: int | None = None) -> tuple[int, int]:
    """Fills in and checks G and N (Algorithm 1, line 1).

    Args:
        population_size: P, at least 1.
        sample_size: G, 1..P; max(1, floor(3P/4)) by default.
        nparents: N, 1..G; max(1, floor(G/2)) by default.

    Returns:
        (G, N)

    Raises:
        TypeError: G or N is not an integer.
        ValueError: G or N is outside its range.

    Examples:
        >>> tournament_sizes(8)
        (6, 3)
    """
    sample_size = max(1, 3 * population_size // 4) if sample_size is None else sample_size
    check_integer("sample_size", sample_size, 1, population_size, "P, the population's size")
    nparents = max(1, sample_size // 2) if nparents is None else nparents
    check_integer("nparents", nparents, 1, sample_size, "G, the sample_size")
    return sample_size, nparents
