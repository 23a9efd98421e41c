"""What a run shows of itself: to a reader when it is done, and while it runs to whoever watches.

``headline`` says in words what came of a run, ``accuracy_table`` in figures; ``run_figures`` and
``run_page`` make its report for a browser. Whoever watches a run reads what it notes and, by
``store_reading``, its trainings: ``watching`` is the state of a run, and ``watch_page`` its page.
"""
