"""Command lines: the options that commands share, and how they end.

``parser`` is a parser whose errors are one line, and what ends a command; ``options`` are those of
every command that runs experiments.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={
    "options": ["PRESETS", "experiment_parser", "parse_experiment"],
    "parser": ["CommandParser", "fail", "piped", "refused", "resumable"],
})
