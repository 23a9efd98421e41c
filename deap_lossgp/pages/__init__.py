"""Pages for readers: a report as data, and its text as HTML or Markdown.

A report is a list of ``Section``, each of paragraphs, tables, figures, listings and formulas, and
nothing here knows what they are about: runs and comparisons make the sections. ``html_page`` fills
the templates in ``templates/``; ``markdown`` writes the same for a text; ``serving`` shows a page
that changes to a browser on the same machine.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
