"""NGL's algorithm: every individual has a child, and the eliminated may mate again."""

import random

from deap_lossgp.algorithms.loop import check_arguments, check_integer, evolve, make_child


def varArchive(population, archive, toolbox, cxpb, mutpb):
    """Makes one child of every individual, with a partner from population or archive.

    Args:
        population: list of P individuals; neither it nor they are changed.
        archive: list of eliminated individuals, possibly empty; not changed either.
        toolbox: uses ``individual``, ``mate``, ``mutate`` and ``clone``.
        cxpb: probability in [0, 1] that the partner is another member of the population instead
            of one of the archive. Where one side is empty the other serves, and where both are,
            a fresh individual.
        mutpb: probability in [0, 1] of calling ``toolbox.mutate`` on a child.

    Returns:
        List of P children with invalid fitness, independent of population and archive.

    Raises:
        ValueError: an argument is outside its range.
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


def eaArchive(
    population,
    toolbox,
    cxpb,
    mutpb,
    ngen,
    archive_size=None,
    replace=None,
    stats=None,
    halloffame=None,
    verbose=__debug__,
):
    """Evolves as NGL did: all have a child, the eliminated go to an archive and may mate again.

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

        This is a reading. The paper and the thesis (section 2.1.3) describe the archive, but
        publish neither its size, nor what gives way when it is full, nor the probability of a
        partner from it, nor the generator of new trees. These are *archive_size*, *replace*,
        1 - *cxpb* and ``toolbox.individual``; the last is used only where P = 1 has no other
        partner. Taken over from the authors' other algorithms are the defaults of the first two
        and 0.5 for *cxpb*, which so is C_r in both algorithms. The thesis also speaks of
        re-evaluating all individuals; its times fit P evaluations in each generation, as here.

    Args:
        population: list of P individuals, P ≥ 1, evolved in place.
        toolbox: uses ``individual``, ``evaluate``, ``mate``, ``mutate``, ``clone`` and ``map``.
        cxpb: C_r, the probability in [0, 1] that the partner is another member of the population
            instead of one of the archive. While one side is empty the other serves.
        mutpb: probability in [0, 1] of calling ``toolbox.mutate`` on a child; 1 for an operator
            that draws by itself, as in :func:`eaSampleTournament`.
        ngen: number of generations, at least 0.
        archive_size: how many eliminated individuals are kept, at least 1; P by default.
        replace: called with *archive_size* for each individual that a full archive receives,
            returns the index it overwrites; by default ``random.randrange``.
        stats: a ``Statistics`` or ``MultiStatistics`` of the population, optional.
        halloffame: a ``HallOfFame``, updated with all that is evaluated, optional.
        verbose: whether to print the logbook as it grows.

    Returns:
        The population, and a ``Logbook`` of one record per generation, 0 being the start.

    Raises:
        ValueError: an argument is outside its range; nothing has been evaluated.
    """
    check_arguments(population, ngen, cxpb, mutpb)
    archive_size = len(population) if archive_size is None else archive_size
    check_integer("archive_size", archive_size, 1)
    replace = replace or random.randrange
    archive = []

    def vary(eliminated):
        for individual in eliminated:
            if len(archive) < archive_size:
                archive.append(individual)
            else:
                archive[replace(archive_size)] = individual
        return varArchive(population, archive, toolbox, cxpb, mutpb)

    return evolve(population, toolbox, ngen, vary, stats, halloffame, verbose)
