"""The algorithms that a run or a comparison can be told to use, by name."""

from deap_lossgp.algorithms.archive import eaArchive
from deap_lossgp.algorithms.constants import eaConstants, insert_coefficients
from deap_lossgp.algorithms.random_search import eaRandom
from deap_lossgp.algorithms.regularized import eaRegularized
from deap_lossgp.algorithms.sample_tournament import eaSampleTournament


def run_algorithm(name, population, toolbox, pset, settings, **recording):
    """Evolves a population by an algorithm of ``search.arms.ALGORITHMS``.

    ``regularized`` has mutations only; its toolbox should make each change a node (``mutations``).
    ``glo`` is GLO's two stages: genetic programming (the sample tournament) in the first half of
    the generations, then CMA-ES over coefficients put into the best loss.

    Args:
        name: The algorithm's.
        population: Individuals; changed in place.
        toolbox: A ``Toolbox``.
        pset: The primitive set.
        settings: A ``RunSettings``: generations, crossover, sample_size, parents.
        **recording: ``stats``, ``halloffame`` and ``verbose``, as DEAP's algorithms take them.

    Returns:
        The ``Logbook``.
    """
    s = settings
    sizes = {"sample_size": s.sample_size, "nparents": s.parents}
    if name == "sample-tournament":
        _, logbook = eaSampleTournament(population, toolbox, s.crossover, 1.0, s.generations,
                                        **sizes, **recording)
    elif name == "archive":
        _, logbook = eaArchive(population, toolbox, s.crossover, 1.0, s.generations, **recording)
    elif name == "random":
        _, logbook = eaRandom(population, toolbox, s.generations, lambda_=s.children, **recording)
    elif name == "regularized":
        _, logbook = eaRegularized(population, toolbox, 1.0, s.generations, lambda_=s.children,
                                   **recording)
    else:
        first, second = s.stages
        _, logbook = eaSampleTournament(population, toolbox, s.crossover, 1.0, first, **sizes,
                                        **recording)
        best = insert_coefficients(max(population, key=lambda tree: tree.fitness), pset)
        _, tuned = eaConstants(best, toolbox, second, lambda_=max(2, s.children), **recording)
        _append(logbook, tuned)
    return logbook


def mutations(name, settings):
    """Probabilities of ``mutLoss`` for an algorithm: the settings', or one node for certain."""
    if name == "regularized":
        return {"subtreepb": 0.0, "pointpb": 1.0}
    return {"subtreepb": settings.subtree_mutation, "pointpb": settings.point_mutation}


def _append(logbook, other):
    """Adds the other's records behind a logbook's, in generations that follow."""
    after = len(logbook)
    for index, record in enumerate(other):
        chapters = {name: dict(chapter[index]) for name, chapter in other.chapters.items()}
        for chapter in chapters.values():
            chapter.pop("gen", None)
        logbook.record(**{**record, **chapters, "gen": after + index})


ALGORITHMS = ("sample-tournament", "archive", "random", "regularized", "glo")
