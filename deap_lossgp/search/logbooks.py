"""Statistics for DEAP's logbook, and logbooks as tables."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from deap import tools

STATISTICS = ("avg", "std", "min", "max")


class RunStatistics(tools.MultiStatistics):
    """The ``stats`` of a run: chapters of statistics, counts, and every individual.

    It is a ``deap.tools.MultiStatistics`` with the chapters ``wins``, ``improvement`` and ``size``
    (statistics of the finite values). It also adds to each record how much the counts grew since
    the last record, and keeps a row for every individual of the population.

    Args:
        counts: ``counts() -> dict`` of running totals; its keys become fields of the logbook.
        figures: ``figures(individual) -> dict`` of further columns of the individual's row.
        on_generation: ``on_generation(record)`` is called with each generation's figures: a dict
            of ``gen``, the counts, ``wins_avg`` and so on.
        latest: Further fields by name, each a function without arguments: no totals, but what is
            said of the latest generation alone.

    Attributes:
        gen: The generation of the next record.
        rows: list of dicts ``gen index expression size height wins improvement ...``.
    """

    def __init__(self, counts: Callable[[], dict[str, Any]],
                 figures: Callable[[Any], dict[str, Any]],
                 on_generation: Callable[[dict[str, Any]], object] | None = None,
                 latest: Mapping[str, Callable[[], Any]] | None = None) -> None:
        super().__init__(
            wins=tools.Statistics(lambda individual: individual.fitness.values[0]),
            improvement=tools.Statistics(lambda individual: individual.fitness.values[1]),
            size=tools.Statistics(len),
        )
        for name in STATISTICS:
            self.register(name, _finite(getattr(np, {"avg": "mean"}.get(name, name))))
        self.rows = []
        self._counts, self._figures, self._latest = counts, figures, latest or {}
        self._on_generation = on_generation or (lambda record: None)
        self._before = counts()
        self.gen = 0

    @property
    def fields(self) -> list[str]:
        return [*self._before, *self._latest, *self]

    def compile(self, population: Sequence) -> dict[str, Any]:
        now = self._counts()
        record = {name: total - self._before[name] for name, total in now.items()}
        record |= {name: function() for name, function in self._latest.items()}
        self._before = now
        for index, individual in enumerate(population):
            wins, improvement = individual.fitness.values
            self.rows.append({
                "gen": self.gen, "index": index, "expression": str(individual),
                "size": len(individual), "height": individual.height,
                "wins": wins, "improvement": improvement, **self._figures(individual),
            })
        chapters = super().compile(population)
        self._on_generation({"gen": self.gen, **record, **{
            f"{chapter}_{name}": value for chapter, statistics in chapters.items()
            for name, value in statistics.items()
        }})
        self.gen += 1
        return {**record, **chapters}


def _finite(statistic):
    def of_finite(values):
        values = [value for value in values if math.isfinite(value)]
        return float(statistic(values)) if values else math.nan

    return of_finite


def logbook_table(logbook: tools.Logbook) -> pd.DataFrame:
    """Makes a table of a DEAP logbook; the chapters' fields become ``chapter_field`` columns.

    Args:
        logbook: A ``deap.tools.Logbook``, chaptered or flat.

    Returns:
        A ``pandas.DataFrame`` with a row per record.

    Examples:
        >>> logbook = tools.Logbook()
        >>> logbook.record(gen=0, nevals=8, size={"max": 9, "avg": 4.5})
        >>> logbook_table(logbook)
           gen  nevals  size_avg  size_max
        0    0       8       4.5         9
    """
    table = pd.DataFrame(list(logbook))
    for name in [n for n in logbook.header or logbook.chapters if n in logbook.chapters]:
        chapter = pd.DataFrame(list(logbook.chapters[name]))
        # A chapter repeats the fields of its record.
        chapter = chapter[[field for field in chapter if field not in table]]
        order = [field for field in STATISTICS if field in chapter]
        order += [field for field in chapter if field not in order]
        table = table.join(chapter[order].add_prefix(f"{name}_"))
    return table
