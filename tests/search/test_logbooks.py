"""The statistics and tables of a run, from a real algorithm with a cheap evaluation."""

import csv
import math
import random
import statistics

import pandas as pd
import pytest
from deap import tools

from deap_lossgp.algorithms.sample_tournament import eaSampleTournament
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.search.folders import write_csv
from deap_lossgp.search.logbooks import RunStatistics, logbook_table
from deap_lossgp.toolbox import make_toolbox
from deap_lossgp.trees import LossTree

PSET = loss_primitive_set()


class Run:
    """A run of the sample tournament that remembers what it evaluated."""

    def __init__(self, ngen=6):
        self.counts, self.populations = {"ntrained": 5, "seconds": 0.0}, []
        toolbox = make_toolbox(PSET, self.evaluate)
        stats = RunStatistics(lambda: dict(self.counts), lambda tree: {"accuracy_x": len(tree) / 7})
        random.seed(1)
        compile_ = stats.compile

        def spied(population):
            self.populations.append([(str(t), t.fitness.values) for t in population])
            return compile_(population)

        stats.compile = spied
        _, self.logbook = eaSampleTournament(
            toolbox.population(n=8), toolbox, 0.5, 1, ngen, stats=stats, verbose=False
        )
        self.rows = stats.rows
        self.table = logbook_table(self.logbook)

    def evaluate(self, tree):
        self.counts["ntrained"] += 1
        self.counts["seconds"] += 0.125
        if len(tree) % 3 == 0:
            return 0.0, -math.inf
        return float(len(tree) % 4), 1.0 / len(tree)


@pytest.fixture(scope="module")
def run():
    return Run()


def test_the_table_has_the_columns_of_the_contract(run):
    chapters = [f"{name}_{figure}" for name in ("wins", "improvement", "size")
                for figure in ("avg", "std", "min", "max")]
    assert list(run.table) == ["gen", "nevals", "ntrained", "seconds", *chapters]
    assert list(run.table["gen"]) == [0, 1, 2, 3, 4, 5, 6]


def test_counts_are_what_each_generation_added(run):
    assert list(run.table["nevals"]) == [8] + 6 * [3]
    assert list(run.table["ntrained"]) == [8] + 6 * [3]
    assert list(run.table["seconds"]) == [1.0] + 6 * [0.375]


def test_statistics_are_those_of_the_finite_values(run):
    failed = 0
    for row, population in zip(run.table.to_dict("records"), run.populations, strict=True):
        for index, name in enumerate(("wins", "improvement")):
            values = [fitness[index] for _, fitness in population]
            finite = [value for value in values if math.isfinite(value)]
            failed += len(values) - len(finite)
            assert row[f"{name}_avg"] == pytest.approx(statistics.mean(finite))
            assert row[f"{name}_std"] == pytest.approx(statistics.pstdev(finite))
            assert (row[f"{name}_min"], row[f"{name}_max"]) == (min(finite), max(finite))
        sizes = [len(LossTree.from_string(text, PSET)) for text, _ in population]
        assert (row["size_min"], row["size_max"]) == (min(sizes), max(sizes))
    assert failed > 0


def test_every_individual_of_every_generation_has_a_row(run):
    assert [(row["gen"], row["index"]) for row in run.rows] == [
        (gen, index) for gen in range(7) for index in range(8)
    ]
    flat = [member for population in run.populations for member in population]
    for row, (text, (wins, improvement)) in zip(run.rows, flat, strict=True):
        tree = LossTree.from_string(text, PSET)
        assert row == {
            "gen": row["gen"], "index": row["index"], "expression": text, "size": len(tree),
            "height": tree.height, "wins": wins, "improvement": improvement,
            "accuracy_x": len(tree) / 7,
        }  # fmt: skip


def test_csv_files_hold_every_number_to_the_last_bit(run, tmp_path):
    path = tmp_path / "individuals.csv"
    write_csv(pd.DataFrame(run.rows), path)
    with path.open(newline="") as stream:
        read = list(csv.DictReader(stream))
    for row, written in zip(read, run.rows, strict=True):
        assert {name: type(written[name])(cell) for name, cell in row.items()} == written


def test_a_generation_in_which_all_failed_has_no_statistics():
    stats = RunStatistics(dict, lambda tree: {})
    tree = LossTree.from_string("add(y_true, y_pred)", PSET)
    tree.fitness.values = (0.0, -math.inf)
    record = stats.compile([tree])
    assert all(math.isnan(value) for value in record["improvement"].values())
    assert record["wins"] == {"avg": 0.0, "std": 0.0, "min": 0.0, "max": 0.0}


def test_a_flat_logbook_is_a_table_too():
    logbook = tools.Logbook()
    logbook.record(gen=0, nevals=4, max=1.5)
    logbook.record(gen=1, nevals=3, max=2.5)
    assert logbook_table(logbook).to_dict("list") == {
        "gen": [0, 1], "nevals": [4, 3], "max": [1.5, 2.5]
    }  # fmt: skip
