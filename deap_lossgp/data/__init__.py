"""Labelled images: sets by name, arrays, folders, and how they are split.

``datasets`` loads a data set by its name or path, with ``folders`` where that is a folder of class
folders; ``folder_files`` finds what is there, ``parts`` tells parts of a split from classes, and
``image_files`` reads. What it returns is an ``ImageData`` of ``images``, checked when it is made,
by ``plausibility``, too. ``names`` tells names from paths, and ``splits`` draws the images to
validate and to test on.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
