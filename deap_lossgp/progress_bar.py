"""The progress bar: a line in a terminal, a widget in a notebook that has ipywidgets."""

import warnings

from tqdm import TqdmWarning

with warnings.catch_warnings():
    # Where ipywidgets is missing, a notebook has the terminal's bar, and nothing is wrong.
    warnings.simplefilter("ignore", TqdmWarning)
    from tqdm.auto import tqdm as progress_bar

__all__ = ["progress_bar"]
