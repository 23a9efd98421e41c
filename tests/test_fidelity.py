"""The thesis's algorithm line by line: what docs/fidelity.rst says is there and is counted.

Where chance decides, 10,000 draws are counted; four standard deviations are at most 0.02.
"""

import ast
import itertools
import json
import math
import random
import re
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from deap import base

from deap_lossgp import operators
from deap_lossgp.algorithms.loop import keep_best
from deap_lossgp.algorithms.sample_tournament import varSampleTournament
from deap_lossgp.commands import compare, evolve
from deap_lossgp.commands.options import experiment_parser
from deap_lossgp.operators import cxSubtree, mutLoss, mutSubtree
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.trees import LossFitness, LossTree

ROOT = Path(__file__).parents[1]
TABLE = (ROOT / "docs" / "fidelity.rst").read_text("utf-8")
NAMED = re.findall(r"``((?:deap_lossgp|tests)/[\w/]+\.py): (\w+)``", TABLE)
PSET = loss_primitive_set()
DRAWS = 10_000


def share(expected):
    """What a share of the draws must be near."""
    return pytest.approx(expected, abs=4 * math.sqrt(expected * (1 - expected) / DRAWS))


# --- the table --------------------------------------------------------------------------------


@cache
def names_in(path):
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    names = {node.name for node in tree.body if hasattr(node, "name")}
    targets = itertools.chain(*(node.targets for node in tree.body if isinstance(node, ast.Assign)))
    return names | {target.id for target in targets if isinstance(target, ast.Name)}


@pytest.mark.parametrize(("path", "name"), sorted({*NAMED}))
def test_what_the_table_names_is_there(path, name):
    assert name in names_in(path)


def test_every_row_names_code_and_a_test():
    docutils = pytest.importorskip("docutils.core")
    nodes = pytest.importorskip("docutils.nodes")
    tables = [table for table in docutils.publish_doctree(TABLE).findall(nodes.table)
              if "Shown by" in table.astext()]
    shown = [[entry.astext() for entry in row.children] for table in tables
             for body in table.findall(nodes.tbody) for row in body.findall(nodes.row)]
    assert len(shown) > 40
    for row in shown:
        assert row[2].startswith("deap_lossgp/"), row[0]
        assert row[-1].startswith("tests/"), row[0]


def test_the_winners_under_search_thesis_are_those_that_were_measured():
    pandas = pytest.importorskip("pandas")
    measured = ROOT / "examples" / "measured"
    tests = pandas.read_csv(measured / "thesis_cifar10_tests.csv")
    counts = pandas.read_csv(measured / "thesis_cifar10_at_chance.csv").set_index("arm")
    for arm, row in (("archive", r"NGL \(archive\) +0.0239"), ("cross_entropy", "cross entropy"),
                     ("sample-tournament", "the thesis's +0.0149")):
        means = tests[tests["arm"] == arm].groupby("replicate")["test_accuracy"].mean()
        printed = " ".join(f"{mean:.4f}" for mean in means)
        assert re.search(rf"{row} +{printed} +{counts['at_or_below_chance'][arm]} of 5", TABLE)


# --- Algorithm 1 ------------------------------------------------------------------------------


class Named:
    def __init__(self, name, value=None):
        self.name, self.fitness = name, LossFitness()
        if value is not None:
            self.fitness.values = (0.0, value)


def drawn(**sizes):
    """The parents' numbers, in order, and the pairs that mated, of 10,000 generations."""
    toolbox, pairs, generations = base.Toolbox(), [], []
    toolbox.register("individual", Named, "new")
    toolbox.register("mutate", lambda child: (child,))

    def mate(first, second):
        pairs.append((first.name, second.name))
        return first, second

    toolbox.register("mate", mate)
    population = [Named(number, -number) for number in range(8)]
    random.seed(1)
    for _ in range(DRAWS):
        before = len(pairs)
        varSampleTournament(population, toolbox, 0.5, 1.0, **sizes)
        generations.append([first for first, _ in pairs[before:]])
    return generations, pairs


def test_line_6_draws_uniformly_without_replacement():
    samples, _ = drawn(nparents=6)
    assert all(len({*sample}) == 6 for sample in samples)
    singles = Counter(itertools.chain(*samples))
    pairs = Counter(itertools.chain(*(itertools.combinations(sorted(s), 2) for s in samples)))
    assert len(singles) == 8 and len(pairs) == 28
    for count in singles.values():
        assert count / DRAWS == share(6 / 8)
    for count in pairs.values():
        assert count / DRAWS == share(6 / 8 * 5 / 7)


def test_lines_9_to_13_choose_the_partner():
    generations, pairs = drawn()
    partners = Counter()
    for parents, start in zip(generations, range(0, len(pairs), 3), strict=True):
        assert parents == sorted(parents)  # line 7: the best of the sample, the best first
        first, partner = pairs[start]
        others = parents[1:]
        partners["new" if partner == "new" else others.index(partner)] += 1
    assert partners["new"] / DRAWS == share(0.5)
    assert partners[0] / DRAWS == share(0.25) and partners[1] / DRAWS == share(0.25)


def read(text):
    return LossTree.from_string(text, PSET)


def free(operator):
    return operator


def test_line_14_takes_every_pair_of_places_alike():
    first, second = "add(1.0, mul(2.0, sin(3.0)))", "sub(4.0, exp(5.0))"
    random.seed(1)
    made = Counter(str(cxSubtree(read(first), read(second), keep=free)[0]) for _ in range(DRAWS))
    assert len(made) == 6 * 4
    for count in made.values():
        assert count / DRAWS == share(1 / 24)


def test_lines_15_to_20_draw_both_mutations_independently(monkeypatch):
    called = []
    for name in ("mutSubtree", "mutOnePoint"):
        monkeypatch.setattr(operators, name,
                            lambda tree, *_, name=name, **__: called.append(name) or (tree,))
    random.seed(1)
    made = Counter()
    for _ in range(DRAWS):
        called.clear()
        mutLoss(read("add(y_true, y_pred)"), None, PSET)
        made[tuple(called)] += 1
    assert made["mutSubtree", "mutOnePoint"] / DRAWS == share(0.3 * 0.1)
    assert made[("mutSubtree",)] / DRAWS == share(0.3 * 0.9)
    assert made[("mutOnePoint",)] / DRAWS == share(0.7 * 0.1)
    assert len(made) == 4


def test_line_16_takes_every_node_but_the_root_alike():
    def mutate():
        return str(mutSubtree(read("add(1.0, mul(2.0, sin(3.0)))"),
                              lambda pset, type_: read("4.0"), PSET, root=False, keep=free)[0])

    random.seed(1)
    made = Counter(mutate() for _ in range(DRAWS))
    assert {*made} == {
        "add(4.0, mul(2.0, sin(3.0)))", "add(1.0, 4.0)", "add(1.0, mul(4.0, sin(3.0)))",
        "add(1.0, mul(2.0, 4.0))", "add(1.0, mul(2.0, sin(4.0)))"}
    for count in made.values():
        assert count / DRAWS == share(1 / 5)


def test_line_25_keeps_the_best_and_of_equals_the_older():
    parents = [Named("a", 0.1), Named("b", 0.3), Named("c", 0.2)]
    children = [Named("d", 0.2), Named("e", 0.4), Named("f", 0.1)]
    assert [tree.name for tree in keep_best(parents, children)] == ["e", "b", "c"]


# --- the settings -----------------------------------------------------------------------------

THE_THESIS = {
    "datasets": ["cifar10", "fashion_mnist", "cifar100"], "model": "inception_v3",
    "population": 8, "sample_size": None, "parents": None,  # 6 and 3
    "crossover": 0.5, "subtree_mutation": 0.3, "point_mutation": 0.1,
    "fitness": "thesis", "mean_over_all": False, "protected": False,
    "max_height": 100, "max_size": 1000,
    "leaf_mutation": "operator", "root_mutation": False, "child_attempts": 1,
    "seed_losses": [], "rungs": False, "preselect": False, "finalists": 0,
    "train_size": None, "validation_size": None, "validation_share": 0.1,
    "batch_size": 64, "learning_rate": 1e-3, "augmentation": False,
}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """Noise under the names of the thesis's data sets."""
    folder = tmp_path_factory.mktemp("data")
    for name, shape in (("cifar10", (32, 32, 3)), ("fashion_mnist", (28, 28)),
                        ("cifar100", (32, 32, 3))):
        y = np.arange(400) % 10
        x = np.zeros((400, *shape), np.uint8)
        np.savez(folder / f"{name}.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    return folder


@pytest.mark.parametrize("command", [evolve, compare])
@pytest.mark.parametrize(("preset", "generations", "epochs"), [("small", 4, 6), ("large", 12, 10)])
def test_a_preset_in_run_json_is_the_thesiss(command, preset, generations, epochs, data_dir,
                                             tmp_path, capsys):
    pytest.importorskip("tensorflow")
    settings = evolve.RunSettings() if command is evolve else compare.ComparisonSettings()
    parser = experiment_parser("", settings, command.PRESETS)
    parser.add_argument("--tensorboard")
    argv = ["--preset", preset, "--data-dir", str(data_dir), "--output", str(tmp_path / "run")]
    with command.prepare(parser, argv):
        settings = json.loads((tmp_path / "run" / "run.json").read_text())["settings"]
    assert capsys.readouterr().out.startswith("Fitness thesis ranks a loss by its own value, which "
                                              "misleads: --fitness error ranks")
    expected = {**THE_THESIS, "generations": generations, "epochs": epochs}
    assert {name: settings[name] for name in expected} == expected
    if command is evolve:
        assert settings["algorithm"] == "sample-tournament" and settings["known"] == {}


def test_the_steps_of_an_epoch_are_those_printed():
    pytest.importorskip("tensorflow")
    from deap_lossgp.training.tasks import Task

    for images, steps in ((50_000, 704), (60_000, 844)):
        y = np.arange(images) % 10
        x = np.zeros((images, 1, 1, 1), np.uint8)
        task = Task.from_arrays("blank", x, y, x[:10], y[:10], validation_share=0.1)
        assert math.ceil(len(task.split()[0]) / task.batch_size) == steps
