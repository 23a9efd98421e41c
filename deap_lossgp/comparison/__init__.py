"""Algorithms, or losses, side by side at equal budgets, with statistics.

``comparisons`` runs algorithms over replicates; ``arm_tables`` derives its tables, and ``report``
puts them into ``sections``, which ``html_page`` and ``markdown`` write. ``confirmations`` trains
found losses beside known ones; ``confirmation_results`` are its tables and report. ``replicates``
and ``pairs`` are the statistics of both, and ``settings`` their settings.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={
    "comparisons": ["Comparison"],
    "confirmation_results": ["ConfirmationResult"],
    "confirmations": ["Confirmation", "train_with_losses"],
    "pairs": ["PairedDifference", "paired_difference"],
    "replicates": ["compare_arms", "noise_floor"],
    "settings": ["ComparisonSettings", "ConfirmationSettings", "OPTIMIZERS"],
})
