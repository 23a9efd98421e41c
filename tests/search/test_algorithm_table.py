"""The table of algorithms: what settings, dispatch, counts and ``--help`` read from it."""

import random
import sys
from pathlib import Path

import pytest

from deap_lossgp.algorithms import curve_search
from deap_lossgp.comparison.settings import ComparisonSettings
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.search.algorithms import ALGORITHMS
from deap_lossgp.search.settings import RunSettings
from deap_lossgp.toolbox import make_toolbox

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))
import evolve_loss  # noqa: E402

PSET = loss_primitive_set()
LIMITS = {name: 20 for name in ("max_size", "max_height")}


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize("population", [1, 4, 8])
@pytest.mark.parametrize("generations", [0, 1, 5])
def test_each_algorithm_asks_for_the_evaluations_that_it_announces(name, population, generations,
                                                                   monkeypatch):
    monkeypatch.setattr(curve_search, "POPULATION", 10)
    monkeypatch.setattr(curve_search, "GENERATIONS", 2)
    settings = RunSettings(algorithm=name, population=population, generations=generations)
    random.seed(1)
    toolbox = make_toolbox(PSET, lambda tree: (0.0, -len(tree)), **LIMITS,
                           **ALGORITHMS[name].mutations(settings))
    start = toolbox.population(n=population)
    _, logbook = ALGORITHMS[name].run(start, toolbox, PSET, settings, verbose=False)
    assert sum(logbook.select("nevals")) == settings.evaluations
    assert ComparisonSettings(population=population,
                              generations=generations).asked(name) == settings.evaluations


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize("option", ["sample_size", "parents"])
def test_an_option_counts_or_is_refused(name, option):
    if option in ALGORITHMS[name].options:
        given = RunSettings(algorithm=name, **{option: 2})  # by default 6 and 3
        assert given.evaluations < RunSettings(algorithm=name).evaluations
    else:
        with pytest.raises(ValueError, match=f"^{option} belongs to the algorithms sample-tourn"):
            RunSettings(algorithm=name, **{option: 2})


@pytest.mark.parametrize("name", ["GLO", "gl", "tournament", ""])
def test_an_unknown_name_is_an_error(name):
    with pytest.raises(ValueError, match=f"^unknown algorithm '{name}'"):
        RunSettings(algorithm=name)
    with pytest.raises(ValueError, match=f"^unknown arm '{name}'"):
        ComparisonSettings(arms=("archive", name))


def test_regularized_changes_one_node_of_every_child():
    given = {"subtree_mutation": 0.9, "point_mutation": 0.2}
    probabilities = {name: ALGORITHMS[name].mutations(RunSettings(algorithm=name, **given))
                     for name in ALGORITHMS}
    assert probabilities.pop("regularized") == {"subtreepb": 0.0, "pointpb": 1.0}
    assert all(row == {"subtreepb": 0.9, "pointpb": 0.2} for row in probabilities.values())


def test_help_names_them_all(capsys):
    with pytest.raises(SystemExit):
        evolve_loss.main(["--help"])
    printed = "".join(capsys.readouterr().out.split())  # lines may break at a hyphen
    for name, algorithm in ALGORITHMS.items():
        assert f"{name} ({algorithm.description})".replace(" ", "") in printed
