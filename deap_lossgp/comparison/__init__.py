"""Algorithms, or losses, side by side at equal budgets, with statistics.

``comparisons`` runs algorithms over replicates, ``confirmations`` trains found losses beside known
ones. ``replicates`` and ``pairs`` are the statistics; tables and pages report them.
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
