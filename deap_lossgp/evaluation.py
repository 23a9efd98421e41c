"""The evaluation of a loss: screening, training, fitness, in this order."""

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from deap_lossgp.canonical import AffineForm, affine_form, canonical_key
from deap_lossgp.curves import LossCurves
from deap_lossgp.fitness import fitness_mode, fitness_of
from deap_lossgp.losses import KNOWN_LOSSES, check_operations, elementwise_loss
from deap_lossgp.results import TrainingResult
from deap_lossgp.screening import in_value_range, is_trainable
from deap_lossgp.training import Candidate, Trainer
from deap_lossgp.trees import LossTree

CROSS_ENTROPY_SCALE = 0.5
"""``LossCurves.gradient_scale`` of cross entropy."""


def candidate_of(tree, pset, task, *, raw=False, curves=None):
    """What the trainer is given for a loss.

    By default the gradient is brought to the common scale: the median gradient that reaches a
    logit is that of cross entropy, so an optimizer tuned for cross entropy suits every loss. A
    raw loss is trained as it stands: the mean over classes.

    Args:
        tree: A ``LossTree``.
        pset: Its primitive set.
        task: The ``Task``; its number of classes matters to a raw loss.
        raw: Whether to leave the scale alone.
        curves: The tree's ``LossCurves``, where they are known already.

    Returns:
        A ``Candidate``, on the exact path where the curves are not certified.
    """
    curves = LossCurves.of(tree, pset) if curves is None else curves
    if raw:
        factor = 1.0 / task.data.num_classes
    else:
        factor = CROSS_ENTROPY_SCALE / (curves.gradient_scale or CROSS_ENTROPY_SCALE)
    with np.errstate(all="ignore"):
        derivatives = (factor * curves.derivatives).astype(np.float32)
    loss = None if curves.certified else elementwise_loss(tree, pset)
    return Candidate(derivatives, curves.values, loss, factor)


class BaselineError(ValueError):
    """Cross entropy itself cannot be trained, so there is nothing to compare with."""


@dataclass(frozen=True)
class _Screened:
    """A loss after screening: what trains, how it relates to the tree, and under which key.

    Without the curves: a run screens thousands of trees, and they are quickly made again.
    """

    form: AffineForm
    key: str
    valid: bool


class Evaluation:
    """Evaluates loss trees on tasks; ``make_toolbox``'s ``evaluate``.

    In every mode but ``thesis`` a loss is trained without the constants added to it and
    multiplied with it (``affine_form``), at the common scale, so that c * L + k (c > 0) has
    exactly the fitness of L. What was trained once is not trained again.

    Args:
        tasks: The ``Task`` objects, with distinct names.
        pset: The primitive set of the trees.
        fitness: A name of ``FITNESS_MODES``.
        mean_over_all: As for ``fitness.compare``.
        seed: Seed of every training.
        on_training: ``on_training(result)``, called after each training.

    Attributes:
        counts: Of evaluations: ``ntrained nscreened ncached``; besides, ``exact`` and ``curves``
            (trainings on either path), ``discarded`` (trees that ``is_valid`` refused) and
            ``seconds`` (spent on trainings).
    """

    def __init__(self, tasks, pset, fitness="error", *, mean_over_all=False, seed=0,
                 on_training=None):
        fitness_mode(fitness)
        check_operations(pset)
        names = [task.name for task in tasks]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"expected tasks of distinct names, at least 1, got {names}")
        self.tasks = tasks
        self.pset = pset
        self.fitness = fitness
        self.mean_over_all = mean_over_all
        self.seed = seed
        self.counts = Counter()
        self.trainers = [Trainer(task) for task in tasks]
        self._on_training = on_training or (lambda result: None)
        self._screened = {}
        self._results = {}
        self._baselines = None
        self._cross_entropy = LossTree.from_string(KNOWN_LOSSES["cross_entropy"], pset)

    @property
    def raw(self):
        """Whether losses are trained as they stand."""
        return self.fitness == "thesis"

    def baselines(self):
        """The cross-entropy baseline's results, trained when first asked for.

        Raises:
            BaselineError: It cannot be trained with these settings.
        """
        if self._baselines is None:
            results = self._train(self._cross_entropy, False, self.seed)
            failed = [r for r in results if not r.ok]
            if failed:
                raise BaselineError(f"the cross-entropy baseline failed on {failed[0].task}: "
                                    f"{failed[0].status}, {failed[0].message}")
            # The value of the tree is the mean over classes; cross entropy is the sum.
            self._baselines = [
                replace(r, loss=r.cross_entropy, losses=r.cross_entropies) for r in results
            ]
        return self._baselines

    def is_valid(self, tree):
        """Whether a tree may enter the population, as ``deap_lossgp.screening`` says."""
        valid = self._screen(tree).valid
        self.counts["discarded"] += not valid
        return valid

    def known_results(self, tree):
        """The ``TrainingResult`` of an evaluated tree on each task, its losses the tree's own."""
        screened = self._screen(tree)
        if not screened.valid:
            return [TrainingResult(task.name, task.data.num_classes, "no_gradient",
                                   message="refused by screening") for task in self.tasks]
        return [_rescaled(result, screened.form) for result in self._results[screened.key]]

    def test_accuracies(self, tree, seed):
        """Accuracy on the test sets after trainings with another seed.

        Args:
            tree: A loss tree; None for the cross-entropy baseline.
            seed: Of the trainings.

        Returns:
            A dict from task name to accuracy, None where the training failed.
        """
        if tree is None:
            results = self._train(self._cross_entropy, False, seed)
        else:
            results = self._train(self._screen(tree).form.core, self.raw, seed)
        return {
            result.task: trainer.test_accuracy() if result.ok else None
            for result, trainer in zip(results, self.trainers, strict=True)
        }

    def __call__(self, tree):
        """(wins, improvement) of a tree; finite, or -inf where a training failed."""
        baselines = self.baselines()
        screened = self._screen(tree)
        if not screened.valid:
            self.counts["nscreened"] += 1
        elif screened.key in self._results:
            self.counts["ncached"] += 1
        else:
            self.counts["ntrained"] += 1
            self._results[screened.key] = self._train(screened.form.core, self.raw, self.seed)
        return fitness_of(self.known_results(tree), baselines, self.fitness, self.mean_over_all)

    def _screen(self, tree):
        text = str(tree)
        if text not in self._screened:
            form = AffineForm(tree, 1.0, 0.0) if self.raw else affine_form(tree, self.pset)
            curves = LossCurves.of(form.core, self.pset)
            if self.raw:
                valid = all(in_value_range(curves, task.data.num_classes) for task in self.tasks)
            else:
                valid = is_trainable(curves)
            key = canonical_key(form.core, self.pset)
            self._screened[text] = _Screened(form, key, valid)
        return self._screened[text]

    def _train(self, tree, raw, seed):
        results, curves = [], LossCurves.of(tree, self.pset)
        for trainer in self.trainers:
            candidate = candidate_of(tree, self.pset, trainer.task, raw=raw, curves=curves)
            results.append(trainer.train(candidate, seed))
            self.counts["seconds"] += results[-1].seconds
            self.counts["curves" if curves.certified else "exact"] += 1
            self._on_training(results[-1])
        return results


def _rescaled(result, form):
    """The result of a loss's core as that of the loss itself."""
    if not result.ok:
        return result
    return replace(
        result,
        loss=form.scale * result.loss + form.shift,
        losses=tuple(form.scale * loss + form.shift for loss in result.losses),
    )
