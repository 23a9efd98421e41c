"""The table of algorithms that a run or a comparison can be told to use, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deap_lossgp.algorithms.archive import eaArchive
from deap_lossgp.algorithms.curve_search import EXPRESSIONS, eaCurve
from deap_lossgp.algorithms.glo import eaGLO, halves
from deap_lossgp.algorithms.random_search import eaRandom
from deap_lossgp.algorithms.regularized import eaRegularized
from deap_lossgp.algorithms.sample_tournament import eaSampleTournament, tournament_sizes
from deap_lossgp.errors import unknown_name
from deap_lossgp.search.imitation import with_curves

if TYPE_CHECKING:
    from deap_lossgp.search.settings import RunSettings


def _children(s):
    """Returns N, the children of a generation of all algorithms except the archive."""
    return tournament_sizes(s.population, s.sample_size, s.parents)[1]


def _as_many_as_the_thesis(s):
    return s.population + s.generations * _children(s)


def _glo_evaluations(s):
    first, second = halves(s.generations)
    return s.population + first * _children(s) + 1 + second * max(2, _children(s))


def _curve_evaluations(s):
    return s.population + s.generations * max(2, s.population) + 1 + EXPRESSIONS


def _classes(toolbox):
    """Returns the numbers of classes of the tasks on which an ``Evaluation`` trains, or ten."""
    tasks = getattr(toolbox.evaluate.func, "tasks", ())
    return [task.data.num_classes for task in tasks] or [10]


def _mutations(s):
    return {"subtreepb": s.subtree_mutation, "pointpb": s.point_mutation}


@dataclass(frozen=True)
class Algorithm:
    """A row of ``ALGORITHMS``; ``settings`` are ``RunSettings``.

    Attributes:
        description: What it does, in a few words for ``--help``.
        run: ``run(population, toolbox, pset, settings, **recording) -> (population, logbook)``,
            where recording is ``stats``, ``halloffame`` and ``verbose``, as DEAP's algorithms take
            them. The toolbox's ``mutate`` draws its mutations itself, so ``mutpb`` is 1.
        evaluations: ``evaluations(settings) -> int``: how many evaluations it asks for.
        options: Those of the settings ``sample_size`` and ``parents`` that it reads.
        mutations: ``mutations(settings) -> dict``: the probabilities of ``mutLoss`` that it needs.
    """

    description: str
    run: Callable
    evaluations: Callable = _as_many_as_the_thesis
    options: tuple[str, ...] = ("sample_size", "parents")
    mutations: Callable = _mutations


ALGORITHMS = {
    "sample-tournament": Algorithm(
        "of the thesis: the winners of a sample have children",
        lambda population, toolbox, _pset, s, **recording: eaSampleTournament(
            population, toolbox, s.crossover, 1.0, s.generations, s.sample_size, s.parents,
            **recording),
    ),
    "archive": Algorithm(
        "of NGL: all have children, the eliminated may mate again",
        lambda population, toolbox, _pset, s, **recording: eaArchive(
            population, toolbox, s.crossover, 1.0, s.generations, **recording),
        evaluations=lambda s: s.population * (1 + s.generations),
        options=(),
    ),
    "random": Algorithm(
        "new trees only",
        lambda population, toolbox, _pset, s, **recording: eaRandom(
            population, toolbox, s.generations, _children(s), **recording),
    ),
    "regularized": Algorithm(
        "each child has one node changed, the oldest die",
        lambda population, toolbox, _pset, s, **recording: eaRegularized(
            population, toolbox, 1.0, s.generations, _children(s), **recording),
        mutations=lambda _s: {"subtreepb": 0.0, "pointpb": 1.0},
    ),
    "glo": Algorithm(
        "sample-tournament, then CMA-ES over coefficients of the best loss",
        lambda population, toolbox, pset, s, **recording: eaGLO(
            population, toolbox, s.crossover, 1.0, s.generations, pset, s.sample_size, s.parents,
            **recording),
        evaluations=_glo_evaluations,
    ),
    "curve": Algorithm(
        "CMA-ES over the curves of the best known loss, then expressions for the curve found",
        lambda population, toolbox, pset, s, **recording: eaCurve(
            population, with_curves(toolbox, pset, s.max_height, s.max_size, _classes(toolbox)),
            s.generations, pset, nstart=len(s.initial_losses) or None, **recording),
        evaluations=_curve_evaluations,
        options=(),
    ),
}
"""By name, the algorithms that ``--algorithm`` and ``--arms`` choose from."""


def check_algorithm(settings: RunSettings) -> None:
    """Refuses an unknown algorithm, and options that the algorithm does not have.

    Args:
        settings: A ``RunSettings``.

    Raises:
        ValueError: Names the nearest algorithm, or the algorithms that have the option.
    """
    name = settings.algorithm
    if name not in ALGORITHMS:
        raise unknown_name("algorithm", name, ALGORITHMS)
    for option in ("sample_size", "parents"):
        if getattr(settings, option) is not None and option not in ALGORITHMS[name].options:
            owners = [other for other, row in ALGORITHMS.items() if option in row.options]
            raise ValueError(f"{option} belongs to the algorithms {', '.join(owners)}; "
                             f"the {name} algorithm has none")
