"""Evolves loss functions for image classifiers: an extension of DEAP.

The folders are wings on a ground of files that any DEAP project can reuse: ``primitives``,
``psets``, ``constants``, ``expressions``, ``trees``, ``loss_rules``, ``operators``, ``toolbox`` and
``found_losses``. The wings, from the lowest to the highest, are ``data`` (labelled images),
``algorithms`` (the evolutionary loops), ``curves`` (a loss as two functions of the probability),
``losses`` (a file: a loss for Keras), ``export`` (losses as files for others), ``plotting``
(figures), ``pages`` (reports as HTML and Markdown), ``surrogate`` (what trainings would show,
predicted from curves), ``training`` (one loss on one task), ``engines`` (where trainings run),
``search`` (the fitness of a tree, and runs), ``comparison`` (algorithms or losses side by side) and
``commands``. A wing imports only from wings below it.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
