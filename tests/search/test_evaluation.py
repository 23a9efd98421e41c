"""Evaluation: the same fitness for c * L + k, what is trained and counted, and what fails."""

import math
import pickle
from dataclasses import replace
from statistics import fmean

import numpy as np
import pytest
from invented import Invented

from deap_lossgp.curves.grid import LOWEST
from deap_lossgp.curves.loss_curves import LossCurves
from deap_lossgp.data.datasets import load_dataset
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.search.fitness import WORST, fitness_of
from deap_lossgp.trees import LossTree

pytest.importorskip("tensorflow")

import keras  # noqa: E402
from keras import layers  # noqa: E402

from deap_lossgp.engines.engine import InProcess, TrainingError  # noqa: E402
from deap_lossgp.found_losses import KNOWN_LOSSES  # noqa: E402
from deap_lossgp.search.baselines import BaselineError  # noqa: E402
from deap_lossgp.search.evaluation import Evaluation  # noqa: E402
from deap_lossgp.training.results import TrainingResult  # noqa: E402
from deap_lossgp.training.tasks import Task  # noqa: E402

PSET = loss_primitive_set()
CURVES = KNOWN_LOSSES["ngl"]
EXACT = f"add({KNOWN_LOSSES['baikal']}, mul(y_true, mul(1e-6, sin(mul(1e5, y_pred)))))"
GENERATIONS = [[*KNOWN_LOSSES.values()][:4], [*KNOWN_LOSSES.values()][4:]]
AFFINE = [(1e-6, 0.0), (1e-6, -3.25), (0.3, 1e4), (1.0, 0.1), (7.0, -1e-3), (1e6, 5.0)]


def tree_of(text):
    return LossTree.from_string(text, PSET)


def linear(input_shape, num_classes):
    return keras.Sequential([keras.Input(input_shape), layers.Flatten(),
                             layers.Dense(num_classes, "softmax")])


def task(name="digits", **budget):
    data = replace(load_dataset("digits"), name=name, source=None)
    return Task(data, linear, **{"epochs": 2, "train_size": 400, "learning_rate": 1e-2, **budget})


@pytest.fixture(scope="module")
def engine():
    """Two compiled networks, for all evaluations of this file."""
    return InProcess([task(), task("other", train_size=300)], PSET)


@pytest.fixture
def new(engine):
    """Evaluations that know nothing yet, on networks that are compiled already."""

    def make(fitness="error", tasks=2, **options):
        return Evaluation(engine.worker.tasks[:tasks], PSET, fitness,
                          **{"engine": engine, **options})

    return make


def trained(evaluation):
    return [evaluation.counts[name] for name in ("ntrained", "ncached", "curves", "exact")]


# what is trained where nothing is said, and what is made of it


def test_the_improvement_is_the_mean_over_the_data_sets_won_unless_all_are_asked_for():
    tasks = [task(), task("other")]
    for options, improvement in (({}, 0.1), ({"mean_over_all": True}, -0.05)):
        evaluation = Evaluation(tasks, PSET, engine=Invented(tasks), **options)
        results = [replace(baseline, accuracy=baseline.accuracy + gain) for baseline, gain in
                   zip(evaluation.baselines(), (0.1, -0.2), strict=True)]
        assert evaluation.score(results) == (1.0, pytest.approx(improvement))


def test_without_options_a_loss_is_trained_to_the_end_with_seed_0():
    tasks = [task(epochs=4), task("other", epochs=4)]
    given = [{}, {"seed": 0, "rungs": False, "score_epochs": 1, "first_task": 0}, {"seed": 1},
             {"rungs": True}]
    engines, fitness = [Invented(tasks) for _ in given], []
    for engine, options in zip(engines, given, strict=True):
        evaluation = Evaluation(tasks, PSET, engine=engine, **options)
        fitness.append([evaluation.map(evaluation, map(tree_of, texts)) for texts in GENERATIONS])
    seen = [[(job.task, job.seed, job.test, job.stops) for batch in engine.batches for job in batch]
            for engine in engines]
    assert {*seen[0]} == {(0, 0, False, ()), (1, 0, False, ())}
    assert seen[0] == seen[1] and seen[2] != seen[1] != seen[3]
    assert fitness[0] == fitness[1] != fitness[2]


@pytest.mark.parametrize(("epochs", "half"), [(1, 1), (4, 2), (5, 3)])
def test_with_no_number_of_epochs_the_second_half_of_a_training_is_compared(epochs, half):
    tasks = [task(epochs=epochs)]
    evaluation = Evaluation(tasks, PSET, engine=Invented(tasks), score_epochs=None)
    _, improvement = evaluation(tree_of(CURVES))
    result, baseline = evaluation.known_results(tree_of(CURVES))[0], evaluation.baselines()[0]
    expected = fmean(result.accuracies[-half:]) - fmean(baseline.accuracies[-half:])
    assert improvement == pytest.approx(expected)


def test_an_evaluation_that_was_pickled_ranks_by_the_same_rules():
    tasks = [task(train_size=100), task("other", train_size=100)]
    evaluation = pickle.loads(pickle.dumps(
        Evaluation(tasks, PSET, mean_over_all=True, seed=3, score_epochs=2)))
    results = [
        replace(baseline, accuracies=tuple(map(sum, zip(baseline.accuracies, gains, strict=True))))
        for baseline, gains in zip(evaluation.baselines(), [(0.3, 0.1), (-0.5, -0.3)], strict=True)]
    assert evaluation.score(results) == (1.0, pytest.approx(-0.1))
    assert evaluation.seed == 3


@pytest.mark.parametrize("factors", [[1.0], [1.0, 0.5, 2.0]])
def test_each_tree_needs_a_factor_of_its_own_for_the_learning_rate(factors):
    tasks = [task()]
    engine = Invented(tasks)
    evaluation = Evaluation(tasks, PSET, engine=engine)
    with pytest.raises(ValueError, match="longer|shorter"):
        evaluation.results([tree_of(CURVES), None], [5], rate_factors=factors)
    assert engine.batches == []


class Late(Invented):
    def result(self, job):
        return TrainingResult("digits", 10, "timeout", message="it took too long")


def test_trainings_with_other_seeds_that_all_fail_are_an_error_and_are_forgotten():
    tasks = [task(), task("other")]
    evaluation = Evaluation(tasks, PSET, engine=Late(tasks))
    with pytest.raises(TrainingError, match="first 4 trainings ended as timeout: it took too long"):
        evaluation.results([tree_of(CURVES)], [5, 6])
    assert len(evaluation.store) == 0


# c * L + k


def test_the_examples_take_both_paths():
    assert LossCurves.of(tree_of(CURVES), PSET).certified
    assert not LossCurves.of(tree_of(EXACT), PSET).certified


@pytest.mark.parametrize("loss", [CURVES, EXACT], ids=["curves", "exact"])
@pytest.mark.parametrize("fitness", ["error", "weighted", "reference"])
def test_a_rescaled_and_shifted_loss_has_exactly_the_fitness_of_the_loss(new, fitness, loss):
    evaluation = new(fitness, tasks=1)
    expected = evaluation(tree_of(loss))
    assert math.isfinite(expected[1])
    for c, k in AFFINE:
        for text in (f"add(mul({c}, {loss}), {k})", f"sub({k}, mul(neg({loss}), {c}))"):
            assert evaluation(tree_of(text)) == expected, text
    exactly = int(loss is EXACT)
    assert trained(evaluation) == [1, 12, 2 - exactly, exactly]  # on curves: the baseline


@pytest.mark.parametrize("loss", [CURVES, EXACT], ids=["curves", "exact"])
@pytest.mark.parametrize(("c", "k"), [(1e-6, 0.1), (1e6, -7.0)])
def test_a_rescaled_and_shifted_loss_trains_to_exactly_the_fitness_of_the_loss(new, loss, c, k):
    one, other = new("reference"), new("reference")
    assert one(tree_of(loss)) == other(tree_of(f"add({k}, mul({c}, {loss}))"))
    assert trained(other)[:2] == trained(one)[:2] == [1, 0]


def test_a_negative_factor_makes_another_loss(new):
    evaluation = new()
    assert evaluation(tree_of(f"mul(-1.0, {CURVES})")) != evaluation(tree_of(CURVES))
    assert evaluation.counts["ncached"] == 0


@pytest.mark.parametrize("loss", [CURVES, EXACT], ids=["curves", "exact"])
def test_in_mode_thesis_the_scale_and_the_shift_decide(new, loss):
    evaluation = new("thesis")
    fitness = [evaluation(tree_of(text)) for text in
               (loss, f"mul(0.001, {loss})", f"sub(mul(0.001, {loss}), 0.001)")]
    assert len(set(fitness)) == 3
    assert fitness[0][0] < fitness[1][0] == 2.0  # it wins both data sets by being small
    assert evaluation.counts["ntrained"] == 3


def test_in_mode_thesis_the_loss_trains_as_it_stands(new):
    evaluation = new("thesis", tasks=1)
    small, plain = tree_of(f"mul(1e-3, {EXACT})"), tree_of(EXACT)
    evaluation(small), evaluation(plain)
    # Adam forgives the factor, but for its epsilon: alike, and not the same.
    (one,), (other,) = evaluation.known_results(small), evaluation.known_results(plain)
    assert one.cross_entropy != other.cross_entropy
    assert one.cross_entropy == pytest.approx(other.cross_entropy, rel=0.05)


def test_by_the_thesis_cross_entropy_as_a_tree_wins_against_itself(new):
    evaluation = new("thesis", tasks=1)
    wins, improvement = evaluation(tree_of(KNOWN_LOSSES["cross_entropy"]))
    (baseline,), (tree,) = evaluation.baselines(), evaluation.known_results(
        tree_of(KNOWN_LOSSES["cross_entropy"]))
    assert wins == 1.0 and improvement == pytest.approx(baseline.loss - tree.loss)
    # Its value is the mean over ten classes, the baseline's the sum. Were both sums, they would be
    # as near as two trainings with gradients of another scale.
    assert 10 * tree.loss == pytest.approx(tree.cross_entropy, rel=1e-4)
    assert 10 * tree.loss == pytest.approx(baseline.loss, rel=0.05)


# results


@pytest.mark.parametrize("fitness", ["error", "thesis"])
@pytest.mark.parametrize("loss", [CURVES, EXACT], ids=["curves", "exact"])
def test_the_loss_of_a_result_is_that_of_the_tree(new, loss, fitness):
    evaluation = new(fitness, tasks=1)
    text = f"sub(mul(2.5, {loss}), 20.0)" if fitness == "error" else f"mul(2.5, {loss})"
    evaluation.baselines()
    evaluation(tree_of(text))
    (result,) = evaluation.known_results(tree_of(text))
    data, (_, validation) = evaluation.tasks[0].data, evaluation.tasks[0].split()
    predictions = evaluation.engine.worker.trainer(0).loop.predict(data.x_train[validation])
    p = np.clip(np.float64(predictions), LOWEST, 1.0 - LOWEST)
    true = np.eye(10)[data.y_train[validation]]
    values = np.exp(2.4092 - p * (1.0 + true)) - np.cos(np.cos(np.sin(p)))
    if loss is EXACT:
        values = -(np.log(p) - true / p) + true * 1e-6 * np.sin(1e5 * p)
    expected = 2.5 * values.mean() - (20.0 if fitness == "error" else 0.0)
    assert result.loss == pytest.approx(expected, rel=1e-4)
    assert result.losses[-1] == result.loss
    assert result.exact == (loss is EXACT)


def test_the_fitness_is_that_of_the_results(new):
    for mean_over_all in (False, True):
        evaluation = new("weighted", mean_over_all=mean_over_all)
        fitness = evaluation(tree_of(CURVES))
        results = evaluation.known_results(tree_of(CURVES))
        assert [result.task for result in results] == ["digits", "other"]
        assert fitness == fitness_of(results, evaluation.baselines(), "weighted", mean_over_all)


def test_cross_entropy_itself_wins_nothing(new):
    for mode in ("error", "weighted", "reference"):
        assert new(mode, tasks=1)(tree_of(KNOWN_LOSSES["cross_entropy"])) == (0.0, 0.0)


def test_the_baseline_is_trained_once_and_its_loss_is_cross_entropy(new):
    seen = []
    evaluation = new("thesis", on_training=lambda *told: seen.append(told))
    first = evaluation.baselines()
    evaluation(tree_of(CURVES))
    assert evaluation.baselines() is first
    assert [(result.task, result.loss == result.cross_entropy) for result in first] == [
        ("digits", True), ("other", True)]
    assert [result.task for result, _ in seen] == ["digits", "other"] * 2
    assert [expression for _, expression in seen[2:]] == [CURVES] * 2
    for ours, theirs in zip(first, new("error").baselines(), strict=True):
        assert ours == replace(theirs, seconds=ours.seconds)  # at the common scale in every mode
    assert evaluation.counts["seconds"] == pytest.approx(
        sum(result.seconds for result, _ in seen))


def test_the_seed_is_that_of_every_training(new):
    losses = []
    for seed in (1, 1, 2):
        evaluation = new(tasks=1, seed=seed)
        evaluation(tree_of(CURVES))
        losses.append([result.losses for result in
                       (*evaluation.baselines(), *evaluation.known_results(tree_of(CURVES)))])
    assert losses[0] == losses[1]
    assert losses[1][0] != losses[2][0] and losses[1][1] != losses[2][1]


def test_results_with_other_seeds_are_those_of_an_evaluation_with_such_a_seed(new):
    evaluation, other = new(tasks=1), new(tasks=1, seed=5)
    tree = tree_of(f"add(3.0, mul(2.0, {CURVES}))")
    other(tree)
    of_tree, of_entropy = evaluation.results([tree, None], [5])
    for (results,), expected in ((of_tree, other.known_results(tree)),
                                 (of_entropy, other.baselines())):
        assert [replace(result, seconds=0.0) for result in results] == [
            replace(result, seconds=0.0) for result in expected]
    (faster,), = evaluation.results([tree], [5], rate_factors=[4.0])
    assert faster[0].accuracies != of_tree[0][0].accuracies


def test_test_accuracies_come_from_fresh_trainings_on_the_test_set(new):
    evaluation = new()
    entropy, loss = evaluation.test_accuracies([None, tree_of(CURVES)], [1, 2, 3])
    for accuracies in (entropy, loss):
        assert list(accuracies) == ["digits", "other"]
        assert all(len(set(of_seeds)) > 1 for of_seeds in accuracies.values())
    assert evaluation.test_accuracies([tree_of(CURVES)], [2, 1])[0]["other"] == [
        loss["other"][1], loss["other"][0]]
    assert new().test_accuracies([tree_of(CURVES)], [3]) == [
        {name: [of_seeds[2]] for name, of_seeds in loss.items()}]
    data = evaluation.tasks[1].data
    right = evaluation.engine.worker.trainer(1).loop.predict(data.x_test).argmax(1) == data.y_test
    assert loss["other"][2] == right.mean()


# counts and failures


def test_evaluations_are_counted_as_trained_cached_or_screened(new):
    evaluation = new(tasks=1)
    for text in (CURVES, CURVES, "mul(y_true, y_pred)", EXACT, f"add(1.0, {EXACT})"):
        evaluation(tree_of(text))
    assert trained(evaluation) == [2, 2, 2, 1]
    assert evaluation.counts["nscreened"] == 1
    assert evaluation.counts["discarded"] == 0


def test_equal_expressions_are_trained_once_whatever_the_order_of_operands(new):
    evaluation = new(tasks=1)
    one, other = (f"neg(mul({a}, {b}))" for a, b in
                  (("y_true", "sqrt(y_pred)"), ("sqrt(y_pred)", "y_true")))
    assert evaluation(tree_of(one)) == evaluation(tree_of(other))
    assert trained(evaluation)[:2] == [1, 1]


def test_what_screening_refuses_is_not_trained_and_fails(new):
    evaluation = new()
    for text in ("mul(y_true, y_pred)", "sub(y_true, y_pred)", "exp(y_true)"):
        assert not evaluation.is_valid(tree_of(text))
        assert evaluation(tree_of(text)) == WORST
        assert {result.status for result in evaluation.known_results(tree_of(text))} == {
            "no_gradient"}
    assert trained(evaluation) == [0, 0, 2, 0]
    assert (evaluation.counts["discarded"], evaluation.counts["nscreened"]) == (3, 3)


def test_mode_thesis_screens_by_the_value_at_the_start(new):
    evaluation = new("thesis")
    assert evaluation.is_valid(tree_of("mul(y_true, y_pred)"))
    assert not evaluation.is_valid(tree_of(f"mul(1e9, {CURVES})"))
    assert not evaluation.is_valid(tree_of("neg(exp(y_pred))"))
    assert evaluation.counts["discarded"] == 2


def test_a_training_without_gradient_fails_in_mode_thesis(new):
    evaluation = new("thesis")
    assert evaluation(tree_of("exp(y_true)")) == WORST
    assert [result.status for result in evaluation.known_results(tree_of("exp(y_true)"))] == [
        "no_gradient"] * 2


def diverging():
    return [keras.callbacks.LearningRateScheduler(lambda epoch: 3e38)]


@pytest.mark.parametrize("fitness", ["error", "thesis"])
def test_a_training_that_diverges_on_one_data_set_fails(fitness):
    schedules = iter([[], diverging(), []])  # of the second task's trainings
    second = task("other", callbacks=lambda: next(schedules))
    evaluation = Evaluation([task(), second], PSET, fitness)
    assert evaluation(tree_of(CURVES)) == WORST == evaluation(tree_of(CURVES))
    assert [result.status for result in evaluation.known_results(tree_of(CURVES))] == ["ok", "nan"]
    assert evaluation.test_accuracies([tree_of(CURVES)], [3])[0]["other"][0] > 0.1


def test_a_baseline_that_fails_ends_the_evaluation():
    evaluation = Evaluation([task(callbacks=diverging)], PSET)
    with pytest.raises(BaselineError, match="baseline failed on digits: nan, the predictions"):
        evaluation(tree_of(CURVES))


# bad input


@pytest.mark.parametrize("names", [[], ["digits", "digits"], ["a", "b", "a"]])
def test_tasks_must_have_distinct_names(names):
    with pytest.raises(ValueError, match="expected tasks of distinct names, at least 1, got"):
        Evaluation([task(name) for name in names], PSET)


def test_an_unknown_fitness_is_refused_with_the_nearest_name():
    with pytest.raises(ValueError, match="did you mean 'thesis'"):
        Evaluation([task()], PSET, "theses")
