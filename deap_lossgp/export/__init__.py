"""A loss as a file for others: Keras, PyTorch, LaTeX, SymPy or text.

``files`` writes them. A tree becomes a graph without repetitions (``graphs``), simplified by ``rules``
that hold for the ``intervals`` in which its values lie, and is written in one of the ``languages``.
"""
