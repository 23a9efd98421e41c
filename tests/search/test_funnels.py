"""The funnel of a search: every stage counts the losses of that stage, whoever made them."""

from types import SimpleNamespace

import pytest
from invented import Invented

from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.search.evaluation import Evaluation
from deap_lossgp.search.funnels import funnel_of, trees_made
from deap_lossgp.search.surrogates import SearchSurrogate
from deap_lossgp.toolbox import make_toolbox
from deap_lossgp.training.tasks import Task

PSET = loss_primitive_set()


@pytest.fixture
def search():
    """An evaluation with its surrogate, and a toolbox that makes trees for both."""
    tasks = [Task.load("digits", epochs=2)]
    evaluation = Evaluation(tasks, PSET, engine=Invented(tasks))
    surrogate = SearchSurrogate(PSET, tasks, evaluation, prior=False)
    toolbox = make_toolbox(PSET, valid=surrogate.is_promising, max_size=20)
    return SimpleNamespace(evaluation=evaluation, surrogate=surrogate, toolbox=toolbox)


def funnel(search, race=()):
    return {row["stage"]: row["losses"] for row in funnel_of(search.evaluation, race)}


def test_what_no_preselection_has_chosen_passes_it(search):
    chosen = search.surrogate(search.toolbox.population(n=40), 5)
    given = search.toolbox.population(n=60)  # by a user, or by CMA-ES
    given = [tree for tree in given if search.evaluation.is_valid(tree)][:20]
    counts = search.evaluation.counts
    counts["discarded"] = 0  # those above are not of the search
    search.evaluation.map(search.evaluation, [*chosen, *given])
    stages = funnel(search)
    assert stages["made"] == trees_made(counts) == 40 + counts["refused"] + len(given)
    assert stages["preselected"] == len(chosen) + len(given) >= stages["trained"]
    assert [*stages.values()] == sorted(stages.values(), reverse=True)


def test_without_preselection_all_that_are_valid_are_evaluated(search):
    trees = [tree for tree in search.toolbox.population(n=30) if search.evaluation.is_valid(tree)]
    counts = search.evaluation.counts
    counts["refused"] = 0
    search.evaluation.map(search.evaluation, trees)
    stages = funnel(search)
    assert "preselected" not in stages
    assert stages["made"] == 30 == stages["valid"] + counts["discarded"]
