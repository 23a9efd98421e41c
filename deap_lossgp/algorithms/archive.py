"""NGL's algorithm: every individual has a child, and the eliminated may mate again."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING

from deap import tools

from deap_lossgp.algorithms.loop import (
    Stats,
    check_arguments,
    check_integer,
    make_child,
    run_generations,
)

if TYPE_CHECKING:
    from deap import base


def varArchive(population: list, archive: list, toolbox: base.Toolbox, cxpb: float,
               mutpb: float) -> list:
    """Makes one child of every individual, with a partner from population or archive.

    Args:
        population: List of P individuals; neither the list nor they are changed.
        archive: List of eliminated individuals, possibly empty; also left unchanged.
        toolbox: Uses ``individual``, ``mate``, ``mutate`` and ``clone``.
        cxpb: Probability in [0, 1] that the partner is another member of the population instead
            of one of the archive. If one of the two is empty, the other is used; if both are, a
            new individual.
        mutpb: Probability in [0, 1] of calling ``toolbox.mutate`` on a child.

    Returns:
        List of P children with invalid fitness, independent of population and archive.

    Raises:
        ValueError: An argument is outside its range.
    """
    check_arguments(population, cxpb=cxpb, mutpb=mutpb)
    offspring = []
    for i, individual in enumerate(population):
        others = population[:i] + population[i + 1 :]
        within = random.random() < cxpb
        partners = (others or archive) if within else (archive or others)
        partner = toolbox.clone(random.choice(partners)) if partners else toolbox.individual()
        offspring.append(make_child(individual, partner, toolbox, mutpb))
    return offspring


def eaArchive(population: list, toolbox: base.Toolbox, cxpb: float, mutpb: float, ngen: int,
              archive_size: int | None = None, replace: Callable[[int], int] | None = None,
              stats: Stats | None = None, halloffame: tools.HallOfFame | None = None,
              verbose: bool = __debug__) -> tuple[list, tools.Logbook]:
    """Evolves as NGL did: all have a child; the eliminated go to an archive and may mate again.

    The pseudocode::

        evaluate(population)
        for g in range(ngen):
            for individual in population:
                partner = another of population if random() < cxpb else one of archive
                child = mate(clone(individual), clone(partner))[0]
                if random() < mutpb: mutate(child)
            evaluate(children)
            population, eliminated = the best P of population + children, the other P
            archive = archive + eliminated, each in a random place once archive_size is reached

    A run asks for P + ngen·P evaluations.

    .. warning::

        The paper and the thesis (section 2.1.3) describe the archive, but leave five things open:
        its size, which individual is overwritten when it is full, the probability of a partner
        from it, those of the two mutations, and how new trees are generated. Here these are
        ``archive_size``, ``replace``, 1 - ``cxpb``, ``toolbox.mutate`` and ``toolbox.individual``;
        the last is used only if P = 1 leaves no other partner. The defaults of the first two, and
        0.5 for ``cxpb``, follow the authors' other algorithms; with 0.5, C_r is the same in both
        algorithms that the thesis compares. The thesis also says that all individuals are evaluated
        again; its times fit P evaluations in each generation, as here.

    Args:
        population: List of P individuals, P ≥ 1, evolved in place.
        toolbox: Uses ``individual``, ``evaluate``, ``mate``, ``mutate``, ``clone`` and ``map``.
        cxpb: C_r, the probability in [0, 1] that the partner is another member of the population
            instead of one of the archive. If one of the two is empty, the other is used.
        mutpb: Probability in [0, 1] of calling ``toolbox.mutate`` on a child; 1 for an operator
            that draws by itself, as in :func:`~deap_lossgp.algorithms.eaSampleTournament`.
        ngen: Number of generations, at least 0.
        archive_size: How many eliminated individuals are kept, at least 1; P by default.
        replace: Called with ``archive_size`` for each individual that a full archive receives;
            returns the index that it overwrites. ``random.randrange`` by default.
        stats: A ``Statistics`` or ``MultiStatistics`` of the population, optional.
        halloffame: A ``HallOfFame``, updated with all that is evaluated, optional.
        verbose: Whether to print the logbook as it grows.

    Returns:
        The population, and a ``Logbook`` of one record per generation, 0 being the start.

    Raises:
        ValueError: An argument is outside its range; nothing has been evaluated.

    References:
        S. Akhmedova and N. Körber, "Next generation loss function for image classification",
        arXiv:2404.12948, 2024.
    """
    check_arguments(population, ngen, cxpb, mutpb)
    archive_size = len(population) if archive_size is None else archive_size
    check_integer("archive_size", archive_size, 1)
    replace = replace or random.randrange
    archive, eliminated = [], []

    def vary(population):
        # The eliminated enter the archive only when it is needed: not after the last generation.
        for individual in eliminated:
            if len(archive) < archive_size:
                archive.append(individual)
            else:
                archive[replace(archive_size)] = individual
        eliminated.clear()
        return varArchive(population, archive, toolbox, cxpb, mutpb)

    def survive(population, offspring):
        ranked = tools.selBest(population + offspring, 2 * len(population))
        eliminated[:] = ranked[len(population):]
        return ranked[: len(population)]

    return run_generations(population, toolbox, ngen, vary, survive, stats, halloffame, verbose)
