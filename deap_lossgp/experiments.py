"""What runs and comparisons share: tasks, an engine, and a folder with a store."""

import json
import random
import sys
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from tqdm import tqdm

from deap_lossgp.arms import mutations
from deap_lossgp.callbacks import CallbackList
from deap_lossgp.clusters import RayTasks
from deap_lossgp.engines import InProcess, WorkerProcesses
from deap_lossgp.evaluation import Evaluation, check_fitness, check_names
from deap_lossgp.folders import RunFolder
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.recording import RunStatistics, write_csv
from deap_lossgp.settings import RESCORING, TASK_SETTINGS, Execution
from deap_lossgp.tasks import Task
from deap_lossgp.tensorflow_setup import import_tensorflow
from deap_lossgp.toolbox import make_toolbox


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
    from deap_lossgp.tensorflow_setup import prepare_tensorflow

    return InProcess(tasks, pset, prepare_tensorflow(e.threads, e.determinism))


def tasks_of(settings):
    """The ``Task`` objects that settings describe."""
    s = settings
    return [
        Task.load(name, s.model, data_dir=s.data_dir, **{
            field: getattr(s, field) for field in TASK_SETTINGS[3:]
        }) for name in s.datasets
    ]


class Experiment:
    """What runs and comparisons share: tasks, an engine, and a folder with a store.

    An experiment that was stopped, by whatever, goes on when it is made and executed again: all its
    randomness comes from the seed, and each training is in the folder's store as soon as it ends,
    so that it is replayed up to where it stopped.

    Args:
        settings: ``RunSettings``.
        output: The folder; by default one in ``runs/`` with a name of these settings' own.
        execution: An ``Execution``.
        progress: Whether to draw a progress bar.
        tasks: The ``Task`` objects; by default what the settings describe. Else the settings'
            ``datasets`` must be their names.
        callbacks: Of ``deap_lossgp.callbacks``.

    Raises:
        ValueError: Settings or data are not usable, the folder holds another experiment, or another
            process works in it.
        OSError: The folder cannot be written.
    """

    changeable = (*RESCORING, "data_dir")
    """Settings that may be others in a folder that holds trainings, if the images are the same."""

    def __init__(self, settings, output=None, *, execution=None, progress=True, tasks=None,
                 callbacks=()):
        self.settings = s = settings
        self._progress, self._bar = progress, tqdm(disable=True)
        self.callbacks = CallbackList(callbacks, self._warn)
        self._environment = None
        described, name = json.loads(json.dumps(asdict(s))), s.folder
        if tasks is not None:
            described |= {field: None for field in TASK_SETTINGS}
            described["tasks"] = [{"name": task.name, "fingerprint": task.fingerprint}
                                  for task in tasks]
            name += "".join(f"-{task.fingerprint[:6]}" for task in tasks)
        self.output = Path("runs") / name if output is None else Path(output)
        self._folder = RunFolder(self.output, described, self.changeable)
        try:
            self.pset = loss_primitive_set(s.protected)
            self.tasks = tasks_of(s) if tasks is None else list(tasks)
            check_names(self.tasks)
            check_fitness(s.fitness, self.tasks)
            self._engine = make_engine(self.tasks, self.pset, execution or Execution())
            self._folder.claim([task.data.summary() for task in self.tasks])
            for note in (note for task in self.tasks for note in task.data.notes()):
                self._warn(note)
        except BaseException:
            self.close()
            raise

    def close(self):
        """Lets go of the folder."""
        self._folder.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def new_evaluation(self, seed, fitness=None):
        """An ``Evaluation`` on the experiment's store and engine, with counts of its own."""
        s = self.settings
        return Evaluation(
            self.tasks, self.pset, fitness or s.fitness, mean_over_all=s.mean_over_all, seed=seed,
            store=self._folder.store, engine=self._engine, on_training=self._on_training,
        )

    def new_toolbox(self, evaluation, algorithm=None):
        """A toolbox whose ``map`` trains what an evaluation of many asks for all at once."""
        s = self.settings
        toolbox = make_toolbox(
            self.pset, evaluation, valid=evaluation.is_valid, max_height=s.max_height,
            max_size=s.max_size, **mutations(algorithm or s.algorithm, s),
        )
        toolbox.register("map", evaluation.map)
        return toolbox

    def new_stats(self, evaluation):
        """A ``RunStatistics`` of the evaluation's counts and figures."""
        counts = evaluation.counts

        def figures(individual):
            columns = {}
            for result in evaluation.known_results(individual):
                columns[f"accuracy_{result.task}"] = result.accuracy
                columns[f"loss_{result.task}"] = result.loss
            return columns

        return RunStatistics(
            lambda: {"ntrained": counts["ntrained"],
                     "nscreened": counts["nscreened"] + counts["discarded"],
                     "ncached": counts["ncached"], "seconds": counts["seconds"]},
            figures, self.callbacks.on_generation,
        )

    @contextmanager
    def executing(self, trainings):
        """Shows progress over so many trainings; keeps the caller's random stream; ends workers."""
        with tqdm(total=trainings, unit="training", disable=not self._progress, leave=False,
                  dynamic_ncols=True) as self._bar:
            state = random.getstate()
            try:
                yield
            finally:
                self._engine.close()
                random.setstate(state)

    def advance(self, trainings):
        """Shows that so many of the trainings are known, however that came."""
        self._bar.update(max(0, trainings - self._bar.n))

    def write_table(self, table, name):
        with self._folder.replacing(name) as path:
            write_csv(table, path)

    def write_figure(self, axes, name):
        with self._folder.replacing(name) as path:
            axes.figure.savefig(path, dpi=150, bbox_inches="tight", format="png")

    def _on_training(self, result, expression):
        self._bar.update()
        self.callbacks.on_training(result, expression)
        if self._environment is None and self._engine.environment:
            self._environment = self._engine.environment
            for difference in self._folder.differences(self._environment):
                self._warn(f"Warning: {self.output} was begun with {difference}: "
                           f"the trainings from here on may differ")

    def _warn(self, line):
        self._bar.write(line, file=sys.stderr)
