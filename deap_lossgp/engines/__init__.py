"""Where trainings run: in this process, in worker processes, or on a Ray cluster.

``engine`` says what every engine does and has the simplest one, which trains in this process.
``processes`` drives worker processes: ``starting`` starts one, ``child`` is what it executes,
``serving`` is the work that it does, ``parcels`` makes bytes of what travels, and ``memory`` limits
it. ``worker`` trains, in whatever process. ``ray_tasks`` drives a Ray cluster, and ``ray_guard``
ends a cluster that was started here. ``tabular`` trains nothing and predicts figures from the
atlas. ``execution`` has the table of engines by name and makes the one that settings describe.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
