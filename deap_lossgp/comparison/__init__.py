"""Algorithms, or losses, side by side at equal budgets, with statistics.

``comparisons`` runs algorithms over replicates; ``arm_tables`` derives its tables, and ``report``
puts them into the sections of a page. ``confirmations`` trains found losses beside known ones;
``confirmation_results`` are its tables and report. ``pairs`` and ``arm_statistics`` are the
statistics of both, and ``settings`` their settings. ``search_arms`` measures what whole searches
find, with each of their parts and without.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={
    "arm_statistics": ["compare_arms", "noise_floor"],
    "comparisons": ["Comparison"],
    "confirmation_results": ["ConfirmationResult"],
    "confirmations": ["Confirmation", "train_with_losses"],
    "pairs": ["PairedDifference", "paired_difference"],
    "settings": ["ComparisonSettings", "ConfirmationSettings", "OPTIMIZERS"],
})
