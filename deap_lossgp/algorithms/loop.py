r"""Evolutionary loops in the manner of :mod:`deap.algorithms`, for individuals of any kind.

:func:`eaSampleTournament` is the thesis's Algorithm 1, :func:`eaArchive` the method it is compared
with, :func:`eaRandom` the control arm without evolution. Calls and results are ``eaSimple``'s; the
toolbox needs the aliases ``individual``, ``evaluate``, ``mate`` and ``mutate`` (``eaRandom``: the
first two) beside its own ``clone`` and ``map``. A registered ``select`` has no effect.

All three keep the best P of parents and children, on ties the older one, and never evaluate a
survivor again. A fitness that depends on chance therefore keeps its luckiest value for good:
evaluate with fixed seeds. A fitness that is valid at the start is trusted, as ``eaSimple`` does;
``del individual.fitness.values`` where it was measured otherwise. NaN, which wins every comparison
in DEAP, is replaced by the worst value of its objective.

Examples:
    >>> import random
    >>> from deap import base, tools
    >>> class Ones(base.Fitness):
    ...     weights = (1.0,)
    >>> class Bits(list):
    ...     def __init__(self, bits):
    ...         super().__init__(bits)
    ...         self.fitness = Ones()
    >>> toolbox = base.Toolbox()
    >>> toolbox.register("individual", lambda: Bits(random.choices([0, 1], k=12)))
    >>> toolbox.register("evaluate", lambda bits: (sum(bits),))
    >>> toolbox.register("mate", tools.cxTwoPoint)
    >>> toolbox.register("mutate", tools.mutFlipBit, indpb=0.1)
    >>> random.seed(1)
    >>> population = [toolbox.individual() for _ in range(8)]
    >>> for loop in eaSampleTournament, eaArchive:
    ...     final, logbook = loop(toolbox.clone(population), toolbox, 0.5, 1, 20, verbose=False)
    ...     print(sum(final[0]), logbook.select("nevals")[:3], sum(logbook.select("nevals")))
    12 [8, 3, 3] 68
    12 [8, 8, 8] 168
    >>> final, logbook = eaRandom(toolbox.clone(population), toolbox, 20, verbose=False)
    >>> sum(logbook.select("nevals"))
    68

    The variation alone, for a loop of one's own; its children await their evaluation:

    >>> len(varSampleTournament(final, toolbox, 0.5, 1, sample_size=6, nparents=2))
    2
    >>> children = varArchive(final, [], toolbox, 0.5, 1)
    >>> len(children), any(child.fitness.valid for child in children)
    (8, False)

References:
    T.-Y. Chou, "Use Efficiency-Oriented Genetic Programming to Create Loss Function for Image
    Classification Tasks", master's thesis, National Taipei University of Technology, 2025.
    S. Akhmedova and N. Körber, "Next generation loss function for image classification",
    arXiv:2404.12948, 2024.
"""

import math
import random

from deap import tools


def evolve(population, toolbox, ngen, vary, stats, halloffame, verbose):
    """The (P + offspring) loop; ``vary`` gets what the generation before eliminated."""
    logbook = tools.Logbook()
    logbook.header = ["gen", "nevals"] + (stats.fields if stats else [])
    size, eliminated = len(population), []
    for gen in range(ngen + 1):
        offspring = vary(eliminated) if gen else population
        nevals = evaluate_invalid(offspring, toolbox)
        if halloffame is not None:
            halloffame.update(offspring)
        if gen:
            # selBest is stable, so on ties the older individual stands first.
            ranked = tools.selBest(population + offspring, size + len(offspring))
            population[:], eliminated = ranked[:size], ranked[size:]
        logbook.record(gen=gen, nevals=nevals, **(stats.compile(population) if stats else {}))
        if verbose:
            print(logbook.stream)
    return population, logbook


def evaluate_invalid(individuals, toolbox):
    """Gives every individual a fitness without NaN and returns how many were evaluated."""
    invalid = [individual for individual in individuals if not individual.fitness.valid]
    fitnesses = toolbox.map(toolbox.evaluate, invalid)
    for individual, values in zip(invalid, fitnesses, strict=True):
        individual.fitness.values = values
    for individual in individuals:
        # Weighted values are maximised whatever the weight's sign, so -inf is the worst of each.
        fitness = individual.fitness
        fitness.wvalues = tuple(-math.inf if math.isnan(w) else w for w in fitness.wvalues)
    return len(invalid)


def make_child(individual, partner, toolbox, mutpb):
    """Mates a clone of the individual with the partner, which may be changed, and mutates it."""
    child = toolbox.mate(toolbox.clone(individual), partner)[0]
    if random.random() < mutpb:
        (child,) = toolbox.mutate(child)
    del child.fitness.values
    return child


def check_arguments(population, ngen=0, cxpb=0.0, mutpb=0.0):
    if not population:
        raise ValueError("population must hold at least one individual, got none")
    check_integer("ngen", ngen, 0)
    for name, probability in (("cxpb", cxpb), ("mutpb", mutpb)):
        if not 0 <= probability <= 1:
            raise ValueError(f"{name} must be a probability in [0, 1], got {probability}")


def check_integer(name, value, low, high=math.inf, meaning=""):
    if not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if not low <= value <= high:
        expected = f"at least {low}" if high == math.inf else f"in {low}..{high} ({meaning})"
        raise ValueError(f"{name} must be {expected}, got {value}")
