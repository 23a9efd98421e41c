"""``toolbox.stop``: it may end every algorithm, and without it nothing changes."""

import random

import pytest
from deap import base, tools

from deap_lossgp.algorithms import (
    EarlyStopping,
    eaArchive,
    eaConstants,
    eaGLO,
    eaRandom,
    eaRegularized,
    eaSampleTournament,
)
from deap_lossgp.constants import constants_of, insert_coefficients
from deap_lossgp.found_losses import KNOWN_LOSSES
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.toolbox import make_toolbox
from deap_lossgp.trees import LossTree

PSET = loss_primitive_set()


class Maximised(base.Fitness):
    weights = (1.0,)


class Bits(list):
    def __init__(self, bits):
        super().__init__(bits)
        self.fitness = Maximised()


def onemax():
    toolbox = base.Toolbox()
    toolbox.register("bit", random.randint, 0, 1)
    toolbox.register("individual", tools.initRepeat, Bits, toolbox.bit, 30)
    toolbox.register("evaluate", lambda bits: (sum(bits),))
    toolbox.register("mate", tools.cxTwoPoint)
    toolbox.register("mutate", tools.mutFlipBit, indpb=0.1)
    random.seed(3)
    return [toolbox.individual() for _ in range(8)], toolbox


def losses():
    toolbox = make_toolbox(
        PSET, lambda tree: (0.0, -sum((c - 3.0) ** 2 for c in constants_of(tree)) - len(tree)),
        max_size=20)
    random.seed(1)
    return toolbox.population(n=8), toolbox


def constants(_population, toolbox, ngen):
    tree = insert_coefficients(LossTree.from_string(KNOWN_LOSSES["baikal"], PSET), PSET)
    return eaConstants(tree, toolbox, ngen, verbose=False)


RUNS = {
    "sample-tournament": (onemax, lambda population, toolbox, ngen: eaSampleTournament(
        population, toolbox, 0.5, 1.0, ngen, verbose=False)),
    "archive": (onemax, lambda population, toolbox, ngen: eaArchive(
        population, toolbox, 0.5, 1.0, ngen, verbose=False)),
    "random": (onemax, lambda population, toolbox, ngen: eaRandom(
        population, toolbox, ngen, verbose=False)),
    "regularized": (onemax, lambda population, toolbox, ngen: eaRegularized(
        population, toolbox, 1.0, ngen, lambda_=2, verbose=False)),
    "constants": (losses, constants),
}
every_algorithm = pytest.mark.parametrize("name", RUNS)


@every_algorithm
def test_stopped_after_three_generations_it_is_a_run_of_three(name):
    start, run = RUNS[name]
    expected, records = run(*start(), 3)
    after = random.random()
    population, toolbox = start()
    toolbox.register("stop", lambda _population, logbook: len(logbook) == 4)
    stopped, logbook = run(population, toolbox, 50)
    assert random.random() == after, "what does not follow draws nothing"
    assert stopped == expected and logbook == records


@every_algorithm
def test_it_is_asked_once_where_another_generation_would_follow(name):
    start, run = RUNS[name]
    expected, _ = run(*start(), 4)
    asked, (population, toolbox) = [], start()

    def stop(population, logbook):
        assert all(individual.fitness.valid for individual in population)
        asked.append(logbook[-1]["gen"])

    toolbox.register("stop", stop)
    final, logbook = run(population, toolbox, 4)
    assert asked == [0, 1, 2, 3] and len(logbook) == 5
    assert final == expected, "one that never stops changes nothing"


@pytest.mark.parametrize(("stops_after", "records"), [(1, 1), (2, 2), (3, 3), (4, 4), (6, 6)])
def test_both_halves_of_glo_can_be_stopped_and_the_first_ends_the_run(stops_after, records):
    expected, whole = eaGLO(*losses(), 0.5, 1, 5, PSET, verbose=False)
    asked, (population, toolbox) = [], losses()

    def stop(population, logbook):
        asked.append(len(population))
        return len(asked) == stops_after

    toolbox.register("stop", stop)
    final, logbook = eaGLO(population, toolbox, 0.5, 1, 5, PSET, verbose=False)
    assert len(asked) == len(logbook) == records
    assert [*logbook] == [*whole][:records]
    if records <= 4:  # three generations follow the start
        assert final is population and len(final) == 8


@every_algorithm
def test_early_stopping_waits_for_patience_generations_without_a_better_best(name):
    start, run = RUNS[name]
    bests, (population, toolbox) = [], start()
    stopping = EarlyStopping(patience=3)

    def stop(population, logbook):
        bests.append(max(individual.fitness.wvalues for individual in population))
        return stopping(population, logbook)

    toolbox.register("stop", stop)
    _, logbook = run(population, toolbox, 300)
    last = next(gen for gen in range(3, 301)
                if max(bests[: gen - 2]) >= max(bests[gen - 2: gen + 1]))
    assert logbook[-1]["gen"] == last < 300


def test_where_the_oldest_die_the_best_is_the_best_that_ever_was():
    class Of:
        def __init__(self, *values):
            self.fitness = Maximised(values)

    stop = EarlyStopping(patience=2)
    assert [stop([Of(value), Of(0)]) for value in (3, 5, 4, 5, 6, 1, 2)] == [
        False, False, False, True, False, False, True]


@pytest.mark.parametrize(("patience", "error", "message"), [
    (0, ValueError, "patience must be at least 1, got 0"),
    (1.5, TypeError, "patience must be an integer, got 1.5"),
])
def test_patience_is_a_positive_integer(patience, error, message):
    with pytest.raises(error) as caught:
        EarlyStopping(patience)
    assert str(caught.value) == message
