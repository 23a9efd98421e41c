"""A loss as a file for others: Keras, PyTorch, LaTeX, SymPy or text.

``files`` writes them. A tree becomes a graph without repetitions (``graphs``), simplified by
``rules`` that hold for the ``intervals`` in which its values lie, and is written in one of the
``languages``.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={
    "files": ["ENDINGS", "export_loss", "file_name"],
})
