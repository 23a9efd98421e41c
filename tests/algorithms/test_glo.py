"""GLO is the sample tournament and then CMA-ES, and its logbook holds both."""

import random

import pytest
from deap import tools

from deap_lossgp.algorithms.cma_es import eaConstants
from deap_lossgp.algorithms.glo import eaGLO
from deap_lossgp.algorithms.sample_tournament import eaSampleTournament
from deap_lossgp.constants import constants_of, insert_coefficients
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.toolbox import make_toolbox

PSET = loss_primitive_set()
CALLS = []


def near_three(tree):
    CALLS.append(str(tree))
    return 0.0, -sum((c - 3.0) ** 2 for c in constants_of(tree)) - len(tree)


def start(size=8):
    CALLS.clear()
    random.seed(1)
    toolbox = make_toolbox(PSET, near_three, max_size=20)
    return toolbox.population(n=size), toolbox


def statistics():
    stats = tools.MultiStatistics(size=tools.Statistics(len))
    stats.register("max", max)
    return stats


@pytest.mark.parametrize(("ngen", "first", "second"), [(0, 0, 0), (1, 1, 0), (4, 2, 2), (5, 3, 2)])
def test_glo_is_its_two_halves_draw_by_draw(ngen, first, second):
    population, toolbox = start()
    _, expected = eaSampleTournament(population, toolbox, 0.5, 1, first, stats=statistics(),
                                     verbose=False)
    (best,) = tools.selBest(population, 1)
    tuned, records = eaConstants(insert_coefficients(best, PSET), toolbox, second, lambda_=3,
                                 stats=statistics(), verbose=False)
    calls, after = list(CALLS), random.random()

    population, toolbox = start()
    final, logbook = eaGLO(population, toolbox, 0.5, 1, ngen, PSET, stats=statistics(),
                           verbose=False)
    assert random.random() == after
    assert calls == CALLS
    assert final == tuned
    assert logbook.select("gen") == list(range(ngen + 2))
    assert logbook.chapters["size"].select("gen") == list(range(ngen + 2))
    assert logbook.select("nevals") == expected.select("nevals") + records.select("nevals")
    assert logbook.chapters["size"].select("max") == (
        expected.chapters["size"].select("max") + records.chapters["size"].select("max"))


@pytest.mark.parametrize(("fitness", "place"), [
    ((3, 9, 1, 4), 1), ((1, 2, 3, 9), 3), ((2, 5, 5, 1), 1), ((7, 7, 7, 7), 0)])
def test_the_best_is_tuned_and_of_equals_the_first(fitness, place):
    population, toolbox = start(4)
    known = {str(tree): value for tree, value in zip(population, fitness, strict=True)}
    asked = []
    toolbox.register("evaluate", lambda tree: asked.append(str(tree)) or (
        0.0, float(known.get(str(tree), -1))))
    best = population[place]
    assert len(known) == 4
    eaGLO(population, toolbox, 0.5, 1, 0, PSET, verbose=False)
    assert asked[4:] == [str(insert_coefficients(best, PSET))]


def test_one_parent_still_gives_two_trees_to_choose_from():
    population, toolbox = start(2)
    _, logbook = eaGLO(population, toolbox, 0.5, 1, 4, PSET, verbose=False)
    assert logbook.select("nevals") == [2, 1, 1, 1, 2, 2]


def test_both_halves_have_as_many_children_as_asked_for():
    population, toolbox = start()
    _, logbook = eaGLO(population, toolbox, 0.5, 1, 4, PSET, sample_size=5, nparents=4,
                       verbose=False)
    assert logbook.select("nevals") == [8, 4, 4, 1, 4, 4]


def test_an_argument_out_of_range_is_named_before_anything_is_evaluated():
    population, toolbox = start()
    with pytest.raises(ValueError, match="^ngen must be at least 0, got -1$"):
        eaGLO(population, toolbox, 0.5, 1, -1, PSET, verbose=False)
    with pytest.raises(ValueError, match=r"^nparents must be in 1\.\.6"):
        eaGLO(population, toolbox, 0.5, 1, 4, PSET, nparents=7, verbose=False)
    assert not CALLS
