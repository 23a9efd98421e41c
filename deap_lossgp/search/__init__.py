"""The search for a loss: from a tree to its fitness, and from settings to a run's folder.

A tree is screened, looked up in the ``store``, trained and ranked by ``evaluation``; ``fitness`` is
a pure function of the figures. ``settings`` describe a run, ``arms`` names its algorithms,
``experiments`` brings tasks, engine and ``folders`` together, ``runs`` evolves and reports.
"""
