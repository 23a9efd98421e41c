"""Command lines: the program ``lossgp``, and a module for each of its commands.

``program`` finds the command in the ``table`` and calls the ``main`` of its module, which a file in
``examples/`` calls, too. ``parser`` has a parser whose errors are one line, and the ways in which a
command ends: bad input, a closed pipe, a stop. ``options`` makes the options of the commands that
run experiments.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
