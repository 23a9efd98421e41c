"""The tabular benchmark: figures without training."""

import random

import numpy as np
import pytest

from deap_lossgp.algorithms import eaRandom
from deap_lossgp.found_losses import KNOWN_LOSSES
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.surrogate import SurrogateEvaluation, load_atlas, main_budget
from deap_lossgp.toolbox import make_toolbox
from deap_lossgp.trees import LossTree

PSET = loss_primitive_set()
KNOWN = {name: LossTree.from_string(text, PSET) for name, text in KNOWN_LOSSES.items()}
WRONG = LossTree.from_string("mul(y_true, log(y_pred))", PSET)


@pytest.fixture(scope="module")
def evaluate():
    return SurrogateEvaluation(PSET, ("cifar10", "fashion_mnist"), seed=3)


def test_known_losses_learn_and_the_wrong_sign_does_not(evaluate):
    for tree in KNOWN.values():
        figures = evaluate.figures(tree)
        assert figures.shape == (2, 3)
        assert figures[0, -1] > 0.35
        assert figures[1, -1] > 0.70
    assert (evaluate.figures(WRONG) == 0.1).all()


def test_a_fitness_is_wins_then_improvement(evaluate):
    wins, improvement = evaluate(WRONG)
    assert wins == 0.0
    assert improvement < -0.3
    assert evaluate(KNOWN["baikal_cma"]) > (wins, improvement)


def test_an_evaluation_can_be_repeated_and_its_noise_has_seeds(evaluate):
    tree = KNOWN["ngl"]
    np.testing.assert_array_equal(evaluate.figures(tree), evaluate.figures(tree))
    fresh = [evaluate.figures(tree, seed=seed)[0, -1] for seed in range(200)]
    assert np.std(fresh) == pytest.approx(0.0081, rel=0.15)
    same = LossTree.from_string("mul(3.0, " + KNOWN_LOSSES["ngl"] + ")", PSET)
    assert evaluate.figures(same) == pytest.approx(evaluate.figures(tree), abs=1e-3)


def test_a_measured_loss_gets_what_was_measured():
    evaluate = SurrogateEvaluation(PSET, noise=False)
    atlas = main_budget(load_atlas().query("dataset == 'cifar10'")).set_index("expression")
    text = KNOWN_LOSSES["cross_entropy"]
    last = [np.mean([float(word) for word in row.split()[-2:]])
            for row in atlas.loc[text, "validation_accuracies"]]  # fmt: skip
    figures = evaluate.figures(KNOWN["cross_entropy"])
    assert figures[0, -1] == pytest.approx(np.mean(last))
    np.testing.assert_array_equal(figures, evaluate.figures(KNOWN["cross_entropy"], seed=2))
    assert evaluate(KNOWN["cross_entropy"]) == (0.0, pytest.approx(0.0))


def test_replicates_differ_by_their_seed_alone(evaluate):
    tree = KNOWN["focal"]
    assert evaluate.replicate(8)(tree) != evaluate(tree)
    assert evaluate.replicate(3)(tree) == evaluate(tree)


def test_a_loss_without_a_gradient_is_at_chance(evaluate):
    figures = evaluate.figures(LossTree.from_string("cos(y_true)", PSET))
    assert (figures == 0.1).all()


def test_it_drives_a_plain_toolbox(evaluate):
    toolbox = make_toolbox(PSET, evaluate)
    state = random.getstate()
    random.seed(4)
    population, logbook = eaRandom(toolbox.population(n=6), toolbox, 3, verbose=False)
    random.setstate(state)
    assert all(len(tree.fitness.values) == 2 for tree in population)


def test_a_data_set_that_was_not_measured_is_refused():
    with pytest.raises(ValueError, match="no training on 'digits'"):
        SurrogateEvaluation(PSET, ("digits",))
