"""Command lines: options made from settings, and the ways in which a command ends.

``parser`` has a parser whose errors are one line, and the ways in which a command ends: bad input,
a closed pipe, a stop. ``options`` makes the options of the commands that run experiments.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={
    "options": ["PRESETS", "add_settings", "announce", "experiment_parser", "parse_experiment",
                "read_settings"],
    "parser": ["CommandParser", "fail", "piped", "refused", "resumable"],
})
