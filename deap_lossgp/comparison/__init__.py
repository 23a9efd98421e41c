"""Algorithms, or losses, side by side at equal budgets, with statistics.

``comparisons`` runs algorithms over replicates, ``confirmations`` trains found losses beside known
ones; ``replicates`` and ``pairs`` hold the statistics, the tables and pages are their reports.
"""
