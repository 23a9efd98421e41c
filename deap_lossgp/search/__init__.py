"""The search for a loss: from a tree to its fitness, and from settings to a run's folder.

A tree is screened, looked up in the ``store``, trained and ranked by ``evaluation``; ``fitness`` is
a pure function of the figures. ``settings`` describe a run, ``algorithms`` is the table of
what they choose from, ``experiments`` brings tasks, engine and folder together, ``runs`` evolves
and reports.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={
    "algorithms": ["ALGORITHMS"],
    "callbacks": ["Callback", "TensorBoard"],
    "evaluation": ["BaselineError", "Evaluation"],
    "fitness": ["FITNESS_MODES"],
    "folders": ["write_csv"],
    "recording": ["RunStatistics", "logbook_table"],
    "runs": ["Run", "RunResult", "evolve"],
    "settings": ["RunSettings"],
    "store": ["Store", "StoreError"],
})
