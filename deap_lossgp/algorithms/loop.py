"""The loop that all algorithms share, and what they have in common around it."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from deap import tools

if TYPE_CHECKING:
    from deap import base

Stats: TypeAlias = tools.Statistics | tools.MultiStatistics
"""What records the populations."""

PRESELECTED_OF = 20
"""How many children are made for each that ``toolbox.preselect`` chooses."""


def run_generations(population: list, toolbox: base.Toolbox, ngen: int,
                    vary: Callable[[list], list], survive: Callable[[list, list], list],
                    stats: Stats | None, halloffame: tools.HallOfFame | None,
                    verbose: bool, *, preselects: bool = True) -> tuple[list, tools.Logbook]:
    """Runs ``ngen`` generations of any algorithm.

    The pseudocode::

        evaluate(population)
        for g in range(ngen):
            offspring = vary(population)
            evaluate(offspring)
            population = survive(population, offspring)

    Where the toolbox has ``preselect``, ``vary`` is called several times and
    ``toolbox.preselect(children, k)`` returns the k children that are evaluated, as many as one
    call makes. Where it has ``stop``, ``toolbox.stop(population, logbook)`` is asked once at the
    end of each generation that another one would follow; if it returns something true, none does.

    Args:
        population: List of individuals, changed in place.
        toolbox: Uses ``evaluate`` and ``map``, the latter once per generation, and ``preselect``
            and ``stop`` where they are registered.
        ngen: Number of generations, at least 0.
        vary: ``vary(population) -> offspring``: returns a list of new individuals and leaves the
            population as it is.
        survive: ``survive(population, offspring) -> population``: returns who stays, once both are
            evaluated.
        stats: A ``Statistics`` or ``MultiStatistics`` of the population, or None.
        halloffame: A ``HallOfFame``, updated with all that is evaluated, or None.
        verbose: Whether to print the logbook as it grows.
        preselects: Whether ``toolbox.preselect`` is used; no for an algorithm that has to see every
            child that ``vary`` makes.

    Returns:
        The population, and a ``Logbook`` of one record per generation, 0 being the start.
    """
    if preselects and hasattr(toolbox, "preselect"):
        vary = _preselecting(vary, toolbox)
    logbook = tools.Logbook()
    logbook.header = ["gen", "nevals"] + (stats.fields if stats else [])
    for gen in range(ngen + 1):
        if gen and asked_to_stop(toolbox, population, logbook):
            break
        offspring = vary(population) if gen else population
        nevals = _evaluate_invalid(offspring, toolbox)
        if halloffame is not None:
            halloffame.update(offspring)
        if gen:
            population[:] = survive(population, offspring)
        logbook.record(gen=gen, nevals=nevals, **(stats.compile(population) if stats else {}))
        if verbose:
            print(logbook.stream)
    return population, logbook


def asked_to_stop(toolbox: base.Toolbox, population: list, logbook: tools.Logbook) -> bool:
    """Returns whether the toolbox has a ``stop``, and this says that no generation follows.

    Args:
        toolbox: A toolbox, with or without ``stop``.
        population, logbook: As they are at the end of a generation.
    """
    return hasattr(toolbox, "stop") and bool(toolbox.stop(population, logbook))


def _preselecting(vary, toolbox):
    def preselected(population):
        children = vary(population)
        size = len(children)
        while len(children) < PRESELECTED_OF * size:
            children += vary(population)
        return toolbox.preselect(children, size)

    return preselected


def keep_best(population: list, offspring: list) -> list:
    """Returns the best P of P parents and their children, best first; on ties the older first."""
    return tools.selBest(population + offspring, len(population))  # stable


def make_child(individual: Any, partner: Any, toolbox: base.Toolbox, mutpb: float) -> Any:
    """Mates a clone of an individual with a partner, then mutates it with probability ``mutpb``.

    Args:
        individual: Not changed.
        partner: May be changed.
        toolbox: Uses ``clone``, ``mate`` and ``mutate``.
        mutpb: Probability in [0, 1].

    Returns:
        The child, with invalid fitness.
    """
    child = toolbox.mate(toolbox.clone(individual), partner)[0]
    if random.random() < mutpb:
        (child,) = toolbox.mutate(child)
    del child.fitness.values
    return child


def check_arguments(population: list, ngen: int = 0, cxpb: float = 0.0, mutpb: float = 0.0) -> None:
    """Refuses what no algorithm can take.

    Raises:
        TypeError: ``ngen`` is not an integer.
        ValueError: The population is empty, ``ngen`` is negative, or a probability is outside
            [0, 1].
    """
    if not population:
        raise ValueError("population must hold at least one individual, got none")
    check_integer("ngen", ngen, 0)
    for name, probability in (("cxpb", cxpb), ("mutpb", mutpb)):
        if not 0 <= probability <= 1:
            raise ValueError(f"{name} must be a probability in [0, 1], got {probability}")


def check_integer(name: str, value: Any, low: float, high: float = math.inf,
                  meaning: str = "") -> None:
    """Refuses a value that is not an integer in ``low..high``; ``meaning`` explains ``high``.

    Raises:
        TypeError: The value is not an integer.
        ValueError: The value is too small or too large.
    """
    if not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if not low <= value <= high:
        expected = f"at least {low}" if high == math.inf else f"in {low}..{high} ({meaning})"
        raise ValueError(f"{name} must be {expected}, got {value}")


def _evaluate_invalid(individuals, toolbox):
    """Gives every individual a fitness without NaN; returns how many were evaluated."""
    invalid = [individual for individual in individuals if not individual.fitness.valid]
    fitnesses = toolbox.map(toolbox.evaluate, invalid)
    for individual, values in zip(invalid, fitnesses, strict=True):
        individual.fitness.values = values
    for individual in individuals:
        # Weighted values are maximised whatever the weight's sign, so -inf is the worst of each.
        fitness = individual.fitness
        fitness.wvalues = tuple(-math.inf if math.isnan(w) else w for w in fitness.wvalues)
    return len(invalid)
