"""GLO, genetic loss-function optimization: genetic programming, then CMA-ES."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deap_lossgp.algorithms.cma_es import eaConstants
from deap_lossgp.algorithms.loop import Stats, asked_to_stop, check_arguments
from deap_lossgp.algorithms.sample_tournament import eaSampleTournament, tournament_sizes
from deap_lossgp.constants import insert_coefficients

if TYPE_CHECKING:
    from deap import base, gp, tools


def eaGLO(population: list, toolbox: base.Toolbox, cxpb: float, mutpb: float, ngen: int,
          pset: gp.PrimitiveSet, sample_size: int | None = None, nparents: int | None = None,
          stats: Stats | None = None, halloffame: tools.HallOfFame | None = None,
          verbose: bool = __debug__) -> tuple[list, tools.Logbook]:
    """Finds the structure of a tree by genetic programming and its coefficients by CMA-ES.

    The pseudocode::

        population = eaSampleTournament(population), for the first half of the generations
        tree = insert_coefficients(the best of population)
        population = eaConstants(tree), for the second half

    If ``ngen`` is odd, the first half has one generation more. The second half records its start
    as well and makes at least 2 trees in each generation, so a run asks for
    P + ceil(ngen/2)·N + 1 + floor(ngen/2)·max(2, N) evaluations, and the logbook has ngen + 2
    records. If ``toolbox.stop`` ends the first half, there is no second one.

    Args:
        population: List of P trees, P ≥ 1, evolved in place by the first half.
        toolbox: Uses ``individual``, ``evaluate``, ``mate``, ``mutate``, ``clone`` and ``map``.
        cxpb, mutpb: As for :func:`~deap_lossgp.algorithms.eaSampleTournament`.
        ngen: Number of generations of both halves together, at least 0.
        pset: The trees' primitive set, with a primitive named ``mul``.
        sample_size, nparents: G and N, as for :func:`~deap_lossgp.algorithms.eaSampleTournament`.
        stats: A ``Statistics`` or ``MultiStatistics`` of the population, optional.
        halloffame: A ``HallOfFame``, updated with all that is evaluated, optional; without one the
            best of earlier generations is lost.
        verbose: Whether to print the logbooks as they grow.

    Returns:
        The last generation of CMA-ES, the best first, and the ``Logbook`` of both halves; the
        population and the ``Logbook`` of the first if it was stopped.

    Raises:
        ValueError: An argument is outside its range; nothing has been evaluated.

    References:
        S. Gonzalez and R. Miikkulainen, "Improved training speed, accuracy, and data utilization
        through loss function optimization", CEC 2020, arXiv:1905.11528.
    """
    check_arguments(population, ngen, cxpb, mutpb)
    _, children = tournament_sizes(len(population), sample_size, nparents)
    first, second = halves(ngen)
    recording: dict[str, Any] = {"stats": stats, "halloffame": halloffame, "verbose": verbose}
    _, logbook = eaSampleTournament(population, toolbox, cxpb, mutpb, first, sample_size, nparents,
                                    **recording)
    if len(logbook) <= first or asked_to_stop(toolbox, population, logbook):
        return population, logbook
    best = max(population, key=lambda tree: tree.fitness)
    tuned, records = eaConstants(insert_coefficients(best, pset), toolbox, second,
                                 lambda_=max(2, children), **recording)
    _append(logbook, records)
    return tuned, logbook


def halves(ngen: int) -> tuple[int, int]:
    """Returns the generations of genetic programming and those of CMA-ES.

    Examples:
        >>> halves(5)
        (3, 2)
    """
    return ngen - ngen // 2, ngen // 2


def _append(logbook, other):
    """Adds the other's records to a logbook, with generations that go on counting."""
    after = len(logbook)
    for index, record in enumerate(other):
        chapters = {name: chapter[index] for name, chapter in other.chapters.items()}
        logbook.record(**{**record, **chapters, "gen": after + index})
