"""Where trainings run: in this process, in worker processes, or on a Ray cluster.

``engine`` says what an engine is and holds the simplest; ``processes`` drives worker processes, of
which ``serving`` is the inside and ``worker`` what trains there; ``ray_tasks`` drives a cluster.
``execution`` makes the engine that settings describe.
"""
