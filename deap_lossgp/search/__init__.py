"""The search for a loss: from a tree to its fitness, and from settings to a run's folder.

``evaluation`` screens a tree (``screened``) and ranks it against the ``baselines``: ``trainings``
looks its trainings up in the ``store`` (``cells``) and makes those that are missing, ``rungs`` say
when one stops (``audit``: what that lost), and ``fitness`` is a pure function of their figures.
``settings`` describe a run, and ``algorithms`` is the table from which they choose; ``imitation``
is for the search for curves. ``experiments`` holds a folder (``folders``), ``evolutions`` adds
engine and toolbox with its ``surrogates`` (which ``earlier_runs`` teach, too), and ``runs``
evolves: ``logbooks`` and ``funnels`` are its tables, ``front`` is its Pareto front, ``misleading``
finds the losses whose values say the wrong thing, and ``stopping`` may end it before its last
generation. Then the ``finals`` let the best losses ``race``, and ``run_results`` is the result,
which ``records`` write and the rooms of ``reports`` show; ``progress`` is noted for whoever
watches. ``collecting`` trains many losses for an atlas instead.

A run that was killed is resumed by running it again: all its randomness comes from its seed, and
the store replays what was trained.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
