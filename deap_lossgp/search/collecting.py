"""A collection: ordinary trainings of many losses, as rows for an atlas.

Half of the losses are drawn at random, the known ones beside them. The others are bred, in rounds
and for one data set at a time: by crossover and mutation, from the best quarter on it of those that
were drawn, or bred for it. Every loss is trained on every data set, and so is cross entropy; the
best quarter of a data set once more there with a second seed. So of the rows that are left without
a data set, none is there because of what was measured on it. All are trained to the end, but for
those at chance after the first epoch. As a row has the accuracies by epoch, it holds all rungs.

With ``losses_of``, nothing is drawn or bred: losses of a table are trained once more, at another
budget. On each data set these are the known ones, and of all that came to their end there half the
best and half drawn from the others.
"""

from __future__ import annotations

import math
import os
import random
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from deap_lossgp.engines.engine import TrainingError
from deap_lossgp.errors import at_least
from deap_lossgp.found_losses import KNOWN_LOSSES, is_cross_entropy
from deap_lossgp.search.evolutions import Evolution
from deap_lossgp.search.folders import digest
from deap_lossgp.search.screened import Screening
from deap_lossgp.search.trainings import Request, Trainings
from deap_lossgp.settings import documented, setting
from deap_lossgp.surrogate.atlas import ATLAS, COLUMNS, load_atlas, write_atlas
from deap_lossgp.surrogate.evidence import FAILED
from deap_lossgp.surrogate.showing import worth_another_budget
from deap_lossgp.toolbox import make_toolbox
from deap_lossgp.training.tasks import NETWORK_NAMES, TaskSettings
from deap_lossgp.trees import LossTree

if TYPE_CHECKING:
    import pandas as pd

DEAD = 1.5
"""A training is stopped after the first epoch if its accuracy is below so many times chance."""

ROUNDS = 5
"""Rounds in which losses are bred."""

_MOST_ATTEMPTS = 1000


@documented
@dataclass(frozen=True, kw_only=True)
class CollectionSettings(TaskSettings):
    """Everything that determines a collection."""

    group = "collection"

    fitness: ClassVar[str] = "error"
    protected: ClassVar[bool] = True
    preselect: ClassVar[bool] = False
    learn_from: ClassVar[tuple] = ()
    without_effect: ClassVar[tuple] = ()

    model: str = setting(
        "small_cnn", f"the network: {', '.join(NETWORK_NAMES)}, or module:function", group="data")
    losses: int = setting(
        40, "losses to make, or to take of a table, at least 2; known ones come on top")
    losses_of: str | None = setting(
        None, "a table whose losses are trained again at this budget, instead of new ones: for "
        "each data set half of them its best, the others drawn from its rest; or atlas",
        metavar="TABLE|atlas")
    max_size: int = setting(60, "the largest number of nodes of a tree, at least 4")
    seed: int = setting(0, "the seed of losses and trainings; the second seed is the next number")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, least in (("losses", 2), ("max_size", 4), ("seed", 0)):
            at_least(self, name, least)


class Collection(Evolution):
    """Trainings of many losses, kept in a folder; with the arguments of ``Evolution``.

    Killed and executed again, it goes on where it stopped and ends with the same rows, wall times
    aside.
    """

    kind = "atlas"

    def accept_predictions(self) -> None:
        raise ValueError(f"an atlas needs trainings, got the engine {self._execution.engine!r}, "
                         f"which only predicts them")

    def prepare(self) -> None:
        super().prepare()
        s, self._chosen = self.settings, []
        if s.losses_of is not None:
            table = load_atlas(path=ATLAS if s.losses_of == "atlas" else s.losses_of)
            bred = dict(zip(table["expression"], table["bred"], strict=True))
            for task in self.tasks:
                texts = worth_another_budget(table, task.name, task.budget, s.losses, s.seed)
                self._chosen.append([(LossTree.from_string(text, self.pset), bred[text])
                                     for text in texts])

    def code(self) -> dict[str, Any]:
        code = super().code()
        if self.settings.losses_of is not None:  # another table leads a resumed one another way
            code["losses_of"] = digest(repr([[str(tree) for tree, _ in trees]
                                             for trees in self._chosen]).encode())
        return code

    def execute(self) -> pd.DataFrame:
        """Trains, writes ``rows.csv`` into the folder, and returns it as a ``DataFrame``."""
        import pandas as pd

        s = self.settings
        self._here = [Trainings([task], self.pset, self._folder.store, self._engine,
                                self._on_training, index) for index, task in enumerate(self.tasks)]
        self._screening = Screening(self.pset, self.tasks, raw=False)
        self._met, self._rows = set(), []
        self._budgets = {task.name: task.budget for task in self.tasks}
        total = len(self.tasks) * (s.losses + len(KNOWN_LOSSES)) * 5 // 4
        with self.executing(total):
            random.seed(s.seed)
            if s.losses_of is None:
                self._train_new_losses()
            else:
                self._train_chosen_losses()
        table = pd.DataFrame(self._rows, columns=COLUMNS)
        self.write_table(table, "rows.csv")
        return table

    def merge_into(self, table: Path | str) -> int:
        """Writes the rows into a table of an atlas; those that it has already stay as they are.

        Args:
            table: Path of the table, whose ending names the compression; made where it is missing.

        Returns:
            Number of rows of the table.

        Raises:
            ValueError: The table lacks a column.
        """
        table = Path(table)
        draft = table.with_name(f".{table.name}")
        known = [table] if table.exists() else []
        try:
            count = write_atlas([*known, self.output / "rows.csv"], draft)
            os.replace(draft, table)
        finally:
            draft.unlink(missing_ok=True)
        return count

    def _train_new_losses(self):
        s, names = self.settings, [task.name for task in self.tasks]
        toolbox = make_toolbox(self.pset, valid=lambda tree: self._screening(tree).valid,
                               max_size=s.max_size)
        everywhere = Trainings(self.tasks, self.pset, self._folder.store, self._engine,
                               self._on_training)
        asked = {}

        def train(trees):
            requests = self._requests(trees, self.tasks)
            everywhere.train(requests)
            asked.update(requests)

        known = _known(self.pset)
        self._met.update(self._screening(tree).key for tree in known)
        train([*((tree, "known") for tree in known),
               *((self._new(toolbox.individual), "random")
                 for _ in range(s.losses - s.losses // 2))])
        bred = [names[index % len(names)] for index in range(s.losses // 2)]
        for number in range(ROUNDS):
            parents = {name: _best(self._here[index], _on_task(asked, index),
                                   {"known", "random", name})
                       for index, name in enumerate(names)}
            train([(self._new(lambda of=parents[name]: _child(of, toolbox)), name)
                   for name in bred[number::ROUNDS]])
        self._keep(everywhere, asked)
        for index, trainings in enumerate(self._here):
            self._train_the_best_again(trainings, _on_task(asked, index))

    def _train_chosen_losses(self):
        known = [(tree, "known") for tree in _known(self.pset)]
        for task, trainings, trees in zip(self.tasks, self._here, self._chosen, strict=True):
            asked = self._requests([*known, *trees], [task])
            trainings.train(asked)
            self._keep(trainings, asked)
            self._train_the_best_again(trainings, asked)

    def _train_the_best_again(self, trainings, asked):
        """Trains the best quarter, and cross entropy, with a second seed."""
        best = {request.loss for request in _best(trainings, asked, {*asked.values()})}
        again = {replace(request, seed=self.settings.seed + 1): bred
                 for request, bred in asked.items()
                 if request.loss in best or is_cross_entropy(request.tree)}
        trainings.train(again)
        self._keep(trainings, again)

    def _keep(self, trainings, asked):
        """Makes rows of trainings; ``asked`` is a dict from requests to where losses come from."""
        for request, bred in asked.items():
            for result in trainings.results(request):
                if result.failed and result.status not in FAILED:
                    continue  # it says nothing of the loss
                self._rows.append(dict(zip(COLUMNS, (
                    result.task, *self._budgets[result.task], request.seed, bred,
                    str(request.tree), result.status, int(result.exact), result.seconds,
                    _text(result.accuracies), _text(result.cross_entropies),
                    result.test_accuracy), strict=True)))

    def _new(self, make):
        """Returns a valid tree that is trained like none before."""
        for _ in range(_MOST_ATTEMPTS):
            tree = make()
            screened = self._screening(tree)
            if screened.valid and screened.key not in self._met:
                self._met.add(screened.key)
                return tree
        raise TrainingError(f"found no further loss that is new and valid among {_MOST_ATTEMPTS}: "
                            f"allow larger trees, or ask for fewer losses")

    def _requests(self, trees, tasks):
        """Returns a dict from requests to where losses come from, of pairs of a tree and that."""
        dead = tuple(((1, DEAD / task.data.num_classes),) if task.epochs > 1 else ()
                     for task in tasks)
        requests = {}
        for tree, bred in trees:
            screened = self._screening(tree)
            stops = () if is_cross_entropy(tree) else dead
            requests.setdefault(Request(screened.form.core, screened.key, False,
                                        self.settings.seed, True, stops), bred)
        return requests


def _best(trainings, asked, bred):
    """Returns the requests of the best quarter on the one task of what is bred so, in order."""
    finished = {}
    for request in (request for request, origin in asked.items() if origin in bred):
        (result,) = trainings.results(request)
        if result.ok:
            finished[request] = result.accuracy
    if not finished:
        (result,) = trainings.results(next(iter(asked)))
        raise TrainingError(f"no training came to its end on {result.task}: "
                            f"{result.message or 'all at chance'}")
    return sorted(finished, key=lambda request: -finished[request])[: math.ceil(len(finished) / 4)]


def _on_task(asked, index):
    """The same requests, for one of their tasks alone."""
    return {replace(request, stops=request.stops[index:index + 1]): bred
            for request, bred in asked.items()}


def _known(pset):
    return [LossTree.from_string(text, pset) for text in KNOWN_LOSSES.values()]


def _child(parents, toolbox):
    one, other = (LossTree(request.tree) for request in random.choices(parents, k=2))
    (child,) = toolbox.mutate(toolbox.mate(one, other)[0])
    return child


def _text(numbers):
    return " ".join(f"{number:.4f}" for number in numbers)
