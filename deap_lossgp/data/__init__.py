"""Labelled images: sets by name, arrays, folders, and how they are split.

``names`` tells a name from a path, ``images`` holds a checked data set, ``folders`` reads one from
class folders, ``splits`` divides it, ``datasets`` finds one by whatever it is called.
"""
