"""How trainings are executed: the settings, and the engine that they describe."""

from dataclasses import dataclass

from deap_lossgp.backend import import_tensorflow
from deap_lossgp.engines.engine import InProcess
from deap_lossgp.engines.processes import WorkerProcesses
from deap_lossgp.engines.ray_tasks import RayTasks
from deap_lossgp.errors import at_least, unknown_name


def make_engine(tasks, pset, execution):
    """The engine that an ``Execution`` describes, for tasks and a primitive set."""
    e = execution
    common = {"threads": e.threads, "determinism": e.determinism, "time_limit": e.time_limit}
    if e.engine == "ray":
        return RayTasks(tasks, pset, address=e.address, gpus_per_training=e.gpus_per_training,
                        **common)
    if e.workers:
        return WorkerProcesses(tasks, pset, e.workers, **common)
    import_tensorflow()
    from deap_lossgp.training.loop import prepare_tensorflow

    return InProcess(tasks, pset, prepare_tensorflow(e.threads, e.determinism))


ENGINES = ("local", "ray")


@dataclass(frozen=True, kw_only=True)
class Execution:
    """How a run is executed; another time, or on another machine, it may be otherwise.

    Attributes:
        workers: Processes that train; 0 for none but this one, which then nothing can interrupt.
            Ray has as many as its cluster has room for.
        engine: A name of ``ENGINES``.
        address: As for ``engines.ray_tasks.RayTasks``.
        gpus_per_training: GPUs that Ray gives each training, in parts of one if need be.
        threads, determinism: As for ``training.loop.prepare_tensorflow``.
        time_limit: Seconds of one training, compiling aside; None for no limit.
    """

    workers: int = 1
    engine: str = "local"
    address: str | None = None
    gpus_per_training: float = 0.0
    threads: int = 1
    determinism: bool | None = None
    time_limit: float | None = None

    def __post_init__(self):
        if self.engine not in ENGINES:
            raise unknown_name("engine", self.engine, ENGINES)
        for name, least in (("workers", 0), ("threads", 1), ("gpus_per_training", 0)):
            at_least(self, name, least)
        if self.time_limit is not None and not 0.0 < self.time_limit < float("inf"):
            raise ValueError(f"time_limit must be positive and finite, got {self.time_limit}")
        if self.time_limit and self.engine == "local" and not self.workers:
            raise ValueError("time_limit needs workers, at least 1, got 0")
        if self.engine == "local" and (self.address or self.gpus_per_training):
            raise ValueError("address and gpus_per_training belong to the engine 'ray', "
                             "got engine 'local'")
