"""An engine that trains nothing: accuracies are invented, the same for the same loss and seed."""

import zlib

import numpy as np

from deap_lossgp.engines.engine import Engine
from deap_lossgp.training.results import TrainingResult, stopped_at


class Invented(Engine):
    """Invents what trainings show, and stops them as they would be stopped.

    Args:
        tasks: The ``Task`` objects.
        reverse: Whether results arrive in the reverse order.

    Attributes:
        batches: A list of the jobs for each call of ``train``.
    """

    def __init__(self, tasks, reverse=False):
        self.tasks, self.reverse, self.batches = tasks, reverse, []

    def train(self, jobs):
        jobs = list(jobs)
        self.batches.append(jobs)
        for index in sorted(range(len(jobs)), reverse=self.reverse):
            yield index, self.result(jobs[index])

    def result(self, job):
        """Returns what a job shows."""
        task = self.tasks[job.task]
        loss = zlib.crc32(job.candidate.derivatives.tobytes())
        rate = [] if job.rate_factor == 1.0 else [int(1000 * job.rate_factor)]
        rng = np.random.default_rng([loss, job.seed, job.task, *rate])
        accuracies = tuple(np.sort(rng.uniform(0.3, 0.9, task.epochs)).tolist())
        losses = tuple(1.0 - accuracy for accuracy in accuracies)
        whole = TrainingResult(
            task.name, task.data.num_classes, "ok", losses[-1], accuracies[-1], losses[-1],
            task.epochs / 10, losses, accuracies, losses, balanced_accuracy=accuracies[-1],
            test_accuracy=accuracies[0] if job.test else None,
            test_balanced_accuracy=accuracies[0] / 2.0 if job.test else None)
        return stopped_at(whole, job.stops)
