"""A loss as a file for others: Keras, PyTorch, LaTeX, SymPy or text.

``files`` has the table of targets. A tree becomes a graph (``graphs``) of the operations that
primitives consist of (``forms``). ``rules`` simplify it as far as the ``intervals`` of its values
allow. ``writing`` writes it in one of the ``languages``, and a template around it makes the file;
``simplified`` writes it as a tree again.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
