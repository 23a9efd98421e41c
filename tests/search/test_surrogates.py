"""The surrogate of a search: what it has seen, what it is asked, and what it never chooses."""

import random

import faulty
import numpy as np
import pytest
from invented import Invented

from deap_lossgp.data.datasets import load_dataset
from deap_lossgp.found_losses import KNOWN_LOSSES
from deap_lossgp.psets import add_primitive, loss_primitive_set
from deap_lossgp.search import surrogates as surrogates_module
from deap_lossgp.search.evaluation import Evaluation
from deap_lossgp.search.surrogates import SearchSurrogate
from deap_lossgp.surrogate import LANDMARKS
from deap_lossgp.surrogate.atlas import load_atlas
from deap_lossgp.surrogate.evidence import OWN_WEIGHT
from deap_lossgp.toolbox import make_toolbox
from deap_lossgp.training.results import TrainingResult
from deap_lossgp.training.tasks import Task
from deap_lossgp.trees import LossTree

PSET = loss_primitive_set()


def tree_of(text, pset=PSET):
    return LossTree.from_string(KNOWN_LOSSES.get(text, text), pset)


def images(name, classes=10, **options):
    """A task of so many of the digits' classes."""
    digits = load_dataset("digits")
    x, y = digits.x_train, digits.y_train
    return Task.from_arrays(name, x[y < classes], y[y < classes], epochs=3, **options)


def surrogate_on(tasks, pset=PSET, **options):
    """Returns a surrogate, its evaluation, and a function that makes trees that may be valid."""
    evaluation = Evaluation(tasks, pset, engine=Invented(tasks), rungs=True, **options)
    toolbox = make_toolbox(pset, evaluation, valid=evaluation.is_promising, max_size=30)
    return SearchSurrogate(pset, tasks, evaluation), evaluation, toolbox.population


@pytest.fixture(autouse=True)
def _seeded():
    state = random.getstate()
    random.seed(1)
    yield
    random.setstate(state)


@pytest.fixture
def asked(monkeypatch):
    """What the atlas was asked to leave out; of the rest a part is enough for these tests."""
    left_out, atlas = [], load_atlas()
    known = atlas["expression"].isin([KNOWN_LOSSES["cross_entropy"]])

    def part(without=()):
        left_out.append(list(without))
        rest = atlas[known | (atlas.index % 20 == 0)]
        rest = rest[~rest["dataset"].isin(without) & ~rest["bred"].isin(without)]
        return rest.reset_index(drop=True)

    monkeypatch.setattr(surrogates_module, "load_atlas", part)
    uncached = surrogates_module._atlas_without.__wrapped__  # what is cached is the whole atlas
    monkeypatch.setattr(surrogates_module, "_atlas_without", uncached)
    return left_out


@pytest.mark.parametrize("names", [["cifar10"], ["mine", "fashion_mnist"]])
def test_the_atlas_is_read_without_the_data_sets_of_the_run(asked, names):
    surrogate, _, population = surrogate_on([images(name) for name in names])
    assert len(surrogate(population(n=20), 2)) == 2
    assert asked == [sorted(names)]
    surrogate(population(n=20), 2)
    assert asked == [sorted(names)], "once is enough"


def test_what_is_chosen_is_valid_and_new(asked):
    surrogate, evaluation, population = surrogate_on([images("mine")])
    first = surrogate(population(n=60), 6)
    assert len(first) == 6 and all(map(evaluation.is_valid, first))
    evaluation.map(evaluation, [*first, tree_of("ngl")])
    again = [tree_of(f"mul(2.0, {text})") for text in (*first, "ngl", "cross_entropy") for text in
             [KNOWN_LOSSES.get(str(text), str(text))]]
    assert surrogate([*again, tree_of("mse")], 9) == [tree_of("mse")]
    assert surrogate(again, 9) == []
    dead = [tree_of("mul(y_true, y_pred)")]
    assert surrogate(dead, 1) == [], "screening refuses it"


def test_it_learns_from_what_the_run_has_trained(asked):
    surrogate, evaluation, population = surrogate_on([images("mine")])
    surrogate(population(n=20), 1)
    probe = np.array([surrogate.features(tree) for tree in population(n=10)])
    before, _ = surrogate.predict(probe)
    evaluation.map(evaluation, population(n=12))
    surrogate(population(n=20), 1)
    after, _ = surrogate.predict(probe)
    assert np.isfinite(after).all() and (before != after).any()


def test_it_learns_and_predicts_at_the_budget_of_the_run(asked, monkeypatch):
    fitted, fit = [], surrogates_module.Surrogate.fit
    monkeypatch.setattr(surrogates_module.Surrogate, "fit",
                        lambda self, evidence: fitted.append(evidence) or fit(self, evidence))
    read, predict = [], surrogates_module.Surrogate.predict
    monkeypatch.setattr(surrogates_module.Surrogate, "predict", lambda self, features: read.append(
        features) or predict(self, features))
    surrogate, evaluation, population = surrogate_on([images("mine", train_size=200)])
    evaluation.map(evaluation, population(n=5))
    surrogate(population(n=20), 1)
    budgets = fitted[0].features[:, -1]
    own = fitted[0].weights == OWN_WEIGHT
    assert own.sum() == len(evaluation.trained()) > 0
    assert budgets[own] == pytest.approx(np.log10(3 * 200))
    assert {*budgets[~own].round(4)} <= {4.7782, 5.9542}  # 10,000 and 6, 45,000 and 20
    assert (read[0][:, -1] == np.log10(3 * 200)).all()


@pytest.fixture
def by_budget(monkeypatch):
    """Predicts one landmark; beyond 10,000 images times epochs, what is least is best."""
    def predict(self, features):
        sign = np.where(features[:, -1] > 4.0, -1.0, 1.0)
        return sign * features[:, LANDMARKS.index("size")], np.ones(len(features))

    monkeypatch.setattr(surrogates_module.Surrogate, "predict", predict)


def test_what_was_trained_to_the_end_is_ordered_by_what_is_predicted_at_another_budget(
        asked, by_budget):
    task = images("mine", train_size=200)
    surrogate, evaluation, population = surrogate_on([task])
    assert surrogate.best_at([task]) == [], "nothing was trained"
    generations = [surrogate(population(n=60), 6) for _ in range(2)]
    for generation in generations:  # the rungs of the second are those that the first reached
        evaluation.map(evaluation, generation)
    finished = [tree for tree, (result,) in evaluation.trained() if result.ok]
    assert 6 <= len(finished) < len(evaluation.trained()) == 12, "some were stopped"
    here, later = surrogate.best_at([task]), surrogate.best_at([task.with_budget(90, 200)])
    assert {*map(str, here)} == {*map(str, later)} == {*map(str, finished)}
    sizes = [surrogate.features(tree)[LANDMARKS.index("size")] for tree in finished]
    assert surrogate.features(here[0])[LANDMARKS.index("size")] == max(sizes)
    assert surrogate.features(later[0])[LANDMARKS.index("size")] == min(sizes)


def test_what_knows_one_budget_alone_orders_nothing(asked):
    task = images("mine")
    _, evaluation, population = surrogate_on([task])
    evaluation.map(evaluation, population(n=4))
    alone = SearchSurrogate(PSET, [task], evaluation, prior=False)
    assert alone.best_at([task.with_budget(90)]) == [], "it knows one budget only"
    assert len(SearchSurrogate(PSET, [task], evaluation).best_at([task.with_budget(90)])) > 0
    evaluation = Evaluation([task], PSET, engine=Invented([task]))
    assert SearchSurrogate(PSET, [task], evaluation).best_at([task]) == []


@pytest.mark.parametrize("final", [{}, {"final_epochs": 90}, {
    "final_epochs": 90, "fitness": "balanced_error"}])
def test_finalists_are_chosen_by_what_is_predicted_at_their_own_budget(
        final, asked, by_budget, monkeypatch, tmp_path):
    pytest.importorskip("tensorflow")
    from deap_lossgp.search import evolutions
    from deap_lossgp.search.runs import Run
    from deap_lossgp.search.settings import RunSettings

    monkeypatch.setattr(evolutions, "make_engine", lambda tasks, *_: Invented(tasks))
    settings = RunSettings(datasets=("digits",), population=8, generations=1, epochs=3,
                           train_size=200, max_size=30, test_seeds=1, finalists=5,
                           rate_factors=(), **final)
    with Run(settings, tmp_path, progress=False) as run:
        result = run.execute()
        order = [*map(run.evaluation.key, run._surrogate.best_at(run.all_tasks[-1:]))]
    entropy, found, known, *others = (tree_of(row["expression"]) for row in result.race)
    assert str(entropy) == KNOWN_LOSSES["cross_entropy"]
    keys = [run.evaluation.key(tree) for tree in (found, known, *others)]
    ranked = result.halloffame
    assert run.evaluation.fitness_of(found) == ranked[0].fitness.values
    by_prediction = [key for key in order if key not in keys[:2]]
    predicted = bool(final) and "fitness" not in final  # it is accuracies that are predicted
    assert (keys[2:] == by_prediction[:2]) is predicted
    if predicted:  # of the known losses, too, the one that is best there
        known_keys = {run.evaluation.key(tree_of(name)) for name in ("baikal_cma", "ngl")}
        assert keys[1] == next(key for key in order if key in known_keys)


def test_it_says_which_rank_it_predicted_for_the_best_it_chose(asked, monkeypatch):
    surrogate, evaluation, population = surrogate_on([images("mine")])
    assert np.isnan(surrogate.predicted_rank())
    chosen = surrogate(population(n=60), 5)
    evaluation.map(evaluation, chosen)
    predicted, _ = surrogate.predict(np.array([surrogate.features(tree) for tree in chosen]))
    order = sorted(range(5), key=lambda index: -predicted[index])
    for place in (0, 4):
        best = str(chosen[order[place]])
        monkeypatch.setattr(Evaluation, "fitness_of", lambda _, tree, best=best: (
            (1.0, 0.1) if str(tree) == best else (0.0, -0.1)))
        assert surrogate.predicted_rank() == 1 + place
    assert evaluation.counts["offered"] == 60 and evaluation.counts["chosen"] == 5
    surrogate(population(n=60), 1)
    assert surrogate.predicted_rank() == 1, "only the latest are ranked"
    evaluation.map(evaluation, population(n=20))
    assert np.isnan(surrogate.predicted_rank()), "these were not chosen"


def test_a_tree_that_may_be_valid_is_described_without_further_curves(asked, monkeypatch):
    from deap_lossgp.curves.loss_curves import LossCurves

    surrogate, _, population = surrogate_on([images("mine"), images("two", 2)])
    trees, made, of = population(n=9), [], LossCurves.of
    monkeypatch.setattr(LossCurves, "of", lambda *args: made.append(1) or of(*args))
    assert all(surrogate.is_promising(tree) for tree in trees) and len(made) == len({*map(
        str, trees)})
    for tree in trees:
        surrogate.features(tree)
    assert len(made) == len({*map(str, trees)})
    assert not surrogate.is_promising(tree_of("sub(y_true, y_true)"))


def test_equal_runs_choose_alike(asked):
    def chosen():
        random.seed(3)
        surrogate, evaluation, population = surrogate_on([images("mine")])
        evaluation.map(evaluation, population(n=6))
        return surrogate(population(n=60), 4)

    assert chosen() == chosen()


def test_tasks_of_several_numbers_of_classes_have_features_of_their_own(asked):
    tasks = [images("two", 2), images("three", 3), images("ten"), images("ten too")]
    surrogate, evaluation, population = surrogate_on(tasks)
    tree = tree_of("ngl")
    assert surrogate.features(tree).shape == (3 * len(LANDMARKS),), "one block for each number"
    evaluation.map(evaluation, population(n=5))
    assert len(surrogate(population(n=40), 3)) == 3
    mean, deviation = surrogate.predict(np.array([surrogate.features(tree)]))
    assert mean.shape == deviation.shape == (1,)
    assert np.isfinite([*mean, *deviation]).all()


def test_a_failure_that_says_nothing_of_the_loss_teaches_nothing(asked):
    surrogate, _, _ = surrogate_on([images("mine")])

    def told(status):
        failed = TrainingResult("mine", 10, status, message="it ended")
        return surrogate._own([(tree_of("ngl"), [failed])], 1.0)

    assert all(told(status) is None for status in ("oom", "timeout", "crashed", "error"))
    assert (told("nan").figures < 0.0).all()


def test_features_are_those_of_what_is_trained(asked):
    surrogate, _, _ = surrogate_on([images("mine")])
    one, other = (surrogate.features(tree_of(text)) for text in
                  (KNOWN_LOSSES["ngl"], f"add(3.0, mul(7.0, {KNOWN_LOSSES['ngl']}))"))
    np.testing.assert_array_equal(one, other)


def test_plain_primitives_are_predicted_too(asked):
    plain = loss_primitive_set(protected=False)
    surrogate, evaluation, population = surrogate_on([images("mine")], plain)
    evaluation.map(evaluation, population(n=4))
    chosen = surrogate(population(n=40), 3)
    assert len(chosen) == 3
    assert np.isfinite([surrogate.features(tree) for tree in chosen]).all()


def test_a_primitive_of_ones_own_is_predicted_too(asked):
    own = loss_primitive_set()
    add_primitive(own, faulty.row("same", faulty.in_numpy))
    surrogate, evaluation, population = surrogate_on([images("mine")], own)
    evaluation.map(evaluation, [tree_of("same(sub(y_pred, y_true))", own), *population(n=4)])
    chosen = surrogate(population(n=60), 3)
    assert len(chosen) == 3 and asked == [["mine"]]
    for tree in (*chosen, tree_of("same(log(y_pred))", own)):
        assert np.isfinite(surrogate.features(tree)).all()


def test_a_run_on_all_data_sets_of_the_atlas_has_no_prior_but_its_own_trainings(asked):
    names = ["cifar10", "fashion_mnist", "cifar100"]
    surrogate, evaluation, population = surrogate_on([images(name) for name in names])
    assert len(surrogate(population(n=40), 3)) == 3
    evaluation.map(evaluation, population(n=6))
    assert len(surrogate(population(n=40), 3)) == 3


@pytest.mark.parametrize(("name", "classes", "told"), [
    ("mine", 100, True), ("cifar100", 100, False), ("mine", 2, True), ("mine", 501, False),
    ("cifar100", 50, True), ("cifar100", 51, False),
])
def test_the_atlas_is_not_asked_about_many_more_classes_than_it_has_seen(
    asked, name, classes, told
):
    pixels = np.random.default_rng(0).random((4 * classes, 4, 4)).astype("float32")
    task = Task.from_arrays(name, pixels, np.arange(4 * classes) % classes, epochs=3)
    surrogate, _, population = surrogate_on([task])
    children = population(n=60)
    chosen = surrogate(children, 6)
    assert bool(surrogate.note) is not told
    places = [children.index(child) for child in chosen]
    assert (places == sorted(places)) is not told  # the first ones, where nothing is predicted


@pytest.mark.parametrize("told", [True, False])
def test_the_report_says_if_the_atlas_was_not_asked(told, asked, monkeypatch, tmp_path):
    pytest.importorskip("tensorflow")
    from deap_lossgp.search import evolutions
    from deap_lossgp.search.runs import evolve

    monkeypatch.setattr(evolutions, "make_engine", lambda tasks, *_: Invented(tasks))
    monkeypatch.setattr(surrogates_module, "MOST_APART", 5 if told else 0)
    result = evolve("digits", output=tmp_path, population=4, generations=1, epochs=3, finalists=0,
                    train_size=300, max_size=30, test_seeds=1, rate_factors=(), progress=False)
    note = "The atlas has no other data set with about as many classes"
    assert (note in str(result)) is not told
    assert (note in (tmp_path / "report.html").read_text("utf-8")) is not told


def test_it_does_without_what_cross_entropy_has_not_learned(asked, monkeypatch):
    task = images("mine")
    surrogate, evaluation, population = surrogate_on([task])
    monkeypatch.setattr(evaluation.engine, "result", lambda job: chance(Invented([task]), job))
    evaluation.map(evaluation, population(n=5))
    assert evaluation.baselines()[0].accuracies == (0.1, 0.1, 0.1)
    assert len(surrogate(population(n=40), 3)) == 3


def chance(engine, job):
    from dataclasses import replace

    return replace(engine.result(job), status="ok", accuracy=0.1, accuracies=(0.1,) * 3)
