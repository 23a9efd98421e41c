"""The evaluation of a loss: screening, training, fitness, in this order."""

import hashlib
import math
import random
import uuid
from collections import Counter
from dataclasses import dataclass, field, replace

import deap_lossgp
from deap_lossgp.curves.canonical import AffineForm, affine_form, canonical_key
from deap_lossgp.curves.loss_curves import LossCurves
from deap_lossgp.curves.screening import in_value_range, is_trainable
from deap_lossgp.engines.engine import InProcess, Job, TrainingError
from deap_lossgp.found_losses import KNOWN_LOSSES
from deap_lossgp.search.fitness import check_fitness, figure_of, fitness_of
from deap_lossgp.search.store import Store
from deap_lossgp.training.candidates import candidate_of
from deap_lossgp.training.results import ARITHMETIC, TrainingResult
from deap_lossgp.training.tasks import check_names
from deap_lossgp.trees import LossTree
from deap_lossgp.user_functions import source_of


class BaselineError(TrainingError):
    """Cross entropy itself cannot be trained, so there is nothing to compare with."""


@dataclass(frozen=True)
class _Screened:
    """A loss after screening: what trains, how it relates to the tree, and under which key.

    Without the curves: a run screens thousands of trees, and they are quickly made again.
    """

    form: AffineForm
    key: str
    valid: bool


@dataclass(frozen=True)
class _Request:
    """A loss to be trained on every task."""

    tree: LossTree = field(compare=False)
    loss: str
    raw: bool
    seed: int
    test: bool = False


class Evaluation:
    """Evaluates loss trees on tasks; ``make_toolbox``'s ``evaluate``.

    In every mode but ``thesis`` a loss is trained without the constants added to it and
    multiplied with it (``affine_form``), at the common scale, so that c * L + k (c > 0) has
    exactly the fitness of L. What the store holds is not trained again.

    Args:
        tasks: The ``Task`` objects, with distinct names.
        pset: The primitive set of the trees.
        fitness: As for ``fitness_mode``.
        mean_over_all: As for ``search.fitness.compare``.
        seed: Seed of every training.
        store: A ``Store``; one in memory by default.
        engine: An engine of ``deap_lossgp.engines`` for these tasks; by default ``InProcess``.
        on_training: ``on_training(result, expression)``, called after each training.

    Attributes:
        counts: Of evaluations: ``ntrained nscreened ncached``; besides, ``exact`` and ``curves``
            (trainings on either path), ``discarded`` (trees that ``is_valid`` refused) and
            ``seconds`` (which the trainings took), ``charged_seconds`` (those of every evaluation,
            of one known already too) and trainings by status. What the store held
            beforehand counts as trained when it is first asked for, so that a resumed run counts
            as an undisturbed one does.
    """

    # Slots: DEAP's register copies an object's __dict__ into its partial, which then cannot travel.
    __slots__ = ("tasks", "pset", "fitness", "mean_over_all", "seed", "counts", "store", "engine",
                 "_on_training", "_name", "_screened", "_charged", "_trains", "_baselines", "_code",
                 "_cross_entropy")

    def __init__(self, tasks, pset, fitness="error", *, mean_over_all=False, seed=0, store=None,
                 engine=None, on_training=None):
        check_names(tasks)
        check_fitness(fitness, tasks)
        self.tasks = tasks
        self.pset = pset
        self.fitness = fitness
        self.mean_over_all = mean_over_all
        self.seed = seed
        self.counts = Counter()
        self.store = Store() if store is None else store
        self.engine = InProcess(tasks, pset) if engine is None else engine
        self._on_training = on_training or (lambda result, expression: None)
        self._name = uuid.uuid4().hex
        self._screened = {}
        self._charged = set()
        self._trains = False
        self._baselines = None
        self._code = [deap_lossgp.__version__, ARITHMETIC, pset.name,
                      *(source_of(pset.context[primitive.name]) for primitive in
                        sorted(pset.primitives[pset.ret], key=lambda p: p.name))]
        tree = LossTree.from_string(KNOWN_LOSSES["cross_entropy"], pset)
        self._cross_entropy = _Request(tree, canonical_key(tree, pset), False, seed)

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
            self._train([self._cross_entropy])
            results = self._charge(self._cross_entropy)
            failed = [r for r in results if not r.ok]
            if failed:
                # With it all other failures: the reason may be the same.
                keys = self.store.keys()
                self.store.discard([key for key in keys if not self.store.get(key).ok])
                raise BaselineError(f"the cross-entropy baseline failed on {failed[0].task}: "
                                    f"{failed[0].status}, {failed[0].message}")
            # The value of the tree is the mean over classes; cross entropy is the sum.
            baselines = [
                replace(r, loss=r.cross_entropy, losses=r.cross_entropies) for r in results
            ]
            for result in baselines:
                figure = figure_of(result, self.fitness)
                if figure is None or not math.isfinite(figure):
                    raise BaselineError(f"fitness {self.fitness!r}: expected a finite number for "
                                        f"cross entropy on {result.task}, got {figure}")
            self._baselines = baselines
        return self._baselines

    def is_valid(self, tree):
        """Whether a tree may enter the population, as ``deap_lossgp.curves.screening`` says."""
        valid = self._screen(tree).valid
        self.counts["discarded"] += not valid
        return valid

    def known_results(self, tree):
        """The ``TrainingResult`` of an evaluated tree on each task, its losses the tree's own."""
        screened = self._screen(tree)
        if not screened.valid:
            return [TrainingResult(task.name, task.data.num_classes, "no_gradient",
                                   message="refused by screening") for task in self.tasks]
        return [_rescaled(result, screened.form) for result in self._results(self._request(tree))]

    def test_accuracies(self, trees, seeds):
        """Accuracies on the test sets after trainings with other seeds.

        Args:
            trees: Loss trees; None for the cross-entropy baseline.
            seeds: Of the trainings.

        Returns:
            For each tree a dict from task name to accuracies, one per seed, None where the
            training failed.
        """
        requests = [
            [replace(self._cross_entropy if tree is None else self._request(tree),
                     seed=seed, test=True) for seed in seeds]
            for tree in trees
        ]
        self._train([request for row in requests for request in row])
        results = [[self._charge(request) for request in row] for row in requests]
        return [
            {task.name: [r[i].test_accuracy for r in row] for i, task in enumerate(self.tasks)}
            for row in results
        ]

    def map(self, function, trees):
        """``toolbox.map``: does all the trees' trainings first, then calls the function for each.

        Raises:
            TrainingError: The first trees that are trained all fail, and for the same reason.
        """
        trees = list(trees)
        requests = [self._request(tree) for tree in trees if self._screen(tree).valid]
        baseline = [self._cross_entropy] if self._baselines is None else []
        self._train(baseline + requests)
        self.baselines()
        self._check_that_something_trains(requests)
        return [function(tree) for tree in trees]

    def __call__(self, tree):
        """(wins, improvement) of a tree; finite, or -inf where a training failed."""
        baselines = self.baselines()
        screened = self._screen(tree)
        if not screened.valid:
            self.counts["nscreened"] += 1
        else:
            request = self._request(tree)
            self.counts["ncached" if request in self._charged else "ntrained"] += 1
            self._train([request])
            self.counts["charged_seconds"] += sum(r.seconds for r in self._charge(request))
        return self._fitness_of(self.known_results(tree), baselines)

    def __reduce__(self):
        """Travels without store and engine: each process that it comes to trains for itself."""
        return _evaluation_here, (self._name, self.tasks, self.pset, self.fitness,
                                  self.mean_over_all, self.seed)

    def _fitness_of(self, results, baselines):
        try:
            return fitness_of(results, baselines, self.fitness, self.mean_over_all)
        except ValueError as error:  # of the user's fitness
            raise TrainingError(str(error)) from error

    def _screen(self, tree):
        text = str(tree)
        if text not in self._screened:
            form = AffineForm(tree, 1.0, 0.0) if self.raw else affine_form(tree, self.pset)
            curves = LossCurves.of(form.core, self.pset)
            if self.raw:
                valid = all(in_value_range(curves, task.data.num_classes) for task in self.tasks)
            else:
                valid = is_trainable(curves)
            screened = _Screened(form, canonical_key(form.core, self.pset), valid)
            if not valid:
                return screened  # thousands of them, and hardly ever asked for again
            self._screened[text] = screened
        return self._screened[text]

    def _request(self, tree):
        screened = self._screen(tree)
        return _Request(screened.form.core, screened.key, self.raw, self.seed)

    def _keys(self, request):
        """The store's keys of a request: digests of all that determines its trainings."""
        return [
            hashlib.sha256(repr((self._code, task.fingerprint, request.loss, request.raw,
                                 request.seed, request.test)).encode()).hexdigest()
            for task in self.tasks
        ]

    def _results(self, request):
        return [self.store.get(key) for key in self._keys(request)]

    def _train(self, requests):
        """Trains what the store does not hold; each result is stored as it arrives."""
        missing = {}
        for request in requests:
            keys = self._keys(request)
            new = [i for i, key in enumerate(keys)
                   if key not in missing and self._is_missing(key, request)]
            curves = LossCurves.of(request.tree, self.pset) if new else None
            for i in new:
                candidate = candidate_of(request.tree, self.pset, self.tasks[i], raw=request.raw,
                                         curves=curves)
                missing[keys[i]] = request, Job(i, candidate, request.seed, request.test)
        jobs = list(missing.items())
        state = random.getstate()  # engines draw from it, too: Ray does when it starts
        try:
            for i, result in self.engine.train([job for _, (_, job) in jobs]):
                key, (request, _) = jobs[i]
                self.store.put(key, result, expression=str(request.tree), seed=request.seed,
                               replace=key in self.store)
                self._on_training(result, str(request.tree))
        finally:
            random.setstate(state)

    def _is_missing(self, key, request):
        """Whether the store lacks a result, or the figure of it that the fitness reads."""
        result = self.store.get(key)
        if result is None or not result.ok or request.test:
            return result is None
        old = result.balanced_accuracy is None  # of a version that had no such figure
        return old and figure_of(result, self.fitness) is None

    def _charge(self, request):
        """The request's results; counts them when they are first asked for."""
        results = self._results(request)
        if request not in self._charged:
            self._charged.add(request)
            for result in results:
                self.counts["seconds"] += result.seconds
                self.counts["exact" if result.exact else "curves"] += 1
                self.counts[result.status] += 1
        return results

    def _check_that_something_trains(self, requests):
        """Not all of the first losses fail in the same way, other than by their own fault."""
        results = [result for request in requests for result in self._results(request)]
        if self._trains or not results:
            return
        reasons = {(r.status, r.message) for r in results}
        status, message = min(reasons)
        if len(reasons) == 1 and status in ("error", "oom", "timeout", "crashed"):
            self._forget(requests)
            raise TrainingError(f"all of the first {len(results)} trainings ended as {status}: "
                                f"{message}")
        self._trains = True

    def _forget(self, requests):
        """Forgets failures, so that another start tries again."""
        self.store.discard([key for request in requests for key in self._keys(request)
                            if not self.store.get(key).ok])


_HERE = {}


def _evaluation_here(name, tasks, pset, fitness, mean_over_all, seed):
    """The evaluation of this name in this process, which keeps what it compiled and trained."""
    if name not in _HERE:
        _HERE.clear()
        _HERE[name] = Evaluation(tasks, pset, fitness, mean_over_all=mean_over_all, seed=seed)
    return _HERE[name]


def _rescaled(result, form):
    """The result of a loss's core as that of the loss itself."""
    if not result.ok:
        return result
    return replace(
        result,
        loss=form.scale * result.loss + form.shift,
        losses=tuple(form.scale * loss + form.shift for loss in result.losses),
    )
