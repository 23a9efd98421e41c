"""Evolutionary algorithms in the manner of :mod:`deap.algorithms`, for individuals of any kind.

One file per algorithm: ``sample_tournament`` (the thesis's Algorithm 1), ``archive`` (NGL's, with
which the thesis compares it), ``regularized`` (the oldest die), ``random_search`` (the control
without evolution), ``cma_es`` (the constants of one tree), ``glo`` (the sample tournament, then
CMA-ES) and ``curve_search`` (CMA-ES over what individuals do, then trees that do the same). All run
on the loop in ``loop``, which knows DEAP and nothing of losses.

Calls and results are those of DEAP's ``eaSimple``. The toolbox needs some of the aliases
``individual``, ``evaluate``, ``mate`` and ``mutate`` (each function says which), beside its own
``clone`` and ``map``. A registered ``select`` has no effect. Where there is a ``preselect``, 20
times as many children are made as are evaluated, and it chooses these; not by CMA-ES, which learns
from all that it draws. Where there is a ``stop``, as in ``stopping``, it may end any of them at the
end of a generation.

The sample tournament, the archive and random search keep the best P of parents and children, on
ties the older one, and never evaluate a survivor again. If the fitness depends on chance, a lucky
value therefore stays for good: evaluate with fixed seeds. Every algorithm trusts a fitness that is
valid at the start, as ``eaSimple`` does; use ``del individual.fitness.values`` where it was
measured in another way. NaN wins every comparison in DEAP, so it is replaced by the worst value of
its objective.

Examples:
    >>> import random
    >>> from deap import base, tools
    >>> from deap_lossgp.algorithms import eaArchive, eaRandom, eaRegularized, eaSampleTournament
    >>> from deap_lossgp.algorithms import varArchive, varSampleTournament
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
    >>> for algorithm in eaSampleTournament, eaArchive:
    ...     final, logbook = algorithm(toolbox.clone(population), toolbox, cxpb=0.5, mutpb=1,
    ...                                ngen=20, verbose=False)
    ...     print(sum(final[0]), logbook.select("nevals")[:3], sum(logbook.select("nevals")))
    12 [8, 3, 3] 68
    12 [8, 8, 8] 168
    >>> final, logbook = eaRandom(toolbox.clone(population), toolbox, ngen=20, verbose=False)
    >>> sum(logbook.select("nevals"))
    68

    Where the oldest die, the best may have died: keep a hall of fame.

    >>> best = tools.HallOfFame(1)
    >>> final, logbook = eaRegularized(population, toolbox, mutpb=0.95, ngen=20, lambda_=3,
    ...                                halloffame=best, verbose=False)
    >>> sum(best[0]), sum(logbook.select("nevals"))
    (11, 68)

    The variation alone, for a loop of one's own; its children await their evaluation:

    >>> len(varSampleTournament(final, toolbox, cxpb=0.5, mutpb=1, sample_size=6, nparents=2))
    2
    >>> children = varArchive(final, [], toolbox, cxpb=0.5, mutpb=1)
    >>> len(children), any(child.fitness.valid for child in children)
    (8, False)
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
