"""Labelled images: sets by name, arrays, folders, and how they are split.

``names`` tells a name from a path, ``images`` holds a checked data set, ``folders`` reads one from
class folders, ``splits`` divides it, and ``datasets`` finds one by whatever it is called.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={
    "datasets": ["load_dataset"],
    "folders": ["load_folder"],
    "images": ["ImageData"],
    "splits": ["split_test", "split_validation"],
})
