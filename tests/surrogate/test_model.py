"""A surrogate learns, says how sure it is, and says the same when asked again."""

import numpy as np
import pytest

from deap_lossgp.surrogate import Evidence, Surrogate


def rows(number=80, seed=0):
    features = np.random.default_rng(seed).uniform(-1, 1, (number, 4))
    last = features[:, 0] + features[:, 1] ** 2
    return Evidence(features, np.stack([0.5 * last, last], axis=1), np.ones(number))


def correlation(one, other):
    return np.corrcoef(one, other)[0, 1]


def test_it_ranks_what_it_has_not_seen():
    fresh = rows(seed=1)
    mean, deviation = Surrogate().fit(rows(200)).predict(fresh.features)
    assert correlation(mean, fresh.figures[:, -1]) > 0.9
    assert (deviation > 0.0).any()


def test_equal_seeds_give_equal_predictions_and_others_do_not():
    fresh = rows(seed=1).features
    first, again, other = (Surrogate(trees=30, seed=seed).fit(rows()).predict(fresh)
                           for seed in (3, 3, 4))  # fmt: skip
    np.testing.assert_array_equal(first, again)
    assert (first[0] != other[0]).any()


def test_trainings_that_stopped_at_the_first_rung_count_as_evidence():
    few, more = rows(12), rows(200, seed=2)
    figures = more.figures.copy()
    figures[:, 1] = np.nan
    stopped = Evidence(more.features, figures, more.weights)
    fresh = rows(200, seed=1)
    alone = Surrogate().fit(few).predict(fresh.features)[0]
    with_stopped = Surrogate().fit(few + stopped).predict(fresh.features)[0]
    truth = fresh.figures[:, -1]
    assert correlation(with_stopped, truth) > correlation(alone, truth) + 0.05
    assert with_stopped.max() <= few.figures[:, 1].max() + 1e-9  # none is guessed to be the best


def test_rows_of_greater_weight_count_more():
    features = np.zeros((2, 1))
    evidence = Evidence(features, np.array([[0.0], [1.0]]), np.array([1.0, 3.0]))
    assert Surrogate(trees=5).fit(evidence).predict(features)[0] == pytest.approx(0.75)


def test_what_cannot_be_learned_from_is_refused():
    with pytest.raises(ValueError, match="call fit first"):
        Surrogate().predict([[0.0]])
    with pytest.raises(ValueError, match="got 0 rows"):
        Surrogate().fit(Evidence(np.empty((0, 2)), np.empty((0, 1)), np.empty(0)))
    with pytest.raises(ValueError, match="1 of them without"):
        Surrogate().fit(Evidence(np.zeros((1, 2)), np.full((1, 2), np.nan), np.ones(1)))
