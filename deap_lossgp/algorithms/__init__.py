"""Evolutionary loops in the manner of :mod:`deap.algorithms`, for individuals of any kind.

One file per algorithm: ``sample_tournament`` (the thesis's), ``archive`` (NGL's), ``regularized``,
``random_search`` (the control) and ``constants`` (CMA-ES over a tree's numbers). All run on the loop
in ``loop``, which knows DEAP and nothing of losses.
"""
