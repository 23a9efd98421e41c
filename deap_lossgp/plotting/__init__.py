"""Figures of logbooks, of individuals, of comparisons and of losses.

One figure, one file; ``axes`` and ``marks`` are what they share, ``columns`` reads their tables. Every
function takes the axes to draw on, or makes a figure that belongs to nobody else, and returns the
axes. Matplotlib is loaded by the first call, pyplot and its backends never.
"""
