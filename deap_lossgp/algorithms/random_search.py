"""Random search: the control that an evolution has to beat at equal evaluations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deap_lossgp.algorithms.loop import (
    Stats,
    check_arguments,
    check_integer,
    keep_best,
    run_generations,
)
from deap_lossgp.algorithms.sample_tournament import tournament_sizes

if TYPE_CHECKING:
    from deap import base, tools


def eaRandom(population: list, toolbox: base.Toolbox, ngen: int, lambda_: int | None = None,
             stats: Stats | None = None, halloffame: tools.HallOfFame | None = None,
             verbose: bool = __debug__) -> tuple[list, tools.Logbook]:
    """Searches at random: the control that an evolution has to beat at equal evaluations.

    The pseudocode::

        evaluate(population)
        for g in range(ngen):
            newcomers = [individual() for _ in range(lambda_)]
            evaluate(newcomers)
            population = selBest(population + newcomers, P)

    A run asks for P + ngen·``lambda_`` evaluations. The default equals that of
    :func:`~deap_lossgp.algorithms.eaSampleTournament`; to compare with
    :func:`~deap_lossgp.algorithms.eaArchive` use ``lambda_=len(population)``.

    Args:
        population: List of P individuals, P ≥ 1, changed in place.
        toolbox: Uses ``individual``, ``evaluate`` and ``map``.
        ngen: Number of generations, at least 0.
        lambda_: New individuals in each generation, at least 1; by default the N of
            :func:`~deap_lossgp.algorithms.eaSampleTournament`.
        stats: A ``Statistics`` or ``MultiStatistics`` of the population, optional.
        halloffame: A ``HallOfFame``, updated with all that is evaluated, optional.
        verbose: Whether to print the logbook as it grows.

    Returns:
        The population, and a ``Logbook`` of one record per generation, 0 being the start.

    Raises:
        ValueError: An argument is outside its range; nothing has been evaluated.
    """
    check_arguments(population, ngen)
    if lambda_ is None:
        _, lambda_ = tournament_sizes(len(population))
    check_integer("lambda_", lambda_, 1)

    def vary(_population):
        return [toolbox.individual() for _ in range(lambda_)]

    return run_generations(population, toolbox, ngen, vary, keep_best, stats, halloffame, verbose)
