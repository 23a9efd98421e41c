"""CMA-ES over numbers, then trees that do the same: on arithmetic, without losses."""

import math
import operator
import random
from collections import Counter

import pytest
from deap import base, cma, gp, tools

from deap_lossgp.algorithms import curve_search
from deap_lossgp.algorithms.cma_es import NumbersTuning
from deap_lossgp.algorithms.curve_search import eaCurve, imitate
from deap_lossgp.toolbox import make_toolbox
from deap_lossgp.trees import LossTree

PLACES = [-1.0, -0.5, 0.0, 0.5, 1.0]
WANTED = (1.0, -2.0, 0.5)  # the best parabola, a + b x + c x**2
PSET = gp.PrimitiveSet("arithmetic", 1)
PSET.renameArguments(ARG0="x")
PSET.addPrimitive(operator.add, 2)
PSET.addPrimitive(operator.mul, 2)
PSET.addEphemeralConstant("constant", lambda: random.uniform(-1.0, 1.0))


class Parabola(list):
    """An individual of three numbers; as a function it is compared with trees."""

    def __init__(self, numbers):
        super().__init__(numbers)
        self.fitness = LossTree().fitness

    def __call__(self, x):
        return self[0] + self[1] * x + self[2] * x * x


class Around:
    def __init__(self, start):
        self.start = start

    def __len__(self):
        return len(self.start)

    def __call__(self, numbers):
        return Parabola(a + b for a, b in zip(self.start, numbers, strict=True))


def function_of(individual):
    return individual if isinstance(individual, Parabola) else gp.compile(individual, PSET)


def difference(one, two):
    return sum((one(x) - two(x)) ** 2 for x in PLACES)


class Problem:
    """A toolbox that counts its evaluations, and the targets that were to be imitated."""

    def __init__(self):
        self.evaluated, self.targets, self.starts = [], [], []
        self.toolbox = base.Toolbox()
        self.toolbox.register("evaluate", self.evaluate)
        self.toolbox.register("around", Around)
        self.toolbox.register("imitating", self.imitating)

    def evaluate(self, individual):
        self.evaluated.append(individual)
        return 0.0, -difference(function_of(individual), Parabola(WANTED))

    def imitating(self, target, start):
        self.targets.append(target)
        self.starts.append(start)
        return make_toolbox(PSET, lambda tree: (-difference(function_of(tree), target), -len(tree)),
                            max_size=20)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(curve_search, "POPULATION", 120)
    monkeypatch.setattr(curve_search, "GENERATIONS", 40)


def start():
    random.seed(1)
    return [Parabola(numbers) for numbers in ((0.0, 0.0, 0.0), (0.5, -1.0, 0.0), (1.0, -2.0, 0.4))]


def test_the_best_numbers_are_found_and_trees_that_do_the_same():
    problem, best = Problem(), tools.HallOfFame(10)
    final, logbook = eaCurve(start(), problem.toolbox, 30, PSET, lambda_=8, nstart=2,
                             halloffame=best, verbose=False)
    (curve,) = [individual for individual in final if isinstance(individual, Parabola)]
    assert list(curve) == pytest.approx(WANTED, abs=0.01)
    assert [target is curve for target in problem.targets] == [True]
    assert problem.starts == [start()[1]]
    trees = [individual for individual in final if individual is not curve]
    assert len(trees) == 4 == len({str(tree) for tree in trees})
    assert min(difference(function_of(tree), curve) for tree in trees) < (
        0.01 * difference(start()[1], curve)), "a hundredth of the way from the start"
    assert [individual.fitness for individual in final] == sorted(
        (individual.fitness for individual in final), reverse=True)
    # The start is the best of the first two; nothing between it and the last generation is kept.
    assert sorted(map(str, best)) == sorted([str(start()[1]), *map(str, final)])
    assert logbook.select("gen") == list(range(32))
    assert logbook.select("nevals") == [3, *[8] * 30, 5]
    assert len(problem.evaluated) == 3 + 8 * 30 + 5


def test_all_that_was_drawn_is_evaluated_and_nothing_is_printed_unless_asked(capsys):
    problem, logbooks = Problem(), []
    for _ in range(2):
        logbooks.append(eaCurve(start(), problem.toolbox, 2, PSET, lambda_=6, verbose=False)[1])
        problem.toolbox.register("preselect", lambda made, k: made[:1])
    assert logbooks[0].select("nevals") == logbooks[1].select("nevals") == [3, 6, 6, 5]
    assert capsys.readouterr().out == ""
    eaCurve(start(), problem.toolbox, 0, PSET, verbose=True)
    assert len(capsys.readouterr().out.splitlines()) == 1 + 2, "a header, and the two generations"


def test_trees_that_are_to_do_the_same_are_mated_and_mutated():
    toolbox, used = Problem().imitating(Parabola(WANTED), None), Counter()

    def counted(name, function):
        def call(*individuals):
            used[name] += 1
            return function(*individuals)

        return call

    for name in ("mate", "mutate"):
        toolbox.register(name, counted(name, getattr(toolbox, name)))
    random.seed(1)
    imitate(toolbox, 1, PSET)
    assert used["mate"] and used["mutate"]


def test_the_numbers_are_those_of_deaps_strategy():
    problem = Problem()
    eaCurve(start(), problem.toolbox, 5, PSET, lambda_=6, sigma=0.2, verbose=False)
    random.seed(1)
    expected, express = [], Around(start()[2])
    tuning = NumbersTuning([0.0] * 3, express, 0.2, 6)
    assert isinstance(tuning._strategy, cma.Strategy)
    for _ in range(5):
        offspring = tuning.vary()
        for individual in offspring:
            individual.fitness.values = problem.evaluate(individual)
        tuning.learn(offspring)
        expected += offspring
    assert problem.evaluated[3:33] == expected
    assert problem.targets == [tuning.centre()]


def test_without_generations_the_start_itself_is_imitated():
    problem = Problem()
    final, logbook = eaCurve(start()[:1], problem.toolbox, 0, PSET, verbose=False)
    assert problem.targets == [start()[0]]
    assert logbook.select("nevals") == [1, 5]
    assert len(final) == 5


def test_the_imitations_have_no_fitness_and_each_is_another():
    random.seed(1)
    trees = imitate(Problem().imitating(Parabola(WANTED), None), 6, PSET)
    assert len({str(tree) for tree in trees}) == 6
    assert not any(tree.fitness.valid for tree in trees)
    errors = [difference(function_of(tree), Parabola(WANTED)) for tree in trees]
    assert errors == sorted(errors) and errors[0] < 1e-3


@pytest.mark.parametrize(("options", "message"), [
    ({"ngen": -1}, "^ngen must be at least 0, got -1$"),
    ({"lambda_": 1}, "^lambda_ must be at least 2, got 1$"),
    ({"nstart": 4}, r"^nstart must be in 1\.\.3 \(P, the population's size\), got 4$"),
    ({"sigma": math.inf}, "^sigma must be positive and finite, got inf$"),
])
def test_an_argument_out_of_range_is_named_before_anything_is_evaluated(options, message):
    problem = Problem()
    with pytest.raises(ValueError, match=message):
        eaCurve(start(), problem.toolbox, verbose=False, **{"ngen": 1, "pset": PSET, **options})
    assert not problem.evaluated


def test_after_its_last_generation_nothing_is_asked_to_stop():
    asked, problem = [], Problem()
    problem.toolbox.register("stop", lambda _population, logbook: asked.append(len(logbook)))
    eaCurve(start(), problem.toolbox, 3, PSET, lambda_=4, verbose=False)
    assert asked == [1, 2, 3]


def test_a_stop_is_followed_by_the_curve_and_the_expressions():
    problem = Problem()
    problem.toolbox.register("stop", lambda _population, logbook: len(logbook) == 4)
    final, logbook = eaCurve(start(), problem.toolbox, 30, PSET, lambda_=4, verbose=False)
    assert [record["nevals"] for record in logbook] == [3, 4, 4, 4, 5]
    assert len(problem.targets) == 1 and problem.targets[0] in final
