"""Runs: one seeded evolution, from its settings to its result and the files in its folder."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from deap import tools

from deap_lossgp.algorithms.cma_es import eaConstants
from deap_lossgp.constants import constants_of, insert_coefficients
from deap_lossgp.engines.execution import Execution
from deap_lossgp.found_losses import KNOWN_LOSSES, read_loss
from deap_lossgp.search.algorithms import ALGORITHMS
from deap_lossgp.search.audit import COLUMNS, audit
from deap_lossgp.search.evolutions import PREDICTED, Evolution, surrogate_of
from deap_lossgp.search.experiments import read_call
from deap_lossgp.search.finals import Finals
from deap_lossgp.search.front import LossFront, Together
from deap_lossgp.search.funnels import funnel_of
from deap_lossgp.search.logbooks import logbook_table
from deap_lossgp.search.misleading import learning_curves
from deap_lossgp.search.progress import Progress
from deap_lossgp.search.records import front_table, loss_record
from deap_lossgp.search.reports.run_figures import draw_figures
from deap_lossgp.search.reports.run_page import run_page
from deap_lossgp.search.run_results import RunResult
from deap_lossgp.search.settings import FINAL, SEED_LOSSES, RunSettings
from deap_lossgp.search.stopping import Clock, Limits
from deap_lossgp.trees import LossTree

if TYPE_CHECKING:
    from deap_lossgp.search.callbacks import Callback
    from deap_lossgp.training.tasks import Task

HALL_OF_FAME = 10
"""Individuals that a run's hall of fame holds."""

TESTED = "evolved", "cross_entropy", "tuned_cross_entropy"
"""Names in the table of tests that no known loss has there."""

ROUNDING = 1e-6
"""Differences of accuracies in float32 that are no differences."""


def evolve(tasks: str | Path | Task | Sequence[str | Path | Task] = ("digits",), *,
           output: Path | str | None = None, callbacks: Callback | Sequence[Any] = (),
           progress: bool = True, **options: Any) -> RunResult:
    """Evolves a loss for image classifiers: does in one call what ``lossgp evolve`` does.

    Called again with the same arguments, it goes on where it stopped; a complete run is only read.

    Args:
        tasks: Names of data sets, as ``load_dataset`` takes them, or ``Task`` objects, or one of
            these.
        output: The folder; by default one in ``runs/`` with a name made of these arguments.
        callbacks: ``deap_lossgp.search.Callback`` objects, told of trainings and generations.
        progress: Whether to draw a progress bar.
        **options: Fields of ``RunSettings`` (``algorithm``, ``population``, ``generations``,
            ``fitness``, ``seed``...; for names of data sets also ``model``, ``epochs``...) and of
            ``Execution`` (``workers``, ``time_limit``...). By default one worker process trains.
            With ``workers=0`` this process does; TensorFlow then keeps the threads and the
            deterministic operations that the trainings need, and what else they set is put back.

    Returns:
        A ``RunResult``; its text is the command's report.

    Raises:
        TypeError: There is no such option, or it belongs to the given ``Task`` objects.
        ValueError: Options or data are not usable, or nothing can be trained.
        OSError: The folder cannot be written.

    Examples:
        >>> evolve("digits", populaton=4)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        TypeError: unknown option 'populaton': did you mean 'population'? known: ...
    """
    given, settings, execution = read_call(tasks, options, RunSettings, Execution)
    with Run(settings, output, tasks=given, execution=execution, progress=progress,
             callbacks=callbacks) as run:
        return run.execute()


class Run(Evolution):
    """One seeded evolution, with the arguments of ``Evolution``. Make it, then ``execute`` it."""

    settings: RunSettings

    changeable = ("audit", *FINAL, *Evolution.changeable)
    not_in_name = ("audit", *Evolution.not_in_name)  # type: ignore[assignment]

    @property
    def kind(self) -> str:
        return self.settings.algorithm

    @cached_property
    def known(self) -> dict[str, LossTree]:
        """The losses that are in the initial population from the beginning, trees by name."""
        known = {}
        for source in self.settings.initial_losses:
            loss = read_loss(source, self.pset)
            taken = loss.name in (*known, *TESTED)
            known[source if taken else loss.name] = LossTree(loss.tree)
        return known

    def described(self, tasks: Sequence[Task] | None) -> dict[str, Any]:
        if self.settings.seed_losses is None:  # how many take part depends on the population
            known = {name: KNOWN_LOSSES[name] for name in SEED_LOSSES}
        else:
            known = {name: str(tree) for name, tree in self.known.items()}
        return {**super().described(tasks), "known": known}

    @cached_property
    def all_tasks(self) -> list[Task]:
        """The tasks of the search, and behind them those of finalists and tests, if they differ."""
        s, final = self.settings, []
        for task in self.tasks:
            size = task.budget[0] if s.final_size == 0 else s.final_size
            try:
                final.append(task.with_budget(s.final_epochs or task.epochs, size))
            except ValueError as error:
                raise ValueError(f"final_size: {error}") from None
        same = all(one is other for one, other in zip(final, self.tasks, strict=True))
        return self.tasks if same else [*self.tasks, *final]

    def execute(self) -> RunResult:
        """Evolves, tests the best loss, writes the folder and returns the ``RunResult``."""
        s = self.settings
        self.evaluation = final = self.new_evaluation(s.seed)
        if len(self.all_tasks) > len(self.tasks):
            final = self.new_evaluation(s.seed, first_task=len(self.tasks))
        finals = Finals(s, self.evaluation, final)
        trainings = s.evaluations + s.tune_constants + 1 + finals.trainings
        with self.executing(len(self.tasks) * trainings):
            random.seed(s.seed)
            self.describe_progress("cross entropy and the first losses")
            self._last_generation = s.generations
            logbook, halloffame = self._evolve()
            self.describe_progress("race and tests")
            self.advance(len(self.tasks) * (1 + s.evaluations))  # it may have stopped before
            # The smallest of equals, then the oldest: a hall of fame lists the latest first.
            equals = [tree for tree in halloffame if tree.fitness == halloffame[0].fitness]
            best = min(reversed(equals), key=len)
            found, known = [best, *halloffame], self._known_by_fitness()
            if final is not self.evaluation and s.fitness == "error" and not self.predicts:
                found, known = self._promising(found, known, final.tasks)
            finale = finals.execute(found, known)
            notes = self._notes()
        reached = {"generations": self._last_generation} if self.limits.reached else {}
        self._folder.finish(**reached)
        counts = self.evaluation.counts
        result = RunResult(
            **vars(finale), pset=self.pset, logbook=logbook, halloffame=halloffame,
            individuals=pd.DataFrame(self.stats.rows),
            trainings=pd.DataFrame(self._folder.store.rows()),
            counts=counts if final is self.evaluation else counts + final.counts,
            unlearned=self._unlearned(), settings=s, output=self.output,
            funnel=funnel_of(self.evaluation, finale.race),
            choosing=self.choosing, front=self.front, notes=notes, stopped=self.limits.reached,
            predicted=self.predicts)
        self._write(result)
        self.callbacks.on_end(result)
        return result

    def _unlearned(self):
        shares = [np.bincount(labels).max() / len(labels)
                  for labels in (task.data.y_train[task.split()[1]] for task in self.tasks)]
        baselines = self.evaluation.baselines()
        return [result.task for result, share in zip(baselines, shares, strict=True)
                if result.accuracy <= share + ROUNDING]

    def _notes(self):
        """Returns further lines of the report; audits first, if that was asked for."""
        notes, s = [PREDICTED] if self.predicts else [], self.settings
        if self.earlier:
            notes.append(str(self.earlier))
        if self.untold:
            notes.append(self.untold)
        if s.audit:
            audited = audit(self.evaluation, s.audit, max(1, s.finalists))
            self.write_table(pd.DataFrame(audited.rows, columns=COLUMNS), "audit.csv")
            notes.append(str(audited))
        else:
            (self.output / "audit.csv").unlink(missing_ok=True)  # of other settings
        return tuple(notes)

    def _known_by_fitness(self):
        """Returns the known losses by name, the best in the search first."""
        for tree in self.known.values():
            tree.fitness.values = self.evaluation.fitness_of(tree)
        return dict(sorted(self.known.items(), key=lambda item: item[1].fitness, reverse=True))

    def _promising(self, found, known, tasks):
        """Returns both, ordered by the accuracy that is predicted at the budget of ``tasks``.

        The best of the search stays the first; all others that it trained to the end follow.
        """
        promising = self._surrogate.best_at(tasks) if self._surrogate else []
        for tree in promising:
            tree.fitness.values = self.evaluation.fitness_of(tree)
        place = {self.evaluation.key(tree): index for index, tree in enumerate(promising)}
        by_place = sorted(known.items(), key=lambda item: place.get(self.evaluation.key(item[1]),
                                                                    len(place)))
        return [found[0], *promising, *found[1:]], dict(by_place)

    def _evolve(self):
        s = self.settings
        toolbox = self.new_toolbox(self.evaluation)
        self._surrogate = surrogate_of(toolbox)
        toolbox.register("map", self._map)
        self.clock = Clock(self._folder.noted("clock"), partial(self._folder.note, "clock"))
        self.progress = Progress(self._folder.noted("progress"),
                                 partial(self._folder.note, "progress"))
        self.limits = Limits(s, self.evaluation.counts, self.clock)
        toolbox.register("stop", self.limits)
        self.stats = self.new_stats(self.evaluation, toolbox)
        halloffame = tools.HallOfFame(HALL_OF_FAME)
        started, self._in_trainings = perf_counter(), 0.0
        population = self.new_population(toolbox, map(toolbox.clone, self.known.values()))
        self.front = LossFront(self.evaluation.key)
        _, logbook = ALGORITHMS[s.algorithm].run(
            population, toolbox, self.pset, s, stats=self.stats,
            halloffame=Together(halloffame, self.front), verbose=False)
        # A curve's expressions are one generation more.
        self._last_generation = min(logbook[-1]["gen"], s.generations)
        self.choosing = perf_counter() - started - self._in_trainings
        toolbox.unregister("stop")  # it is over
        if s.tune_constants:
            self._tune_constants(toolbox, halloffame)
        return logbook, halloffame

    def _tune_constants(self, toolbox, halloffame):
        """Tunes the constants of the best loss, as GLO does; the best so joins the hall of fame."""
        tree, budget = insert_coefficients(halloffame[0], self.pset), self.settings.tune_constants
        constants = len(constants_of(tree))
        if not constants:
            return
        tree.fitness.values = halloffame[0].fitness.values  # it is the same loss: factors of 1
        lambda_, tuned = min(budget, int(4 + 3 * math.log(constants))), tools.HallOfFame(1)
        eaConstants(tree, toolbox, budget // lambda_, lambda_=lambda_, halloffame=tuned,
                    verbose=False)
        if tuned[0].fitness > halloffame[0].fitness:
            Together(halloffame, self.front).update(tuned)

    def _map(self, evaluate, individuals):
        started = perf_counter()
        fitnesses = self.evaluation.map(evaluate, individuals)
        self._in_trainings += perf_counter() - started
        self.clock.end_generation(individuals)
        fitnesses = list(fitnesses)
        generation = min(self.stats.gen, self._last_generation)
        best = self.progress.end_generation(generation, individuals, fitnesses)
        if best and math.isfinite(best[1]):
            self.describe_progress(f"generation {generation} of {self.settings.generations}, "
                                   f"best {best[1]:+.4f}")
        counts = self.evaluation.counts
        self.advance(len(self.tasks) * (
            1 + counts["ntrained"] + counts["ncached"] + counts["nscreened"]))
        return fitnesses

    def _write(self, result):
        self.write_table(logbook_table(result.logbook), "logbook.csv")
        self.write_table(result.individuals, "individuals.csv")
        written = loss_record(result, self.evaluation)
        self._folder.write_json("best_loss.json", written)
        front = front_table(self.front, self.evaluation)
        self.write_table(front, "front.csv")
        if not len(front):  # nothing to draw, and none of another fitness shall stay
            (self.output / "front.png").unlink(missing_ok=True)
        curves = learning_curves(self.evaluation, result.found)
        figures = draw_figures(self.figure, result, front, curves)
        self.write_text(run_page(result, self._folder.content(), written, figures, front),
                        "report.html")
