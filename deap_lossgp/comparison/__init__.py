"""Algorithms, or losses, side by side at equal budgets, with statistics.

``comparisons`` runs algorithms over replicates; ``arm_tables`` derives its tables, and ``report``
puts them into the sections of a page. ``confirmations`` trains found losses beside known ones;
``confirmation_results`` are its tables and report. ``pairs`` and ``arm_statistics`` are the
statistics of both, and ``settings`` their settings. ``search_arms`` measures what whole searches
find, with each of their parts and without.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
