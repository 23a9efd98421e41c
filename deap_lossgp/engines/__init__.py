"""Where trainings run: in this process, in worker processes, or on a Ray cluster.

``engine`` says what an engine is and holds the simplest; ``processes`` drives worker processes, of
which ``serving`` is the inside and ``worker`` what trains there; ``ray_tasks`` drives a cluster.
``execution`` makes the engine that settings describe.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs={
    "engine": ["InProcess", "Job", "TrainingError"],
    "execution": ["Execution", "make_engine"],
    "processes": ["WorkerProcesses"],
    "ray_tasks": ["RayTasks"],
})
