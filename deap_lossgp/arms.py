"""The algorithms that a run or a comparison can be told to use, by name."""

from deap_lossgp.algorithms import eaArchive, eaRandom, eaSampleTournament, tournament_sizes


def evolve(name, population, toolbox, settings, **recording):
    """Evolves a population by an algorithm of ``settings.ALGORITHMS``.

    Args:
        name: The algorithm's.
        population: Individuals; changed in place.
        toolbox: A ``Toolbox``.
        settings: A ``RunSettings``: generations, crossover, sample_size, parents.
        **recording: ``stats``, ``halloffame`` and ``verbose``, as DEAP's algorithms take them.

    Returns:
        The ``Logbook``.
    """
    s = settings
    if name == "sample-tournament":
        _, logbook = eaSampleTournament(population, toolbox, s.crossover, 1.0, s.generations,
                                        sample_size=s.sample_size, nparents=s.parents, **recording)
    elif name == "archive":
        _, logbook = eaArchive(population, toolbox, s.crossover, 1.0, s.generations, **recording)
    else:
        children = tournament_sizes(s.population, s.sample_size, s.parents)[1]
        _, logbook = eaRandom(population, toolbox, s.generations, lambda_=children, **recording)
    return logbook
