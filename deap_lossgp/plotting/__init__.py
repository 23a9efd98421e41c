"""Figures of logbooks, individuals, comparisons and losses: one figure, one file.

Every function draws on the axes that it is given, or on a new figure, and returns the axes;
``ax.figure.savefig("name.png")`` writes the figure, with or without a display; ``as_svg`` makes an
element for a web page of it. A table is a pandas
DataFrame, a list of dicts or the path of a CSV file. Matplotlib is loaded by the first call, pyplot
never. ``axes``, ``panels`` and ``marks`` are what figures share; ``columns`` reads their tables.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
