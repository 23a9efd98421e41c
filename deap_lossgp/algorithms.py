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

Example:
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


def varSampleTournament(population, toolbox, cxpb, mutpb, sample_size=None, nparents=None):
    """Makes one child of each winner of one large tournament (Algorithm 1, lines 6 to 20).

    Args:
        population: list of P evaluated individuals; neither it nor they are changed.
        toolbox: uses ``individual``, ``mate``, ``mutate`` and ``clone``.
        cxpb: C_r, the probability in [0, 1] that a winner mates with another winner instead of a
            fresh individual. A single winner always mates with a fresh one.
        mutpb: probability in [0, 1] of calling ``toolbox.mutate`` on a child.
        sample_size: G, how many are drawn, 1..P; max(1, floor(3P/4)) by default.
        nparents: N, how many of them win, 1..G; max(1, floor(G/2)) by default.

    Returns:
        List of N children with invalid fitness, independent of the population.

    Raises:
        ValueError: an argument is outside its range.
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
        offspring.append(_child(individual, partner, toolbox, mutpb))  # lines 14 to 20
    return offspring


def eaSampleTournament(
    population,
    toolbox,
    cxpb,
    mutpb,
    ngen,
    sample_size=None,
    nparents=None,
    stats=None,
    halloffame=None,
    verbose=__debug__,
):
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

    A run asks for P + ngen·N evaluations, for P = 8 and ngen = 12 thus 44 where :func:`eaArchive`
    asks for 104.

    .. note::

        Algorithm 1 draws two mutations, M_ST and M_N. A ``toolbox.mutate`` that draws both by
        itself, such as :func:`deap_lossgp.operators.mutLoss`, wants ``mutpb=1``; any smaller
        value thins both out.

    Args:
        population: list of P individuals, P ≥ 1, evolved in place.
        toolbox: uses ``individual``, ``evaluate``, ``mate``, ``mutate``, ``clone`` and ``map``.
        cxpb: C_r, the probability in [0, 1] that a parent mates with another parent instead of a
            fresh individual; the thesis has 0.5. A single parent always mates with a fresh one.
        mutpb: probability in [0, 1] of calling ``toolbox.mutate`` on a child.
        ngen: number of generations, at least 0.
        sample_size: G, how many are drawn without replacement, 1..P; max(1, floor(3P/4)) by
            default.
        nparents: N, how many of them have a child each, 1..G; max(1, floor(G/2)) by default.
        stats: a ``Statistics`` or ``MultiStatistics`` of the population, optional.
        halloffame: a ``HallOfFame``, updated with all that is evaluated, optional.
        verbose: whether to print the logbook as it grows.

    Returns:
        The population, and a ``Logbook`` of one record per generation, 0 being the start.

    Raises:
        ValueError: an argument is outside its range; nothing has been evaluated.
    """
    check_arguments(population, ngen, cxpb, mutpb)
    sample_size, nparents = tournament_sizes(len(population), sample_size, nparents)

    def vary(_eliminated):
        return varSampleTournament(population, toolbox, cxpb, mutpb, sample_size, nparents)

    return _evolve(population, toolbox, ngen, vary, stats, halloffame, verbose)


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
        offspring.append(_child(individual, partner, toolbox, mutpb))
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

    return _evolve(population, toolbox, ngen, vary, stats, halloffame, verbose)


def eaRandom(
    population, toolbox, ngen, lambda_=None, stats=None, halloffame=None, verbose=__debug__
):
    """Searches at random: the control that an evolution has to beat at equal evaluations.

    The pseudocode::

        evaluate(population)
        for g in range(ngen):
            newcomers = [individual() for _ in range(lambda_)]
            evaluate(newcomers)
            population = selBest(population + newcomers, P)

    A run asks for P + ngen·``lambda_`` evaluations. The default matches :func:`eaSampleTournament`;
    against :func:`eaArchive` use ``lambda_=len(population)``.

    Args:
        population: list of P individuals, P ≥ 1, changed in place.
        toolbox: uses ``individual``, ``evaluate`` and ``map``.
        ngen: number of generations, at least 0.
        lambda_: fresh individuals in each generation, at least 1; by default the N of
            :func:`eaSampleTournament`.
        stats: a ``Statistics`` or ``MultiStatistics`` of the population, optional.
        halloffame: a ``HallOfFame``, updated with all that is evaluated, optional.
        verbose: whether to print the logbook as it grows.

    Returns:
        The population, and a ``Logbook`` of one record per generation, 0 being the start.

    Raises:
        ValueError: an argument is outside its range; nothing has been evaluated.
    """
    check_arguments(population, ngen)
    if lambda_ is None:
        _, lambda_ = tournament_sizes(len(population), None, None)
    check_integer("lambda_", lambda_, 1)

    def vary(_eliminated):
        return [toolbox.individual() for _ in range(lambda_)]

    return _evolve(population, toolbox, ngen, vary, stats, halloffame, verbose)


def _evolve(population, toolbox, ngen, vary, stats, halloffame, verbose):
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


def _child(individual, partner, toolbox, mutpb):
    """Mates a clone of the individual with the partner, which may be changed, and mutates it."""
    child = toolbox.mate(toolbox.clone(individual), partner)[0]
    if random.random() < mutpb:
        (child,) = toolbox.mutate(child)
    del child.fitness.values
    return child


def tournament_sizes(population_size, sample_size, nparents):
    """Fills in and checks G and N of Algorithm 1, line 1."""
    sample_size = max(1, 3 * population_size // 4) if sample_size is None else sample_size
    check_integer("sample_size", sample_size, 1, population_size, "P, the population's size")
    nparents = max(1, sample_size // 2) if nparents is None else nparents
    check_integer("nparents", nparents, 1, sample_size, "G, the sample_size")
    return sample_size, nparents


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
