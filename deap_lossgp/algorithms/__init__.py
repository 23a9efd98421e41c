"""Evolutionary loops in the manner of :mod:`deap.algorithms`, for individuals of any kind.

One file per algorithm: ``sample_tournament`` (the thesis's), ``archive`` (NGL's), ``regularized``
(the oldest die), ``random_search`` (the control) and ``constants`` (CMA-ES over a tree's numbers).
All run on the loop in ``loop``, which knows DEAP and nothing of losses.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={
    "archive": ["eaArchive", "varArchive"],
    "constants": ["constants_of", "eaConstants", "insert_coefficients", "with_constants"],
    "random_search": ["eaRandom"],
    "regularized": ["eaRegularized", "varRegularized"],
    "sample_tournament": ["eaSampleTournament", "tournament_sizes", "varSampleTournament"],
})
